"""Reads recorded traffic, independently of the adapters, into one task per exchange.

    python3 read.py FOLDER > tasks.jsonl

A task holds what the driver runs (the adapter, the lifted request, the recorded
response) and what the judge expects of it. A record that is left out yields a
line with `skipped`, the reason, and nothing to run.
"""

import base64
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import endpoints
import errors
import others
import traffic
import wire
from answer import nonsense
from endpoints import Endpoint
from streams import Unreadable, frames

from canonical import NotLifted
from lift import lift


def main(folder: str) -> None:
    for task in tasks(Path(folder)):
        print(wire.dumps(task))


def tasks(folder: Path) -> Iterator[dict]:
    """One line for each record and for each error shape that nobody recorded."""
    for record in traffic.records(folder):
        endpoint = endpoints.of(record)
        if endpoint.skipped:
            yield _skipped(record, endpoint)
        else:
            yield task(record, endpoint, lifted(record, endpoint))
    for record in traffic.uncaptured(folder):
        adapter = endpoints.adapter(record["provider"], "openai_chat")
        format = FORMAT_OF.get(adapter, "openai_chat")
        yield task(record, Endpoint("chat", format), blank(adapter, "chat"))


# The format in which an adapter's provider answers, where only its name is known.
FORMAT_OF = {
    "anthropic": "anthropic",
    "bedrock": "converse",
    "cohere": "cohere",
    "gemini": "gemini",
    "ollama": "ollama",
}


def _skipped(record: dict, endpoint: Endpoint) -> dict:
    return {
        "id": record["id"],
        "provider": record["provider"],
        "skipped": endpoint.skipped,
    }


def blank(adapter: str, what: str) -> dict:
    """The request side of a task whose record holds no request to lift."""
    return {
        "adapter": adapter,
        "what": what,
        "options": [],
        "max_output_tokens": None,
        "request": None,
        "base_path": "",
    }


def lifted(record: dict, endpoint: Endpoint) -> dict:
    """The request side of a task: what the recorded request asks for."""
    adapter = endpoints.adapter(record["provider"], endpoint.format)
    side = blank(adapter, endpoint.what)
    try:
        return {**side, **lift(record)}
    except NotLifted as reason:
        return {**side, "unlifted": str(reason)}
    except Exception as error:  # So is a request that breaks the lifting.
        return {**side, "unlifted": f"lifting failed: {error!r}"}


def task(record: dict, endpoint: Endpoint, side: dict) -> dict:
    """One line for the driver and the judge."""
    response = record["response"]
    framing = traffic.framing(record) if response["status"] // 100 == 2 else None
    return {
        "id": record["id"],
        "provider": record["provider"],
        **side,
        "response": {
            "status": response["status"],
            "headers": traffic.headers(response),
            "body_base64": base64.b64encode(traffic.body(response)).decode(),
        },
        "framing": framing,
        "expected": expected(record, endpoint, framing),
    }


def expected(record: dict, endpoint: Endpoint, framing: str | None) -> dict:
    """What an adapter should make of the response."""
    try:
        return _read(record, endpoint, framing)
    except Exception as error:  # A body that breaks a reader is shown, and the rest judged.
        return nonsense(f"the reader failed: {error!r}")


def _read(record: dict, endpoint: Endpoint, framing: str | None) -> dict:
    response = record["response"]
    body = traffic.body(response)
    headers = traffic.headers(response)
    if response["status"] // 100 != 2:
        return errors.explained(response["status"], headers, body)
    if endpoint.what != "chat":
        return others.READERS[endpoint.what](body)
    reader = importlib.import_module(endpoint.format)
    if framing is None:
        return reader.whole(body, headers)
    try:
        return reader.streamed(frames(body, framing), headers)
    except Unreadable as error:
        return nonsense(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
