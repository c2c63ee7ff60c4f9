"""OpenAI's chat completions, and what the providers that are compatible with it add.

The differences between these providers are data in `quirks.py`; what a body itself
shows (which field bounds the output, how reasoning is sent back) becomes an option of
the endpoint.
"""

from __future__ import annotations

from typing import Any

import canonical as c
import quirks
from canonical import Conversation, Json, NotLifted
from rawjson import Fields, Node
from recorded import Recorded

DIALECT = "openai-chat"


def lift(recorded: Recorded, options: Json) -> Json:
    fields = recorded.body_fields()
    provider = recorded.provider
    if "functions" in fields or "function_call" in fields:
        raise NotLifted("legacy function calling, which the router refuses")
    observe(fields, options)
    named = fields.string("model")
    model = recorded.matched.get("model") or named or ""
    given: Json = {
        "messages": Messages(provider).lift(fields.need("messages")),
        "tools": [tool(node) for node in items(fields.take("tools"))],
        "tool_choice": tool_choice(fields.take("tool_choice")),
        "parallel_tool_calls": fields.boolean("parallel_tool_calls"),
        "response_format": response_format(fields.take("response_format")),
        "reasoning": reasoning(fields, provider, options),
        "sampling": sampling(fields, provider),
        "choices": fields.integer("n") or 1,
        "max_tokens": max_tokens(fields),
        "modalities": fields.strings("modalities"),
        "verbosity": fields.string("verbosity"),
        "service_tier": fields.string("service_tier"),
        "user": fields.string("user", "safety_identifier"),
        "cache_key": fields.string("prompt_cache_key"),
        "auto_cache": cache_point(fields),
        "streaming": fields.boolean("stream") or False,
    }
    fields.take("stream_options")
    if provider in quirks.TELLS_USAGE_UNASKED:
        fields.take("usage")
    return c.request(model, DIALECT, extra=fields.rest(), **given)


def observe(fields: Fields, options: Json) -> None:
    """Options of the endpoint that the body itself shows."""
    for name in ("max_completion_tokens", "max_tokens"):
        if name in fields:
            options["max_tokens_field"] = name
    if "safety_identifier" in fields:
        options["user_field"] = "safety_identifier"
    if any(name in fields for name in ("top_k", "min_p", "top_a", "repetition_penalty")):
        options["extended_sampling"] = True
    stream = fields.peek("stream")
    usage = fields.peek("stream_options")
    if stream is not None and stream.held is True:
        options["stream_usage"] = usage is not None and "include_usage" in usage.fields()
    for node in items(fields.peek("messages")):
        message = node.fields()
        role = message.peek("role")
        if role is not None and role.held == "developer":
            options["developer_role"] = True
        for name in ("reasoning", "reasoning_content", "reasoning_details"):
            if name in message:
                options["send_reasoning"] = name


def items(node: Node | None) -> list[Node]:
    return [] if node is None else node.items()


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
        if prefix is not None and prefix.held is last:
            fields.take("prefix")
        elif prefix is not None and prefix.held is False:
            fields.take("prefix")

    def assistant(self, fields: Fields) -> list[Json]:
        thoughts = thought(fields)
        content = fields.take("content")
        said = [] if content is None or content.raw == '""' else self.content(content)
        refusal = fields.string("refusal")
        if refusal is not None:
            said.append(c.part({"Refusal": refusal}))
        calls = [self.call(node) for node in items(fields.take("tool_calls"))]
        thoughts = sign(calls, thoughts)
        parts = thoughts + said + calls or [c.text("")]
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
            return linked(fields.need("image_url"), "Image")
        if kind in ("video_url", "input_video"):
            return linked(fields.need("video_url", "input_video"), "Video")
        if kind == "input_audio":
            return audio(fields.need("input_audio"), self.provider)
        if kind == "file":
            return file(fields, self.provider)
        if self.provider in quirks.DOCUMENT_URLS and kind == "document_url":
            source, mime = c.located(fields.need("document_url").string())
            name = fields.string("document_name")
            return {"Media": c.media("Document", source, mime, name)}
        if self.provider in quirks.THINKING_CHUNKS and kind == "thinking":
            return thinking_chunk(fields.need("thinking"))
        return None


def linked(node: Node, kind: str) -> Json | None:
    """Media behind a URL: `{"url": ...}`, or the URL alone."""
    if node.is_string:
        source, mime = c.located(node.held)
        return {"Media": c.media(kind, source, mime)}
    fields = node.fields()
    source, mime = c.located(fields.need("url").string())
    detail = fields.string("detail")
    return None if fields else {"Media": c.media(kind, source, mime, detail=detail)}


def audio(node: Node, provider: str) -> Json | None:
    if node.is_string:
        if provider not in quirks.BARE_AUDIO:
            return None
        url = node.held.startswith(("http://", "https://", "data:"))
        source, mime = c.located(node.held) if url else (c.base64_source(node.held), None)
        return {"Media": c.media("Audio", source, mime)}
    fields = node.fields()
    data = fields.need("data").string()
    format = fields.string("format")
    if fields:
        return None
    source, mime = c.located(data) if data.startswith("data:") else (c.base64_source(data), None)
    spelled = {"mp3": "audio/mpeg"}.get(format or "", f"audio/{format}")
    return {"Media": c.media("Audio", source, mime or (spelled if format else None))}


