"""Compares what the router answered with what was recorded.

    python3 verdict.py plan.jsonl outcomes.jsonl [--verbose ID]

Prints a table and the failures, grouped. Ends with 1 where an answer is another than the
recorded one and no rule of `differences.toml` says why, where a rule explains nothing,
where an exclusion has no reason or excludes nothing, or where too much is excluded.
"""

from __future__ import annotations

import argparse
import base64
import collections
import importlib
import json
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import alike
import crossing
import differ
import errors
import others
import rest
import rules
import sent
from answer import nonsense
from dialects import DIALECTS, Dialect
from differ import Difference
from streams import Unreadable, frames

HERE = Path(__file__).parent
# The share of a dialect's exchanges that may be excluded.
MAX_EXCLUDED = 0.02
SHOWN_IDS = 3


@dataclass
class Row:
    """What became of one provider's exchanges in one dialect."""

    run: int = 0
    passed: int = 0
    failed: int = 0
    excluded: int = 0


@dataclass
class Verdict:
    """Everything that was found, and by what it was explained."""

    rules: list[rules.Rule]
    exclusions: dict[str, str]
    rows: dict[tuple[str, str], Row] = field(default_factory=lambda: collections.defaultdict(Row))
    groups: dict[tuple, list] = field(default_factory=lambda: collections.defaultdict(list))
    excluded: set[str] = field(default_factory=set)

    def judge(self, exchange: dict, outcome: dict | None) -> None:
        crossed = exchange.get("crossed")
        place = f"told to {exchange['dialect']}" if crossed else exchange["dialect"]
        row = self.rows[(place, exchange["format" if crossed else "provider"])]
        row.run += 1
        left = [one for one in found(exchange, outcome) if not self.explained(one, exchange)]
        if left and exchange["id"] in self.exclusions:
            self.excluded.add(exchange["id"])
            row.excluded += 1
        elif left:
            row.failed += 1
            for path, one in {one.path: one for one in reversed(left)}.items():
                key = (exchange["dialect"], exchange["provider"], path, one.kind)
                self.groups[key].append((exchange["id"], one))
        else:
            row.passed += 1

    def explained(self, difference: Difference, exchange: dict) -> bool:
        for rule in self.rules:
            if rule.explains(difference, exchange["dialect"], exchange["adapter"]):
                rule.hits += 1
                return True
        return False

    def flaws(self, whole: bool) -> Iterator[str]:
        """What is wrong with the lists themselves. They need not fit traffic of others."""
        for rule in self.rules if whole else ():
            if not rule.hits:
                yield f"A rule that explains nothing: {rule}"
        for id in sorted(set(self.exclusions) - self.excluded) if whole else ():
            yield f"The exclusion of {id} excludes nothing."
        for dialect in sorted({dialect for dialect, _ in self.rows}):
            rows = [row for (name, _), row in self.rows.items() if name == dialect]
            run, out = sum(row.run for row in rows), sum(row.excluded for row in rows)
            if out > run * MAX_EXCLUDED:
                yield f"{dialect}: {out} of {run} excluded, at most {MAX_EXCLUDED:.0%} may be."


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plan", type=Path)
    parser.add_argument("outcomes", type=Path)
    parser.add_argument("--whole", action="store_true", help="every rule must explain something")
    parser.add_argument("--verbose", metavar="ID", help="show one exchange")
    arguments = parser.parse_args()
    plan = list(lines(arguments.plan))
    outcomes = {outcome["id"]: outcome for outcome in lines(arguments.outcomes)}
    exchanges = [one for one in plan if "skipped" not in one]
    if arguments.verbose:
        return show(next(one for one in exchanges if one["id"] == arguments.verbose), outcomes)
    verdict = Verdict(rules.load(HERE / "differences.toml"), exclusions(HERE / "exclusions.toml"))
    for exchange in exchanges:
        verdict.judge(exchange, outcomes.get(exchange["id"]))
    print_table(verdict.rows)
    print_counted("Skipped", [one["skipped"] for one in plan if "skipped" in one])
    print_counted("Excluded", [f"{id}: {verdict.exclusions[id]}" for id in verdict.excluded])
    print_failures(verdict.groups)
    flaws = list(verdict.flaws(arguments.whole))
    print("\n".join(flaws))
    return 1 if verdict.groups or flaws else 0


def lines(path: Path) -> Iterator[dict]:
    with path.open(encoding="utf-8") as held:
        yield from (json.loads(line) for line in held if line.strip())


def exclusions(path: Path) -> dict[str, str]:
    """Exchanges that no router could answer as recorded, each with a reason."""
    listed = tomllib.loads(path.read_text("utf-8")).get("exclusion", []) if path.exists() else []
    held = {one["id"]: str(one.get("reason", "")) for one in listed}
    for id, reason in held.items():
        if len(reason.split()) < 4 or not reason.endswith("."):
            raise ValueError(f"the exclusion of {id} needs a sentence as its reason")
    return held


