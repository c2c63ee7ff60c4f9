"""The dialects that clients speak, one row each: how a recorded request is sent to the
router, which reader understands the answer, and which schemas it must keep to.

A dialect's reader is that of the provider whose format it is: the recorded answer and the
router's are read by the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable
from urllib.parse import urlencode

import rawjson
import recorded as recording
from recorded import Recorded

Headers = list[list[str]]
# Path, further headers and body.
Sent = tuple[str, Headers, str]


@dataclass(frozen=True)
class Dialect:
    """One row, which is all that a further dialect needs. `reader` names the module that
    reads whole and streamed answers."""

    name: str
    reader: str
    send: Callable[[Recorded, str], Sent]
    framing: str
    # Where an error's fields are, and of which kind.
    envelope: dict[str, type]
    # Whether the router's front door has it.
    spoken: bool


def of(format: str) -> Dialect | None:
    """The dialect whose client sends requests of a recorded format, if there is one."""
    name = FORMATS.get(format)
    return DIALECTS[name] if name else None


def sent(record: dict, dialect: Dialect, provider: str) -> Sent:
    """The recorded request as it goes to the router, its model renamed."""
    return dialect.send(recording.read(record), provider)


def chat(request: Recorded, provider: str) -> Sent:
    """Wishes that name providers would be the router's own to follow."""
    fields = {name: node.raw for name, node in request.body_fields() if name not in ROUTING}
    fields["model"] = quoted(model(request, provider))
    return "/v1/chat/completions", [], rawjson.object_text(list(fields.items()))


def responses(request: Recorded, provider: str) -> Sent:
    return "/v1/responses", [], with_model(request, provider)


def messages(request: Recorded, provider: str) -> Sent:
    """Where others host the format, version and model stand elsewhere."""
    headers = {name: value for name, value in request.headers.items() if name in ANTHROPIC}
    headers.setdefault("anthropic-version", "2023-06-01")
    fields = {name: node.raw for name, node in request.body_fields()}
    fields.pop("anthropic_version", None)
    if fields.pop("anthropic_beta", None) is not None:
        headers.setdefault("anthropic-beta", ",".join(request.body_fields().strings("anthropic_beta")))
    if "stream" in request.path.lower():
        fields["stream"] = "true"
    body = rawjson.object_text([["model", quoted(model(request, provider))], *without(fields, "model")])
    return "/v1/messages", [[name, value] for name, value in headers.items()], body


def gemini(request: Recorded, provider: str) -> Sent:
    method = request.path.rpartition(":")[2]
    query = [pair for pair in request.query if pair[0] == "alt"]
    path = f"/v1beta/models/{model(request, provider)}:{method}"
    return path + (f"?{urlencode(query)}" if query else ""), [], request.body


def ollama(request: Recorded, provider: str) -> Sent:
    return "/api/chat", [], with_model(request, provider)


def with_model(request: Recorded, provider: str) -> str:
    """The body as it was written, but for the name of the model."""
    fields = {name: node.raw for name, node in request.body_fields()}
    fields["model"] = quoted(model(request, provider))
    return rawjson.object_text(list(fields.items()))


def model(request: Recorded, provider: str) -> str:
    named = request.body_fields().peek("model")
    if named is not None and named.is_string:
        return f"{provider}/{named.held}"
    request.match(IN_PATH)
    return f"{provider}/{request.matched.get('model', 'unnamed')}"


def without(fields: dict[str, str], name: str) -> list[list[str]]:
    return [[known, raw] for known, raw in fields.items() if known != name]


def quoted(text: str) -> str:
    return rawjson.json.dumps(text)


ROUTING = ("models", "provider", "route")
ANTHROPIC = ("anthropic-version", "anthropic-beta")
IN_PATH = r".*/(?:models?|deployments)/(?P<model>[^/:]+)(?:[:/].*)?"

OPENAI_ERROR = {"error.message": str, "error.type": str}
OPENROUTER_ERROR = {**OPENAI_ERROR, "error.code": int, "error.metadata.error_type": str}
ANTHROPIC_ERROR = {"type": str, "error.type": str, "error.message": str}
GOOGLE_ERROR = {"error.code": int, "error.message": str, "error.status": str}
OLLAMA_ERROR = {"error": str}

DIALECTS: dict[str, Dialect] = {
    row.name: row
    for row in (
        Dialect("openai-chat", "openai_chat", chat, "sse", OPENROUTER_ERROR, spoken=True),
        Dialect("openai-responses", "openai_responses", responses, "sse", OPENAI_ERROR, spoken=False),
        Dialect("anthropic-messages", "anthropic", messages, "sse", ANTHROPIC_ERROR, spoken=False),
        Dialect("gemini", "gemini", gemini, "sse", GOOGLE_ERROR, spoken=False),
        Dialect("ollama", "ollama", ollama, "ndjson", OLLAMA_ERROR, spoken=False),
    )
}

# Format of a recorded exchange -> the dialect of a client that could have asked so.
FORMATS = {
    "openai_chat": "openai-chat",
    "openai_responses": "openai-responses",
    "anthropic": "anthropic-messages",
    "invoke": "anthropic-messages",
    "gemini": "gemini",
    "ollama": "ollama",
}
