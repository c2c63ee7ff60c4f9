"""Holds the router's answers against the published descriptions of the APIs.

    python3 validate.py DESCRIPTIONS plan.jsonl outcomes.jsonl

Every whole answer, every event of a stream and every error is validated, strictly: what
the router writes otherwise on purpose is listed in `schemas.toml`, with a reason. Gemini
and Ollama publish no schemas that are at hand; their answers are left to the clients that
read them.
"""

from __future__ import annotations

import base64
import collections
import gzip
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Isolated from the environment, Python does not look beside a program by itself.
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "corpus" / "judge")]

import jsonschema  # noqa: E402
import yaml  # noqa: E402
from streams import frames  # noqa: E402

DESCRIPTIONS = {
    "openai": "openai_openapi_*.yml.gz",
    "openrouter": "openrouter_*_openapi.yaml.gz",
    "openresponses": "openresponses_*_openapi.json.gz",
}
# Whose descriptions an answer in a dialect must keep to, and of which path.
HELD_TO = {
    "openai-chat": [("openrouter", "/chat/completions"), ("openai", "/chat/completions")],
    "openai-responses": [
        ("openai", "/responses"),
        ("openresponses", "/responses"),
        ("openrouter", "/responses"),
    ],
    "anthropic-messages": [("openrouter", "/messages")],
    "openai-completions": [("openai", "/completions")],
    "openai-embeddings": [("openrouter", "/embeddings"), ("openai", "/embeddings")],
    "rerank": [("openrouter", "/rerank")],
}
PAIRS = [(dialect, description) for dialect, held in HELD_TO.items() for description, _ in held]
# A provider that OpenRouter's description lists.
A_PROVIDER = "Mistral"
WHOLE, STREAM = "application/json", "text/event-stream"
SHOWN = 200


class Schemas:
    """The schemas of one description, by path, status and kind of body."""

    def __init__(self, text: str) -> None:
        self._spec = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        open_names(self._spec)
        nullable(self._spec)
        self._validators: dict[tuple, Any] = {}
        # Flaws by the shape of what has them.
        self.known: dict[tuple, list[str]] = {}

    def of(self, path: str, status: int, kind: str) -> Any:
        """A validator; none where the description says nothing of such an answer."""
        key = (path, status, kind)
        if key not in self._validators:
            self._validators[key] = self._made(*key)
        return self._validators[key]

    def _made(self, path: str, status: int, kind: str) -> Any:
        responses = self._spec["paths"][path]["post"]["responses"]
        response = responses.get(str(status)) or responses.get(status) or {}
        schema = response.get("content", {}).get(kind, {}).get("schema")
        if schema is None:
            return None
        whole = {"components": self._spec["components"], **schema}
        return jsonschema.Draft202012Validator(whole)


def open_names(node: Any) -> None:
    """Which providers there are is the operator's affair, wherever they are named."""
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        open_names(each)
    if isinstance(node, dict) and A_PROVIDER in (node.get("enum") or ()):
        del node["enum"]


def nullable(node: Any) -> None:
    """The older way to allow null, which one of the descriptions still has, in today's."""
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        nullable(each)
    if not isinstance(node, dict) or node.get("nullable") is not True:
        return
    if isinstance(node.get("type"), str):
        node["type"] = [node["type"], "null"]
        if "enum" in node:
            node["enum"] = [*node["enum"], None]
    else:
        inner = dict(node)
        node.clear()
        node["anyOf"] = [inner, {"type": "null"}]


class Allowed:
    """`schemas.toml`: what is written otherwise on purpose."""

    def __init__(self, listed: list[dict]) -> None:
        self.listed = listed
        self.hits = [0] * len(listed)
        for one in listed:
            if len(one["reason"].split()) < 4 or not one["reason"].endswith("."):
                raise ValueError(f"{one['says']}: a reason is a sentence")

    def covers(self, description: str, flaw: str) -> bool:
        for place, one in enumerate(self.listed):
            if one["description"] == description and re.search(one["says"], flaw):
                self.hits[place] += 1
                return True
        return False

    def unused(self) -> list[str]:
        return [one["says"] for one, hits in zip(self.listed, self.hits) if not hits]


