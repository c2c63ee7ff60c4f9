"""What an answer holds beside what its reader reads: fields of one provider alone, which
must come through too, under the names that they had.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import differ
import wire
from differ import Difference
from folds import FOLDS
from streams import frames


def differences(exchange: dict, answer: dict) -> Iterator[Difference]:
    fold = FOLDS[exchange["dialect"]]
    recorded = fold(_values(exchange["response"], exchange["framing"]))
    answered = fold(_values(answer, _framing(answer)))
    yield from differ.differences(recorded, answered, "rest")


def _framing(answer: dict) -> str | None:
    kind = dict(answer["headers"]).get("content-type", "").partition(";")[0]
    return {"text/event-stream": "sse", "application/x-ndjson": "ndjson"}.get(kind)


def _values(answer: dict, framing: str | None) -> list[Any]:
    """The JSON of a whole body, or of each frame."""
    body = base64.b64decode(answer["body_base64"])
    texts = [body] if framing is None else [frame.data for frame in frames(body, framing)]
    values = []
    for text in texts:
        try:
            values.append(_unwrapped(wire.loads(text)))
        except ValueError:
            continue
    return values


def _unwrapped(value: Any) -> Any:
    """The event that a frame of Amazon's holds."""
    held = wire.text(value, "/bytes")
    return wire.loads(base64.b64decode(held)) if held else value
