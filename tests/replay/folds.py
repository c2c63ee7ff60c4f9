"""The fields of an answer that no reader reads, by dialect: whole or streamed, they are one
flat table. Names are paths as far as the format goes; of what is told twice, the later counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wire import count, items, pointer, record, text

DIGITS = 12

# What the readers read, by where it stands.
RESPONSE = {"id", "object", "created", "model", "service_tier", "choices", "usage", "error"}
RESPONSE |= {"citations", "search_results"}
CHOICE = {"index", "message", "delta", "finish_reason", "native_finish_reason", "logprobs", "error"}
CHOICE |= {"stop_reason"}
MESSAGE = {"role", "content", "refusal", "reasoning", "reasoning_content", "reasoning_details"}
MESSAGE |= {"tool_calls", "function_call", "annotations", "images", "audio", "tool_call_id"}
CALL = {"index", "id", "type", "function", "custom"}
USAGE = {"prompt_tokens", "completion_tokens", "total_tokens", "cost", "service_tier"}
USAGE |= {"prompt_tokens_details", "completion_tokens_details"}
# Of responses.
STATED = {"id", "object", "created_at", "model", "output", "output_text", "usage", "status", "error"}
STATED |= {"incomplete_details", "service_tier"}
ITEM = {"id", "type", "status", "role", "content", "summary", "encrypted_content", "call_id", "name"}
ITEM |= {"arguments", "input"}
ITEMS = {"message", "reasoning", "function_call", "custom_tool_call"}
TAKEN = {"input_tokens", "output_tokens", "total_tokens", "cost"}
# Of messages.
SPOKEN = {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"}
BLOCK = {"type", "text", "citations", "thinking", "signature", "data", "id", "name", "input"}
BLOCKS = {"text", "thinking", "redacted_thinking", "tool_use"}
BILLED = {"input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"}
BILLED |= {"service_tier"}
# Of Gemini's.
CHUNK = {"candidates", "usageMetadata", "modelVersion", "responseId", "error"}
CANDIDATE = {"content", "finishReason", "index", "logprobsResult"}
METERED = {"promptTokenCount", "candidatesTokenCount", "totalTokenCount", "thoughtsTokenCount"}
METERED |= {"cachedContentTokenCount", "toolUsePromptTokenCount", "serviceTier"}
METERED |= {"promptTokensDetails", "candidatesTokensDetails", "cacheTokensDetails"}
# Of Ollama's.
LINE = {"model", "message", "done", "done_reason", "prompt_eval_count", "eval_count", "error"}
LINE |= {"logprobs"}
TURN = {"role", "content", "thinking", "tool_calls"}


def chat(values: list[Any]) -> dict[str, Any]:
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
    return _said(held)


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


def responses(values: list[Any]) -> dict[str, Any]:
    """What the last event says of the response is all of it."""
    held: dict[str, Any] = {}
    for value in values:
        last = text(value, "/type").removeprefix("response.") in LAST
        response = record(value, "/response") if last else value
        if "output" not in record(response):
            continue
        _keep(held, "", response, STATED)
        _keep(held, "usage.", record(response, "/usage"), TAKEN)
        for place, item in enumerate(items(response, "/output")):
            if text(item, "/type") in ITEMS:
                _keep(held, f"output.{place}.", item, ITEM)
    return _said(held)


def messages(values: list[Any]) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for value in values:
        kind = text(value, "/type")
        told = record(value, "/message") if kind == "message_start" else value
        told = record(value, "/delta") if kind == "message_delta" else told
        if kind in ("", "message", "message_start", "message_delta"):
            _keep(held, "", told, SPOKEN)
            usage = value if kind == "message_delta" else told
            _keep(held, "usage.", record(usage, "/usage"), BILLED)
        for place, block in enumerate(items(told, "/content")):
            _block(held, place, block)
        if kind == "content_block_start":
            _block(held, count(value, "/index"), record(value, "/content_block"))
    return _said(held)


def _block(held: dict[str, Any], place: int, block: Any) -> None:
    if text(block, "/type") in BLOCKS:
        _keep(held, f"content.{place}.", block, BLOCK)


def gemini(values: list[Any]) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for chunk in values[0] if values and isinstance(values[0], list) else values:
        _keep(held, "", chunk, CHUNK)
        _keep(held, "usageMetadata.", record(chunk, "/usageMetadata"), METERED)
        for candidate in items(chunk, "/candidates"):
            _keep(held, f"candidates.{count(candidate, '/index')}.", candidate, CANDIDATE)
    return _said(held)


def ollama(values: list[Any]) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for line in values:
        _keep(held, "", line, LINE)
        _keep(held, "message.", pointer(line, "/message"), TURN)
    return _said(held)


def _said(held: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in held.items() if each not in ({}, [], "")}


LAST = ("completed", "incomplete", "failed", "cancelled")
FOLDS: dict[str, Callable[[list[Any]], dict[str, Any]]] = {
    "openai-chat": chat,
    "openai-responses": responses,
    "anthropic-messages": messages,
    "gemini": gemini,
    "ollama": ollama,
}
