"""What differs between two JSON values, path by path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator

from wire_json import Verbatim

ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """One place where what was encoded is not what was recorded."""

    path: str
    kind: str
    recorded: Any
    encoded: Any

    def __str__(self) -> str:
        said = {"lost": "", "added": f": {short(self.encoded)}", "refused": f": {self.encoded}"}
        if self.kind == "lost":
            return f"{self.path} is lost: {short(self.recorded)}"
        if self.kind in said:
            return f"{self.path} is {self.kind}{said[self.kind]}"
        return f"{self.path}: {short(self.recorded)} became {short(self.encoded)}"


def short(value: Any) -> str:
    words = repr(value)
    return words if len(words) <= 160 else words[:120] + f"... ({len(words)} characters)"


def differences(recorded: Any, encoded: Any, path: str = "") -> Iterator[Difference]:
    if isinstance(recorded, dict) and isinstance(encoded, dict):
        yield from _objects(recorded, encoded, path)
    elif isinstance(recorded, list) and isinstance(encoded, list):
        for place in range(max(len(recorded), len(encoded))):
            before = recorded[place] if place < len(recorded) else ABSENT
            after = encoded[place] if place < len(encoded) else ABSENT
            yield from _values(before, after, joined(path, str(place)))
    else:
        yield from _values(recorded, encoded, path)


def _objects(recorded: dict[str, Any], encoded: dict[str, Any], path: str) -> Iterator[Difference]:
    for name in list(recorded) + [name for name in encoded if name not in recorded]:
        before, after = recorded.get(name, ABSENT), encoded.get(name, ABSENT)
        yield from _values(before, after, joined(path, name))


def _values(before: Any, after: Any, path: str) -> Iterator[Difference]:
    if before is ABSENT:
        yield Difference(path, "added", None, after)
    elif after is ABSENT:
        yield Difference(path, "lost", before, None)
    elif isinstance(before, (dict, list)) and type(before) is type(after):
        yield from differences(before, after, path)
    elif not same(before, after):
        yield Difference(path, "changed", before, after)


def same(before: Any, after: Any) -> bool:
    """1 and 1.0 are the same, 1 and true are not."""
    if isinstance(before, bool) or isinstance(after, bool):
        return before is after
    if isinstance(before, Verbatim) or isinstance(after, Verbatim):
        return type(before) is type(after) and before == after
    return before == after


def joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
