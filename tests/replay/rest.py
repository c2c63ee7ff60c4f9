"""What an answer holds beside what its reader reads: fields of one provider alone, which
must come through too, under the names that they had.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import differ
import wire
from differ import Difference
from streams import frames
from wire import count, items, record

DIGITS = 12

# What the reader reads, by where it stands.
RESPONSE = {"id", "object", "created", "model", "service_tier", "choices", "usage", "error"}
RESPONSE |= {"citations", "search_results"}
CHOICE = {"index", "message", "delta", "finish_reason", "native_finish_reason", "logprobs", "error"}
CHOICE |= {"stop_reason"}
MESSAGE = {"role", "content", "refusal", "reasoning", "reasoning_content", "reasoning_details"}
MESSAGE |= {"tool_calls", "function_call", "annotations", "images", "audio", "tool_call_id"}
CALL = {"index", "id", "type", "function", "custom"}
USAGE = {"prompt_tokens", "completion_tokens", "total_tokens", "cost", "service_tier"}
USAGE |= {"prompt_tokens_details", "completion_tokens_details"}


def differences(exchange: dict, answer: dict) -> Iterator[Difference]:
    fold = FOLDS.get(exchange["dialect"])
    if fold is None:
        return
    recorded = fold(_values(exchange["response"], exchange["framing"]))
    kind = dict(answer["headers"]).get("content-type", "")
    answered = fold(_values(answer, "sse" if kind.startswith("text/event-stream") else None))
    yield from differ.differences(recorded, answered, "rest")


def _values(answer: dict, framing: str | None) -> list[Any]:
    """The JSON of a whole body, or of each frame."""
    body = base64.b64decode(answer["body_base64"])
    texts = [body] if framing is None else [frame.data for frame in frames(body, framing)]
    values = []
    for text in texts:
        try:
            values.append(wire.loads(text))
        except ValueError:
            continue
    return values


def chat(values: list[Any]) -> dict[str, Any]:
    """A chat completion, whole or streamed: of what is told twice, the later. Names are
    paths as far as the format goes."""
    held: dict[str, Any] = {}
    for value in values:
        _keep(held, "", value, RESPONSE)
        for usage in (record(value, "/x_groq/usage"), record(value, "/usage")):
            _keep(held, "usage.", usage, USAGE)
        for choice in items(value, "/choices"):
            place = f"choices.{count(choice, '/index')}."
            _keep(held, place, choice, CHOICE)
            for said in (record(choice, "/message"), record(choice, "/delta")):
                _message(held, f"{place}message.", said)
    return {name: each for name, each in held.items() if each not in ({}, [], "")}


def _message(held: dict[str, Any], place: str, said: dict[str, Any]) -> None:
    _keep(held, place, said, MESSAGE)
    for number, call in enumerate(items(said, "/tool_calls")):
        number = count(call, "/index") or number
        _keep(held, f"{place}tool_calls.{number}.", call, CALL)


def _keep(held: dict[str, Any], place: str, given: Any, known: set[str]) -> None:
    for name, value in given.items() if isinstance(given, dict) else ():
        if name in known or value is None:
            continue
        before, value = held.get(place + name), _plain(value)
        merges = isinstance(before, dict) and isinstance(value, dict)
        held[place + name] = {**before, **value} if merges else value


def _plain(value: Any) -> Any:
    """Without nulls, which are as good as no field, and numbers without the digits that
    do not outlive being read and written again."""
    if isinstance(value, dict):
        plain = {name: _plain(each) for name, each in value.items()}
        return {name: each for name, each in plain.items() if each not in (None, {}, [])}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


# One for each dialect whose answers have fields that no reader reads.
FOLDS: dict[str, Callable[[list[Any]], dict[str, Any]]] = {"openai-chat": chat}
