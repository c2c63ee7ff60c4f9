"""Anthropic messages, whole and streamed."""

from typing import Any

import errors
import wire
from answer import Answer, cut_stream, meters, nonsense
from streams import Frame
from wire import count, items, pointer, record, text

REASONS = {
    "end_turn": ["Stop"],
    "stop_sequence": ["Stop"],
    "max_tokens": ["Length"],
    "model_context_window_exceeded": ["Length"],
    "tool_use": ["ToolCalls"],
    "pause_turn": ["Paused"],
    "compaction": ["Paused"],
    "refusal": ["ContentFilter"],
}
# Where each kind of citation says where it is from.
CITED_URL = ("/url", "/source")
CITED_TITLE = ("/title", "/document_title")


def whole(body: bytes, headers: list[list[str]]) -> dict:
    """Reads a body that came in one piece."""
    try:
        value = wire.loads(body)
    except ValueError as error:
        return nonsense(f"no JSON: {error}")
    answer = Answer()
    failure = errors.in_band(value)
    if failure:
        answer.fail(failure)
    elif pointer(value, "/content") is None:
        return nonsense("no content")
    _message(answer, value)
    for place, block in enumerate(items(value, "/content")):
        _whole_block(answer, place, block)
    if text(value, "/stop_reason"):
        _finish(answer, value)
    _usage(answer, pointer(value, "/usage", {}))
    return answer.done()


def streamed(frames: list[Frame], headers: list[list[str]]) -> dict:
    """Reads a stream of server-sent events."""
    return read(frame.data for frame in frames)


def read(events: Any) -> dict:
    """Reads the JSON of each event in turn."""
    answer, blocks, usage, ended, known = Answer(), {}, {}, False, 0
    for data in events:
        try:
            event = wire.loads(data)
        except ValueError:
            continue
        kind = text(event, "/type")
        known += kind in ("message_start", "error")
        if kind == "message_start":
            _message(answer, pointer(event, "/message"))
            usage.update(record(event, "/message/usage"))
        elif kind == "content_block_start":
            block = dict(record(event, "/content_block"))
            blocks[count(event, "/index")] = [block, ""]
        elif kind == "content_block_delta":
            _delta(blocks, event)
        elif kind == "message_delta":
            given = record(event, "/usage")
            usage.update({name: held for name, held in given.items() if held is not None})
            _finish(answer, pointer(event, "/delta", {}))
        elif kind == "error":
            answer.fail(errors.in_band(event) or errors.named("", ""))
            break
        elif kind == "message_stop":
            ended = True
            break
    if not known:
        return nonsense("no message")
    for place in sorted(blocks):
        _streamed_block(answer, place, *blocks[place])
    if usage:
        _usage(answer, usage)
    if not ended:
        answer.fail(cut_stream())
        answer.failure["usage_may_miss"] = True
    return answer.done()


def _delta(blocks: dict[int, list], event: Any) -> None:
    """Adds what a delta holds to its block."""
    held = blocks.get(count(event, "/index"))
    delta = record(event, "/delta")
    if held is None:
        return
    block = held[0]
    if text(delta, "/type") == "input_json_delta":
        held[1] += text(delta, "/partial_json")
    elif text(delta, "/type") == "citations_delta":
        block["citations"] = [*items(block, "/citations"), delta.get("citation")]
    else:
        for name, more in delta.items():
            if name != "type" and isinstance(more, str):
                block[name] = text(block, f"/{name}") + more


def _streamed_block(answer: Answer, place: int, block: dict, written: str) -> None:
    if written and block.get("type") == "tool_use":
        _call(answer, place, block, written, "text")
        return
    if written:
        try:
            block["input"] = wire.loads(written)
        except ValueError:
            block["input"] = written
    _whole_block(answer, place, block)


def _whole_block(answer: Answer, place: int, block: Any) -> None:
    kind = text(block, "/type")
    if kind == "text":
        said = answer.text(place, text(block, "/text"))
        if said is not None and items(block, "/citations"):
            said["citations"] = list(map(_citation, items(block, "/citations")))
    elif kind == "tool_use":
        _call(answer, place, block, wire.dumps(block.get("input", {})), "json")
    elif kind == "thinking":
        thought = answer.part(place, "reasoning", of="Text", text=text(block, "/thinking"))
        if text(block, "/signature"):
            thought["signature"] = text(block, "/signature")
    elif kind == "redacted_thinking":
        answer.reasoning(place, text(block, "/data"), of="Encrypted")
    else:
        answer.native(place, block)


def _call(answer: Answer, place: int, block: Any, written: str, as_: str) -> None:
    id, name = text(block, "/id"), text(block, "/name")
    answer.call(place, id, name, written)["input_is"] = as_


def _citation(held: Any) -> dict:
    url = next((text(held, path) for path in CITED_URL if text(held, path)), None)
    title = [text(held, path) for path in CITED_TITLE if text(held, path)]
    named = url if url and "://" in url else None
    return {
        "url": url if named else [url, None],
        "title": title[0] if title else None,
        "quote": text(held, "/cited_text") or None,
        "span": [None],
        "holds": [text(held, "/encrypted_index")] if text(held, "/encrypted_index") else [],
    }


def _message(answer: Answer, message: Any) -> None:
    tier = pointer(message, "/usage/service_tier")
    answer.origin(pointer(message, "/id"), pointer(message, "/model"), tier)
    _container(answer, message)


def _container(answer: Answer, held: Any) -> None:
    """Where the provider ran code: to be named in the next turn."""
    if text(held, "/container/id"):
        answer.holds = [text(held, "/container/id")]


def _finish(answer: Answer, held: Any) -> None:
    word = text(held, "/stop_reason")
    _container(answer, held)
    if word:
        stop = pointer(held, "/stop_sequence")
        answer.finish(0, REASONS.get(word, []), word, stop)


def _usage(answer: Answer, held: Any) -> None:
    """The answering model, and each other model that it consulted."""
    _counts(answer, None, held)
    others: dict[str, dict] = {}
    for one in items(held, "/iterations"):
        model = text(one, "/model")
        if model and text(one, "/type") != "message":
            others[model] = _sum(others.get(model, {}), one)
    for model, one in others.items():
        _counts(answer, model, one)


def _sum(held: dict, more: dict) -> dict:
    """Two usages of one model as one."""
    total = dict(held)
    for name, number in more.items():
        if isinstance(number, dict):
            total[name] = _sum(held.get(name) or {}, number)
        elif isinstance(number, int):
            total[name] = held.get(name, 0) + number
    return total


def _counts(answer: Answer, model: str | None, held: Any) -> None:
    cached = count(held, "/cache_read_input_tokens")
    kept = count(held, "/cache_creation_input_tokens")
    answer.usage(
        model,
        prompt_tokens=count(held, "/input_tokens") + cached + kept,
        completion_tokens=count(held, "/output_tokens"),
        cache_read_tokens=cached,
        cache_write_tokens=kept,
        reasoning_tokens=count(held, "/output_tokens_details/thinking_tokens"),
        meters=meters(
            cache_write_1h_tokens=count(held, "/cache_creation/ephemeral_1h_input_tokens"),
            web_searches=count(held, "/server_tool_use/web_search_requests"),
            web_fetches=count(held, "/server_tool_use/web_fetch_requests"),
        ),
    )
