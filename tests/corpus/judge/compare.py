"""Differences between what is expected of an adapter and what it gave."""

import json
from collections.abc import Iterator
from typing import Any

import compare_failure
import compare_other
import parts
import wire
from answer import NAMED_METERS
from compare_failure import Difference

# Digits of a logarithm that outlive being read and written again.
LOGPROB_DIGITS = 12
COUNTS = (
    "prompt_tokens",
    "completion_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)


def decoded(task: dict, result: dict) -> list[Difference]:
    """Differences of an answer: field, expected and given."""
    expected = task["expected"]
    if expected["kind"] == "either":
        tried = [_decoded(task, one, result) for one in expected["readings"]]
        return min(tried, key=len)
    return _decoded(task, expected, result)


def _decoded(task: dict, expected: dict, result: dict) -> list[Difference]:
    if expected["kind"] == "failure":
        return list(compare_failure.differences(expected, result.get("failure")))
    if expected["kind"] == "answer" and task["what"] == "chat":
        given = result.get("answer")
        if given is None:
            return [("answer", "an answer", result.get("failure"))]
        return list(answer(expected, given, _shown(task, result), result.get("info") or {}))
    return list(compare_other.differences(task["what"], expected, result))


def _shown(task: dict, result: dict) -> bool | None:
    """Whether the client speaks a dialect of the adapter; none where nobody asked."""
    request, encode = task.get("request"), result.get("encode") or {}
    if not request or "memo" not in encode:
        return None
    return request.get("dialect") in (result.get("info") or {}).get("dialects", [])


def answer(expected: dict, given: dict, shown: bool | None, info: dict) -> Iterator[Difference]:
    """All that is said, what it cost and how it ended."""
    yield from _origin(expected["origin"], given.get("origin") or {})
    yield from _parts(expected, given.get("parts") or [], shown, info)
    yield from _logprobs(expected["parts"], given.get("logprobs") or [])
    yield from _usages(expected, given)
    yield from _finishes(expected, given)
    wanted, failed = expected["failure"], given.get("failure")
    if wanted:
        yield from compare_failure.differences(wanted, failed)
    elif failed:
        yield "failure", None, failed
    for held in expected.get("holds", []) if shown else []:
        if held not in json.dumps(given):
            yield "extra", held, None


def _origin(expected: dict, given: dict) -> Iterator[Difference]:
    for name in ("id", "model", "service_tier"):
        if (given.get(name) or None) not in expected[name]:
            yield f"origin.{name}", expected[name], given.get(name)


def _parts(expected: dict, given: list, shown: bool | None, info: dict) -> Iterator[Difference]:
    wanted = expected["parts"]
    views = [parts.given(held) for held in given]
    if not shown:
        foreign = [view for view in views if view["kind"] == "native"]
        if foreign and shown is False:
            yield "native.foreign", None, foreign[0]["value"]
        wanted = [part for part in wanted if part["kind"] != "native" or part.get("kind_also")]
        views = [view for view in views if view["kind"] != "native"]
    joined = expected["joined"]
    wanted, views = parts.normal(wanted, joined), parts.normal(views, joined)
    wanted = _without_optional(wanted, views, shown)
    kinds = [_kind(part) for part in wanted], [_kind(view) for view in views]
    if not _fit(wanted, views):
        yield "parts", kinds[0], kinds[1]
        return
    for part, view in zip(wanted, views):
        yield from _part(part, view, info)
    yield from _made_up_ids(views)


def _kind(part: dict) -> str:
    return part["kind"] + (f".{part['of']}" if part.get("of") else "")


def _without_optional(wanted: list, views: list, shown: bool | None) -> list:
    """Parts that may be left out, dropped where the adapter did so."""
    if len(wanted) <= len(views):
        return wanted
    missing_native = not shown
    return [
        part
        for part in wanted
        if not part.get("optional") and not (missing_native and part.get("kind_also") == "media")
    ]


def _fit(wanted: list, views: list) -> bool:
    if len(wanted) != len(views):
        return False
    return all(
        view["choice"] == part["choice"]
        and (_kind(view) == _kind(part) or view["kind"] == part.get("kind_also"))
        for part, view in zip(wanted, views)
    )


def _part(part: dict, view: dict, info: dict) -> Iterator[Difference]:
    kind = part["kind"]
    if view["kind"] != kind and kind == "native":
        return
    if kind == "call":
        yield from _call(part, view)
    elif kind == "native":
        yield from _native(part, view)
    elif kind == "media":
        for name in ("media", "data", "mime"):
            if part.get(name) is not None and view.get(name) != part[name]:
                yield f"media.{name}", part[name], view.get(name)
    elif view["text"] not in (part["text"], part.get("text_also")):
        yield _kind(part), part["text"], view["text"]
    ids = part.get("item_id") or [None]
    if ids != [None] and view.get("item_id") not in ids:
        yield f"{kind}.item_id", ids, view.get("item_id")
    yield from _sealed(part, view, info)
    yield from _citations(part, view)


def _call(part: dict, view: dict) -> Iterator[Difference]:
    if part["id"] is not None and view["id"] != part["id"]:
        yield "call.id", part["id"], view["id"]
    if view["name"] != part["name"]:
        yield "call.name", part["name"], view["name"]
    if bool(part.get("freeform")) != view["freeform"]:
        yield "call.freeform", bool(part.get("freeform")), view["freeform"]
    same = view["text"] == part["text"]
    if part.get("input_is") == "json":
        same = _same_json(view["text"], part["text"])
    if not same and not (part["text"] == "" and view["text"] == "{}"):
        yield "call.input", part["text"], view["text"]


def _same_json(one: str, other: str) -> bool:
    """Whether two texts are one JSON value, members in the same order."""
    try:
        return wire.dumps(wire.loads(one)) == wire.dumps(wire.loads(other))
    except ValueError:
        return one == other


def _native(part: dict, view: dict) -> Iterator[Difference]:
    """Whole blocks; a signature may stand in the block or beside it."""
    wanted, given = wire.loads(part["value"]), wire.loads(view["value"])
    if isinstance(given, dict) and "thoughtSignature" in given and part.get("signature"):
        view["signature"] = view.get("signature") or given.pop("thoughtSignature")
    if _sorted(wanted) != _sorted(given):
        yield "native", part["value"], view["value"]


def _sorted(value: Any) -> str:
    return json.dumps(json.loads(wire.dumps(value)), sort_keys=True)


def _sealed(part: dict, view: dict, info: dict) -> Iterator[Difference]:
    """A proof or an encrypted thought, and who can read it."""
    if part.get("signature_also") and view.get("signature") == part["signature_also"]:
        return
    if (view.get("signature") or None) != (part.get("signature") or None):
        yield f"{part['kind']}.signature", part.get("signature"), view.get("signature")
    if not part.get("signature") and part.get("of") != "Encrypted":
        return
    named = part.get("format")
    if named and view.get("format") != named:
        yield f"{part['kind']}.format", named, view.get("format")
    elif not named and view.get("format") not in info.get("reasoning_formats", []):
        yield f"{part['kind']}.format", info.get("reasoning_formats"), view.get("format")


def _citations(part: dict, view: dict) -> Iterator[Difference]:
    wanted, given = part.get("citations", []), view["citations"]
    if part.get("citations_may_move"):
        return
    if part.get("citations_may_add"):
        given = [one for one in given if any(not list(_citation(w, one)) for w in wanted)]
        given = given[: len(wanted)]
    if len(wanted) != len(given):
        yield "citations", wanted, given
        return
    for one, other in zip(wanted, given):
        yield from _citation(one, other)


def _citation(wanted: dict, given: dict) -> Iterator[Difference]:
    for name in ("url", "title", "quote", "span"):
        if name not in wanted:
            continue
        right = wanted[name] if isinstance(wanted[name], list) else [wanted[name]]
        if given.get(name) not in right and "any" not in right:
            yield f"citation.{name}", wanted[name], given.get(name)
    for held in wanted.get("holds", []):
        if held not in json.dumps(given):
            yield "citation.extra", held, given.get("extra")


def _logprobs(wanted: list, given: list) -> Iterator[Difference]:
    """Those of thoughts and those of all else, by choice."""
    held = {one["choice"]: one for one in given}
    for choice in {part["choice"] for part in wanted} | set(held):
        for name in ("reasoning", "text"):
            tokens = [
                token
                for part in wanted
                if part["choice"] == choice and (part["kind"] == "reasoning") == (name == "reasoning")
                for token in part.get("logprobs", [])
            ]
            right, got = _tokens(tokens), _tokens(held.get(choice, {}).get(name))
            if right != got:
                yield f"logprobs.{name}", right, got


def _tokens(held: Any) -> list:
    """Token, logarithm and alternatives, whoever wrote them down."""
    flat: list = []
    for one in held or []:
        value = json.loads(one) if isinstance(one, str) else one
        flat.extend(value if isinstance(value, list) else [value])
    return [
        (*_token(one), list(map(_token, one.get("top_logprobs") or [])))
        for one in flat
        if isinstance(one, dict)
    ]


def _token(held: dict) -> tuple:
    number = held.get("logprob")
    number = number if isinstance(number, (int, float)) else 0
    return held.get("token"), float(f"{number:.{LOGPROB_DIGITS}g}")


def _made_up_ids(views: list) -> Iterator[Difference]:
    ids = [view["id"] for view in views if view["kind"] == "call"]
    if any(not id for id in ids) or len(set(ids)) != len(ids):
        yield "call.id", "unique, never empty", ids


def _usages(expected: dict, given: dict) -> Iterator[Difference]:
    wanted = {one["model"]: one for one in expected["usage"]}
    held = {one["model"]: one for one in given.get("usage") or []}
    own = (given.get("origin") or {}).get("model")
    if own in held and own not in wanted and None in wanted:
        held[None] = held.pop(own)
    for model, one in wanted.items():
        if model in held:
            yield from _usage(one, held.pop(model))
        elif not _may_miss(one, expected["failure"]):
            yield "usage", one, None
    for one in held.values():
        yield "usage", None, one


def _may_miss(wanted: dict, failure: dict | None) -> bool:
    """Whether the host may have to count for itself: nothing was counted, or not all."""
    empty = not any(wanted[name] not in (0, [0]) for name in COUNTS)
    return empty or bool(wanted.get("may_miss")) or bool((failure or {}).get("usage_may_miss"))


def _usage(wanted: dict, given: dict) -> Iterator[Difference]:
    for name in COUNTS:
        right = wanted[name] if isinstance(wanted[name], list) else [wanted[name]]
        if given[name] not in right:
            yield f"usage.{name}", wanted[name], given[name]
    meters = dict(given["meters"])
    for name in sorted(NAMED_METERS):
        count = wanted["meters"].get(name, 0)
        left_open = not count and name in wanted.get("open_meters", [])
        if meters.get(name, 0) != count and not left_open:
            yield f"usage.{name}", count, meters.get(name, 0)
    told = {*meters.values(), *(given[name] for name in COUNTS)}
    for count in wanted["counted"]:
        if count not in told:
            yield "usage.counted", count, given["meters"]
    if not any(_same_cost(one, given["cost"]) for one in wanted["cost"] or [None]):
        yield "usage.cost", wanted["cost"], given["cost"]


def _same_cost(one: int | None, other: int | None) -> bool:
    """Whether two prices are one; whoever multiplies floats may be off by one."""
    if one is None or other is None:
        return one == other
    return abs(one - other) <= 1


def _finishes(expected: dict, given: dict) -> Iterator[Difference]:
    held = {one["choice"]: one for one in given.get("finishes") or []}
    for wanted in expected["finishes"]:
        one = held.pop(wanted["choice"], None)
        if one is None:
            yield "finish", wanted, None
            continue
        if wanted["reason"] and one["reason"] not in wanted["reason"]:
            yield "finish.reason", wanted["reason"], one["reason"]
        for name in ("native", "stop_sequence"):
            if one[name] not in wanted[name]:
                yield f"finish.{name}", wanted[name], one[name]
    for one in held.values():
        if not (expected["failure"] and one["reason"] == "Error"):
            yield "finish", None, one