def file(fields: Fields, provider: str) -> Json | None:
    if "file" not in fields:
        return None
    held = fields.need("file").fields()
    name = held.string("filename")
    data = held.string("file_data")
    id = held.string("file_id")
    if held or (data is None) == (id is None):
        return None
    if data is None:
        return {"Media": c.media("Document", {"FileId": id}, name=name)}
    url = ":" in data[:32]
    source, mime = c.located(data) if url else (c.base64_source(data), None)
    return {"Media": c.media("Document", source, mime, name)}


def thinking_chunk(node: Node) -> Json | None:
    """Reasoning among the parts of a content: a list of texts."""
    words = []
    for item in [] if node.is_string else node.items():
        fields = item.fields()
        if fields.string("type") != "text":
            return None
        words.append(fields.need("text").string())
    return {"Reasoning": {"Text": node.held if node.is_string else "".join(words)}}


def thought(fields: Fields) -> list[Json]:
    """Reasoning that is sent back beside the content. Details say more than a text does."""
    details = fields.take("reasoning_details")
    words = [fields.string("reasoning"), fields.string("reasoning_content")]
    parts = reasoning_details(details) if details is not None else []
    words = [word for word in words if word]
    return parts or [c.reasoning("Text", word) for word in words[:1]]


def reasoning_details(node: Node) -> list[Json]:
    """One part per block; deltas of one block that were sent back as they came are joined."""
    parts: list[Json] = []
    block: tuple[Any, Any] | None = None
    for item in node.items():
        fields = item.fields()
        index = fields.integer("index")
        kind = fields.peek("type")
        part = detail(item, fields)
        key = (index, kind.held if kind else None)
        if index is not None and key == block and joined(parts[-1], part):
            continue
        block = key
        parts.append(part)
    return [part for part in parts if says_something(part)]


def detail(node: Node, fields: Fields) -> Json:
    cases = {"reasoning.text": "Text", "reasoning.summary": "Summary", "reasoning.encrypted": "Encrypted"}
    case = cases.get(fields.string("type") or "")
    if case is None:
        return c.native(node.raw)
    words = fields.string({"Text": "text", "Summary": "summary", "Encrypted": "data"}[case])
    format = fields.string("format")
    return c.reasoning(
        case,
        words or "",
        id=fields.string("id"),
        signature=fields.string("signature"),
        format=None if format == "unknown" else format,
        extra=fields.rest(),
    )


def joined(block: Json, bit: Json) -> bool:
    """Joins a delta onto its block, which a signature ends."""
    held, more = block["body"].get("Reasoning"), bit["body"].get("Reasoning")
    if block["signature"] or not held or not more or "Encrypted" in held or held.keys() != more.keys():
        return False
    if block["id"] and bit["id"] and block["id"] != bit["id"]:
        return False
    for case in held:
        held[case] += more[case]
    for name in ("id", "signature", "format"):
        block[name] = block[name] or bit[name]
    return True


def says_something(part: Json) -> bool:
    held = part["body"].get("Reasoning")
    return held is None or bool(part["signature"]) or any(held.values())


def sign(calls: list[Json], thoughts: list[Json]) -> list[Json]:
    """Gives each call the proof that travelled among the reasoning under the call's id."""
    left = []
    by_id = {call["body"]["ToolCall"]["id"]: call for call in calls if "ToolCall" in call["body"]}
    for part in thoughts:
        proof = part["body"].get("Reasoning", {}).get("Encrypted")
        call = by_id.get(part["id"])
        if proof is None or call is None or call["signature"]:
            left.append(part)
            continue
        call["signature"], call["format"] = proof, part["format"]
    return left


def mark_last(parts: list[Json], cache: Json | None) -> None:
    if parts and cache:
        parts[-1]["cache"] = cache


def cache_point(fields: Fields) -> Json | None:
    """`cache_control`, or OpenAI's own marker, which has no time to live."""
    control = fields.peek("cache_control")
    if control is not None:
        held = control.fields()
        kind, ttl = held.string("type"), held.string("ttl")
        if kind == "ephemeral" and not held:
            fields.take("cache_control")
            return c.cache_point(ttl)
    marker = fields.peek("prompt_cache_breakpoint")
    if marker is not None and marker.value() == {"mode": "explicit"}:
        fields.take("prompt_cache_breakpoint")
        return c.cache_point()
    return None


def tool(node: Node) -> Json:
    fields = node.fields()
    kind = fields.string("type") or "function"
    if kind not in ("function", "custom") or kind not in fields:
        return {"Native": node.raw}
    cache = cache_point(fields)
    inner = fields.need(kind).fields()
    name = inner.need("name").string()
    description = inner.string("description")
    if kind == "function":
        parameters = inner.take("parameters")
        return c.function_tool(
            name,
            description=description,
            parameters=None if parameters is None else parameters.raw,
            strict=inner.boolean("strict"),
            cache=cache or cache_point(inner),
            extra=fields.rest() + inner.rest(),
        )
    found = grammar(inner.take("format"), nested=True)
    extra = fields.rest() + inner.rest()
    return c.freeform_tool(name, description=description, grammar=found, extra=extra)


