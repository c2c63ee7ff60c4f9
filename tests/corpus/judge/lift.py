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
from canonical import Json, NotLifted
from lift_formats import anthropic, gemini, openai_chat
from recorded import Recorded

Lift = Callable[[Recorded, Json], Any]


def lift(record: dict[str, Any]) -> Json:
    """Adapter, kind of call, endpoint options, canonical request and base path of a record.

    Where the call is an adapter's but its request has no canonical form (say, because
    the provider was sent nonsense on purpose), `request` is none and `unlifted` says why.

    Raises `NotLifted` for what is no exchange of an adapter, with the reason.
    """
    request = recording.read(record)
    for pattern, methods, what, adapter, build, fixed in ROUTES:
        if request.method in methods and request.match(pattern):
            return _lifted(request, what, adapter or adapter_of(request, fixed), build, dict(fixed))
    raise NotLifted(f"{request.method} {request.path} is no chat, embeddings, rerank, count or models call")


def _lifted(request: Recorded, what: str, adapter: str, build: Lift, found: Json) -> Json:
    options_of_url(request, found)
    lifted, reason = None, None
    try:
        lifted = build(request, found)
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
    }


def adapter_of(request: Recorded, fixed: Json) -> str:
    """The provider's adapter, or the one for whatever speaks OpenAI's formats."""
    adapter = quirks.ADAPTERS.get(request.provider, quirks.COMPATIBLE)
    if "api" in fixed and fixed["api"] in ("chat", "responses") and adapter not in quirks.OPENAI_FAMILY:
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
_STUDIO = r"(?P<base>/v\w+)/models/(?P<model>[^/:]+):"
_GENERATE = r"(?P<method>generateContent|streamGenerateContent)"
_POST = ("POST",)

_AT_VERTEX = {"platform": "vertex"}
_AT_STUDIO = {"platform": "ai-studio"}

ROUTES: list[tuple[str, tuple[str, ...], str, str | None, Lift, Json]] = [
    (_GOOGLE + _GENERATE, _POST, "chat", "gemini", gemini.lift, _AT_VERTEX),
    (_GOOGLE + "countTokens", _POST, "count", "gemini", gemini.lift_count, _AT_VERTEX),
    (_CLAUDE + r"(?:rawPredict|streamRawPredict)", _POST, "chat", "gemini", anthropic.lift, _AT_VERTEX),
    (_STUDIO + _GENERATE, _POST, "chat", "gemini", gemini.lift, _AT_STUDIO),
    (_STUDIO + "countTokens", _POST, "count", "gemini", gemini.lift_count, _AT_STUDIO),
    (r"(?P<base>.*)/messages", _POST, "chat", None, anthropic.lift, {}),
    (r"(?P<base>.*)/messages/count_tokens", _POST, "count", None, anthropic.lift, {}),
    (r"(?P<base>/openai)/deployments/(?P<model>[^/]+)/chat/completions", _POST, "chat", "azure-openai", openai_chat.lift, {"api": "chat"}),
    (r"(?P<base>.*)/chat/completions", _POST, "chat", None, openai_chat.lift, {"api": "chat"}),
]
