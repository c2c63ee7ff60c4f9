"""The canonical types in JSON, as wit/deps/chat/chat.wit has them.

Every lifted record has all of its fields, so that it reads as what serde would
write of the Rust types. Formats build their requests from these functions only.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

Json = dict[str, Any]


class NotLifted(ValueError):
    """The recorded request has no canonical form; the message says why."""


class NotOffered(NotLifted):
    """What no adapter offers, whatever the provider made of it."""


def part(body: Json, **given: Any) -> Json:
    empty: Json = {
        "id": None,
        "signature": None,
        "format": None,
        "citations": [],
        "cache": None,
        "extra": [],
    }
    return {"body": body} | empty | given


def text(words: str, **given: Any) -> Json:
    return part({"Text": words}, **given)


def reasoning(case: str, words: str, **given: Any) -> Json:
    """`case` is Text, Summary or Encrypted."""
    return part({"Reasoning": {case: words}}, **given)


def native(raw: str) -> Json:
    return part({"Native": raw})


def tool_call(call_id: str, name: str, input: str, freeform: bool = False, **given: Any) -> Json:
    call = {"id": call_id, "name": name, "input": input, "freeform": freeform}
    return part({"ToolCall": call}, **given)


def tool_result(
    call_id: str,
    name: str,
    content: list[Json],
    failed: bool = False,
    freeform: bool = False,
    **given: Any,
) -> Json:
    result = {
        "call_id": call_id,
        "name": name,
        "content": content,
        "failed": failed,
        "freeform": freeform,
    }
    return part({"ToolResult": result}, **given)


def result_part(body: Json, extra: list[list[str]] | None = None) -> Json:
    return {"body": body, "extra": extra or []}


def media(
    kind: str,
    source: Json,
    mime: str | None = None,
    name: str | None = None,
    detail: str | None = None,
) -> Json:
    """`kind` is Image, Audio, Video or Document."""
    return {"kind": kind, "source": source, "mime": mime, "name": name, "detail": detail}


def cache_point(ttl: str | None = None) -> Json:
    return {"ttl": ttl}


def citation(**given: Any) -> Json:
    empty: Json = {"url": None, "title": None, "quote": None, "span": None, "extra": []}
    return empty | given


def message(role: str, parts: list[Json], name: str | None = None, extra: Any = None) -> Json:
    return {"role": role, "parts": parts, "name": name, "extra": extra or []}


def function_tool(name: str, **given: Any) -> Json:
    empty: Json = {
        "description": None,
        "parameters": None,
        "strict": None,
        "cache": None,
        "extra": [],
    }
    return {"Function": {"name": name} | empty | given}


def freeform_tool(name: str, **given: Any) -> Json:
    empty: Json = {"description": None, "grammar": None, "extra": []}
    return {"Freeform": {"name": name} | empty | given}


def json_schema(schema: str, **given: Any) -> Json:
    empty: Json = {"name": None, "description": None, "schema": schema, "strict": None}
    return {"JsonSchema": empty | given}


def reasoning_options(**given: Any) -> Json:
    empty: Json = {
        "enabled": None,
        "effort": None,
        "max_tokens": None,
        "summary": None,
        "hidden": False,
    }
    return empty | given


def sampling(**given: Any) -> Json:
    names = (
        "temperature top_p top_k min_p top_a frequency_penalty presence_penalty"
        " repetition_penalty seed"
    )
    empty: Json = {name: None for name in names.split()}
    return empty | {"stop": [], "logit_bias": [], "top_logprobs": None} | given


def request(model: str, dialect: str, **given: Any) -> Json:
    empty: Json = {
        "headers": [],
        "messages": [],
        "tools": [],
        "tool_choice": None,
        "parallel_tool_calls": None,
        "response_format": None,
        "sampling": sampling(),
        "choices": 1,
        "max_tokens": None,
        "reasoning": None,
        "modalities": [],
        "verbosity": None,
        "service_tier": None,
        "user": None,
        "cache_key": None,
        "auto_cache": None,
        "streaming": False,
        "extra": [],
    }
    return {"model": model, "dialect": dialect} | empty | given


class Conversation:
    """Messages in the order in which they were said, and the calls among them."""

    def __init__(self) -> None:
        self.messages: list[Json] = []
        self._known: dict[str, tuple[str, bool]] = {}
        self._open: list[tuple[str, str]] = []
        self._made_up = 0

    def say(self, role: str, parts: list[Json], **given: Any) -> None:
        """Adds a message; calls among its parts are remembered."""
        self.messages.append(message(role, parts, **given))

    def go_on(self, role: str, parts: list[Json]) -> None:
        """Adds parts to the last message if that is of the same role."""
        last = self.messages[-1] if self.messages else None
        if last and last["role"] == role and last["name"] is None and not last["extra"]:
            last["parts"].extend(parts)
        else:
            self.say(role, parts)

    def call(
        self, call_id: str | None, name: str, input: str, freeform: bool = False, **given: Any
    ) -> Json:
        """A call; one without an id gets one that is made up. `id` is its item's."""
        call_id = call_id or self._make_up()
        self._known[call_id] = (name, freeform)
        self._open.append((call_id, name))
        return tool_call(call_id, name, input, freeform, **given)

    def called(self, id: str) -> tuple[str, bool]:
        """Name and kind of the call with this id."""
        return self._known.get(id, ("", False))

    def answered(self, id: str | None, name: str | None) -> str:
        """The id of the call that a result is for: the oldest open one of that name."""
        for place, (open_id, open_name) in enumerate(self._open):
            if open_id == id or (not id and name in (None, open_name)):
                del self._open[place]
                return open_id
        return id or self._make_up()

    def _make_up(self) -> str:
        self._made_up += 1
        return f"call_{self._made_up - 1}"


_DATA_URL = re.compile(r"data:([^,]*?)(;base64)?,", re.IGNORECASE)


def located(url: str) -> tuple[Json, str | None]:
    """Where a URL's bytes are, and their media type where a data URL tells."""
    data = _DATA_URL.match(url)
    if not data:
        return {"Uri": url}, None
    if not data.group(2):
        raise NotLifted("a data URL that is not in base64")
    mime = data.group(1).split(";")[0].lower()
    return base64_source(url[data.end() :]), mime or None


def base64_source(data: str) -> Json:
    return {"Base64": data}


def standard_base64(data: str) -> str:
    """Google also takes the alphabet for URLs; the contract asks for the standard one, padded."""
    data = data.replace("-", "+").replace("_", "/")
    return data + "=" * (-len(data) % 4)


def decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as flaw:
        raise NotLifted(f"no base64: {flaw}") from flaw


def media_kind(mime: str | None) -> str:
    head = (mime or "").split("/")[0]
    return {"image": "Image", "audio": "Audio", "video": "Video"}.get(head, "Document")
