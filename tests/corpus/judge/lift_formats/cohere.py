"""Cohere's second chat format."""

from __future__ import annotations

from typing import Any

import canonical as c
from canonical import Conversation, Json, NotLifted
from lift_formats import openai_media as media
from lift_formats import openai_tools as tools
from rawjson import Fields, Node
from recorded import Recorded

DIALECT = "cohere-chat"


def lift(recorded: Recorded, options: Json) -> Json:
    fields = recorded.body_fields()
    conversation = Conversation()
    for node in fields.need("messages").items():
        message(node.fields(), conversation)
    wanted = fields.boolean("logprobs")
    model = fields.string("model") or ""
    given: Json = {
        "messages": conversation.messages,
        "tools": [tools.tool(node) for node in tools.items(fields.take("tools"))],
        "tool_choice": tool_choice(fields.take("tool_choice")),
        "response_format": response_format(fields.take("response_format")),
        "sampling": c.sampling(
            temperature=fields.number("temperature"),
            top_p=fields.number("p"),
            top_k=fields.unsigned("k"),
            frequency_penalty=fields.number("frequency_penalty"),
            presence_penalty=fields.number("presence_penalty"),
            seed=fields.integer("seed"),
            stop=fields.strings("stop_sequences"),
            top_logprobs=0 if wanted else None,
        ),
        "max_tokens": fields.unsigned("max_tokens"),
        "reasoning": reasoning(fields),
        "streaming": fields.boolean("stream") or False,
    }
    return c.request(model, DIALECT, extra=fields.rest(), **given)


def message(fields: Fields, conversation: Conversation) -> None:
    role = fields.need("role").string()
    roles = {"system": "System", "developer": "Developer", "user": "User", "assistant": "Assistant"}
    if role == "tool":
        conversation.say("Tool", [result(fields, conversation)], extra=fields.rest())
        return
    if role not in roles:
        raise NotLifted("a role that the format does not have")
    node = fields.take("content")
    parts = [] if node is None or node.raw == '""' and role == "assistant" else content(node)
    cite(fields, parts)
    for call in tools.items(fields.take("tool_calls")):
        held = call.fields()
        held.take("type")
        function = held.need("function").fields()
        name, input = function.need("name").string(), function.take("arguments")
        words = "" if input is None else input.held if input.is_string else input.raw
        parts.append(conversation.call(held.string("id"), name, words, extra=held.rest()))
    if role == "assistant" and not parts:
        parts = [c.text("")]
    conversation.say(roles[role], parts, extra=fields.rest())


def content(node: Node) -> list[Json]:
    if node.is_string:
        return [c.text(node.held)]
    return [part(item) for item in node.items()]


def part(node: Node) -> Json:
    fields = node.fields()
    kind = fields.need("type").string()
    if kind == "text":
        return c.text(fields.need("text").string(), extra=fields.rest())
    if kind == "thinking":
        return c.reasoning("Text", fields.need("thinking").string(), extra=fields.rest())
    if kind == "image_url":
        found = media.linked(fields.need("image_url"), "Image")
        if found is not None:
            return c.part(found, extra=fields.rest())
    return c.native(node.raw)


def cite(fields: Fields, parts: list[Json]) -> None:
    """Citations stand beside the content and say which part they are for."""
    node = fields.peek("citations")
    if node is None:
        return
    found = []
    for item in node.items():
        held = item.fields()
        place = held.integer("content_index") or 0
        start, end = held.integer("start"), held.integer("end")
        if (
            place >= len(parts)
            or "Text" not in parts[place]["body"]
            or start is None
            or end is None
        ):
            return
        found.append((place, c.citation(span=[start, end], extra=held.rest())))
    fields.take("citations")
    for place, citation in found:
        parts[place]["citations"].append(citation)


def result(fields: Fields, conversation: Conversation) -> Json:
    call_id = fields.need("tool_call_id").string()
    name, _ = conversation.called(call_id)
    parts = content(fields.need("content"))
    return c.tool_result(
        call_id, name, [c.result_part(each["body"], each["extra"]) for each in parts]
    )


def tool_choice(node: Node | None) -> Any:
    words = {"REQUIRED": "Required", "NONE": "None"}
    if node is None:
        return None
    return words[node.held] if node.is_string and node.held in words else {"Native": node.raw}


def response_format(node: Node | None) -> Any:
    if node is None:
        return None
    fields = node.fields()
    kind = fields.string("type")
    schema = fields.take("json_schema", "schema")
    if fields or kind not in ("json_object", "text"):
        return {"Native": node.raw}
    if schema is not None:
        return c.json_schema(schema.raw)
    return "JsonObject" if kind == "json_object" else "Text"


def reasoning(fields: Fields) -> Json | None:
    node = fields.peek("thinking")
    if node is None:
        return None
    held = node.fields()
    kind, budget = held.string("type"), held.integer("token_budget")
    if held or kind not in ("enabled", "disabled"):
        return None
    fields.take("thinking")
    return c.reasoning_options(enabled=kind == "enabled", max_tokens=budget)
