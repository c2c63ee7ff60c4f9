"""Bedrock's InvokeModel with Anthropic messages in it.

A streamed body is an AWS event stream whose messages wrap base64 of the very
events that Anthropic would send.
"""

import base64
from collections.abc import Iterator

import anthropic
import bedrock
import wire
from streams import Frame
from wire import text

whole = anthropic.whole


def streamed(frames: list[Frame], headers: list[list[str]]) -> dict:
    """Reads a stream of wrapped events."""
    return anthropic.read(_events(frames))


def _events(frames: list[Frame]) -> Iterator[bytes]:
    for frame in frames:
        if bedrock.is_exception(frame):
            yield wire.dumps(bedrock.as_error(frame)).encode()
            continue
        try:
            yield base64.b64decode(text(wire.loads(frame.data), "/bytes"))
        except ValueError:
            continue
