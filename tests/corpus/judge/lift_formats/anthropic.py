"""Anthropic's messages, at Anthropic itself, at Vertex and at Bedrock.

A user's message that holds tool results becomes several canonical messages, for results
have a role of their own: `[result, text]` is a Tool message and a User message.
"""

from __future__ import annotations

from typing import Any

import canonical as c
from canonical import Conversation, Json, NotLifted
from rawjson import Fields, Node
from recorded import Recorded

DIALECT = "anthropic-messages"
FORMAT = "anthropic-claude-v1"

# What the adapter itself writes where the API is hosted by others.
_HOSTED = "anthropic_version"

_CASES = {"text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking"}


def lift(recorded: Recorded, options: Json) -> Json:
    return lift_body(recorded.body_fields(), betas(recorded), model=recorded.matched.get("model"))


def betas(recorded: Recorded) -> list[list[str]]:
    value = recorded.headers.get("anthropic-beta")
    return [["anthropic-beta", value]] if value else []


def lift_body(
    fields: Fields, headers: list[list[str]], model: str | None, streaming: bool | None = None
) -> Json:
    """`model` and `streaming` where the URL says them and the body does not."""
    fields.take(_HOSTED)
    if "anthropic_beta" in fields:
        headers = headers + [["anthropic-beta", ",".join(fields.strings("anthropic_beta"))]]
    conversation = Conversation()
    system = fields.take("system")
    if system is not None:
        conversation.say("System", blocks(system, conversation))
    for node in fields.need("messages").items():
        message(node.fields(), conversation)
    choice, parallel = tool_choice(fields.take("tool_choice"))
    reasoning, format, leftover = thinking(fields)
    body_model = fields.string("model")
    given: Json = {
        "headers": headers,
        "messages": conversation.messages,
        "tools": [tool(node) for node in (fields.take("tools") or Node("array", "[]", [])).items()],
        "tool_choice": choice,
        "parallel_tool_calls": parallel,
        "response_format": format,
        "sampling": c.sampling(
            temperature=fields.number("temperature"),
            top_p=fields.number("top_p"),
            top_k=fields.unsigned("top_k"),
            stop=fields.strings("stop_sequences"),
        ),
        "max_tokens": fields.unsigned("max_tokens"),
        "reasoning": reasoning,
        "service_tier": fields.string("service_tier"),
        "user": user(fields, leftover),
        "auto_cache": cache_point(fields),
        "streaming": bool(fields.boolean("stream")) if streaming is None else streaming,
    }
    return c.request(body_model or model or "", DIALECT, extra=leftover + fields.rest(), **given)


def user(fields: Fields, leftover: list[list[str]]) -> str | None:
    node = fields.take("metadata")
    if node is None:
        return None
    held = node.fields()
    id = held.string("user_id")
    leftover += held.leftover("metadata")
    return id


def message(fields: Fields, conversation: Conversation) -> None:
    roles = {"user": "User", "assistant": "Assistant", "system": "System"}
    role = roles.get(fields.need("role").string())
    if role is None:
        raise NotLifted("a role that the format does not have")
    parts = blocks(fields.need("content"), conversation)
    extra = fields.rest()
    if role != "User":
        conversation.say(role, parts, extra=extra)
        return
    runs: list[tuple[str, list[Json]]] = []
    for part in parts:
        its = "Tool" if "ToolResult" in part["body"] else "User"
        if not runs or runs[-1][0] != its:
            runs.append((its, []))
        runs[-1][1].append(part)
    for its, run in runs or [("User", [])]:
        conversation.say(its, run, extra=extra)


def blocks(node: Node, conversation: Conversation) -> list[Json]:
    if node.is_string:
        return [c.text(node.held)]
    return [block(item, conversation) for item in node.items()]


def block(node: Node, conversation: Conversation) -> Json:
    fields = node.fields()
    kind = fields.string("type")
    cache = cache_point(fields)
    if kind == "text":
        words = fields.need("text").string()
        return c.text(words, citations=citations(fields), cache=cache, extra=fields.rest())
    if kind in ("image", "document"):
        found = media(kind, fields)
        return (
            c.native(node.raw)
            if found is None
            else c.part({"Media": found}, cache=cache, extra=fields.rest())
        )
    if kind == "tool_use":
        id, name = fields.need("id").string(), fields.need("name").string()
        input = fields.need("input").raw
        return conversation.call(id, name, input, cache=cache, extra=fields.rest())
    if kind == "tool_result":
        return result(fields, cache, conversation)
    if kind == "thinking":
        words, proof = fields.need("thinking").string(), fields.string("signature")
        format = FORMAT if proof else None
        return c.reasoning(
            "Text", words, signature=proof, format=format, cache=cache, extra=fields.rest()
        )
    if kind == "redacted_thinking":
        data = fields.need("data").string()
        return c.reasoning("Encrypted", data, format=FORMAT, cache=cache, extra=fields.rest())
    return c.native(node.raw)


