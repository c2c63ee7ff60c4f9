"""Streamed bodies cut into frames: server-sent events, lines, AWS event streams."""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

_LINE_END = re.compile(r"\r\n|\n|\r")
_PRELUDE = struct.Struct(">II")
_CHECKSUM = struct.Struct(">I")
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_TEXT = 7
_BYTES = 6


class Unreadable(ValueError):
    """The bytes are not of the format that they should be of."""


@dataclass
class Frame:
    """One event: its name, its data and, of an AWS message, all headers."""

    kind: str | None
    data: bytes
    headers: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        return self.data.decode("utf-8", "replace")


def frames(body: bytes, framing: str) -> list[Frame]:
    """The frames of a streamed body."""
    readers = {"sse": events, "ndjson": lines, "aws-event-stream": messages}
    return list(readers[framing](body))


def events(body: bytes) -> Iterator[Frame]:
    """Server-sent events, as the HTML standard reads them.

    The last one counts though no empty line ends it, since several recorders
    trim the body.
    """
    kind, data = None, []
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    for line in [*_LINE_END.split(text), ""]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield Frame(kind, "\n".join(data).encode())
            kind, data = None, []
        elif name == "event":
            kind = value
        elif name == "data":
            data.append(value)


def lines(body: bytes) -> Iterator[Frame]:
    """Lines that hold something."""
    yield from (Frame(None, line) for line in body.splitlines() if line.strip())


def messages(body: bytes) -> Iterator[Frame]:
    """Messages of `application/vnd.amazon.eventstream`, both checksums compared."""
    start = 0
    while start < len(body):
        if len(body) - start < 16:
            raise Unreadable("a message is cut")
        total, head = _PRELUDE.unpack_from(body, start)
        message = body[start : start + total]
        if total < 16 + head or len(message) < total:
            raise Unreadable("a message is cut")
        _check(message[:8], message[8:12])
        _check(message[:-4], message[-4:])
        headers = dict(_headers(message[12 : 12 + head]))
        kind = headers.get(":event-type") or headers.get(":exception-type")
        yield Frame(kind, message[12 + head : -4], headers)
        start += total


def _check(covered: bytes, checksum: bytes) -> None:
    if zlib.crc32(covered) != _CHECKSUM.unpack(checksum)[0]:
        raise Unreadable("a checksum is wrong")


def _headers(held: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(held):
        size = held[at]
        name = held[at + 1 : at + 1 + size].decode()
        at += 1 + size
        kind, at = held[at], at + 1
        if kind in (_BYTES, _TEXT):
            size = int.from_bytes(held[at : at + 2], "big")
            at += 2
        else:
            size = _FIXED[kind]
        if kind == _TEXT:
            yield name, held[at : at + size].decode()
        at += size
