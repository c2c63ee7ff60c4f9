"""Differences of embeddings, rankings, token counts and model lists."""

from collections.abc import Iterator
from typing import Any

import compare_failure
from compare_failure import Difference

# Numbers of a vector travel as single floats.
VECTOR_ERROR = 1e-6


def differences(what: str, expected: dict, result: dict) -> Iterator[Difference]:
    """Embeddings, rankings, counts and model lists."""
    if expected["kind"] == "answer":
        yield from compare_failure.differences(expected["failure"], (_reply(what, result) or {}).get("failure"))
        return
    given = _reply(what, result)
    if given is None or (isinstance(given, dict) and "failure" in given):
        yield what, "a reading", given
        return
    yield from OTHERS[what](expected, given)


def _reply(what: str, result: dict) -> Any:
    name = {"models": "page"}.get(what, what)
    return result.get(name)


def _embeddings(expected: dict, given: dict) -> Iterator[Difference]:
    wanted, held = expected["vectors"], given["vectors"]
    sizes = list(map(len, wanted)), list(map(len, held))
    if sizes[0] != sizes[1]:
        yield "vectors", sizes[0], sizes[1]
        return
    for place, (one, other) in enumerate(zip(wanted, held)):
        if any(abs(a - b) > VECTOR_ERROR * max(1.0, abs(a)) for a, b in zip(one, other)):
            yield "vector", f"of input {place}: {one[:3]}", other[:3]
    yield from _prompted(expected, given)


def _rerank(expected: dict, given: dict) -> Iterator[Difference]:
    held = [[one["document"], one["score"]] for one in given["rankings"]]
    if held != expected["rankings"]:
        yield "rankings", expected["rankings"], held
    yield from _prompted(expected, given)


def _prompted(expected: dict, given: dict) -> Iterator[Difference]:
    usage = given.get("usage") or {}
    if (usage.get("prompt_tokens") or None) != expected["prompt_tokens"]:
        yield "usage.prompt_tokens", expected["prompt_tokens"], usage.get("prompt_tokens")


def _count(expected: dict, given: Any) -> Iterator[Difference]:
    if given != expected["count"]:
        yield "count", expected["count"], given


def _models(expected: dict, given: dict) -> Iterator[Difference]:
    if (given.get("cursor") or None) != expected["cursor"]:
        yield "cursor", expected["cursor"], given.get("cursor")
    wanted, held = expected["models"], given["models"]
    if len(wanted) != len(held):
        yield "models", len(wanted), len(held)
        return
    for one, other in zip(wanted, held):
        if other["id"] not in one["id"]:
            yield "model.id", one["id"], other["id"]
        for name in ("context_length", "max_output_tokens"):
            if other[name] not in one[name]:
                yield f"model.{name}", one[name], other[name]


OTHERS = {
    "embeddings": _embeddings,
    "rerank": _rerank,
    "count": _count,
    "models": _models,
}
