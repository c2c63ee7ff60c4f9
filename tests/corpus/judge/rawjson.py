"""A JSON reader that keeps the text of every value.

Tool arguments, schemas and native fields must reach the adapter in the very
spelling in which they were recorded. Python's own reader forgets the spelling,
so this one hands out nodes that remember their slice of the text.
"""

from __future__ import annotations

import json
import re
from json.decoder import scanstring
from typing import Any, Iterator

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None}


class NotJson(ValueError):
    """The text is no JSON value."""


class Node:
    """One value: its kind, its text, and what it holds."""

    __slots__ = ("kind", "raw", "held")

    def __init__(self, kind: str, raw: str, held: Any) -> None:
        self.kind = kind
        self.raw = raw
        self.held = held

    @property
    def is_object(self) -> bool:
        return self.kind == "object"

    @property
    def is_array(self) -> bool:
        return self.kind == "array"

    @property
    def is_string(self) -> bool:
        return self.kind == "string"

    @property
    def is_null(self) -> bool:
        return self.kind == "word" and self.held is None

    def value(self) -> Any:
        """The plain Python value."""
        return json.loads(self.raw, strict=False)

    def items(self) -> list["Node"]:
        if not self.is_array:
            raise NotJson(f"expected an array, found {self.raw[:40]}")
        return self.held

    def fields(self) -> "Fields":
        if not self.is_object:
            raise NotJson(f"expected an object, found {self.raw[:40]}")
        return Fields(self.held)

    def string(self) -> str:
        if not self.is_string:
            raise NotJson(f"expected a string, found {self.raw[:40]}")
        return self.held


class Fields:
    """The fields of an object that have not been taken yet, in their order.

    A null is as good as an absent field and is never handed out.
    """

    def __init__(self, pairs: list[tuple[str, Node]]) -> None:
        self._pairs = [(name, node) for name, node in pairs if not node.is_null]

    def __iter__(self) -> Iterator[tuple[str, Node]]:
        return iter(list(self._pairs))

    def __contains__(self, name: str) -> bool:
        return any(known == name for known, _ in self._pairs)

    def __bool__(self) -> bool:
        return bool(self._pairs)

    def peek(self, *names: str) -> Node | None:
        """The first of these fields that is there; it stays."""
        for name in names:
            for known, node in self._pairs:
                if known == name:
                    return node
        return None

    def take(self, *names: str) -> Node | None:
        """The first of these fields that is there; it is taken."""
        for name in names:
            for place, (known, node) in enumerate(self._pairs):
                if known == name:
                    del self._pairs[place]
                    return node
        return None

    def need(self, *names: str) -> Node:
        node = self.take(*names)
        if node is None:
            raise NotJson(f"`{names[0]}` is missing")
        return node

    def string(self, *names: str) -> str | None:
        node = self.take(*names)
        return None if node is None else node.string()

    def number(self, *names: str) -> float | None:
        node = self.take(*names)
        if node is None:
            return None
        if node.kind != "number":
            raise NotJson(f"`{names[0]}` is no number: {node.raw[:40]}")
        return float(node.value())

    def integer(self, *names: str) -> int | None:
        """An integer, also one that is spelled `20.0`."""
        node = self.take(*names)
        if node is None:
            return None
        number = node.value()
        if (
            isinstance(number, bool)
            or not isinstance(number, (int, float))
            or number != int(number)
        ):
            raise NotJson(f"`{names[0]}` is no integer: {node.raw[:40]}")
        return int(number)

    def unsigned(self, *names: str, limit: int = 2**32) -> int | None:
        """An integer that the contract has room for; any other stays where it is."""
        node = self.peek(*names)
        if node is None or node.kind != "number":
            return self.integer(*names)
        number = node.value()
        return self.integer(*names) if 0 <= number < limit and number == int(number) else None

    def boolean(self, *names: str) -> bool | None:
        node = self.take(*names)
        if node is None:
            return None
        if not isinstance(node.held, bool):
            raise NotJson(f"`{names[0]}` is no boolean: {node.raw[:40]}")
        return node.held

    def strings(self, *names: str) -> list[str]:
        node = self.take(*names)
        if node is None:
            return []
        return [node.string()] if node.is_string else [item.string() for item in node.items()]

    def rest(self) -> list[list[str]]:
        """Name and JSON text of what nobody took."""
        return [[name, node.raw] for name, node in self._pairs]

    def leftover(self, name: str) -> list[list[str]]:
        """What nobody took, as one field of this name; no field where all was taken."""
        return nested(name, self.rest())


def nested(name: str, pairs: list[list[str]]) -> list[list[str]]:
    """Fields inside of one field of this name; no field where there are none."""
    return [[name, object_text(pairs)]] if pairs else []


def object_text(pairs: list[list[str]]) -> str:
    """A JSON object of names and JSON texts."""
    return "{" + ",".join(f"{json.dumps(name)}:{raw}" for name, raw in pairs) + "}"


def _skip(text: str, at: int) -> int:
    """The place of the next character that is no space."""
    space = _SPACE.match(text, at)
    return space.end() if space else at


def parse(text: str) -> Node:
    node, end = _value(text, _skip(text, 0))
    if _skip(text, end) != len(text):
        raise NotJson(f"text after the value, at character {end}")
    return node


def _value(text: str, start: int) -> tuple[Node, int]:
    head = text[start : start + 1]
    if head == '"':
        try:
            held, end = scanstring(text, start + 1, False)
        except json.JSONDecodeError as flaw:
            raise NotJson(str(flaw)) from flaw
        return Node("string", text[start:end], held), end
    if head == "{":
        return _object(text, start)
    if head == "[":
        return _array(text, start)
    for word, held in _WORDS.items():
        if text.startswith(word, start):
            end = start + len(word)
            return Node("word", word, held), end
    number = _NUMBER.match(text, start)
    if not number:
        raise NotJson(f"no value at character {start}")
    return Node("number", number.group(), None), number.end()


def _object(text: str, start: int) -> tuple[Node, int]:
    pairs: list[tuple[str, Node]] = []
    at = _skip(text, start + 1)
    if text[at : at + 1] == "}":
        return Node("object", text[start : at + 1], pairs), at + 1
    while True:
        name, at = _value(text, at)
        at = _skip(text, at)
        if not name.is_string or text[at : at + 1] != ":":
            raise NotJson(f"no field at character {at}")
        node, at = _value(text, _skip(text, at + 1))
        pairs.append((name.held, node))
        at = _skip(text, at)
        if text[at : at + 1] == "}":
            return Node("object", text[start : at + 1], pairs), at + 1
        at = _comma(text, at)


def _array(text: str, start: int) -> tuple[Node, int]:
    nodes: list[Node] = []
    at = _skip(text, start + 1)
    if text[at : at + 1] == "]":
        return Node("array", text[start : at + 1], nodes), at + 1
    while True:
        node, at = _value(text, at)
        nodes.append(node)
        at = _skip(text, at)
        if text[at : at + 1] == "]":
            return Node("array", text[start : at + 1], nodes), at + 1
        at = _comma(text, at)


def _comma(text: str, at: int) -> int:
    if text[at : at + 1] != ",":
        raise NotJson(f"no comma at character {at}")
    return _skip(text, at + 1)
