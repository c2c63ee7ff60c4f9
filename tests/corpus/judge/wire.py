"""JSON as it was written: key order and the text of numbers outlive reading.

Two values are the same to the judge when `dumps` gives the same text for both,
so `1.0` is not `1` and a reordered object is another object.
"""

import json
from decimal import Decimal
from typing import Any


class Written(float):
    """A number with a fraction or an exponent, and how it was written."""

    text: str

    def __new__(cls, text: str) -> "Written":
        number = super().__new__(cls, text)
        number.text = text
        return number


def loads(text: str | bytes) -> Any:
    """The value of a JSON text; `ValueError` where it is none."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return json.loads(text, parse_float=Written, strict=False)


def dumps(value: Any) -> str:
    """A value as compact JSON text."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{dumps(k)}:{dumps(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dumps, value)) + "]"
    if isinstance(value, Written):
        return value.text
    return json.dumps(value, ensure_ascii=False)


def pointer(value: Any, path: str, default: Any = None) -> Any:
    """What a JSON pointer such as `/choices/0/message` leads to, unless null."""
    for step in path.split("/")[1:]:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return default
    return default if value is None else value


def items(value: Any, path: str = "") -> list:
    """The list that a pointer leads to; empty where there is none."""
    found = pointer(value, path)
    return found if isinstance(found, list) else []


def record(value: Any, path: str = "") -> dict:
    """The object that a pointer leads to; empty where there is none."""
    found = pointer(value, path)
    return found if isinstance(found, dict) else {}


def text(value: Any, path: str = "") -> str:
    """The string that a pointer leads to; empty where there is none."""
    found = pointer(value, path)
    return found if isinstance(found, str) else ""


def count(value: Any, path: str = "") -> int:
    """The whole number, at least 0, that a pointer leads to; else 0."""
    found = pointer(value, path)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return 0
    return max(0, int(found))


def decimal(value: Any) -> Decimal | None:
    """A number or a string of one, exactly."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return Decimal(value.text if isinstance(value, Written) else str(value))
    except ArithmeticError:
        return None
