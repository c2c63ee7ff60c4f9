"""The OpenAI responses API, whole and streamed."""

from typing import Any

import errors
import wire
from answer import Answer, cut_stream, meters, nonsense
from openai_chat import priced
from streams import Frame
from wire import count, items, pointer, record, text

INCOMPLETE = {
    "max_output_tokens": ["Length"],
    "max_tokens": ["Length"],
    "content_filter": ["ContentFilter"],
}
LAST = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")
# Deltas that make up an item whose end never came, and the field that grows.
GROWING = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning_summary_text.delta": "summary",
    "response.function_call_arguments.delta": "arguments",
    "response.custom_tool_call_input.delta": "input",
}


def whole(body: bytes, headers: list[list[str]]) -> dict:
    """Reads a body that came in one piece."""
    try:
        value = wire.loads(body)
    except ValueError as error:
        return nonsense(f"no JSON: {error}")
    if pointer(value, "/output") is None and not errors.in_band(value):
        return nonsense("no output")
    answer = Answer()
    thought = pointer(value, "/reasoning")
    if isinstance(thought, str):
        answer.reasoning("reasoning", thought)
    for place, item in enumerate(items(value, "/output")):
        _item(answer, place, item, [text(item, "/id")])
    _response(answer, value)
    return _unfinished(answer, value)


def _unfinished(answer: Answer, value: Any) -> dict:
    """A response that still runs can be reported as one that never ended."""
    if text(value, "/status") not in ("queued", "in_progress"):
        return answer.done()
    running = answer.done()
    answer.finishes.clear()
    answer.fail({"kinds": ["Unavailable", "Unsupported", "Other"]})
    return {"kind": "either", "readings": [answer.done(), running]}


def streamed(frames: list[Frame], headers: list[list[str]]) -> dict:
    """Reads a stream of events: finished items, else what their deltas add up to."""
    answer, found, ids, ended, known = Answer(), {}, {}, False, 0
    for frame in frames:
        try:
            event = wire.loads(frame.data)
        except ValueError:
            continue
        kind, place = text(event, "/type"), count(event, "/output_index")
        known += kind.startswith("response.") or kind == "error"
        id = text(event, "/item/id") or text(event, "/item_id")
        if id:
            ids.setdefault(place, []).append(id)
        if kind in ("response.output_item.added", "response.output_item.done"):
            found[place] = dict(record(event, "/item"))
        elif kind in GROWING:
            held = found.setdefault(place, {})
            bits = held.setdefault("bits", {})
            bits[kind] = bits.get(kind, "") + text(event, "/delta")
        elif kind == "error":
            answer.fail(errors.in_band(event) or errors.in_band({"error": event}))
            break
        elif kind in LAST:
            ended = True
            _items(answer, found, ids)
            _response(answer, pointer(event, "/response", {}))
            break
        if kind.startswith("response.") and pointer(event, "/response"):
            answer.origin(text(event, "/response/id"), text(event, "/response/model"))
    if not known:
        return nonsense("no event")
    if not ended:
        _items(answer, found, ids)
        answer.fail(cut_stream())
    return answer.done()


def _items(answer: Answer, found: dict, ids: dict) -> None:
    for place in sorted(found):
        item = found[place]
        bits = item.pop("bits", None)
        if bits and item.get("status") != "completed":
            _grown(answer, place, item, bits)
        else:
            _item(answer, place, item, ids.get(place, []))


def _grown(answer: Answer, place: int, item: dict, bits: dict) -> None:
    """An item that was cut: what had come of it."""
    for kind, held in bits.items():
        field = GROWING[kind]
        if field == "text":
            answer.text((place, field), held)
        elif field == "refusal":
            answer.refusal((place, field), held)
        elif field in ("reasoning", "summary"):
            of = "Text" if field == "reasoning" else "Summary"
            answer.reasoning((place, field), held, of=of)
        else:
            id, name = text(item, "/call_id"), text(item, "/name")
            answer.call(place, id, name, held, freeform=field == "input")


