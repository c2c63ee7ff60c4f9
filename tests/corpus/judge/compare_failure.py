"""Differences between the failure that is expected and the one that was reported."""

import difflib
import re
from collections.abc import Iterator
from typing import Any

# Error messages are cleaned and cut by whoever reports them.
LONGEST_MESSAGE = 600
# Share of an error's words that a report must keep.
KEPT_WORDS = 0.8
# Fields of a failure, and where the readers hold what may stand in them.
FIELDS = (("code", "codes"), ("param", "param"), ("retry_after_ms", "retry_after_ms"))

Difference = tuple[str, Any, Any]


def differences(wanted: dict, given: dict | None) -> Iterator[Difference]:
    """Kind, message, code, field and delay of a failure."""
    if given is None:
        yield "failure", wanted, None
        return
    if given["kind"] not in wanted["kinds"]:
        yield "failure.kind", wanted["kinds"], given["kind"]
    if not tells(given["message"], [wanted.get("said", ""), *wanted.get("also", [])]):
        yield "failure.message", wanted.get("said"), given["message"]
    for name, right in FIELDS:
        if right not in wanted or given.get(name) in wanted[right]:
            continue
        if name == "param" and _named(given[name], wanted):
            continue
        yield f"failure.{name}", wanted[right], given.get(name)


def _named(param: str, wanted: dict) -> bool:
    """Whether a field that no member of the body names is named by the message."""
    return wanted["param"][0] is None and param in wanted.get("said", "")


def tells(message: str, said: list[str]) -> bool:
    """Whether a message says what the provider said, masked and cut or not."""
    if not message.strip():
        return False
    if not any(one.strip() for one in said):
        return True
    return any(_keeps(message, one) for one in said if one.strip())


def _keeps(message: str, said: str) -> bool:
    words = re.findall(r"\w+", said[:LONGEST_MESSAGE])
    told = re.findall(r"\w+", message)
    matcher = difflib.SequenceMatcher(None, words, told, autojunk=False)
    kept = sum(block.size for block in matcher.get_matching_blocks())
    return kept >= KEPT_WORDS * len(words)
