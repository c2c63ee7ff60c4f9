"""Bodies as plain values, but for what users and models wrote.

Order and spelling are the provider's business everywhere else. The arguments of a call
must arrive as they were, and a schema must keep the order of its fields, in which models
answer: both stand as `Verbatim` texts among the plain values.
"""

from __future__ import annotations

import json
from typing import Any

from rawjson import Node

EXACT, ORDERED = "exact", "ordered"


class Verbatim(str):
    """JSON text that is compared as text."""


def plain(node: Node, marks: dict[str, str], path: str = "") -> Any:
    """The value without its nulls. `marks` says what stays text: path pattern -> how."""
    mark = marks.get(path)
    if mark == EXACT:
        return Verbatim(node.raw)
    if mark == ORDERED:
        return ordered(node.value())
    if node.is_object:
        held = {}
        for name, each in node.held:
            if not each.is_null:
                held[name] = plain(each, marks, f"{path}.{name}" if path else name)
        return held
    if node.is_array:
        return [plain(each, marks, f"{path}.*" if path else "*") for each in node.held]
    return node.value()


def ordered(value: Any) -> Verbatim:
    """A value as text: fields in their order, numbers and escapes in one spelling."""
    return Verbatim(json.dumps(whole_numbers(value), ensure_ascii=False, separators=(",", ":")))


def whole_numbers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        return {name: whole_numbers(each) for name, each in value.items()}
    if isinstance(value, list):
        return [whole_numbers(each) for each in value]
    return value
