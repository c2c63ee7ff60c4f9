"""OpenAI's responses API, at OpenAI and at everybody who took it over.

What the model said stands as loose items; runs of them become one canonical message.
Parts of one item share its id. `instructions` is the system message in front.
"""

from __future__ import annotations

from typing import Any

import canonical as c
import quirks
from canonical import Conversation, Json
from lift_formats import openai_media as media
from lift_formats import openai_tools as tools
from rawjson import Fields, Node
from recorded import Recorded

DIALECT = "openai-responses"


def lift(recorded: Recorded, options: Json) -> Json:
    fields = recorded.body_fields()
    if "safety_identifier" in fields:
        options["user_field"] = "safety_identifier"
    items = Items(recorded.provider)
    instructions = fields.peek("instructions")
    # Some insist on the field; an empty one is no message.
    if instructions is not None and instructions.is_string and instructions.held:
        fields.take("instructions")
        items.conversation.say("System", [c.text(instructions.held)])
    items.lift(fields.take("input"))
    text, verbosity, leftover = text_options(fields)
    model = fields.string("model") or ""
    given: Json = {
        "messages": items.conversation.messages,
        "tools": [tool(node) for node in tools.items(fields.take("tools"))],
        "tool_choice": tool_choice(fields.take("tool_choice")),
        "parallel_tool_calls": fields.boolean("parallel_tool_calls"),
        "response_format": text,
        "sampling": c.sampling(
            temperature=fields.number("temperature"),
            top_p=fields.number("top_p"),
            # None is what 0 asks for here.
            top_logprobs=fields.unsigned("top_logprobs", limit=256) or None,
        ),
        "max_tokens": fields.unsigned("max_output_tokens"),
        "reasoning": reasoning(fields, leftover),
        "verbosity": verbosity,
        "service_tier": fields.string("service_tier"),
        "user": fields.string("user", "safety_identifier"),
        "cache_key": fields.string("prompt_cache_key"),
        "streaming": fields.boolean("stream") or False,
    }
    return c.request(model, DIALECT, extra=leftover + fields.rest(), **given)


