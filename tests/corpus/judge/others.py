"""Embeddings, rankings, token counts and model lists, told apart by their shape."""

import base64
import struct
from typing import Any

import wire
from answer import nonsense
from wire import count, items, pointer, text

COUNTS = ("/input_tokens", "/inputTokens", "/totalTokens", "/total_tokens")
USED = (
    "/usage/prompt_tokens",
    "/usage/total_tokens",
    "/usageMetadata/promptTokenCount",
    "/meta/billed_units/input_tokens",
    "/prompt_eval_count",
)
CONTEXT = (
    "/context_length",
    "/context_window",
    "/max_context_length",
    "/max_model_len",
    "/max_input_tokens",
    "/inputTokenLimit",
    "/capabilities/limits/max_context_window_tokens",
    "/meta/n_ctx",
    "/meta/n_ctx_train",
)
OUTPUT = (
    "/max_completion_tokens",
    "/max_output_tokens",
    "/max_output_length",
    "/max_tokens",
    "/outputTokenLimit",
    "/top_provider/max_completion_tokens",
    "/capabilities/limits/max_output_tokens",
)


def count_of(body: bytes) -> dict:
    value = _value(body)
    found = [pointer(value, path) for path in COUNTS]
    number = next((one for one in found if isinstance(one, int)), None)
    if number is None:
        return nonsense("no count")
    return {"kind": "count", "count": number}


def embeddings(body: bytes) -> dict:
    """Vectors in the order of the input."""
    value = _value(body)
    vectors = [_vector(one) for one in _embedded(value)]
    if not vectors:
        return nonsense("no vectors")
    return {"kind": "embeddings", "vectors": vectors, "prompt_tokens": _used(value)}


def _embedded(value: Any) -> list:
    data = items(value, "/data")
    if data:
        ordered = sorted(data, key=lambda one: count(one, "/index"))
        return [pointer(one, "/embedding") for one in ordered]
    single = items(value, "/embedding/values")
    if single:
        return [single]
    held = pointer(value, "/embeddings")
    if isinstance(held, dict):
        return next((one for one in held.values() if one), [])
    return [pointer(one, "/values", one) for one in items(held)]


def _vector(held: Any) -> list[float]:
    """Numbers, or base64 of little-endian single floats."""
    if not isinstance(held, (str, list)):
        return []
    if isinstance(held, str):
        try:
            data = base64.b64decode(held)
            return list(struct.unpack(f"<{len(data) // 4}f", data))
        except (ValueError, struct.error):
            return []
    return [float(number) for number in held if isinstance(number, (int, float))]


def _used(value: Any) -> int | None:
    return next((count(value, path) for path in USED if count(value, path)), None)


def rerank(body: bytes) -> dict:
    """Scores, best first."""
    value = _value(body)
    held = items(value, "/results") or items(value, "/data")
    if pointer(value, "/results") is None and pointer(value, "/data") is None:
        return nonsense("no ranking")
    rankings = [
        [count(one, "/index"), float(pointer(one, "/relevance_score"))]
        for one in held
        if isinstance(pointer(one, "/relevance_score"), (int, float))
    ]
    rankings.sort(key=lambda one: -one[1])
    return {"kind": "rerank", "rankings": rankings, "prompt_tokens": _used(value)}


def models(body: bytes) -> dict:
    """The ids of the models, and the limits where the listing names them."""
    value = _value(body)
    held = value if isinstance(value, list) else items(value, "/data")
    held = held or items(value, "/models")
    if not held:
        return nonsense("no models")
    cursor = text(value, "/nextPageToken") or text(value, "/next_page_token")
    if pointer(value, "/has_more") is True:
        cursor = text(value, "/last_id")
    return {"kind": "models", "models": list(map(_model, held)), "cursor": cursor or None}


def _model(held: Any) -> dict:
    id = text(held, "/id") or text(held, "/model") or text(held, "/name")
    return {
        "id": [id, id.removeprefix("models/")],
        "context_length": _limits(held, CONTEXT),
        "max_output_tokens": _limits(held, OUTPUT),
    }


def _limits(held: Any, paths: tuple[str, ...]) -> list[int | None]:
    return [count(held, path) for path in paths if count(held, path)] or [None]


def _value(body: bytes) -> Any:
    try:
        return wire.loads(body)
    except ValueError:
        return None


READERS = {
    "count": count_of,
    "embeddings": embeddings,
    "rerank": rerank,
    "models": models,
}
