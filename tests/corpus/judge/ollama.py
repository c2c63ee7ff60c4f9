"""Ollama's native chat: one object, or one for each line."""

from typing import Any

import errors
import wire
from answer import Answer, cut_stream, nonsense
from streams import Frame
from wire import count, items, pointer, text

REASONS = {
    "stop": ["Stop"],
    "length": ["Length"],
    "load": ["Stop"],
    "unload": ["Stop"],
}


def whole(body: bytes, headers: list[list[str]]) -> dict:
    """Reads a body that came in one piece."""
    return _read([Frame(None, body)])


def streamed(frames: list[Frame], headers: list[list[str]]) -> dict:
    """Reads a stream of lines."""
    return _read(frames)


def _read(frames: list[Frame]) -> dict:
    answer, ended, known = Answer(), False, 0
    for frame in frames:
        try:
            value = wire.loads(frame.data)
        except ValueError:
            continue
        failure = errors.in_band(value)
        if failure:
            answer.fail(failure)
            break
        known += pointer(value, "/message") is not None
        answer.origin(None, pointer(value, "/model"))
        _message(answer, value)
        if pointer(value, "/done") is True:
            ended = True
            _finish(answer, value)
            break
    if not known and not answer.failure:
        return nonsense("no message")
    if not ended:
        answer.fail(cut_stream())
    return answer.done()


def _message(answer: Answer, value: Any) -> None:
    answer.reasoning("thinking", text(value, "/message/thinking"))
    said = answer.text("text", text(value, "/message/content"))
    tokens = items(value, "/logprobs")
    if said is not None and tokens:
        said.setdefault("logprobs", []).extend(wire.dumps(token) for token in tokens)
    for call in items(value, "/message/tool_calls"):
        written = wire.dumps(pointer(call, "/function/arguments", {}))
        key = ("call", len(answer.parts))
        name = text(call, "/function/name")
        made = answer.call(key, text(call, "/id"), name, written)
        made["input_is"] = "json"


def _finish(answer: Answer, value: Any) -> None:
    word = text(value, "/done_reason")
    reasons = REASONS.get(word, ["Stop"] if not word else [])
    if word in ("stop", "") and any(part["kind"] == "call" for part in answer.parts):
        reasons = ["ToolCalls"]
    answer.finish(0, reasons, word)
    answer.usage(
        prompt_tokens=count(value, "/prompt_eval_count"),
        completion_tokens=count(value, "/eval_count"),
    )
