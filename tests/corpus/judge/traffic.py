"""Recorded exchanges as they lie in the traffic folder, and the bytes in them."""

import base64
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

UNCAPTURED = "error_shapes_uncaptured.jsonl"
FRAMINGS = {"sse": "sse", "ndjson": "ndjson", "aws-eventstream": "aws-event-stream"}
SSE_STARTS = (b"data:", b"event:", b"id:", b"retry:", b":")
CONTENT_TYPES = {
    "text/event-stream": "sse",
    "application/x-ndjson": "ndjson",
    "application/vnd.amazon.eventstream": "aws-event-stream",
}


def records(folder: Path) -> Iterator[dict]:
    """Every record of every provider, in the order of the file names."""
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines if line.strip())


def uncaptured(folder: Path) -> Iterator[dict]:
    """The error shapes that nobody recorded, each as a record with an id of its own."""
    path = folder / UNCAPTURED
    if not path.exists():
        return
    for number, line in enumerate(path.read_text("utf-8").splitlines()):
        if line.strip():
            yield _as_record(number, json.loads(line))


def _as_record(number: int, shape: dict) -> dict:
    streamed = shape.get("stream_frame")
    return {
        "id": f"uncaptured-{number}",
        "provider": shape["provider"],
        "endpoint": None,
        "framing": "sse" if streamed else "json",
        "request": None,
        "response": {
            "status": shape["status"],
            "headers": shape["headers"],
            "body": streamed or shape["body"],
        },
    }


def body(message: dict) -> bytes:
    """The bytes of a request or a response."""
    text = message.get("body") or ""
    encoded = message.get("body_base64")
    if isinstance(encoded, str):
        return base64.b64decode(encoded)
    return base64.b64decode(text) if encoded else text.encode("utf-8", "surrogatepass")


def headers(message: dict) -> list[list[str]]:
    """Names in lower case, and values, one pair for each value."""
    held = message.get("headers") or {}
    pairs = held.items() if isinstance(held, dict) else held
    flat = []
    for name, value in pairs:
        values = value if isinstance(value, list) else [value]
        flat.extend([name.lower(), str(one)] for one in values)
    return flat


def header(message: dict, name: str) -> str | None:
    """The first value of a header."""
    return next((value for key, value in headers(message) if key == name), None)


def framing(record: dict) -> str | None:
    """How the response is framed; none where it is one whole body.

    Told by the recorder, else by the content type, which errors are known to give
    wrongly, and by how the body begins.
    """
    named = record.get("framing")
    if named:
        return FRAMINGS.get(named)
    content_type = (header(record["response"], "content-type") or "").split(";")[0]
    told = CONTENT_TYPES.get(content_type.strip().lower())
    raw = body(record["response"])[:64]
    if len(raw) > 12 and zlib.crc32(raw[:8]) == int.from_bytes(raw[8:12], "big"):
        return "aws-event-stream"
    start = raw.lstrip()
    if start.startswith(SSE_STARTS):
        return "sse"
    return None if told == "sse" and start[:1] in (b"{", b"[") else told