def grammar(node: Node | None, nested: bool) -> Json | None:
    """The format of a freeform tool's input; none for plain text."""
    if node is None:
        return None
    fields = node.fields()
    if fields.need("type").string() == "text":
        return None
    held = fields.need("grammar").fields() if nested else fields
    return {"syntax": held.need("syntax").string(), "definition": held.need("definition").string()}


def tool_choice(node: Node | None) -> Any:
    words = {"auto": "Auto", "none": "None", "required": "Required", "any": "Required"}
    if node is None:
        return None
    if node.is_string:
        return words.get(node.held) or {"Native": node.raw}
    fields = node.fields()
    kind = fields.string("type") or "function"
    if kind in ("function", "custom") and kind in fields:
        return {"Named": fields.need(kind).fields().need("name").string()}
    if kind == "allowed_tools":
        return allowed(fields.need("allowed_tools").fields()) or {"Native": node.raw}
    return {"Native": node.raw}


def allowed(fields: Fields) -> Json | None:
    mode = fields.need("mode").string()
    names = []
    for node in fields.need("tools").items():
        tool = node.fields()
        kind = tool.string("type")
        if kind not in ("function", "custom"):
            return None
        held = tool.peek(kind)
        names.append((held.fields() if held is not None else tool).need("name").string())
    return {"Allowed": {"names": names, "required": mode == "required"}}


def response_format(node: Node | None) -> Any:
    if node is None:
        return None
    fields = node.fields()
    kind = fields.string("type")
    if kind in ("text", "json_object") and not fields:
        return {"text": "Text", "json_object": "JsonObject"}[kind]
    if kind == "json_schema" and "json_schema" in fields:
        held = fields.need("json_schema").fields()
        found = schema(held)
        if found is not None and not held and not fields:
            return found
    return {"Native": node.raw}


def schema(fields: Fields) -> Json | None:
    """A schema with its name; none where there is no schema."""
    if "schema" not in fields:
        return None
    return c.json_schema(
        fields.need("schema").raw,
        name=fields.string("name"),
        description=fields.string("description"),
        strict=fields.boolean("strict"),
    )


def max_tokens(fields: Fields) -> int | None:
    """The newer of the two names counts where both are given."""
    older = fields.integer("max_tokens")
    newer = fields.integer("max_completion_tokens")
    return older if newer is None else newer


def sampling(fields: Fields, provider: str) -> Json:
    floats = (
        "temperature top_p min_p top_a frequency_penalty presence_penalty repetition_penalty"
    ).split()
    given: Json = {name: fields.number(name) for name in floats}
    seed = quirks.SEED_FIELDS.get(provider, "seed")
    top_k = fields.integer("top_k")
    bias = fields.take("logit_bias")
    wanted = fields.boolean("logprobs")
    alternatives = fields.integer("top_logprobs")
    return c.sampling(
        top_k=top_k if top_k is not None and top_k > 0 else None,
        seed=fields.integer(seed),
        stop=fields.strings("stop"),
        logit_bias=[] if bias is None else [[name, float(node.value())] for name, node in bias.fields()],
        top_logprobs=(alternatives or 0) if wanted else None,
        **given,
    )


def reasoning(fields: Fields, provider: str, options: Json) -> Json | None:
    """How much the model is to reason, in the four ways in which providers are told."""
    given: Json = {}
    include = fields.boolean("include_reasoning")
    effort = fields.string("reasoning_effort")
    held = fields.take("reasoning")
    if held is not None:
        options["reasoning_field"] = "reasoning"
        given |= reasoning_object(held)
    switch = switched(fields, provider)
    if switch is not None:
        options["reasoning_field"] = "thinking"
        given["enabled"] = switch
    format = fields.peek("reasoning_format")
    if format is not None and format.held == "hidden":
        fields.take("reasoning_format")
        given["hidden"] = True
    if include is False:
        given["hidden"] = True
    if effort is not None:
        given["effort"] = effort
    if not given and include is None and held is None:
        return None
    if given.get("effort") == "none":
        given["enabled"] = False
    return c.reasoning_options(**given)


def reasoning_object(node: Node) -> Json:
    fields = node.fields()
    given: Json = {
        "enabled": fields.boolean("enabled"),
        "effort": fields.string("effort"),
        "max_tokens": fields.integer("max_tokens"),
        "summary": fields.string("summary"),
        "hidden": fields.boolean("exclude") or False,
    }
    if fields:
        raise NotLifted("a field of `reasoning` that nobody knows: " + fields.rest()[0][0])
    return given


def switched(fields: Fields, provider: str) -> bool | None:
    """`thinking: {type}`, where the provider has it and nothing else is in it."""
    node = fields.peek("thinking")
    if node is None or provider not in quirks.THINKING_SWITCH:
        return None
    held = node.fields()
    kind = held.string("type")
    if held or kind not in ("enabled", "disabled"):
        return None
    fields.take("thinking")
    return kind == "enabled"