def _item(answer: Answer, place: int, item: Any, ids: list[str]) -> None:
    kind = text(item, "/type")
    item_id = list(dict.fromkeys(ids)) or [None]
    if kind == "message":
        for number, part in enumerate(items(item, "/content")):
            _content(answer, (place, number), part, item_id)
    elif kind == "reasoning":
        _reasoning(answer, place, item, item_id)
    elif kind == "function_call":
        id, name = text(item, "/call_id"), text(item, "/name")
        answer.call(place, id, name, text(item, "/arguments"), item_id=item_id)
    elif kind == "custom_tool_call":
        id, name = text(item, "/call_id"), text(item, "/name")
        written = text(item, "/input")
        answer.call(place, id, name, written, freeform=True, item_id=item_id)
    else:
        also = {"kind_also": "media"} if kind == "image_generation_call" else {}
        answer.native(place, item, **also)


def _content(answer: Answer, key: Any, part: Any, item_id: list) -> None:
    if text(part, "/type") == "refusal":
        answer.refusal(key, text(part, "/refusal"))
        return
    said = answer.text(key, text(part, "/text"), item_id=item_id)
    if said is None:
        return
    for note in items(part, "/annotations"):
        said.setdefault("citations", []).append(_citation(note))
    tokens = items(part, "/logprobs")
    if tokens:
        said["logprobs"] = [wire.dumps(token) for token in tokens]


def _citation(note: Any) -> dict:
    begin, end = count(note, "/start_index"), count(note, "/end_index")
    spanned = [begin, end]
    file = text(note, "/file_id")
    return {
        "url": pointer(note, "/url"),
        "title": [text(note, "/title") or text(note, "/filename") or None],
        "span": [spanned] if end > begin else [None, spanned],
        "holds": [file] if file else [],
    }


def _reasoning(answer: Answer, place: int, item: Any, item_id: list) -> None:
    """The parts of one reasoning item, in whatever order."""
    same = {"item_id": item_id, "item": place}
    for number, part in enumerate(items(item, "/summary")):
        key = (place, "summary", number)
        answer.reasoning(key, text(part, "/text"), of="Summary", **same)
    for number, part in enumerate(items(item, "/content")):
        answer.reasoning((place, "text", number), text(part, "/text"), **same)
    sealed = text(item, "/encrypted_content")
    answer.reasoning((place, "encrypted"), sealed, of="Encrypted", **same)


def _response(answer: Answer, value: Any) -> None:
    answer.origin(pointer(value, "/id"), pointer(value, "/model"), pointer(value, "/service_tier"))
    status = text(value, "/status")
    failure = errors.in_band(value)
    if failure:
        answer.fail(failure)
    elif status == "incomplete":
        reason = text(value, "/incomplete_details/reason")
        answer.finish(0, INCOMPLETE.get(reason, []), [reason, status])
    else:
        called = any(part["kind"] == "call" for part in answer.parts)
        reasons = ["ToolCalls"] if called else ["Stop"]
        answer.finish(0, reasons if status in ("completed", "") else [], [status])
    held = pointer(value, "/usage")
    if held:
        _usage(answer, held, value)


def _usage(answer: Answer, held: Any, value: Any) -> None:
    prompt, written = count(held, "/input_tokens"), count(held, "/output_tokens")
    reasoned = count(held, "/output_tokens_details/reasoning_tokens")
    apart = reasoned and count(held, "/total_tokens") == prompt + written + reasoned
    answer.usage(
        prompt_tokens=prompt,
        completion_tokens=written + (reasoned if apart else 0),
        cache_read_tokens=count(held, "/input_tokens_details/cached_tokens"),
        cache_write_tokens=count(held, "/input_tokens_details/cache_write_tokens"),
        reasoning_tokens=reasoned,
        meters=meters(
            prompt_audio_tokens=count(held, "/input_tokens_details/audio_tokens"),
            prompt_image_tokens=count(held, "/input_tokens_details/image_tokens"),
            completion_audio_tokens=count(held, "/output_tokens_details/audio_tokens"),
            completion_image_tokens=count(held, "/output_tokens_details/image_tokens"),
            web_searches=count(value, "/tool_usage/web_search/num_requests"),
        ),
        open_meters=["web-searches", "prompt-image-tokens", "completion-image-tokens"],
        cost=priced(held, value),
    )