def main(descriptions: str, plan: str, outcomes: str) -> None:
    schemas = {name: Schemas(text) for name, text in read(Path(descriptions))}
    allowed = Allowed(tomllib.loads((HERE / "schemas.toml").read_text("utf-8")).get("allowed", []))
    played = {one["id"]: one for one in lines(plan) if "skipped" not in one}
    checked: collections.Counter = collections.Counter()
    as_recorded: collections.Counter = collections.Counter()
    flaws: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
    for outcome in lines(outcomes):
        exchange = played[outcome["id"]]
        dialect = exchange["dialect"]
        for description, path in HELD_TO.get(dialect, []):
            held = schemas[description]
            found = list(validate(held, path, outcome["answer"], checked, (dialect, description)))
            own = found and not exchange.get("crossed")
            told = spoken(held, path, exchange) if own else set()
            for kind, said in found:
                if said in told:
                    as_recorded[(dialect, description)] += 1
                elif not allowed.covers(description, said):
                    flaws[(description, f"{dialect} {kind}: {said}")].append(outcome["id"])
    for (dialect, description), count in sorted(checked.items()):
        print(f"{count:>7} answers and events in {dialect} held against {description}'s description")
    for (dialect, description), count in sorted(as_recorded.items()):
        print(f"{count:>7} flaws of {dialect} in {description}'s eyes are the provider's own words")
    for (description, said), ids in sorted(flaws.items(), key=lambda one: -len(one[1])):
        print(f"{len(ids):>7} {description} {said}: {ids[0]}")
    for said in allowed.unused():
        print(f"An allowance that nothing needs: {said}")
    idle = [pair for pair in PAIRS if not checked[pair]]
    for dialect, description in idle:
        print(f"Nothing in {dialect} was held against {description}'s description")
    if flaws or idle or allowed.unused():
        sys.exit("answers break the published schemas, or the lists of this judge are wrong")


def spoken(schemas: Schemas, path: str, exchange: dict) -> set[str]:
    """Where the recorded answer itself is otherwise than its format's description: a
    client of its provider's hears it so too."""
    kind = {"sse": STREAM, None: WHOLE}.get(exchange["framing"])
    answer = {**exchange["response"], "headers": [["content-type", kind or ""]]}
    try:
        return {said for _, said in validate(schemas, path, answer, collections.Counter(), ())}
    except ValueError:
        return set()


def read(folder: Path) -> Iterator[tuple[str, str]]:
    for name, pattern in DESCRIPTIONS.items():
        for path in sorted(folder.glob(pattern))[-1:]:
            yield name, gzip.decompress(path.read_bytes()).decode()


def lines(path: str) -> Iterator[dict]:
    with open(path, encoding="utf-8") as held:
        yield from (json.loads(line) for line in held if line.strip())


def validate(
    schemas: Schemas, path: str, answer: dict, checked: collections.Counter, name: tuple
) -> Iterator[tuple[str, str]]:
    """Kind and flaw of everything in an answer that breaks its schema."""
    streamed = dict(answer["headers"]).get("content-type", "").startswith(STREAM)
    validator = schemas.of(path, answer["status"], STREAM if streamed else WHOLE)
    if validator is None:
        return
    body = base64.b64decode(answer["body_base64"])
    kind = "event" if streamed else "answer" if answer["status"] == 200 else "error"
    for value in events(body) if streamed else [json.loads(body)]:
        checked[name] += 1
        if streamed and wraps(validator.schema):
            value = {"data": value} | ({"event": value["type"]} if "type" in value else {})
        form = (path, answer["status"], streamed, shape(value))
        if form not in schemas.known:
            errors = validator.iter_errors(value)
            schemas.known[form] = sorted({said for error in errors for said in told(error)})
        for flaw in schemas.known[form]:
            yield kind, flaw


def events(body: bytes) -> Iterator[Any]:
    for frame in frames(body, "sse"):
        if frame.data != b"[DONE]":
            yield json.loads(frame.data)


def wraps(schema: dict) -> bool:
    """Whether the description speaks of the event around the data."""
    held = schema
    while "$ref" in held:
        held = schema["components"]["schemas"][held["$ref"].rsplit("/", 1)[1]]
    return "data" in held.get("properties", {})


def shape(value: Any, name: str = "") -> Any:
    """A value without what no schema looks at: free words, and how large a number is.
    What has a shape that was seen before need not be validated again, which is slow."""
    if isinstance(value, dict):
        return tuple((key, shape(each, key)) for key, each in value.items())
    if isinstance(value, list):
        return ("list", *dict.fromkeys(shape(each, name) for each in value))
    if isinstance(value, str):
        return str if name in FREE or len(value) > LONGEST_WORD else value
    if isinstance(value, bool) or value is None:
        return value
    return type(value), value < 0


# Fields of any text, and the longest text of a field that has a list of words.
FREE = {"content", "reasoning", "text", "arguments", "delta", "data", "token", "model", "name"}
FREE |= {"id", "item_id", "call_id", "provider", "system_fingerprint", "thinking", "partial_json"}
FREE |= {"obfuscation", "created_at", "completed_at", "created"}
LONGEST_WORD = 64


def told(error: Any) -> Iterator[str]:
    """Where and why; of several branches, of the one that the value says it is."""
    branches: dict[Any, list] = collections.defaultdict(list)
    for one in error.context or ():
        branches[one.schema_path[0]].append(one)
    if branches:
        for one in min(branches.values(), key=lambda errors: (foreign(errors), len(errors))):
            yield from told(one)
        return
    place = ".".join("*" if isinstance(step, int) else str(step) for step in error.absolute_path)
    said = error.message if len(error.message) <= SHOWN else error.message[:SHOWN] + "..."
    yield f"{place}: {said}"


def foreign(errors: list) -> bool:
    """Whether a branch is for something else: its kind is another."""
    kinds = ("type", "object", "event")
    return any(one.path and one.path[-1] in kinds for one in errors)


if __name__ == "__main__":
    main(*sys.argv[1:])
