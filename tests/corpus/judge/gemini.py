"""Gemini's generateContent of AI Studio and Vertex, whole and streamed."""

from typing import Any

import errors
import wire
from answer import Answer, cut_stream, meters, nonsense
from streams import Frame
from wire import count, items, pointer, record, text

REASONS = {
    "STOP": ["Stop"],
    "MAX_TOKENS": ["Length"],
    "SAFETY": ["ContentFilter"],
    "RECITATION": ["ContentFilter"],
    "LANGUAGE": ["ContentFilter", "Error"],
    "BLOCKLIST": ["ContentFilter"],
    "PROHIBITED_CONTENT": ["ContentFilter"],
    "SPII": ["ContentFilter"],
    "MODEL_ARMOR": ["ContentFilter"],
    "IMAGE_SAFETY": ["ContentFilter"],
    "IMAGE_PROHIBITED_CONTENT": ["ContentFilter"],
    "IMAGE_RECITATION": ["ContentFilter"],
    "MALFORMED_FUNCTION_CALL": ["Error"],
    "UNEXPECTED_TOOL_CALL": ["Error"],
    "TOO_MANY_TOOL_CALLS": ["Error"],
    "NO_IMAGE": ["Error"],
    "OTHER": ["Error", "Stop"],
}
# What the numbers mean where enums were asked for as numbers.
REASON_NUMBERS = {1: "STOP", 2: "MAX_TOKENS", 3: "SAFETY", 4: "RECITATION", 5: "OTHER"}
MODALITY_NUMBERS = {1: "TEXT", 2: "IMAGE", 3: "VIDEO", 4: "AUDIO", 5: "DOCUMENT"}
# One of these is in every chunk.
KNOWN = ("candidates", "promptFeedback", "usageMetadata")
CACHED_APART = ("IMAGE", "VIDEO", "DOCUMENT")
# Of citations that could be of one text or another.
ANY_SPAN = ["any"]
PROMPTED = ("/promptTokensDetails", "/toolUsePromptTokensDetails")


def whole(body: bytes, headers: list[list[str]]) -> dict:
    """Reads one response, or the array that a stream without frames is."""
    try:
        value = wire.loads(body)
    except ValueError as error:
        return nonsense(f"no JSON: {error}")
    return _read(value if isinstance(value, list) else [value])


def streamed(frames: list[Frame], headers: list[list[str]]) -> dict:
    """Reads a stream of responses."""
    chunks = []
    for frame in frames:
        try:
            chunks.append(wire.loads(frame.data))
        except ValueError:
            continue
    return _read(chunks)


def _read(chunks: list) -> dict:
    answer, usage, blocked, known = Answer(), {}, "", 0
    for chunk in chunks:
        known += any(name in record(chunk) for name in KNOWN)
        _origin(answer, chunk)
        for candidate in items(chunk, "/candidates"):
            _candidate(answer, candidate)
        usage.update(record(chunk, "/usageMetadata"))
        blocked = text(chunk, "/promptFeedback/blockReason") or blocked
        failure = errors.in_band(chunk)
        if failure:
            answer.fail(failure)
            break
    if not known and not answer.failure:
        return nonsense("no candidates")
    if usage:
        _usage(answer, usage)
    if blocked and not answer.finishes:
        return _blocked(answer, blocked)
    if not answer.finishes:
        answer.fail(cut_stream())
    return answer.done()


def _blocked(answer: Answer, reason: str) -> dict:
    """A prompt that was refused: a failure, or an answer that was filtered."""
    filtered = dict(answer.done())
    answer.fail({"kinds": ["ContentPolicy"], "codes": [reason, None]})
    failed = answer.done()
    answer.finish(0, ["ContentFilter"], reason)
    filtered["finishes"] = answer.done()["finishes"]
    return {"kind": "either", "readings": [failed, filtered]}


def _origin(answer: Answer, chunk: Any) -> None:
    tier = pointer(chunk, "/usageMetadata/serviceTier")
    answer.origin(pointer(chunk, "/responseId"), pointer(chunk, "/modelVersion"), tier)
    traffic = pointer(chunk, "/usageMetadata/trafficType")
    if traffic and not answer.tiers:
        answer.tiers.extend([None, str(traffic)])


def _candidate(answer: Answer, candidate: Any) -> None:
    index = count(candidate, "/index")
    for part in items(candidate, "/content/parts"):
        _part(answer, index, part)
    _logprobs(answer, index, pointer(candidate, "/logprobsResult"))
    _grounding(answer, index, pointer(candidate, "/groundingMetadata", {}))
    word = pointer(candidate, "/finishReason")
    if isinstance(word, int):
        numbered = REASON_NUMBERS.get(word, "")
        _finish(answer, index, numbered, [numbered, str(word)])
    elif text(candidate, "/finishReason"):
        _finish(answer, index, word, [word])


def _finish(answer: Answer, index: int, word: str, native: list[str]) -> None:
    reasons = REASONS.get(word, [])
    called = any(p["kind"] == "call" and p["choice"] == index for p in answer.parts)
    if word == "STOP" and called:
        reasons = ["ToolCalls"]
    answer.finish(index, reasons, native)


def _part(answer: Answer, index: int, part: Any) -> None:
    proof = text(part, "/thoughtSignature") or None
    body = {k: v for k, v in record(part).items() if k not in ("thoughtSignature", "thought")}
    if "text" in body:
        _said(answer, index, part, proof)
    elif "functionCall" in body:
        _call(answer, index, body["functionCall"], proof)
    elif "inlineData" in body:
        data = body["inlineData"]
        mime = text(data, "/mimeType")
        kind = mime.split("/")[0].capitalize() or "Image"
        made = answer.media(_next(answer), kind, text(data, "/data"), mime or None, index)
        _sign(made, proof)
    elif body:
        _sign(answer.native(_next(answer), body, index), proof)


