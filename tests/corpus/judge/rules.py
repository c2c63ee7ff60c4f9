"""`differences.toml`: what may differ from a recorded request, and why.

A rule speaks of a format and a path, never of a record: requests that nobody has seen
are held against the same rules.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from differ import Difference, same

RULES = Path(__file__).parent.parent / "differences.toml"
_FIELDS = {"formats", "adapters", "path", "kind", "recorded", "encoded", "reason"}
_KINDS = {"lost", "added", "changed", "refused"}


class Rule:
    """One explained difference. `*` in its path is one step, `**` any number of them."""

    def __init__(self, given: dict[str, Any]) -> None:
        unknown = given.keys() - _FIELDS
        if unknown:
            raise ValueError(f"a rule has no field {sorted(unknown)}")
        self.path: str = given["path"]
        self.kind: str = given["kind"]
        self.reason: str = given["reason"]
        if self.kind not in _KINDS:
            raise ValueError(f"{self.path}: a difference is one of {sorted(_KINDS)}")
        if len(self.reason.split()) < 4 or not self.reason.endswith("."):
            raise ValueError(f"{self.path}: a reason is a sentence")
        self._given = given
        steps = re.escape(self.path).replace(r"\*\*", ".*").replace(r"\*", r"[^.]+")
        self._pattern = re.compile(steps)
        self.hits = 0

    def explains(self, difference: Difference, format: str, adapter: str) -> bool:
        given = self._given
        return (
            self.kind == difference.kind
            and format in given.get("formats", [format])
            and adapter in given.get("adapters", [adapter])
            and self._pattern.fullmatch(difference.path) is not None
            and _fits(given, "recorded", difference.recorded)
            and _fits(given, "encoded", difference.encoded)
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.path}: {self.reason}"


def _fits(given: dict[str, Any], name: str, value: Any) -> bool:
    """A wanted text between slashes is a pattern; any other value is meant as it is."""
    if name not in given:
        return True
    wanted = given[name]
    if isinstance(wanted, str) and len(wanted) > 1 and wanted[0] == wanted[-1] == "/":
        return isinstance(value, str) and re.search(wanted[1:-1], value) is not None
    return same(wanted, value)


def load(path: Path = RULES) -> list[Rule]:
    if not path.exists():
        return []
    return [Rule(given) for given in tomllib.loads(path.read_text()).get("rule", [])]
