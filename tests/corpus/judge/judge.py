"""Compares what the adapters made of the traffic with an independent reading.

    python3 judge.py tasks.jsonl results.jsonl [--verbose ID]

Prints a table and the failures, grouped. Ends with 1 where anything fails, where
an exclusion has no reason or excludes nothing, or where too much is excluded.
"""

import argparse
import collections
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import compare
import encode

CORPUS = Path(__file__).parent.parent
EXCLUSIONS = CORPUS / "exclusions.toml"
# The share of a provider's exchanges that may be excluded.
MAX_EXCLUDED = 0.02
CHECKS = ("decode", "encode", "explain")
SHOWN_IDS = 3
SHOWN_LENGTH = 160

Failure = tuple[str, str, object, object]


@dataclass
class Row:
    """What became of one provider's records."""

    run: int = 0
    passed: int = 0
    failed: int = 0
    excluded: set[str] = field(default_factory=set)
    unlifted: int = 0
    skipped: int = 0


@dataclass
class Exclusions:
    """Exchanges whose failures are known and explained."""

    reasons: dict[tuple[str, str], str] = field(default_factory=dict)
    used: set[tuple[str, str]] = field(default_factory=set)
    flaws: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> "Exclusions":
        held = cls()
        listed = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
        for one in listed.get("exclusion", []):
            held._add(one)
        return held

    def _add(self, one: dict) -> None:
        reason = str(one.get("reason", "")).strip()
        if not reason:
            self.flaws.append(f"the exclusion of {one.get('id')} has no reason")
        for check in one.get("checks", []):
            if check not in CHECKS:
                self.flaws.append(f"the exclusion of {one['id']} names no check: {check}")
            self.reasons[(one["id"], check)] = reason

    def cover(self, id: str, check: str) -> bool:
        if (id, check) not in self.reasons:
            return False
        self.used.add((id, check))
        return True

    def unused(self, ids: set[str]) -> list[str]:
        """Exclusions of exchanges that pass; all of them are foreign to other traffic."""
        listed = {id for id, _ in self.reasons}
        if not listed & ids:
            return []
        return [
            f"the exclusion of {id} ({check}) excludes nothing"
            for id, check in sorted(set(self.reasons) - self.used)
        ]


def main() -> int:
    arguments = _arguments()
    tasks = list(_lines(arguments.tasks))
    results = {result["id"]: result for result in _lines(arguments.results)}
    if arguments.verbose:
        return _show(arguments.verbose, tasks, results)
    exclusions = Exclusions.read(EXCLUSIONS)
    rows: dict[str, Row] = collections.defaultdict(Row)
    groups: dict[tuple, list] = collections.defaultdict(list)
    for task in tasks:
        _judge(task, results.get(task["id"]), exclusions, rows[task["provider"]], groups)
    _print_table(rows)
    _print_reasons(tasks, exclusions)
    _print_failures(groups)
    flaws = [
        *exclusions.flaws,
        *exclusions.unused({task["id"] for task in tasks}),
        *_over(rows),
    ]
    for rule in encode.unused_rules():
        print(f"A rule that explains nothing here: {rule}")
    for flaw in flaws:
        print(flaw)
    return 1 if groups or flaws else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--verbose", metavar="ID", help="show one exchange")
    return parser.parse_args()


def _lines(path: Path) -> Iterator[dict]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def _judge(task: dict, result: dict | None, exclusions: Exclusions, row: Row, groups: dict) -> None:
    """One exchange, all of its checks."""
    if "skipped" in task:
        row.skipped += 1
        return
    row.run += 1
    row.unlifted += task.get("request") is None
    failed = excluded = False
    for check, found in by_check(differences(task, result)).items():
        if exclusions.cover(task["id"], check):
            excluded = True
            continue
        failed = True
        name, wanted, given = found[0]
        groups[(task["provider"], check, name)].append((task["id"], wanted, given, len(found)))
    row.failed += failed
    if excluded:
        row.excluded.add(task["id"])
    row.passed += not failed and not excluded


def by_check(found: Iterable[Failure]) -> dict[str, list]:
    checks: dict[str, list] = collections.defaultdict(list)
    for check, name, wanted, given in found:
        checks[check].append((name, wanted, given))
    return checks


