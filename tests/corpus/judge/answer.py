"""The answer that an independent reader expects of an adapter, piece by piece.

A field that may be read in several ways holds the list of all that are right.
What the contract leaves open is left out, so that the comparison passes it by.
"""

from dataclasses import dataclass, field
from typing import Any

import wire

# Meters whose names the contract gives; others are named by the adapter.
NAMED_METERS = {
    "cache-write-1h-tokens",
    "prompt-audio-tokens",
    "prompt-image-tokens",
    "prompt-video-tokens",
    "cache-read-audio-tokens",
    "completion-audio-tokens",
    "completion-image-tokens",
    "web-searches",
    "web-fetches",
}
PICODOLLARS = 10**12


@dataclass
class Answer:
    """Grows as the body is read; `done` gives what the judge compares."""

    parts: list[dict] = field(default_factory=list)
    usages: dict[str | None, dict] = field(default_factory=dict)
    finishes: dict[int, dict] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    tiers: list[str] = field(default_factory=list)
    failure: dict | None = None
    joined: bool = False
    holds: list[str] = field(default_factory=list)
    held: dict[Any, dict] = field(default_factory=dict)

    def origin(self, id: Any = None, model: Any = None, tier: Any = None) -> None:
        """Notes what the response says of itself."""
        for kept, value in ((self.ids, id), (self.models, model), (self.tiers, tier)):
            if isinstance(value, str) and value and value not in kept:
                kept.append(value)

    def part(self, key: Any, kind: str, choice: int = 0, **fields: Any) -> dict:
        """The part with this key, begun now unless it was begun before."""
        if key not in self.held:
            part = {"choice": choice, "kind": kind, "text": "", **fields}
            self.held[key] = part
            self.parts.append(part)
        return self.held[key]

    def text(self, key: Any, text: str, choice: int = 0, **fields: Any) -> dict | None:
        return self._grow(key, "text", text, choice, fields)

    def refusal(self, key: Any, text: str, choice: int = 0) -> dict | None:
        return self._grow(key, "refusal", text, choice, {})

    def reasoning(
        self, key: Any, text: str, choice: int = 0, of: str = "Text", **fields: Any
    ) -> dict | None:
        return self._grow(key, "reasoning", text, choice, {"of": of, **fields})

    def _grow(
        self, key: Any, kind: str, text: str, choice: int, fields: dict
    ) -> dict | None:
        if not text and key not in self.held:
            return None
        part = self.part(key, kind, choice, **fields)
        part["text"] += text
        return part

    def call(
        self, key: Any, id: str | None, name: str, input: str, choice: int = 0, **fields: Any
    ) -> dict:
        """A tool call, or the next bit of one; an id of none is the adapter's to make up."""
        call = self.part(key, "call", choice, id=None, name="", **fields)
        call["id"] = call["id"] or id or None
        call["name"] = call["name"] or name
        call["text"] += input
        return call

    def native(self, key: Any, value: Any, choice: int = 0, **fields: Any) -> dict:
        """A block that the contract does not model."""
        return self.part(key, "native", choice, value=wire.dumps(value), **fields)

    def media(
        self, key: Any, kind: str, data: str, mime: str | None, choice: int = 0
    ) -> dict:
        """Bytes that the model made, as base64."""
        return self.part(key, "media", choice, media=kind, data=data, mime=mime)

    def finish(
        self,
        choice: int,
        reasons: list[str],
        native: str | list[str],
        stop: str | list[str | None] | None = None,
    ) -> None:
        """How a choice ended; an empty list of reasons leaves the reason open."""
        self.finishes[choice] = {
            "choice": choice,
            "reason": reasons,
            "native": native if isinstance(native, list) else [native],
            "stop_sequence": stop if isinstance(stop, list) else [stop],
        }

    def usage(self, model: str | None = None, **counts: Any) -> dict:
        """What was consumed, instead of what was noted before for the same model.

        `counted` holds numbers that the contract has no name for; each is to stand
        in a meter, under whatever name.
        """
        self.usages[model] = {
            "model": model,
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "cache_read_tokens": 0,
            "cache_write_tokens": 0,
            "reasoning_tokens": 0,
            "meters": {},
            "counted": [],
            "cost": None,
            **counts,
        }
        return self.usages[model]

    def fail(self, failure: dict) -> None:
        """The failure that ends the answer, unless one has already."""
        self.failure = self.failure or failure

    def done(self) -> dict:
        """The expectation as JSON."""
        return {
            "kind": "answer",
            "origin": {
                "id": self.ids or [None],
                "model": self.models or [None],
                "service_tier": self.tiers or [None],
            },
            "joined": self.joined,
            "holds": self.holds,
            "parts": sorted(self.parts, key=lambda part: part["choice"]),
            "usage": list(self.usages.values()),
            "finishes": sorted(self.finishes.values(), key=lambda end: end["choice"]),
            "failure": self.failure,
        }


def meters(**named: int) -> dict[str, int]:
    """Meters that count something, by the names that the contract gives them."""
    return {name.replace("_", "-"): count for name, count in named.items() if count}


def picodollars(dollars: Any) -> int | None:
    """A price in US dollars, however it is written."""
    exact = wire.decimal(dollars)
    return None if exact is None else int(exact * PICODOLLARS)


def cut_stream() -> dict:
    """The failure that a stream is which ends before its end mark."""
    return {"kinds": ["Unavailable"]}


def nonsense(why: str) -> dict:
    """What is expected of a 2xx body that is not of the provider's format."""
    reading = Answer()
    reading.fail({"kinds": ["Unavailable", "Other"]})
    return {**reading.done(), "unreadable": why}