def _next(answer: Answer) -> tuple:
    return ("part", len(answer.parts))


def _said(answer: Answer, index: int, part: Any, proof: str | None) -> None:
    """Text or a thought: more of the last part where that is of the same kind."""
    thought = pointer(part, "/thought") is True
    kind = "reasoning" if thought else "text"
    last = next((p for p in reversed(answer.parts) if p["choice"] == index), None)
    if last is None or last["kind"] != kind or last.get("signature"):
        if not text(part, "/text") and not proof:
            return
        last = answer.part(_next(answer), kind, index, **({"of": "Text"} if thought else {}))
    last["text"] += text(part, "/text")
    _sign(last, proof)


def _call(answer: Answer, index: int, call: Any, proof: str | None) -> None:
    written = wire.dumps(pointer(call, "/args", {}))
    made = answer.call(_next(answer), text(call, "/id"), text(call, "/name"), written, index)
    made["input_is"] = "json"
    _sign(made, proof)


def _sign(part: dict, proof: str | None) -> None:
    if proof:
        part["signature"] = proof


def _logprobs(answer: Answer, index: int, held: Any) -> None:
    """The chosen tokens, each with its alternatives, as OpenAI shapes them."""
    said = next((p for p in answer.parts if p["kind"] == "text" and p["choice"] == index), None)
    if said is None or held is None:
        return
    tops = items(held, "/topCandidates")
    for place, chosen in enumerate(items(held, "/chosenCandidates")):
        top = items(tops[place], "/candidates") if place < len(tops) else []
        token = {**_token(chosen), "top_logprobs": list(map(_token, top))}
        said.setdefault("logprobs", []).append(wire.dumps(token))


def _token(held: Any) -> dict:
    return {"token": text(held, "/token"), "logprob": pointer(held, "/logProbability", 0)}


def _grounding(answer: Answer, index: int, held: Any) -> None:
    """Each source of each supported segment; sources alone where none is."""
    chunks = items(held, "/groundingChunks")
    said = [p for p in answer.parts if p["kind"] == "text" and p["choice"] == index]
    if not chunks or not said:
        return
    joined = "".join(part["text"] for part in said)
    cited = []
    for support in items(held, "/groundingSupports"):
        span = _spans(joined, pointer(support, "/segment", {})) if len(said) == 1 else ANY_SPAN
        for place in items(support, "/groundingChunkIndices"):
            if isinstance(place, int) and place < len(chunks):
                cited.append(_source(chunks[place], span))
    if not cited:
        cited = [_source(chunk, [None]) for chunk in chunks]
    said[-1]["citations"] = cited
    said[-1]["citations_may_add"] = True
    said[-1]["citations_may_move"] = len(said) > 1


def _spans(said: str, segment: Any) -> list:
    """Offsets in bytes as offsets in characters; past the end they may say nothing."""
    held = said.encode()
    begin, end = count(segment, "/startIndex"), count(segment, "/endIndex")
    span = [len(held[:at].decode("utf-8", "ignore")) for at in (begin, end)]
    return [span] if end <= len(held) else [span, None]


def _source(chunk: Any, span: list) -> dict:
    held = next((one for one in record(chunk).values() if isinstance(one, dict)), {})
    return {
        "url": pointer(held, "/uri"),
        "title": text(held, "/title") or None,
        "span": span,
    }


def _modality(held: Any) -> str:
    named = pointer(held, "/modality")
    return MODALITY_NUMBERS.get(named, "") if isinstance(named, int) else named or ""


def _counted(held: Any, paths: tuple[str, ...], modality: str) -> int:
    return sum(
        count(one, "/tokenCount")
        for path in paths
        for one in items(held, path)
        if _modality(one) == modality
    )


def _unnamed(held: Any) -> list[int]:
    """Counts of modalities that the contract has no meter for."""
    counts = [_counted(held, PROMPTED, "DOCUMENT")]
    counts += [_counted(held, ("/cacheTokensDetails",), one) for one in CACHED_APART]
    return [one for one in counts if one]


def _usage(answer: Answer, held: Any) -> None:
    """Thoughts come on top of candidates, results of tools on top of the prompt."""
    thoughts = count(held, "/thoughtsTokenCount")
    usage = answer.usage(
        prompt_tokens=count(held, "/promptTokenCount") + count(held, "/toolUsePromptTokenCount"),
        completion_tokens=count(held, "/candidatesTokenCount") + thoughts,
        cache_read_tokens=count(held, "/cachedContentTokenCount"),
        reasoning_tokens=thoughts,
        meters=meters(
            prompt_audio_tokens=_counted(held, PROMPTED, "AUDIO"),
            prompt_image_tokens=_counted(held, PROMPTED, "IMAGE"),
            prompt_video_tokens=_counted(held, PROMPTED, "VIDEO"),
            cache_read_audio_tokens=_counted(held, ("/cacheTokensDetails",), "AUDIO"),
            completion_audio_tokens=_counted(held, ("/candidatesTokensDetails",), "AUDIO"),
            completion_image_tokens=_counted(held, ("/candidatesTokensDetails",), "IMAGE"),
        ),
        counted=_unnamed(held),
        open_meters=["web-searches", "web-fetches"],
    )
    usage["may_miss"] = "promptTokenCount" not in held