def differences(task: dict, result: dict | None) -> Iterator[Failure]:
    """Check, field, expected and given of everything that is not as it should be."""
    refused = task["response"]["status"] // 100 != 2
    reading = "explain" if refused else "decode"
    if result is None:
        yield reading, "run", "a result", None
        return
    for name in ("trap", "breach", "splits_differ"):
        if result.get(name):
            yield reading, name, None, result[name]
    for found in compare.decoded(task, result):
        yield reading, *found
    yield from _encoded(task, result)


def _encoded(task: dict, result: dict) -> Iterator[Failure]:
    if "recorded" not in task:
        return
    for found in encode.differences(task, result):
        yield "encode", _field(found), None, found


def _field(said: str) -> str:
    """The field that a sentence about an encoded request begins with."""
    field = re.split(r": | is (?:lost|added|refused)", said, maxsplit=1)[0]
    return re.sub(r"\.\d+\b", ".*", field)


def _print_table(rows: dict[str, Row]) -> None:
    head = ("provider", "run", "passed", "failed", "excluded", "no request", "skipped")
    lines = [
        (name, row.run, row.passed, row.failed, len(row.excluded), row.unlifted, row.skipped)
        for name, row in sorted(rows.items())
    ]
    lines.append(("all", *(sum(line[place] for line in lines) for place in range(1, 7))))
    for line in [head, *lines]:
        print(f"{line[0]:<18}" + "".join(f"{cell:>11}" for cell in line[1:]))


def _print_reasons(tasks: list[dict], exclusions: Exclusions) -> None:
    """Why records were skipped, not lifted, not readable or excluded."""
    _print_counted("Skipped", (task["skipped"] for task in tasks if "skipped" in task))
    _print_counted("Not lifted", (task["unlifted"] for task in tasks if task.get("unlifted")))
    _print_counted(
        "Not of the provider's format",
        (
            f"{task['id']}: {task['expected']['unreadable']}"
            for task in tasks
            if task.get("expected", {}).get("unreadable")
        ),
    )
    _print_counted(
        "Excluded",
        (
            f"{id} ({check}): {exclusions.reasons[id, check]}"
            for id, check in sorted(exclusions.used)
        ),
    )


def _print_counted(title: str, reasons: Iterable[str]) -> None:
    counted = collections.Counter(reasons)
    if counted:
        print(f"\n{title}")
    for reason, count in counted.most_common():
        print(f"{count:>6}  {reason}")


def _print_failures(groups: dict[tuple, list]) -> None:
    """Per provider, check and field: how many, a few ids and the first difference."""
    if groups:
        print("\nFailures")
    for (provider, check, name), found in sorted(groups.items()):
        ids = ", ".join(id for id, *_ in found[:SHOWN_IDS])
        print(f"{len(found):>6}  {provider} {check} {name}: {ids}")
        _, wanted, given, _ = found[0]
        if wanted is not None:
            print(f"        expected {_short(wanted)}")
        print(f"        given    {_short(given)}")


def _short(value: object) -> str:
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return written if len(written) <= SHOWN_LENGTH else f"{written[:SHOWN_LENGTH]}..."


def _over(rows: dict[str, Row]) -> list[str]:
    """Providers of which too much is excluded; one exchange of few is let pass."""
    flaws = []
    for name, row in sorted(rows.items()):
        excluded, allowed = len(row.excluded), int(row.run * MAX_EXCLUDED)
        if excluded > max(allowed, 1):
            flaws.append(f"{name}: {excluded} of {row.run} excluded, at most {allowed} may be")
        elif excluded > allowed:
            print(f"\n{name}: {excluded} of {row.run} excluded, too few exchanges for a share")
    return flaws


def _show(id: str, tasks: list[dict], results: dict[str, dict]) -> int:
    """All of one exchange."""
    task = next((task for task in tasks if task["id"] == id), None)
    if task is None:
        print(f"no task {id}")
        return 1
    found = [] if "skipped" in task else list(differences(task, results.get(id)))
    for title, value in (("task", task), ("result", results.get(id)), ("differences", found)):
        print(f"--- {title}\n{json.dumps(value, indent=1, ensure_ascii=False)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
