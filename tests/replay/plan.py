"""Reads recorded traffic into what is to be played, one exchange per line.

    python3 plan.py FOLDER > plan.jsonl

A line holds what the client sends, who the provider is and what it answers. A record that
is left out yields a line with `skipped`, the reason.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dialects
import endpoints
import recorded as recording
import traffic
import wire
from canonical import NotLifted
from lift import lift


def main(folder: str) -> None:
    for line in lines(Path(folder)):
        print(wire.dumps(line))


def lines(folder: Path) -> Iterator[dict]:
    for record in traffic.records(folder):
        named = {"id": record["id"], "provider": record["provider"]}
        endpoint = endpoints.of(record)
        dialect = dialects.of(endpoint.format) if endpoint.what == "chat" else None
        reason = _left_out(endpoint, dialect)
        if reason:
            yield {**named, "skipped": reason}
            continue
        try:
            yield {**named, **exchange(record, endpoint.format, dialect)}
        except NotLifted as flaw:
            yield {**named, "skipped": str(flaw)}


def _left_out(endpoint: endpoints.Endpoint, dialect: dialects.Dialect | None) -> str:
    if endpoint.skipped:
        return endpoint.skipped
    if endpoint.what != "chat":
        return f"{endpoint.what}, which is no chat"
    if dialect is None:
        return f"{endpoint.format} is no client's dialect"
    return "" if dialect.spoken else f"{dialect.name}: the router does not speak it yet"


def exchange(record: dict, format: str, dialect: dialects.Dialect) -> dict[str, Any]:
    """One exchange to be played. The model is named after the record: each has a
    provider of its own."""
    lifted = lift(record)
    path, headers, body = dialects.sent(record, dialect, record["id"])
    response = record["response"]
    return {
        "dialect": dialect.name,
        "format": format,
        "model": dialects.model(recording.read(record), record["id"]),
        "adapter": lifted["adapter"],
        "base_path": lifted["base_path"],
        "options": {name: json.loads(value) for name, value in lifted["options"]},
        "request": {"path": path, "headers": headers, "body": body},
        "response": {
            "status": response["status"],
            "headers": traffic.headers(response),
            "body_base64": base64.b64encode(traffic.body(response)).decode(),
        },
        "framing": traffic.framing(record) if response["status"] // 100 == 2 else None,
        "lifted": lifted["request"],
        "recorded": lifted["recorded"],
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
