"""Bedrock's Converse and ConverseStream."""

import base64
from typing import Any

import bedrock
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
    "guardrail_intervened": ["ContentFilter"],
    "content_filtered": ["ContentFilter"],
    "malformed_model_output": ["Error"],
    "malformed_tool_use": ["Error"],
}
CACHE_READS = ("/cacheReadInputTokens", "/cacheReadInputTokenCount")
CACHE_WRITES = ("/cacheWriteInputTokens", "/cacheWriteInputTokenCount")


def whole(body: bytes, headers: list[list[str]]) -> dict:
    """Reads a body that came in one piece."""
    try:
        value = wire.loads(body)
    except ValueError as error:
        return nonsense(f"no JSON: {error}")
    if pointer(value, "/output/message") is None:
        return nonsense("no message")
    answer = Answer()
    _origin(answer, headers, value)
    for place, block in enumerate(items(value, "/output/message/content")):
        _block(answer, place, block)
    _finish(answer, value)
    _usage(answer, pointer(value, "/usage", {}))
    return answer.done()


def streamed(frames: list[Frame], headers: list[list[str]]) -> dict:
    """Reads the messages of an event stream."""
    answer, blocks, ended, known = Answer(), {}, False, 0
    _origin(answer, headers, {})
    for frame in frames:
        if bedrock.is_exception(frame):
            known += 1
            answer.fail(errors.named(bedrock.name(frame), bedrock.message(frame)))
            break
        event = wire.loads(frame.data)
        known += frame.kind == "messageStart"
        place = count(event, "/contentBlockIndex")
        if frame.kind == "contentBlockStart":
            blocks[place] = dict(record(event, "/start"))
        elif frame.kind == "contentBlockDelta":
            _delta(blocks.setdefault(place, {}), record(event, "/delta"))
        elif frame.kind == "messageStop":
            ended = True
            _finish(answer, event)
        elif frame.kind == "metadata":
            _origin(answer, [], event)
            _usage(answer, pointer(event, "/usage", {}))
    if not known:
        return nonsense("no message")
    for place in sorted(blocks):
        _block(answer, place, blocks[place])
    if not ended:
        answer.fail(cut_stream())
    return answer.done()


def _delta(block: dict, delta: Any) -> None:
    """Adds what a delta holds to its block."""
    if "text" in delta:
        block["text"] = text(block, "/text") + text(delta, "/text")
    if "citation" in delta:
        block.setdefault("citations", []).append(delta["citation"])
    if "reasoningContent" in delta:
        held = block.setdefault("reasoning", {})
        for name in record(delta, "/reasoningContent"):
            held.setdefault(name, []).append(text(delta, f"/reasoningContent/{name}"))
    if isinstance(delta.get("toolUse"), dict):
        earlier = record(block, "/toolUse")
        written = text(earlier, "/written") + text(delta, "/toolUse/input")
        block["toolUse"] = {**earlier, "written": written}
    if isinstance(delta.get("toolResult"), list):
        earlier = record(block, "/toolResult")
        content = [*items(earlier, "/content"), *delta["toolResult"]]
        block["toolResult"] = {**earlier, "content": content}


def _block(answer: Answer, place: int, held: Any) -> None:
    block = record(held)
    if "citationsContent" in block:
        held = block["citationsContent"]
        said = "".join(text(one, "/text") for one in items(held, "/content"))
        _text(answer, place, said, items(held, "/citations"))
    elif "reasoningContent" in block or "reasoning" in block:
        _reasoning(answer, place, block)
    elif "toolUse" in block and text(block, "/toolUse/type") != "server_tool_use":
        _call(answer, place, block["toolUse"])
    elif "text" in block:
        _text(answer, place, text(block, "/text"), items(block, "/citations"))
    elif block:
        made = any(kind in block for kind in ("image", "audio", "video"))
        also = {"kind_also": "media"} if made else {}
        answer.native(place, _without_written(block), **also)


def _without_written(block: dict) -> dict:
    """A block of a stream as it would stand in a whole body."""
    call = dict(record(block, "/toolUse"))
    if "written" not in call:
        return block
    try:
        call["input"] = wire.loads(call.pop("written"))
    except ValueError:
        pass
    return {**block, "toolUse": call}


def _text(answer: Answer, place: int, said: str, citations: list) -> None:
    part = answer.text(place, said)
    if part is not None and citations:
        part["citations"] = list(map(_citation, citations))


def _citation(held: Any) -> dict:
    quote = "".join(text(one, "/text") for one in items(held, "/sourceContent"))
    return {
        "url": pointer(held, "/location/web/url"),
        "title": text(held, "/title") or None,
        "quote": quote or None,
        "span": [None],
    }


def _reasoning(answer: Answer, place: int, block: Any) -> None:
    """Thoughts; of a stream the bits of each field, of a whole body the field."""
    held = block.get("reasoning")
    if held is None:
        path = "/reasoningContent/reasoningText"
        held = {name: [text(block, f"{path}/{name}")] for name in record(block, path)}
        if text(block, "/reasoningContent/redactedContent"):
            held["redactedContent"] = [text(block, "/reasoningContent/redactedContent")]
    for number, bit in enumerate(held.get("redactedContent", [])):
        said = answer.reasoning((place, "redacted", number), bit, of="Encrypted")
        if said:
            said["text_also"] = _bytes(bit)
    thought, proof = ("".join(held.get(name, [])) for name in ("text", "signature"))
    if thought or proof:
        said = answer.part(place, "reasoning", of="Text", text=thought)
        if proof:
            said["signature"] = proof


def _bytes(blob: str) -> str:
    """What a blob holds, which the model's own API would send as it is."""
    try:
        return base64.b64decode(blob, validate=True).decode()
    except ValueError:
        return blob


def _call(answer: Answer, place: int, call: Any) -> None:
    written = pointer(call, "/written")
    as_ = "text"
    if not written:
        written, as_ = wire.dumps(pointer(call, "/input", {})), "json"
    id, name = text(call, "/toolUseId"), text(call, "/name")
    answer.call(place, id, name, written)["input_is"] = as_


def _finish(answer: Answer, value: Any) -> None:
    word = text(value, "/stopReason")
    stop = text(value, "/additionalModelResponseFields/stop_sequence")
    answer.finish(0, REASONS.get(word, []), word, [stop or None, None])


def _origin(answer: Answer, headers: list[list[str]], value: Any) -> None:
    id = next((held for name, held in headers if name == "x-amzn-requestid"), None)
    answer.origin(id, None, pointer(value, "/serviceTier/type"))


def _first(held: Any, paths: tuple[str, ...]) -> int:
    return next((count(held, path) for path in paths if count(held, path)), 0)


def _usage(answer: Answer, held: Any) -> None:
    """What was read from or written to the cache comes on top of the input."""
    cached, kept = _first(held, CACHE_READS), _first(held, CACHE_WRITES)
    long = sum(
        count(one, "/inputTokens")
        for one in items(held, "/cacheDetails")
        if text(one, "/ttl") == "1h"
    )
    answer.usage(
        prompt_tokens=count(held, "/inputTokens") + cached + kept,
        completion_tokens=count(held, "/outputTokens"),
        cache_read_tokens=cached,
        cache_write_tokens=kept,
        meters=meters(cache_write_1h_tokens=long),
    )
