"""Lifts a recorded provider request into the canonical request.

The adapter encodes what is lifted here, and `encode.py` compares that with what was
recorded. So this reads requests from first principles: it shares nothing with the
adapters but the contract's types.
"""

from __future__ import annotations

from typing import Any, Callable

import quirks
import rawjson
import recorded as recording
from canonical import Json, NotLifted, NotOffered
from lift_formats import (
    anthropic,
    cohere,
    converse,
    embeddings,
    gemini,
    invoke,
    ollama,
    openai_chat,
    openai_responses,
)
from recorded import Recorded

Lift = Callable[[Recorded, Json], Any]


RELEVANT = {"anthropic-beta", "anthropic-version"}


def lift(record: dict[str, Any]) -> Json:
    """Adapter, kind of call, endpoint options, canonical request and base path of a record.

    `recorded` is what `encode.py` compares with; it belongs into the task.

    Where the call is an adapter's but its request has no canonical form (say, because
    the provider was sent nonsense on purpose), `request` is none and `unlifted` says why.

    Raises `NotOffered` for what is no exchange of an adapter, with the reason.
    """
    request = recording.read(record)
    if request.is_form():
        raise NotOffered("a form, which is no call of a model")
    for pattern, methods, what, adapter, build, fixed in ROUTES:
        if request.method in methods and request.match(pattern):
            return _lifted(request, what, adapter or adapter_of(request, fixed), build, dict(fixed))
    raise NotOffered(
        f"{request.method} {request.path} is no chat, embeddings, rerank, count or models call"
    )


def _lifted(request: Recorded, what: str, adapter: str, build: Lift, found: Json) -> Json:
    options_of_url(request, found)
    lifted, reason = None, None
    try:
        lifted = build(request, found)
    except NotOffered:
        raise
    except (NotLifted, rawjson.NotJson) as flaw:
        reason = str(flaw)
    return {
        "adapter": adapter,
        "what": what,
        "options": quirks.options(found, adapter),
        "max_output_tokens": None,
        "request": lifted,
        "unlifted": reason,
        "base_path": request.matched_base,
        "recorded": {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": relevant_headers(request),
            "body": request.body,
        },
    }


def relevant_headers(request: Recorded) -> list[list[str]]:
    """Headers that are part of the format; recorders dropped most others."""
    return [[name, value] for name, value in request.headers.items() if name in RELEVANT]


def adapter_of(request: Recorded, fixed: Json) -> str:
    """The provider's adapter, or the one for whatever speaks OpenAI's formats."""
    adapter = quirks.ADAPTERS.get(request.provider, quirks.COMPATIBLE)
    if (
        "api" in fixed
        and fixed["api"] in ("chat", "responses")
        and adapter not in quirks.OPENAI_FAMILY
    ):
        return quirks.COMPATIBLE
    return adapter


def options_of_url(request: Recorded, found: Json) -> None:
    for name in ("project", "location", "publisher"):
        if name in request.matched:
            found[name] = request.matched[name]
    for name, value in request.query:
        if name == "api-version":
            found["api_version"] = value


_VERTEX = r"(?P<base>/v\w+)/projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)"
_GOOGLE = _VERTEX + r"/publishers/(?P<publisher>google)/models/(?P<model>[^/:]+):"
_CLAUDE = _VERTEX + r"/publishers/(?P<publisher>anthropic)/models/(?P<model>[^/:]+):"
_COUNT_CLAUDE = _VERTEX + r"/publishers/(?P<publisher>anthropic)/models/count-tokens:rawPredict"
_STUDIO = r"(?P<base>/v\w+)/models/(?P<model>[^/:]+):"
_GENERATE = r"(?P<method>generateContent|streamGenerateContent)"
_DEPLOYMENT = r"(?P<base>/openai)/deployments/(?P<model>[^/]+)"
_POST, _GET = ("POST",), ("GET",)

_AT_VERTEX = {"platform": "vertex"}
_AT_STUDIO = {"platform": "ai-studio"}

