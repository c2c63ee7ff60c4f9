"""OpenAI's chat completions, and what the providers that are compatible with it add.

The differences between these providers are data in `quirks.py`; what a body itself
shows (which field bounds the output, how reasoning is sent back) becomes an option of
the endpoint.
"""

from __future__ import annotations

import canonical as c
import quirks
from canonical import Conversation, Json, NotLifted
from lift_formats import openai_media as media
from lift_formats import openai_options as asked
from lift_formats import openai_thoughts as thoughts
from lift_formats import openai_tools as tools
from lift_formats.openai_tools import cache_point, items
from rawjson import Fields, Node
from recorded import Recorded

DIALECT = "openai-chat"


def lift(recorded: Recorded, options: Json) -> Json:
    fields = recorded.body_fields()
    provider = recorded.provider
    if "functions" in fields or "function_call" in fields:
        raise NotLifted("legacy function calling, which the router refuses")
    asked.observe(fields, options)
    named = fields.string("model")
    model = recorded.matched.get("model") or named or ""
    leftover: list[list[str]] = []
    given: Json = {
        "messages": Messages(provider).lift(fields.need("messages")),
        "tools": [tools.tool(node) for node in items(fields.take("tools"))],
        "tool_choice": tools.tool_choice(fields.take("tool_choice")),
        "parallel_tool_calls": fields.boolean("parallel_tool_calls"),
        "response_format": tools.response_format(fields.take("response_format")),
        "reasoning": asked.reasoning(fields, provider, options, leftover),
        "sampling": asked.sampling(fields, provider),
        "choices": fields.integer("n") or 1,
        "max_tokens": asked.max_tokens(fields),
        "modalities": fields.strings("modalities"),
        "verbosity": fields.string("verbosity"),
        "service_tier": fields.string("service_tier"),
        "user": fields.string("user", "safety_identifier"),
        "cache_key": fields.string("prompt_cache_key"),
        "auto_cache": cache_point(fields),
        "streaming": fields.boolean("stream") or False,
    }
    stream = fields.take("stream_options")
    leftover += asked.without(stream, "include_usage", "stream_options")
    if provider in quirks.TELLS_USAGE_UNASKED:
        fields.take("usage")
    return c.request(model, DIALECT, extra=leftover + fields.rest(), **given)


class Messages:
    """The messages of one body."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.conversation = Conversation()

    def lift(self, node: Node) -> list[Json]:
        nodes = node.items()
        for place, each in enumerate(nodes):
            self.message(each.fields(), last=place == len(nodes) - 1)
        return self.conversation.messages

    def message(self, fields: Fields, last: bool) -> None:
        roles = {
            "system": "System",
            "developer": "Developer",
            "user": "User",
            "assistant": "Assistant",
            "tool": "Tool",
        }
        role = roles.get(fields.need("role").string())
        if role is None:
            raise NotLifted("a role that the format does not have")
        if role == "Assistant":
            parts = self.assistant(fields)
            self.prefix(fields, last)
        elif role == "Tool":
            parts = [self.result(fields)]
        else:
            parts = self.content(fields.take("content"))
            mark_last(parts, cache_point(fields))
        self.conversation.say(role, parts, name=fields.string("name"), extra=fields.rest())

    def prefix(self, fields: Fields, last: bool) -> None:
        """The canonical request says by its last message that it is to be continued."""
        prefix = fields.peek("prefix")
        if prefix is not None and (last or prefix.held is False):
            fields.take("prefix")

    def assistant(self, fields: Fields) -> list[Json]:
        parts = thoughts.thought(fields)
        content = fields.take("content")
        said = [] if content is None or content.raw == '""' else self.content(content)
        refusal = fields.string("refusal")
        if refusal is not None:
            said.append(c.part({"Refusal": refusal}))
        calls = [self.call(node) for node in items(fields.take("tool_calls"))]
        parts = thoughts.sign(calls, parts)
        parts = parts + said + calls or [c.text("")]
        mark_last(parts, cache_point(fields))
        return parts

    def call(self, node: Node) -> Json:
        fields = node.fields()
        kind = fields.string("type") or "function"
        id = fields.string("id")
        fields.take("index")
        cache = cache_point(fields)
        if kind not in ("function", "custom") or kind not in fields:
            return c.native(node.raw)
        called = fields.need(kind).fields()
        name = called.need("name").string()
        written = called.take("arguments" if kind == "function" else "input")
        if called:
            return c.native(node.raw)
        words = "" if written is None else written.held if written.is_string else written.raw
        return self.conversation.call(
            id, name, words, kind == "custom", cache=cache, extra=fields.rest()
        )

    def result(self, fields: Fields) -> Json:
        call_id = fields.need("tool_call_id").string()
        content = self.content(fields.take("content"))
        marks = [part["cache"] for part in content if part["cache"]]
        cache = cache_point(fields) or (marks[-1] if marks else None)
        name, freeform = self.conversation.called(call_id)
        parts = [c.result_part(part["body"], part["extra"]) for part in content]
        return c.tool_result(call_id, name, parts, freeform=freeform, cache=cache)

    def content(self, node: Node | None) -> list[Json]:
        if node is None:
            return []
        if node.is_string:
            return [c.text(node.held)]
        return [self.part(item) for item in node.items()]

    def part(self, node: Node) -> Json:
        fields = node.fields()
        kind = fields.need("type").string()
        cache = cache_point(fields)
        body = self.body(kind, fields)
        if body is None:
            return c.native(node.raw)
        return c.part(body, cache=cache, extra=fields.rest())

    def body(self, kind: str, fields: Fields) -> Json | None:
        """What a part holds; none where its kind is not modelled."""
        if kind in ("text", "refusal"):
            return {kind.capitalize(): fields.need(kind).string()}
        if kind == "image_url" and "image_url" in fields:
            return media.linked(fields.need("image_url"), "Image")
        if kind in ("video_url", "input_video"):
            return media.linked(fields.need("video_url", "input_video"), "Video")
        if kind == "input_audio":
            return media.audio(fields.need("input_audio"), self.provider)
        if kind == "file":
            return media.file(fields, self.provider)
        if self.provider in quirks.DOCUMENT_URLS and kind == "document_url":
            source, mime = c.located(fields.need("document_url").string())
            name = fields.string("document_name")
            return {"Media": c.media("Document", source, mime, name)}
        if self.provider in quirks.THINKING_CHUNKS and kind == "thinking":
            return media.thinking_chunk(fields.need("thinking"))
        return None


def mark_last(parts: list[Json], cache: Json | None) -> None:
    if parts and cache:
        parts[-1]["cache"] = cache