def media(kind: str, fields: Fields) -> Json | None:
    """An image or a document; none where its source is of a kind that is not modelled."""
    source = fields.need("source").fields()
    how = source.string("type")
    mime = source.string("media_type")
    name = fields.string("title")
    if how == "base64":
        where = c.base64_source(source.need("data").string())
    elif how == "text":
        where = {"Text": source.need("data").string()}
    elif how == "url":
        where, _ = c.located(source.need("url").string())
    elif how == "file":
        where = {"FileId": source.need("file_id").string()}
    else:
        return None
    return None if source else c.media(kind.capitalize(), where, mime, name)


def result(fields: Fields, cache: Json | None, conversation: Conversation) -> Json:
    call_id = fields.need("tool_use_id").string()
    content = fields.take("content")
    name, _ = conversation.called(call_id)
    parts: list[Json] = []
    if content is not None and content.is_string:
        parts = [c.result_part({"Text": content.held})]
    elif content is not None:
        parts = [result_block(item) for item in content.items()]
    failed = fields.boolean("is_error") or False
    return c.tool_result(call_id, name, parts, failed, cache=cache, extra=fields.rest())


def result_block(node: Node) -> Json:
    """A bit of a result. It has no cache point of its own: one is `extra`."""
    fields = node.fields()
    kind = fields.string("type")
    if kind == "text":
        return c.result_part({"Text": fields.need("text").string()}, fields.rest())
    if kind in ("image", "document"):
        found = media(kind, fields)
        if found is not None:
            return c.result_part({"Media": found}, fields.rest())
    return c.result_part({"Native": node.raw})


def citations(fields: Fields) -> list[Json]:
    node = fields.peek("citations")
    if node is None or not node.is_array:
        return []
    fields.take("citations")
    return [citation(item.fields()) for item in node.items()]


def citation(fields: Fields) -> Json:
    """The kind stays in `extra`: it says which of the two titles it was."""
    return c.citation(
        url=fields.string("url"),
        title=fields.string("title", "document_title"),
        quote=fields.string("cited_text"),
        extra=fields.rest(),
    )


def cache_point(fields: Fields) -> Json | None:
    node = fields.peek("cache_control")
    if node is None:
        return None
    held = node.fields()
    kind, ttl = held.string("type"), held.string("ttl")
    if kind != "ephemeral" or held:
        return None
    fields.take("cache_control")
    return c.cache_point(ttl)


def tool(node: Node) -> Json:
    fields = node.fields()
    if (fields.string("type") or "custom") != "custom":
        return {"Native": node.raw}
    schema = fields.take("input_schema")
    return c.function_tool(
        fields.need("name").string(),
        description=fields.string("description"),
        parameters=None if schema is None else schema.raw,
        strict=fields.boolean("strict"),
        cache=cache_point(fields),
        extra=fields.rest(),
    )


def tool_choice(node: Node | None) -> tuple[Any, bool | None]:
    """The choice, and whether several calls at once are welcome."""
    if node is None:
        return None, None
    fields = node.fields()
    kind = fields.string("type")
    name = fields.string("name")
    alone = fields.boolean("disable_parallel_tool_use")
    parallel = None if alone is None else not alone
    if fields:
        return {"Native": node.raw}, None
    if kind == "tool" and name:
        return {"Named": name}, parallel
    words = {"auto": "Auto", "any": "Required", "none": "None"}
    return (words[kind], parallel) if kind in words else ({"Native": node.raw}, None)


def thinking(fields: Fields) -> tuple[Json | None, Any, list[list[str]]]:
    """Reasoning, the shape of the answer, and what of both is not modelled."""
    given: Json = {}
    leftover: list[list[str]] = []
    node = fields.peek("thinking")
    if node is not None and node.fields().string("type") in ("enabled", "adaptive", "disabled"):
        held = fields.need("thinking").fields()
        given |= thinking_object(held)
        leftover += held.leftover("thinking")
    format = None
    node = fields.take("output_config")
    if node is not None:
        held = node.fields()
        effort = held.string("effort")
        if effort:
            given["effort"] = effort
        format = output_format(held)
        leftover += held.leftover("output_config")
    return (c.reasoning_options(**given) if given else None), format, leftover


def thinking_object(fields: Fields) -> Json:
    """`adaptive` is reasoning without a bound; a bound makes it `enabled`."""
    kind = fields.need("type").string()
    given: Json = {"enabled": kind != "disabled", "max_tokens": fields.integer("budget_tokens")}
    display = fields.peek("display")
    if display is not None and display.held == "omitted":
        fields.take("display")
        given["hidden"] = True
    return given


def output_format(fields: Fields) -> Any:
    node = fields.take("format")
    if node is None:
        return None
    held = node.fields()
    if held.string("type") == "json_schema" and "schema" in held:
        schema = held.need("schema").raw
        if not held:
            return c.json_schema(schema)
    return {"Native": node.raw}
