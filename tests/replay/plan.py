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

import crossing
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
    held = []
    for record in traffic.records(folder):
        line = {"id": record["id"], "provider": record["provider"]}
        endpoint = endpoints.of(record)
        dialect = dialects.of(endpoint.what, endpoint.format)
        reason = endpoint.skipped
        if not reason and (dialect or endpoint.what == "chat"):
            try:
                held.append({**line, **exchange(record, endpoint)})
            except NotLifted as flaw:
                reason = str(flaw)
        if not reason and dialect is None:
            reason = f"{endpoint.what} of {endpoint.format}, which is no client's dialect"
        if reason:
            yield {**line, "skipped": reason}
        else:
            yield asked(record, dialect, held[-1])
    yield from crossing.exchanges(held)


def exchange(record: dict, endpoint: endpoints.Endpoint) -> dict[str, Any]:
    """What the provider was asked and answered. The model is named after the record: each
    has a provider of its own."""
    lifted = lift(record)
    response = record["response"]
    return {
        "what": endpoint.what,
        "format": endpoint.format,
        "model": dialects.model(recording.read(record), record["id"]),
        "adapter": lifted["adapter"],
        "base_path": lifted["base_path"],
        "options": {name: json.loads(value) for name, value in lifted["options"]},
        "response": {
            "status": response["status"],
            "headers": traffic.headers(response),
            "body_base64": base64.b64encode(traffic.body(response)).decode(),
        },
        "framing": traffic.framing(record) if response["status"] // 100 == 2 else None,
        "lifted": lifted["request"],
        "recorded": lifted["recorded"],
    }


def asked(record: dict, dialect: dialects.Dialect, held: dict) -> dict[str, Any]:
    """The exchange, with what a client asks in its own dialect."""
    path, headers, body = dialects.sent(record, dialect, record["id"])
    # Servers that take purposes have them by a setting.
    purposes = {"purpose_field": "input_type"} if '"input_type"' in body else {}
    return {
        **held,
        "dialect": dialect.name,
        "options": {**held["options"], **purposes},
        "request": {"path": path, "headers": headers, "body": body},
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
