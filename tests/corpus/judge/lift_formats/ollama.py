"""Ollama's own chat. Calls have no ids there, and it streams unless told not to."""

from __future__ import annotations

from typing import Any

import canonical as c
from canonical import Conversation, Json, NotLifted
from lift_formats import openai_tools as tools
from rawjson import Fields, Node
from recorded import Recorded

DIALECT = "ollama"


def lift(recorded: Recorded, options: Json) -> Json:
    fields = recorded.body_fields()
    conversation = Conversation()
    for node in fields.need("messages").items():
        message(node.fields(), conversation)
    stream = fields.boolean("stream")
    wanted, alternatives = fields.boolean("logprobs"), fields.integer("top_logprobs")
    limits, leftover = model_options(fields.take("options"))
    limits["sampling"]["top_logprobs"] = (alternatives or 0) if wanted else None
    model = fields.string("model") or ""
    given: Json = {
        "messages": conversation.messages,
        "tools": [tools.tool(node) for node in tools.items(fields.take("tools"))],
        "response_format": response_format(fields.take("format")),
        "reasoning": reasoning(fields.take("think")),
        "streaming": stream is not False,
    }
    return c.request(model, DIALECT, extra=leftover + fields.rest(), **given, **limits)


def message(fields: Fields, conversation: Conversation) -> None:
    role = fields.need("role").string()
    if role == "tool":
        conversation.go_on("Tool", [result(fields, conversation)])
        return
    roles = {"system": "System", "user": "User", "assistant": "Assistant"}
    if role not in roles:
        raise NotLifted("a role that the format does not have")
    parts: list[Json] = []
    thinking = fields.string("thinking")
    if thinking:
        parts.append(c.reasoning("Text", thinking))
    content = fields.string("content") or ""
    images, calls = fields.take("images"), fields.take("tool_calls")
    if content:
        parts.append(c.text(content))
    for node in tools.items(images):
        parts.append(c.part({"Media": c.media("Image", c.base64_source(node.string()))}))
    for node in tools.items(calls):
        parts.append(call(node.fields(), conversation))
    conversation.say(roles[role], parts or [c.text("")], extra=fields.rest())


def call(fields: Fields, conversation: Conversation) -> Json:
    fields.take("type")
    id = fields.string("id")
    held = fields.need("function").fields()
    held.take("index")
    name, input = held.need("name").string(), held.take("arguments")
    return conversation.call(
        id, name, "{}" if input is None else input.raw, extra=fields.rest() + held.rest()
    )


def result(fields: Fields, conversation: Conversation) -> Json:
    name = fields.string("tool_name", "name")
    call_id = conversation.answered(fields.string("tool_call_id"), name)
    known, _ = conversation.called(call_id)
    body = {"Text": fields.need("content").string()}
    return c.tool_result(call_id, name or known, [c.result_part(body)], extra=fields.rest())


def model_options(node: Node | None) -> tuple[Json, list[list[str]]]:
    if node is None:
        return {"sampling": c.sampling()}, []
    fields = node.fields()
    found: Json = {
        "sampling": c.sampling(
            temperature=fields.number("temperature"),
            top_p=fields.number("top_p"),
            top_k=fields.unsigned("top_k"),
            min_p=fields.number("min_p"),
            frequency_penalty=fields.number("frequency_penalty"),
            presence_penalty=fields.number("presence_penalty"),
            repetition_penalty=fields.number("repeat_penalty"),
            seed=fields.integer("seed"),
            stop=fields.strings("stop"),
        ),
        "max_tokens": fields.unsigned("num_predict"),
    }
    return found, fields.leftover("options")


def response_format(node: Node | None) -> Any:
    """The word `json`, or a schema. An empty word is none."""
    if node is None or node.raw == '""':
        return None
    if node.is_object:
        return c.json_schema(node.raw)
    return "JsonObject" if node.held == "json" else {"Native": node.raw}


def reasoning(node: Node | None) -> Json | None:
    if node is None:
        return None
    if node.is_string:
        return c.reasoning_options(effort=node.held)
    return c.reasoning_options(enabled=bool(node.held))
