"""OpenAI chat completions, whole and streamed, with the habits of all who copied it."""

from collections.abc import Iterator
from typing import Any

import errors
import wire
from answer import Answer, cut_stream, meters, nonsense, picodollars
from streams import Frame
from wire import count, items, pointer, text

# Tenths of a billionth of a dollar, as xAI bills them.
TICKS_PER_DOLLAR = 10**10

REASONS = {
    "stop": ["Stop"],
    "eos": ["Stop"],
    "eos_token": ["Stop"],
    "end_turn": ["Stop"],
    "length": ["Length"],
    "max_tokens": ["Length"],
    "model_length": ["Length"],
    "model_context_window_exceeded": ["Length"],
    "tool_calls": ["ToolCalls"],
    "function_call": ["ToolCalls"],
    "content_filter": ["ContentFilter"],
    "sensitive": ["ContentFilter"],
    "": ["Stop", "ToolCalls"],
    "error": ["Error"],
    "network_error": ["Error"],
    "insufficient_system_resource": ["Error", "Length"],
}
REASONING_STRINGS = ("reasoning_content", "reasoning")
CACHED = (
    "/prompt_tokens_details/cached_tokens",
    "/prompt_cache_hit_tokens",
    "/cached_tokens",
    "/num_cached_tokens",
    "/cache_read_input_tokens",
)
CACHE_WRITES = (
    "/prompt_tokens_details/cache_write_tokens",
    "/cache_creation_input_tokens",
)
REASONED = ("/completion_tokens_details/reasoning_tokens", "/reasoning_tokens")
# Counts that the contract has no meter for.
UNNAMED = ("/prompt_audio_seconds", "/citation_tokens")
SEARCHES = (
    "/server_tool_use_details/web_search_requests",
    "/server_tool_use/web_search_requests",
    "/num_search_queries",
)


def whole(body: bytes, headers: list[list[str]]) -> dict:
    """Reads a body that came in one piece."""
    try:
        value = wire.loads(body)
    except ValueError as error:
        return nonsense(f"no JSON: {error}")
    failure = errors.in_band(value)
    if not items(value, "/choices") and failure is None:
        return nonsense("no choices")
    answer = Answer(joined=True)
    _origin(answer, value)
    for place, choice in enumerate(items(value, "/choices")):
        _message(answer, count(choice, "/index") or place, choice)
    _common(answer, value)
    if failure:
        answer.fail(failure)
    return answer.done()


def _message(answer: Answer, index: int, choice: Any) -> None:
    message = pointer(choice, "/message", {})
    _bits(answer, index, choice, message)
    _finish(answer, index, choice)


def streamed(frames: list[Frame], headers: list[list[str]]) -> dict:
    """Reads a stream of chunks."""
    answer, ended, read = Answer(joined=True), False, 0
    for frame in frames:
        if frame.text().strip() == "[DONE]":
            ended = True
            break
        try:
            chunk = wire.loads(frame.data)
        except ValueError:
            continue
        read += 1
        failure = errors.in_band(chunk)
        _origin(answer, chunk)
        for choice in items(chunk, "/choices"):
            _delta(answer, choice)
        _common(answer, chunk)
        if failure:
            answer.fail(failure)
            break
    if not read:
        return nonsense("no chunk")
    if not answer.failure and not (ended or answer.finishes):
        answer.fail(cut_stream())
    elif not answer.failure and not answer.finishes:
        answer.finish(0, ["Stop", "ToolCalls"], "")
    return answer.done()


def _delta(answer: Answer, choice: Any) -> None:
    index = count(choice, "/index")
    delta = pointer(choice, "/delta")
    if delta is None:
        delta = pointer(choice, "/message", {})
    _bits(answer, index, choice, delta)
    if pointer(choice, "/finish_reason") is not None:
        _finish(answer, index, choice)


def _origin(answer: Answer, value: Any) -> None:
    answer.origin(
        pointer(value, "/id"), pointer(value, "/model"), pointer(value, "/service_tier")
    )


def _bits(answer: Answer, index: int, choice: Any, message: Any) -> None:
    """What one message or delta adds to a choice."""
    _reasoning(answer, index, choice, message)
    _content(answer, index, choice, message)
    said = answer.refusal((index, "refusal"), text(message, "/refusal"), index)
    _logprobs(said, items(choice, "/logprobs/refusal"))
    _media(answer, index, message)
    for place, call in enumerate(items(message, "/tool_calls")):
        _call(answer, index, place, call)
    if text(message, "/function_call/name") or (index, "function") in answer.held:
        name = text(message, "/function_call/name")
        written = text(message, "/function_call/arguments")
        answer.call((index, "function"), None, name, written, index)
    _proof(answer, index, message)


def _reasoning(answer: Answer, index: int, choice: Any, message: Any) -> None:
    details = items(message, "/reasoning_details")
    said = None
    if details or (index, "details") in answer.held:
        answer.held.setdefault((index, "details"), {})
        for detail in details:
            said = _detail(answer, index, detail)
    else:
        for field in REASONING_STRINGS:
            if text(message, f"/{field}"):
                said = answer.reasoning(
                    (index, "reasoning"), text(message, f"/{field}"), index
                )
                break
    _logprobs(said, items(choice, "/logprobs/reasoning_content"))