class Items:
    """The items of one input."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.conversation = Conversation()

    def lift(self, node: Node | None) -> None:
        if node is None:
            return
        if node.is_string:
            self.conversation.say("User", [c.text(node.held)])
            return
        for item in node.items():
            self.item(item)

    def item(self, node: Node) -> None:
        fields = node.fields()
        kind = fields.string("type") or "message"
        if kind == "message":
            self.message(fields)
        elif kind == "reasoning":
            self.conversation.go_on("Assistant", self.reasoning(node, fields))
        elif kind in ("function_call", "custom_tool_call"):
            self.conversation.go_on("Assistant", [self.call(fields, kind == "custom_tool_call")])
        elif kind in ("function_call_output", "custom_tool_call_output"):
            self.conversation.go_on("Tool", [self.output(fields, kind.startswith("custom"))])
        else:
            said = "User" if kind.endswith(("_output", "_response")) else "Assistant"
            self.conversation.go_on(said, [c.native(node.raw)])

    def message(self, fields: Fields) -> None:
        role = fields.need("role").string()
        id = fields.string("id")
        parts = content(fields.need("content"))
        for part in parts:
            part["id"] = id
        rest = fields.rest()
        if role == "assistant":
            # What is said of the item stands on its first part.
            for part in parts[:1]:
                part["extra"] = part["extra"] + rest
            self.conversation.go_on("Assistant", parts)
            return
        roles = {"system": "System", "developer": "Developer", "user": "User"}
        if role not in roles:
            raise c.NotLifted("a role that the format does not have")
        self.conversation.say(roles[role], parts, extra=rest)

    def reasoning(self, node: Node, fields: Fields) -> list[Json]:
        id, encrypted = fields.string("id"), fields.string("encrypted_content")
        format = fields.string("format") or self.format(encrypted)
        summary = [("Summary", each) for each in texts(fields.take("summary"), "summary_text")]
        words = [("Text", each) for each in texts(fields.take("content"), "reasoning_text")]
        sealed = [("Encrypted", encrypted)] if encrypted else []
        signature = fields.string("signature")
        found = summary + words + sealed or [("Summary", "")]
        parts = [c.reasoning(case, each, id=id, format=format) for case, each in found]
        parts[0]["signature"] = signature
        parts[0]["extra"] = fields.rest()
        return parts

    def format(self, encrypted: str | None) -> str | None:
        if not encrypted and self.provider in quirks.UNSIGNED_REASONING:
            return None
        return quirks.REASONING_FORMATS.get(self.provider, quirks.REASONING_FORMAT)

    def call(self, fields: Fields, freeform: bool) -> Json:
        call_id, name = fields.need("call_id").string(), fields.need("name").string()
        input = fields.need("input" if freeform else "arguments").string()
        id = fields.string("id")
        return self.conversation.call(call_id, name, input, freeform, id=id, extra=fields.rest())

    def output(self, fields: Fields, freeform: bool) -> Json:
        call_id = fields.need("call_id").string()
        name, known = self.conversation.called(call_id)
        parts = [
            c.result_part(part["body"], part["extra"]) for part in content(fields.need("output"))
        ]
        id = fields.string("id")
        return c.tool_result(
            call_id, name, parts, freeform=freeform or known, id=id, extra=fields.rest()
        )


def texts(node: Node | None, kind: str) -> list[str]:
    """The texts of a list whose parts are all of one kind."""
    found = []
    for item in tools.items(node):
        fields = item.fields()
        if fields.string("type") != kind:
            raise c.NotLifted(f"reasoning that is no {kind}")
        found.append(fields.need("text").string())
    return found


def content(node: Node) -> list[Json]:
    if node.is_string:
        return [c.text(node.held)]
    return [part(item) for item in node.items()]


def part(node: Node) -> Json:
    fields = node.fields()
    kind = fields.need("type").string()
    cache = tools.cache_point(fields)
    if kind in ("input_text", "output_text", "text"):
        words = fields.need("text").string()
        cited = citations(fields)
        logprobs = fields.peek("logprobs")
        if logprobs is not None and logprobs.value() == []:
            fields.take("logprobs")
        return c.text(words, citations=cited, cache=cache, extra=fields.rest())
    if kind == "refusal":
        return c.part({"Refusal": fields.need("refusal").string()}, extra=fields.rest())
    found = attachment(kind, fields)
    if found is None:
        return c.native(node.raw)
    return c.part({"Media": found}, cache=cache, extra=fields.rest())


def attachment(kind: str, fields: Fields) -> Json | None:
    if kind == "input_image":
        return attached("Image", fields, "image_url")
    if kind == "input_file":
        return attached("Document", fields, "file_data", "file_url")
    if kind == "input_audio" and "input_audio" in fields:
        found = media.audio(fields.need("input_audio"), "")
        return None if found is None else found["Media"]
    return None


def attached(kind: str, fields: Fields, *urls: str) -> Json | None:
    """Media behind a URL or an id. A text that is no URL is base64."""
    url, id = fields.string(*urls), fields.string("file_id")
    name, detail = fields.string("filename"), fields.string("detail")
    if (url is None) == (id is None):
        return None
    if url is None:
        return c.media(kind, {"FileId": id}, name=name, detail=detail)
    source, mime = c.located(url) if ":" in url[:32] else (c.base64_source(url), None)
    return c.media(kind, source, mime, name, detail)


def citations(fields: Fields) -> list[Json]:
    found = []
    for item in tools.items(fields.take("annotations")):
        held = item.fields()
        kind = held.peek("type")
        # The kind stays in `extra` where it is not the common one.
        if kind is not None and kind.held == "url_citation":
            held.take("type")
        start, end = held.integer("start_index"), held.integer("end_index")
        span = None if start is None or end is None else [start, end]
        url, title = held.string("url"), held.string("title")
        found.append(c.citation(url=url, title=title, span=span, extra=held.rest()))
    return found


def tool(node: Node) -> Json:
    fields = node.fields()
    kind = fields.string("type")
    if kind == "function":
        parameters = fields.take("parameters")
        return c.function_tool(
            fields.need("name").string(),
            description=fields.string("description"),
            parameters=None if parameters is None else parameters.raw,
            strict=fields.boolean("strict"),
            extra=fields.rest(),
        )
    if kind == "custom":
        name, description = fields.need("name").string(), fields.string("description")
        grammar = tools.grammar(fields.take("format"), nested=False)
        return c.freeform_tool(name, description=description, grammar=grammar, extra=fields.rest())
    return {"Native": node.raw}


def tool_choice(node: Node | None) -> Any:
    if node is None or node.is_string:
        return tools.tool_choice(node)
    fields = node.fields()
    kind = fields.string("type")
    if kind in ("function", "custom") and "name" in fields:
        return {"Named": fields.need("name").string()}
    if kind == "allowed_tools":
        return tools.allowed(fields) or {"Native": node.raw}
    return {"Native": node.raw}


def text_options(fields: Fields) -> tuple[Any, str | None, list[list[str]]]:
    """Shape of the answer, verbosity, and what of `text` is not modelled."""
    node = fields.take("text")
    if node is None:
        return None, None, []
    held = node.fields()
    verbosity = held.string("verbosity")
    format = held.take("format")
    found = None if format is None else response_format(format)
    leftover = held.leftover("text")
    return found, verbosity, leftover


def response_format(node: Node) -> Any:
    fields = node.fields()
    kind = fields.string("type")
    if kind in ("text", "json_object") and not fields:
        return {"text": "Text", "json_object": "JsonObject"}[kind]
    found = tools.schema(fields) if kind == "json_schema" else None
    return {"Native": node.raw} if found is None or fields else found


def reasoning(fields: Fields, leftover: list[list[str]]) -> Json | None:
    node = fields.take("reasoning")
    if node is None:
        return None
    held = node.fields()
    effort, summary = held.string("effort"), held.string("summary")
    leftover += held.leftover("reasoning")
    enabled = False if effort == "none" else None
    return c.reasoning_options(enabled=enabled, effort=effort, summary=summary)
