"""Cohere's v2 chat, whole and streamed."""

from typing import Any

import errors
import wire
from answer import Answer, cut_stream, nonsense
from streams import Frame
from wire import count, items, pointer, text

REASONS = {
    "COMPLETE": ["Stop"],
    "STOP_SEQUENCE": ["Stop"],
    "MAX_TOKENS": ["Length"],
    "TOOL_CALL": ["ToolCalls"],
    "ERROR_TOXIC": ["ContentFilter"],
    "ERROR_LIMIT": ["Length", "Error"],
    "USER_CANCEL": ["Error", "Stop"],
    "ERROR": ["Error"],
    "TIMEOUT": ["Error"],
}


def whole(body: bytes, headers: list[list[str]]) -> dict:
    """Reads a body that came in one piece."""
    try:
        value = wire.loads(body)
    except ValueError as error:
        return nonsense(f"no JSON: {error}")
    message = pointer(value, "/message")
    if not isinstance(message, dict):
        return nonsense("no message")
    answer = Answer()
    answer.origin(pointer(value, "/id"))
    _plan(answer, text(message, "/tool_plan"))
    for place, block in enumerate(items(message, "/content")):
        _content(answer, place, block)
    for place, call in enumerate(items(message, "/tool_calls")):
        _call(answer, place, call)
    for citation in items(message, "/citations"):
        _cite(answer, citation)
    _finish(answer, value)
    return answer.done()


def streamed(frames: list[Frame], headers: list[list[str]]) -> dict:
    """Reads a stream of server-sent events."""
    answer, ended, known = Answer(), False, 0
    for frame in frames:
        try:
            event = wire.loads(frame.data)
        except ValueError:
            continue
        kind, place = text(event, "/type") or frame.kind, count(event, "/index")
        known += kind == "message-start"
        answer.origin(pointer(event, "/id"))
        message = pointer(event, "/delta/message", {})
        if kind in ("content-start", "content-delta"):
            _content(answer, place, pointer(message, "/content", {}))
        elif kind == "tool-plan-delta":
            _plan(answer, text(message, "/tool_plan"))
        elif kind in ("tool-call-start", "tool-call-delta"):
            _call(answer, place, pointer(message, "/tool_calls", {}))
        elif kind == "citation-start":
            _cite(answer, pointer(message, "/citations", {}))
        elif kind == "message-end":
            ended = True
            failure = errors.in_band(pointer(event, "/delta", {}))
            _finish(answer, pointer(event, "/delta", {}))
            if failure:
                answer.fail(failure)
            break
    if not known:
        return nonsense("no message")
    if not ended:
        answer.fail(cut_stream())
    return answer.done()


def _plan(answer: Answer, plan: str) -> None:
    """What the model means to do with its tools: a thought."""
    answer.reasoning("plan", plan)


def _content(answer: Answer, place: int, block: Any) -> None:
    answer.reasoning(("thinking", place), text(block, "/thinking"))
    answer.text(("text", place), text(block, "/text"))


def _call(answer: Answer, place: int, call: Any) -> None:
    name, written = text(call, "/function/name"), text(call, "/function/arguments")
    answer.call(("call", place), text(call, "/id"), name, written)


def _cite(answer: Answer, held: Any) -> None:
    """One citation for each source, in the block that the citation names."""
    plan = text(held, "/type") == "PLAN"
    key = "plan" if plan else ("text", count(held, "/content_index"))
    said = answer.held.get(key)
    if said is None:
        said = next((part for part in answer.parts if part["kind"] == "text"), None)
    if said is None:
        return
    span = [count(held, "/start"), count(held, "/end")]
    for source in items(held, "/sources") or [{}]:
        said.setdefault("citations", []).append(
            {
                "url": [text(source, "/document/url") or None],
                "title": [text(source, "/document/title") or None, text(source, "/id")],
                "span": [span],
            }
        )


def _finish(answer: Answer, held: Any) -> None:
    word = text(held, "/finish_reason")
    if word:
        answer.finish(0, REASONS.get(word, []), word)
    usage = pointer(held, "/usage", {})
    if usage:
        _usage(answer, usage)


def _usage(answer: Answer, held: Any) -> None:
    """Cohere counts twice: what was read and written, and, less than that, what it bills."""
    answer.usage(
        prompt_tokens=_first(held, "input_tokens"),
        completion_tokens=_first(held, "output_tokens"),
        cache_read_tokens=count(held, "/cached_tokens"),
        reasoning_tokens=count(held, "/tokens/reasoning_tokens"),
        counted=[one for one in _billed(held) if one],
    )


def _billed(held: Any) -> list[int]:
    units = pointer(held, "/billed_units", {})
    return [count(units, f"/{name}") for name in units]


def _first(held: Any, name: str) -> int:
    return count(held, f"/tokens/{name}") or count(held, f"/billed_units/{name}")