def _detail(answer: Answer, index: int, detail: Any) -> dict | None:
    """One entry of `reasoning_details`; those that share kind and index are one."""
    kind = text(detail, "/type").removeprefix("reasoning.")
    place = (index, "detail", kind, count(detail, "/index"))
    if kind == "encrypted":
        place = (*place, text(detail, "/data"))
        said = answer.reasoning(place, text(detail, "/data"), index, "Encrypted")
    elif kind == "summary":
        said = answer.reasoning(place, text(detail, "/summary"), index, "Summary")
    else:
        said = _reasoning_text(answer, place, index, detail)
    if said:
        if text(detail, "/format"):
            said["format"] = text(detail, "/format")
        if text(detail, "/id"):
            said["item_id"] = [text(detail, "/id")]
    return said


def _reasoning_text(answer: Answer, place: tuple, index: int, detail: Any) -> dict | None:
    signature = text(detail, "/signature")
    if signature:
        said = answer.part(place, "reasoning", index, of="Text")
        said["signature"] = signature
    return answer.reasoning(place, text(detail, "/text"), index)


def _content(answer: Answer, index: int, choice: Any, message: Any) -> None:
    content = pointer(message, "/content")
    if isinstance(content, str):
        said = answer.text((index, "text"), content, index)
        _logprobs(said, items(choice, "/logprobs/content"))
    for chunk in content if isinstance(content, list) else []:
        if text(chunk, "/type") == "thinking":
            thought = "".join(text(bit, "/text") for bit in items(chunk, "/thinking"))
            answer.reasoning((index, "thinking"), thought, index)
        else:
            answer.text((index, "text"), text(chunk, "/text"), index)
    for note in items(message, "/annotations"):
        _annotation(answer, index, note)


def _annotation(answer: Answer, index: int, note: Any) -> None:
    cited = pointer(note, "/url_citation")
    if cited is None:
        return
    said = answer.part((index, "text"), "text", index)
    begin, end = count(cited, "/start_index"), count(cited, "/end_index")
    said.setdefault("citations", []).append(
        {
            "url": pointer(cited, "/url"),
            "title": text(cited, "/title") or None,
            "span": [[begin, end]] if end > begin else [None, [begin, end]],
        }
    )


def _media(answer: Answer, index: int, message: Any) -> None:
    audio = pointer(message, "/audio", {})
    if text(audio, "/data") or (index, "audio") in answer.held:
        heard = answer.media((index, "audio"), "Audio", "", None, index)
        heard["data"] += text(audio, "/data")
    spoken = answer.text((index, "spoken"), text(audio, "/transcript"), index)
    if spoken:
        spoken["optional"] = True
    for place, image in enumerate(items(message, "/images")):
        head, _, data = text(image, "/image_url/url").partition(";base64,")
        if data:
            mime = head.removeprefix("data:")
            answer.media((index, "image", place), "Image", data, mime, index)


def _call(answer: Answer, index: int, place: int, call: Any) -> None:
    """A tool call or the next bit of one, told apart by its index, else by its id."""
    numbered = pointer(call, "/index") is not None
    key = (index, "call", count(call, "/index") if numbered else place)
    id = text(call, "/id")
    held = answer.held.get(key)
    if held and id and held["id"] and held["id"] != id:
        key = (index, "call", id)
    custom = text(call, "/type") == "custom"
    body = pointer(call, "/custom" if custom else "/function", {})
    written = pointer(body, "/input" if custom else "/arguments", "")
    if not isinstance(written, str):
        written = wire.dumps(written)
    made = answer.call(key, id, text(body, "/name"), written, index, freeform=custom)
    proof = text(call, "/extra_content/google/thought_signature")
    if proof:
        made["signature"] = proof


def _logprobs(said: dict | None, tokens: list) -> None:
    if said is not None and tokens:
        said.setdefault("logprobs", []).extend(wire.dumps(token) for token in tokens)


def _proof(answer: Answer, index: int, message: Any) -> None:
    """Google's proof for a message as a whole, which any of its parts may carry."""
    proof = text(message, "/extra_content/google/thought_signature")
    for part in answer.parts if proof else []:
        if part["choice"] == index:
            part["signature_also"] = proof


def _finish(answer: Answer, index: int, choice: Any) -> None:
    word = text(choice, "/finish_reason")
    native = text(choice, "/native_finish_reason") or word
    reasons = REASONS.get(word.lower(), [])
    called = any(
        part["kind"] == "call" and part["choice"] == index for part in answer.parts
    )
    if word == "stop" and called:
        reasons = ["Stop", "ToolCalls"]
    stop = pointer(choice, "/stop_reason")
    met = [stop, None] if isinstance(stop, str) else None
    answer.finish(index, reasons, native, met)


def _common(answer: Answer, value: Any) -> None:
    """What stands beside the choices: usage and sources."""
    for held in _usages(value):
        _usage(answer, held, value)
    _consulted(answer, items(value, "/x_groq/usage_breakdown/models"))
    _consulted(answer, items(value, "/usage_breakdown/models"))
    _sources(answer, value)