_MODEL = r"(?P<base>)/model/(?P<model>[^/]+)/"
_EMBEDDER = r"(?P<base>)/model/(?P<model>[^/]*embed[^/]*)/"
_CHAT, _RESPONSES = {"api": "chat"}, {"api": "responses"}
_CONVERSE, _INVOKE = {"api": "converse"}, {"api": "invoke"}


def nothing(request: Recorded, options: Json) -> None:
    """A listing is asked for with nothing but a path."""


# Path, methods, kind of call, adapter (none: the provider's), reader of the body, options.
ROUTES: list[tuple[str, tuple[str, ...], str, str | None, Lift, Json]] = [
    (_GOOGLE + _GENERATE, _POST, "chat", "gemini", gemini.lift, _AT_VERTEX),
    (_GOOGLE + "countTokens", _POST, "count", "gemini", gemini.lift_count, _AT_VERTEX),
    (_GOOGLE + "embedContent", _POST, "embeddings", "gemini", embeddings.lift_gemini, _AT_VERTEX),
    (_GOOGLE + "predict", _POST, "embeddings", "gemini", embeddings.lift_predict, _AT_VERTEX),
    (_COUNT_CLAUDE, _POST, "count", "gemini", anthropic.lift, _AT_VERTEX),
    (
        _CLAUDE + r"(?:rawPredict|streamRawPredict)",
        _POST,
        "chat",
        "gemini",
        anthropic.lift,
        _AT_VERTEX,
    ),
    (_STUDIO + _GENERATE, _POST, "chat", "gemini", gemini.lift, _AT_STUDIO),
    (_STUDIO + "countTokens", _POST, "count", "gemini", gemini.lift_count, _AT_STUDIO),
    (
        _STUDIO + "(?:batchEmbedContents|embedContent)",
        _POST,
        "embeddings",
        "gemini",
        embeddings.lift_gemini,
        _AT_STUDIO,
    ),
    (
        _MODEL + "(?P<method>converse|converse-stream)",
        _POST,
        "chat",
        "bedrock",
        converse.lift,
        _CONVERSE,
    ),
    (_MODEL + "count-tokens", _POST, "count", "bedrock", converse.lift_count, {}),
    (_EMBEDDER + "invoke", _POST, "embeddings", "bedrock", invoke.lift_embeddings, _INVOKE),
    (
        _MODEL + "(?P<method>invoke|invoke-with-response-stream)",
        _POST,
        "chat",
        "bedrock",
        invoke.lift,
        _INVOKE,
    ),
    (r"(?P<base>/v2)/chat", _POST, "chat", "cohere", cohere.lift, {}),
    (r"(?P<base>/v\d)/embed", _POST, "embeddings", "cohere", embeddings.lift_cohere_api, {}),
    (r"(?P<base>)/api/chat", _POST, "chat", "ollama", ollama.lift, {}),
    (r"(?P<base>)/api/embed", _POST, "embeddings", "ollama", embeddings.lift_ollama, {}),
    (r"(?P<base>)/api/tags", _GET, "models", "ollama", nothing, {}),
    (r"(?P<base>.*)/messages", _POST, "chat", "anthropic", anthropic.lift, {}),
    (r"(?P<base>.*)/messages/count_tokens", _POST, "count", "anthropic", anthropic.lift, {}),
    (_DEPLOYMENT + "/chat/completions", _POST, "chat", "azure-openai", openai_chat.lift, _CHAT),
    (_DEPLOYMENT + "/embeddings", _POST, "embeddings", "azure-openai", embeddings.lift_openai, {}),
    (r"(?P<base>.*)/chat/completions", _POST, "chat", None, openai_chat.lift, _CHAT),
    (r"(?P<base>.*)/responses", _POST, "chat", None, openai_responses.lift, _RESPONSES),
    (
        r"(?P<base>.*)/responses/input_tokens",
        _POST,
        "count",
        None,
        openai_responses.lift,
        _RESPONSES,
    ),
    (r"(?P<base>.*)/embeddings", _POST, "embeddings", None, embeddings.lift_openai, {}),
    (r"(?P<base>.*)/rerank", _POST, "rerank", None, embeddings.lift_rerank, {}),
    (r"(?P<base>.*)/models", _GET, "models", None, nothing, {}),
]