def found(exchange: dict, outcome: dict | None) -> list[Difference]:
    """Everything in which an answer is not the recorded one."""
    if outcome is None:
        return [Difference("@answer", "lost", "an answer", None)]
    if exchange.get("crossed"):
        return told_to_others(exchange, outcome["answer"])
    dialect, given = DIALECTS[exchange["dialect"]], outcome["answer"]
    streamed = told_as_stream(given)
    recorded = reading(dialect.what, exchange["format"], exchange["response"], exchange["framing"])
    answered = reading(dialect.what, dialect.reader, given, dialect.framing if streamed else None)
    # What a provider may mean by an answer that still runs, the router must not say.
    answered = answered["readings"][0] if answered["kind"] == "either" else answered
    differences = alike.differences(
        recorded, answered, given["status"], asked=outcome["seen"] is not None
    )
    differences += sent.differences(exchange, outcome)
    if given["status"] // 100 != 2:
        differences += envelope(dialect, given)
    elif exchange["response"]["status"] // 100 == 2:
        differences += form(exchange, streamed)
        if dialect.what == "chat":
            differences += model(exchange, answered)
            differences += rest.differences(exchange, given)
    return differences


def told_to_others(exchange: dict, given: dict) -> list[Difference]:
    """Everything that a client of another dialect hears otherwise; nothing reads the legacy
    completions but their description."""
    dialect = DIALECTS.get(exchange["dialect"])
    recorded = reading("chat", exchange["format"], exchange["response"], exchange["framing"])
    if dialect is None:
        return []
    framing = dialect.framing if told_as_stream(given) else None
    return crossing.differences(recorded, reading("chat", dialect.reader, given, framing))


def told_as_stream(answer: dict) -> bool:
    kind = dict(answer["headers"]).get("content-type", "")
    return kind.startswith(("text/event-stream", "application/x-ndjson"))


def reading(what: str, format: str, answer: dict, framing: str | None) -> dict:
    """An answer, as the reader of a format understands it."""
    body, headers = base64.b64decode(answer["body_base64"]), answer["headers"]
    if answer["status"] // 100 != 2:
        return errors.explained(answer["status"], headers, body)
    if what != "chat":
        return others.READERS[what](body)
    reader = importlib.import_module(format)
    try:
        if framing is None:
            return reader.whole(body, headers)
        return reader.streamed(frames(body, framing), headers)
    except (Unreadable, AttributeError, KeyError, TypeError, ValueError) as flaw:
        return nonsense(f"the reader failed: {flaw!r}")


def form(exchange: dict, streamed: bool) -> Iterator[Difference]:
    """A stream is answered with a stream, a whole answer with a whole one."""
    recorded = exchange["framing"] is not None
    if recorded != streamed:
        yield Difference("@stream", "changed", recorded, streamed)


def model(exchange: dict, answered: dict) -> Iterator[Difference]:
    """The client is told of the model that it named."""
    asked = exchange["model"]
    if answered.get("origin", {}).get("model") != [asked] and not answered.get("unreadable"):
        yield Difference("@model", "changed", asked, answered.get("origin", {}).get("model"))


def envelope(dialect: Dialect, answer: dict) -> Iterator[Difference]:
    """An error in the dialect's own words."""
    try:
        body = json.loads(base64.b64decode(answer["body_base64"]))
    except ValueError:
        body = None
    for path, kind in dialect.envelope.items():
        value = body
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if not isinstance(value, kind) or value == "":
            yield Difference(f"@envelope.{path}", "changed", kind.__name__, value)


def print_table(rows: dict[tuple[str, str], Row]) -> None:
    head = ("dialect", "provider", "run", "passed", "failed", "excluded")
    cells = [
        (dialect, provider, row.run, row.passed, row.failed, row.excluded)
        for (dialect, provider), row in sorted(rows.items())
    ]
    dialects = sorted({dialect for dialect, _ in rows})
    totals = [_total(dialect, "all", [it for it in cells if it[0] == dialect]) for dialect in dialects]
    for line in [head, *cells, *totals, _total("all", "", cells)]:
        print(f"{line[0]:<28}{line[1]:<18}" + "".join(f"{cell:>10}" for cell in line[2:]))


def _total(dialect: str, provider: str, cells: list[tuple]) -> tuple:
    return dialect, provider, *(sum(line[place] for line in cells) for place in range(2, 6))


def print_counted(title: str, reasons: list[str]) -> None:
    counted = collections.Counter(reasons)
    if counted:
        print(f"\n{title}")
    for reason, count in counted.most_common():
        print(f"{count:>6}  {reason}")


def print_failures(groups: dict[tuple, list]) -> None:
    """Per dialect, provider and path: how many, a few ids and the first difference."""
    if groups:
        print("\nFailures")
    for (dialect, provider, path, kind), held in sorted(groups.items()):
        ids = ", ".join(id for id, _ in held[:SHOWN_IDS])
        print(f"{len(held):>6}  {dialect} {provider} {path} {kind}: {ids}")
        _, one = held[0]
        print(f"        recorded {differ.short(one.recorded)}")
        print(f"        answered {differ.short(one.encoded)}")


def show(exchange: dict, outcomes: dict[str, dict]) -> int:
    """All of one exchange."""
    outcome = outcomes.get(exchange["id"])
    print("--- asked\n" + exchange["request"]["body"])
    for title, answer in (("recorded", exchange["response"]), ("answered", (outcome or {})["answer"])):
        print(f"--- {title} {answer['status']}")
        print(base64.b64decode(answer["body_base64"]).decode("utf-8", "replace"))
    for one in found(exchange, outcome):
        print(f"{one.path} {one.kind}\n    {one.recorded!r}\n    {one.encoded!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