def _consulted(answer: Answer, models: list) -> None:
    """Models behind a compound one: reported apart, or in its sum."""
    for one in models:
        held = pointer(one, "/usage", {})
        usage = answer.usages.get(text(one, "/model")) or answer.usage(text(one, "/model"))
        usage["prompt_tokens"] += count(held, "/prompt_tokens")
        usage["completion_tokens"] += count(held, "/completion_tokens")
        usage["may_miss"] = True
    if models and None in answer.usages:
        answer.usages[None]["may_miss"] = True


def _usages(value: Any) -> Iterator[Any]:
    for path in ("/x_groq/usage", "/usage"):
        held = pointer(value, path)
        if isinstance(held, dict) and held:
            yield held


def _first(value: Any, paths: tuple[str, ...]) -> int:
    return next((count(value, path) for path in paths if count(value, path)), 0)


def _usage(answer: Answer, held: Any, value: Any) -> None:
    inputs, outputs = "/prompt_tokens_details", "/completion_tokens_details"
    reasoned, audio = _first(held, REASONED), count(held, f"{inputs}/audio_tokens")
    answer.usage(
        prompt_tokens=_read(held, audio),
        completion_tokens=_written(held, reasoned, audio),
        reasoning_tokens=reasoned or _hidden(held, audio),
        cache_read_tokens=_first(held, CACHED),
        cache_write_tokens=_first(held, CACHE_WRITES),
        meters=meters(
            cache_write_1h_tokens=count(held, "/cache_creation/ephemeral_1h_input_tokens"),
            prompt_audio_tokens=audio,
            prompt_image_tokens=count(held, f"{inputs}/image_tokens"),
            prompt_video_tokens=count(held, f"{inputs}/video_tokens"),
            cache_read_audio_tokens=count(held, f"{inputs}/cached_tokens_details/audio_tokens"),
            completion_audio_tokens=count(held, f"{outputs}/audio_tokens"),
            completion_image_tokens=count(held, f"{outputs}/image_tokens"),
            web_searches=_first(held, SEARCHES),
        ),
        counted=[one for one in (count(held, path) for path in UNNAMED) if one],
        cost=priced(held, value),
    )
    tier = text(held, "/service_tier")
    if tier and tier not in answer.tiers:
        answer.tiers.extend([tier, None])


def _total(held: Any) -> int:
    """What the total says beyond what was read and written."""
    named = count(held, "/prompt_tokens") + count(held, "/completion_tokens")
    return count(held, "/total_tokens") - named


def _read(held: Any, audio: int) -> int:
    """All that was read; the total tells whether audio came on top."""
    on_top = audio if _total(held) == audio else 0
    return count(held, "/prompt_tokens") + on_top


def _written(held: Any, reasoned: int, audio: int) -> int | list[int]:
    """All that was written; the total tells whether reasoning came on top.

    A subcount that exceeds its whole came on top though the total leaves it out.
    """
    written = count(held, "/completion_tokens")
    if reasoned and _total(held) == reasoned:
        return written + reasoned
    if reasoned > written:
        return [written, written + reasoned]
    return [written + hidden for hidden in _hidden(held, audio)]


def _hidden(held: Any, audio: int) -> list[int]:
    """Tokens that only the total counts: thoughts that were not shown, if anything."""
    beyond = _total(held)
    return [0, beyond] if beyond > 0 and beyond != audio else [0]


def priced(held: Any, value: Any) -> list[int] | None:
    """What the provider says that it costs: in dollars, or in xAI's ticks.

    Where the operator's own key at the upstream was used, the upstream bills
    too; an answer that names no price then leaves the sum to the catalogue.
    """
    ticks = wire.decimal(pointer(held, "/cost_in_usd_ticks"))
    if ticks is not None:
        return [picodollars(ticks / TICKS_PER_DOLLAR)]
    for path in ("/cost/total_cost", "/cost"):
        named = picodollars(pointer(held, path))
        if named is not None:
            own = _byok(held)
            return [named + own, None] if own else [named]
    named = picodollars(pointer(value, "/cost/usd"))
    return None if named is None else [named]


def _byok(held: Any) -> int:
    """What the upstream bills apart where the operator's own key was used."""
    if pointer(held, "/is_byok") is not True:
        return 0
    return picodollars(pointer(held, "/cost_details/upstream_inference_cost")) or 0


def _sources(answer: Answer, value: Any) -> None:
    """Sources listed beside the answer; the last list given is the list."""
    found = [
        {"url": pointer(one, "/url"), "title": text(one, "/title") or None}
        for one in items(value, "/search_results")
    ]
    if not found:
        found = [{"url": url} for url in items(value, "/citations") if isinstance(url, str)]
    if found:
        said = answer.part((0, "text"), "text")
        said["citations"] = [{**one, "span": [None]} for one in found]
    if items(value, "/venice_parameters/web_search_citations"):
        answer.part((0, "text"), "text")["citations_may_add"] = True
