"""The dialects that clients speak, one row each: how a recorded request is sent to the
router, which reader understands the answer, and which schemas it must keep to.

A dialect's reader is that of the provider whose format it is: the recorded answer and the
router's are read by the same one.
"""

from __future__ import annotations

import re
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
    # What a client asks for.
    what: str = "chat"


def of(what: str, format: str) -> Dialect | None:
    """The dialect whose client asks so in a recorded format, if there is one."""
    name = FORMATS.get((what, format))
    return DIALECTS[name] if name else None


def sent(record: dict, dialect: Dialect, provider: str) -> Sent:
    """The recorded request as it goes to the router, its model renamed."""
    return dialect.send(recording.read(record), provider)


def chat(request: Recorded, provider: str) -> Sent:
    return "/v1/chat/completions", [], with_model(request, provider)


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


def message_count(request: Recorded, provider: str) -> Sent:
    path, headers, body = messages(request, provider)
    return path + "/count_tokens", headers, body


def gemini(request: Recorded, provider: str) -> Sent:
    """The model is in the path; what to embed names it once more."""
    method = request.path.rpartition(":")[2]
    query = [pair for pair in request.query if pair[0] == "alt"]
    named = model(request, provider)
    path = f"/v1beta/models/{named}:{method}" + (f"?{urlencode(query)}" if query else "")
    return path, [], re.sub(r'("model": *)"models/[^"]*"', rf'\1"models/{named}"', request.body)


def embeddings(request: Recorded, provider: str) -> Sent:
    return "/v1/embeddings", [], with_model(request, provider)


def rerank(request: Recorded, provider: str) -> Sent:
    return "/v1/rerank", [], with_model(request, provider)


def embed(request: Recorded, provider: str) -> Sent:
    return "/api/embed", [], with_model(request, provider)


def ollama(request: Recorded, provider: str) -> Sent:
    return "/api/chat", [], with_model(request, provider)


def with_model(request: Recorded, provider: str) -> str:
    """The body as it was written, but for the name of the model and wishes that name
    providers, which would be the router's own to follow."""
    fields = {name: node.raw for name, node in request.body_fields() if name not in ROUTING}
    fields["model"] = quoted(model(request, provider))
    return rawjson.object_text(list(fields.items()))


def model(request: Recorded, provider: str) -> str:
    named = request.body_fields().peek("model")
    if named is not None and named.is_string and not request.match(OF_MODEL):
        return f"{provider}/{named.held}"
    request.match(IN_PATH)
    return f"{provider}/{request.matched.get('model', 'unnamed')}"


def without(fields: dict[str, str], name: str) -> list[list[str]]:
    return [[known, raw] for known, raw in fields.items() if known != name]


def quoted(text: str) -> str:
    return rawjson.json.dumps(text)


ROUTING = ("models", "provider", "route")
ANTHROPIC = ("anthropic-version", "anthropic-beta")
# A method of a model, as Google has them.
OF_MODEL = r".*/models/(?P<model>[^/:]+):\w+"
# Bedrock's names of models have a version behind a colon, others' methods stand there.
IN_PATH = r".*/(?:models?|deployments)/(?P<model>[^/:]+(?::\d+)?)(?:[:/].*)?"

OPENAI_ERROR = {"error.message": str, "error.type": str}
OPENROUTER_ERROR = {**OPENAI_ERROR, "error.code": int, "error.metadata.error_type": str}
ANTHROPIC_ERROR = {"type": str, "error.type": str, "error.message": str}
GOOGLE_ERROR = {"error.code": int, "error.message": str, "error.status": str}
OLLAMA_ERROR = {"error": str}

DIALECTS: dict[str, Dialect] = {
    row.name: row
    for row in (
        Dialect("openai-chat", "openai_chat", chat, "sse", OPENROUTER_ERROR),
        Dialect("openai-responses", "openai_responses", responses, "sse", OPENAI_ERROR),
        Dialect("anthropic-messages", "anthropic", messages, "sse", ANTHROPIC_ERROR),
        Dialect("gemini", "gemini", gemini, "sse", GOOGLE_ERROR),
        Dialect("ollama", "ollama", ollama, "ndjson", OLLAMA_ERROR),
        Dialect("openai-embeddings", "others", embeddings, "", OPENROUTER_ERROR, "embeddings"),
        Dialect("gemini-embeddings", "others", gemini, "", GOOGLE_ERROR, "embeddings"),
        Dialect("ollama-embeddings", "others", embed, "", OLLAMA_ERROR, "embeddings"),
        Dialect("rerank", "others", rerank, "", OPENROUTER_ERROR, "rerank"),
        Dialect("anthropic-count", "others", message_count, "", ANTHROPIC_ERROR, "count"),
        Dialect("gemini-count", "others", gemini, "", GOOGLE_ERROR, "count"),
    )
}

# What was asked for in which format -> the dialect of a client that could have asked so.
FORMATS = {
    ("chat", "openai_chat"): "openai-chat",
    ("chat", "openai_responses"): "openai-responses",
    ("chat", "anthropic"): "anthropic-messages",
    ("chat", "invoke"): "anthropic-messages",
    ("chat", "gemini"): "gemini",
    ("chat", "ollama"): "ollama",
    ("embeddings", "openai_chat"): "openai-embeddings",
    ("embeddings", "gemini"): "gemini-embeddings",
    ("embeddings", "ollama"): "ollama-embeddings",
    ("rerank", "openai_chat"): "rerank",
    ("count", "anthropic"): "anthropic-count",
    ("count", "gemini"): "gemini-count",
}
