"""Bedrock's Converse, and counting and invoking at Bedrock.

A cache point is a block of its own there; here it stands on the part or tool before it.
What Converse itself does not have travels in `additionalModelRequestFields`, in each
model family's own words: of these, how much to reason and `top_k` are lifted.
"""

from __future__ import annotations

from typing import Any

import canonical as c
import rawjson
from canonical import Conversation, Json, NotLifted
from lift_formats import anthropic
from rawjson import Fields, Node, nested
from recorded import Recorded

DIALECT = "bedrock-converse"

_MIMES = {
    "Image": {
        "jpeg": "image/jpeg",
        "jpg": "image/jpeg",
        "png": "image/png",
        "gif": "image/gif",
        "webp": "image/webp",
    },
    "Document": {
        "pdf": "application/pdf",
        "csv": "text/csv",
        "doc": "application/msword",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls": "application/vnd.ms-excel",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "html": "text/html",
        "txt": "text/plain",
        "md": "text/markdown",
    },
    "Video": {
        "mp4": "video/mp4",
        "mov": "video/quicktime",
        "mkv": "video/x-matroska",
        "webm": "video/webm",
        "flv": "video/x-flv",
        "mpeg": "video/mpeg",
        "mpg": "video/mpeg",
        "wmv": "video/x-ms-wmv",
        "three_gp": "video/3gpp",
    },
    "Audio": {
        "mp3": "audio/mpeg",
        "wav": "audio/wav",
        "ogg": "audio/ogg",
        "flac": "audio/flac",
        "aac": "audio/aac",
        "opus": "audio/opus",
        "m4a": "audio/mp4",
        "webm": "audio/webm",
    },
}


def lift(recorded: Recorded, options: Json) -> Json:
    streaming = recorded.matched.get("method") == "converse-stream"
    return lift_body(recorded.body_fields(), recorded.matched["model"], streaming)


def lift_count(recorded: Recorded, options: Json) -> Json:
    input = recorded.body_fields().need("input").fields()
    model = recorded.matched["model"]
    converse = input.take("converse")
    if converse is not None:
        options["api"] = "converse"
        return lift_body(converse.fields(), model, streaming=False)
    options["api"] = "invoke"
    body = input.need("invokeModel").fields().need("body").string()
    held = rawjson.parse(c.decoded(body).decode())
    return anthropic.lift_body(held.fields(), [], model, streaming=False)


def lift_body(fields: Fields, model: str, streaming: bool) -> Json:
    blocks = Blocks()
    system = fields.take("system")
    if system is not None:
        blocks.conversation.say("System", blocks.parts(system))
    for node in (fields.take("messages") or Node("array", "[]", [])).items():
        blocks.message(node.fields())
    config, leftover = inference(fields.take("inferenceConfig"), model)
    more, additional = additional_fields(fields.take("additionalModelRequestFields"), model)
    top_k = more.pop("top_k", None)
    if top_k is not None:
        config["sampling"]["top_k"] = top_k
    tools = fields.take("toolConfig")
    found = tool_config(tools.fields()) if tools is not None else {}
    given = config | more | found
    extra = given.pop("extra", []) + leftover + additional
    return c.request(
        model,
        DIALECT,
        messages=blocks.conversation.messages,
        response_format=response_format(fields),
        service_tier=service_tier(fields),
        streaming=streaming,
        extra=extra + fields.rest(),
        **given,
    )


class Blocks:
    """The content blocks of one conversation."""

    def __init__(self) -> None:
        self.conversation = Conversation()

    def message(self, fields: Fields) -> None:
        roles = {"user": "User", "assistant": "Assistant"}
        role = roles.get(fields.need("role").string())
        if role is None:
            raise NotLifted("a role that the format does not have")
        parts = self.parts(fields.need("content"))
        if role == "Assistant":
            self.conversation.say(role, parts)
            return
        runs: list[tuple[str, list[Json]]] = []
        for part in parts:
            its = "Tool" if "ToolResult" in part["body"] else "User"
            if not runs or runs[-1][0] != its:
                runs.append((its, []))
            runs[-1][1].append(part)
        for its, run in runs or [("User", [])]:
            self.conversation.say(its, run)

    def parts(self, node: Node) -> list[Json]:
        parts: list[Json] = []
        for item in node.items():
            point = cache_point(item)
            if point and parts and not parts[-1]["cache"] and "Native" not in parts[-1]["body"]:
                parts[-1]["cache"] = point
            else:
                parts.append(self.block(item))
        return parts

    def block(self, node: Node) -> Json:
        fields = node.fields()
        kind, held = next(iter(fields), ("", node))
        if kind == "text":
            return c.text(held.string())
        if kind in ("image", "document", "video", "audio"):
            found, extra = media(kind.capitalize(), held.fields())
            return c.native(node.raw) if found is None else c.part({"Media": found}, extra=extra)
        if kind == "toolUse":
            return self.call(node, held.fields())
        if kind == "toolResult":
            return self.result(node, held.fields())
        if kind == "reasoningContent":
            return reasoning(node, held.fields())
        return c.native(node.raw)

    def call(self, node: Node, fields: Fields) -> Json:
        if "type" in fields:
            return c.native(node.raw)
        id, name = fields.need("toolUseId").string(), fields.need("name").string()
        input = fields.need("input").raw
        return self.conversation.call(id, name, input, extra=fields.rest())

    def result(self, node: Node, fields: Fields) -> Json:
        if "type" in fields:
            return c.native(node.raw)
        id = fields.need("toolUseId").string()
        parts = [result_part(item) for item in fields.need("content").items()]
        failed = fields.string("status") == "error"
        name, _ = self.conversation.called(id)
        return c.tool_result(id, name, parts, failed, extra=fields.rest())


