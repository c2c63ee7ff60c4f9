"""Checks JSON against the types of the contract, read from its WIT files.

The Rust driver reads what is lifted with serde, which is strict; this says in Python
what serde would say, before anything is compiled.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

WIT = Path(__file__).resolve().parents[3] / "wit" / "deps"

_BLOCK = re.compile(r"\b(record|variant|enum)\s+([\w-]+)\s*\{([^}]*)\}")
_ALIAS = re.compile(r"\btype\s+([\w-]+)\s*=\s*([^;]+);")
_INTEGERS = {"u8": (0, 2**8), "u32": (0, 2**32), "u64": (0, 2**64), "s64": (-(2**63), 2**63)}


class Types:
    """The records, variants, enums and aliases of some WIT files."""

    def __init__(self, *files: str) -> None:
        self._known: dict[str, tuple[str, Any]] = {}
        for file in files:
            text = re.sub(r"//[^\n]*", "", (WIT / file).read_text())
            for name, held in _ALIAS.findall(text):
                self._known[name] = ("alias", held.strip())
            for kind, name, held in _BLOCK.findall(text):
                self._known[name] = (kind, dict(_members(held)))

    def flaws(self, value: Any, type: str, path: str = "") -> list[str]:
        """What is wrong with a value of this type."""
        outer, inner = _split(type)
        if outer == "option":
            return [] if value is None else self.flaws(value, inner[0], path)
        if outer == "list":
            return self._each(value, inner * len(value) if isinstance(value, list) else [], path)
        if outer == "tuple":
            return self._each(value, inner, path)
        if outer in self._known:
            return self._named(value, *self._known[outer], path)
        return [] if _is_plain(value, outer) else [f"{path}: {value!r} is no {outer}"]

    def _each(self, value: Any, types: list[str], path: str) -> list[str]:
        if not isinstance(value, list) or len(value) != len(types):
            return [f"{path}: {value!r} is no list of {len(types)}"]
        pairs = enumerate(zip(value, types, strict=True))
        return [
            flaw
            for place, (held, type) in pairs
            for flaw in self.flaws(held, type, f"{path}.{place}")
        ]

    def _named(self, value: Any, kind: str, held: Any, path: str) -> list[str]:
        if kind == "alias":
            return self.flaws(value, held, path)
        if kind == "record":
            return self._record(
                value, {name.replace("-", "_"): type for name, type in held.items()}, path
            )
        cases = {_camel(name): type for name, type in held.items()}
        if isinstance(value, str):
            return [] if cases.get(value, "") is None else [f"{path}: no such case: {value}"]
        if not isinstance(value, dict) or len(value) != 1:
            return [f"{path}: {value!r} is no case"]
        ((name, payload),) = value.items()
        if cases.get(name) is None:
            return [f"{path}: no such case with a value: {name}"]
        return self.flaws(payload, cases[name], f"{path}.{name}")

    def _record(self, value: Any, fields: dict[str, str], path: str) -> list[str]:
        if not isinstance(value, dict) or value.keys() != fields.keys():
            names = sorted(value) if isinstance(value, dict) else value
            return [f"{path}: fields are {names}, not {sorted(fields)}"]
        found = [self.flaws(value[name], type, f"{path}.{name}") for name, type in fields.items()]
        return [flaw for flaws in found for flaw in flaws]


def _members(text: str) -> list[tuple[str, str | None]]:
    """Fields with their types, or cases with theirs."""
    found = []
    for member in re.split(r",(?![^<(]*[>)])", text):
        name, _, type = member.strip().replace("(", ":").partition(":")
        if name:
            found.append((name.strip(), type.strip().removesuffix(")").strip() or None))
    return found


def _split(type: str) -> tuple[str, list[str]]:
    outer, _, inner = type.partition("<")
    parts, depth = [""], 0
    for character in inner.removesuffix(">"):
        depth += {"<": 1, ">": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return outer.strip(), [part.strip() for part in parts if part.strip()]


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


def _is_plain(value: Any, type: str) -> bool:
    if type == "string":
        return isinstance(value, str)
    if type == "bool":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if type in ("f32", "f64"):
        return isinstance(value, (int, float))
    low, high = _INTEGERS[type]
    return isinstance(value, int) and low <= value < high
