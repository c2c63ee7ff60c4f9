"""Exceptions inside AWS event streams, whatever else the stream carries."""

import wire
from streams import Frame
from wire import text


def is_exception(frame: Frame) -> bool:
    return frame.headers.get(":message-type") in ("exception", "error")


def message(frame: Frame) -> str:
    """What the exception says."""
    try:
        held = wire.loads(frame.data)
    except ValueError:
        held = {}
    told = text(held, "/message") or text(held, "/Message")
    return told or frame.headers.get(":error-message", "") or frame.text()


def name(frame: Frame) -> str:
    return frame.kind or frame.headers.get(":error-code", "")


def as_error(frame: Frame) -> dict:
    """The exception as the error event that Anthropic would send."""
    error = {"type": name(frame), "message": message(frame)}
    return {"type": "error", "error": error}
