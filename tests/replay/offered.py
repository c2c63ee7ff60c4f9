"""Whether two answers to what is no chat say the same: vectors, rankings and counts, each read
by shape alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from compare_other import VECTOR_ERROR
from differ import Difference

KINDS = ("embeddings", "rerank", "count")


def differences(recorded: dict, answered: dict) -> Iterator[Difference]:
    if recorded["kind"] != answered["kind"]:
        yield Difference("@answer", "changed", recorded["kind"], answered["kind"])
    elif recorded["kind"] == "embeddings":
        yield from _vectors(recorded["vectors"], answered["vectors"])
    elif recorded["kind"] == "rerank":
        yield from _changed("rankings", recorded["rankings"], answered["rankings"])
    else:
        yield from _changed("count", recorded["count"], answered["count"])
    used = recorded.get("prompt_tokens")
    yield from _changed("usage.prompt_tokens", used, answered.get("prompt_tokens"))


def _vectors(wanted: list, given: list) -> Iterator[Difference]:
    """Numbers of a vector travel as single floats."""
    sizes = [len(one) for one in wanted], [len(one) for one in given]
    if sizes[0] != sizes[1]:
        yield Difference("vectors", "changed", *sizes)
        return
    for one, other in zip(wanted, given):
        if any(abs(a - b) > VECTOR_ERROR * max(1.0, abs(a)) for a, b in zip(one, other)):
            yield Difference("vector", "changed", one[:3], other[:3])


def _changed(path: str, one: object, other: object) -> Iterator[Difference]:
    if one != other:
        yield Difference(path, "added" if one is None else "lost" if other is None else "changed", one, other)