def cache_point(node: Node) -> Json | None:
    fields = node.fields()
    held = fields.take("cachePoint")
    if held is None or fields:
        return None
    point = held.fields()
    kind, ttl = point.string("type"), point.string("ttl")
    return c.cache_point(ttl) if kind == "default" and not point else None


def result_part(node: Node) -> Json:
    kind, held = next(iter(node.fields()), ("", node))
    if kind == "text":
        return c.result_part({"Text": held.string()})
    if kind == "json":
        return c.result_part({"Json": held.raw})
    if kind in ("image", "document", "video"):
        found, extra = media(kind.capitalize(), held.fields())
        if found is not None:
            return c.result_part({"Media": found}, extra)
    return c.result_part({"Native": node.raw})


def media(kind: str, fields: Fields) -> tuple[Json | None, list[list[str]]]:
    """Media, and what of its block is not modelled; none where the source is not."""
    format = fields.string("format")
    mime = _MIMES[kind].get(format or "")
    name = fields.string("name")
    source = fields.need("source").fields()
    where: Json | None = None
    if "bytes" in source:
        where = c.base64_source(source.need("bytes").string())
    elif "text" in source:
        where = {"Text": source.need("text").string()}
    elif "s3Location" in source:
        location = source.need("s3Location").fields()
        where = {"Uri": location.need("uri").string()}
        if location:
            return None, []
    if where is None or source or mime is None:
        return None, []
    return c.media(kind, where, mime, name), fields.rest()


def reasoning(node: Node, fields: Fields) -> Json:
    redacted = fields.string("redactedContent")
    if redacted is not None:
        return c.reasoning("Encrypted", redacted, format=anthropic.FORMAT)
    held = fields.take("reasoningText")
    if held is None:
        return c.native(node.raw)
    inner = held.fields()
    words, proof = inner.need("text").string(), inner.string("signature")
    format = anthropic.FORMAT if proof else None
    return c.reasoning("Text", words, signature=proof, format=format, extra=inner.rest())


def tool_config(fields: Fields) -> Json:
    tools: list[Json] = []
    for node in fields.need("tools").items():
        point = cache_point(node)
        if point and tools and "Function" in tools[-1] and not tools[-1]["Function"]["cache"]:
            tools[-1]["Function"]["cache"] = point
        else:
            tools.append(tool(node))
    choice = fields.take("toolChoice")
    found: Json = {"tools": tools, "tool_choice": None if choice is None else tool_choice(choice)}
    found["extra"] = fields.leftover("toolConfig")
    return found


def tool(node: Node) -> Json:
    fields = node.fields()
    spec = fields.take("toolSpec")
    if spec is None or fields:
        return {"Native": node.raw}
    held = spec.fields()
    schema = held.take("inputSchema")
    raw = None if schema is None else schema.fields().need("json").raw
    return c.function_tool(
        held.need("name").string(),
        description=held.string("description"),
        parameters=raw,
        strict=held.boolean("strict"),
        extra=held.rest(),
    )


def tool_choice(node: Node) -> Any:
    kind, held = next(iter(node.fields()), ("", node))
    if kind == "tool":
        return {"Named": held.fields().need("name").string()}
    return {"auto": "Auto", "any": "Required"}.get(kind) or {"Native": node.raw}


def inference(node: Node | None, model: str) -> tuple[Json, list[list[str]]]:
    if node is None:
        return {"sampling": c.sampling()}, []
    fields = node.fields()
    found: Json = {
        "sampling": c.sampling(
            temperature=fields.number("temperature"),
            top_p=fields.number("topP"),
            stop=fields.strings("stopSequences"),
        ),
        "max_tokens": fields.unsigned("maxTokens"),
    }
    return found, fields.leftover("inferenceConfig")


def additional_fields(node: Node | None, model: str) -> tuple[Json, list[list[str]]]:
    """What of a model family's own fields is modelled, and the rest."""
    if node is None:
        return {}, []
    fields = node.fields()
    found: Json = {}
    rest: list[list[str]] = []
    if "anthropic." in model:
        found["top_k"] = fields.unsigned("top_k")
        thinking, format, rest = anthropic.thinking(fields)
        found["reasoning"] = thinking
        if format is not None:
            raise NotLifted("a shape of the answer among the additional fields")
    elif "openai." in model:
        effort = fields.string("reasoning_effort")
        if effort:
            found["reasoning"] = c.reasoning_options(effort=effort)
    elif "nova" in model:
        inner = fields.peek("inferenceConfig")
        held = inner.fields() if inner is not None else None
        if held is not None and [name for name, _ in held] == ["topK"]:
            fields.take("inferenceConfig")
            found["top_k"] = held.integer("topK")
    rest = rest + fields.rest()
    return found, nested("additionalModelRequestFields", rest)


def response_format(fields: Fields) -> Any:
    node = fields.peek("outputConfig")
    if node is None:
        return None
    config = node.fields()
    format = config.take("textFormat")
    if format is None or config:
        return None
    held = format.fields()
    if held.string("type") != "json_schema":
        return None
    schema = held.need("structure").fields().need("jsonSchema").fields()
    fields.take("outputConfig")
    text = schema.need("schema").string()
    rawjson.parse(text)
    return c.json_schema(text, name=schema.string("name"), description=schema.string("description"))


def service_tier(fields: Fields) -> str | None:
    node = fields.take("serviceTier")
    return None if node is None else node.fields().need("type").string()
