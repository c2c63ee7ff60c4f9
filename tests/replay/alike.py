"""Whether two answers of one dialect say the same: the recorded one and the router's.

Both were read by the dialect's reader. Where a recorded field may be read in several ways,
one of them must be what the router's says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import compare_failure
import offered
import parts
import wire
from answer import NAMED_METERS
from compare import COUNTS
from differ import Difference

# Statuses by which the router tells of a provider's failure, by its kind.
STATUSES = {
    "InvalidRequest": {400},
    "Unsupported": {400},
    "ContextLengthExceeded": {400, 413},
    "ContentPolicy": {400, 403},
    # A 401 would tell the client that its own key is wrong.
    "Authentication": {502},
    "PaymentRequired": {402},
    "PermissionDenied": {403},
    "ModelNotFound": {404},
    "RateLimited": {429},
    "Overloaded": {503, 529},
    "Timeout": {504},
    "Unavailable": {500, 502},
    "Other": {500, 502},
}
# What begins what another provider sealed, in a field that clients hand back unread.
MARK = "plugway:"
# Digits of a logarithm that outlive being read and written again.
LOGPROB_DIGITS = 12


def differences(
    recorded: dict, answered: dict, status: int, asked: bool = True
) -> list[Difference]:
    """All places in which the router's answer is another than the recorded one. `asked`:
    whether the router asked the provider, or refused by itself what it knows to be wrong."""
    if recorded["kind"] == "either":
        tried = [differences(one, answered, status, asked) for one in recorded["readings"]]
        return min(tried, key=len)
    return list(_differences(recorded, answered, status, asked))


def _differences(recorded: dict, answered: dict, status: int, asked: bool) -> Iterator[Difference]:
    if answered.get("unreadable"):
        yield Difference("@answer", "changed", "an answer", answered["unreadable"])
    elif answered["kind"] == "failure":
        yield from _refused(recorded, answered, status, asked)
    elif recorded["kind"] == "failure":
        yield Difference("@failure", "lost", recorded["said"], None)
    elif recorded["kind"] in offered.KINDS:
        yield from offered.differences(recorded, answered)
    else:
        yield from _answers(recorded, answered)


def _refused(recorded: dict, answered: dict, status: int, asked: bool) -> Iterator[Difference]:
    """The router answered with an error; so must the provider have, before any content."""
    failure = _early_failure(recorded)
    if failure is None:
        yield Difference("@answer", "refused", None, f"{status}: {answered['said']}")
        return
    right = set().union(*(STATUSES[kind] for kind in failure["kinds"]))
    if status not in right:
        yield Difference("@status", "changed", sorted(right), status)
    if asked:
        yield from _failure(failure, answered, status)


def _early_failure(recorded: dict) -> dict | None:
    """The failure that an answer is which says nothing else."""
    if recorded["kind"] == "failure":
        return recorded
    if recorded.get("failure") and not parts.normal(recorded["parts"], recorded["joined"]):
        return {"said": "", "codes": [None], **recorded["failure"]}
    return None


def _failure(recorded: dict, answered: dict, status: int) -> Iterator[Difference]:
    said = [recorded.get("said", ""), *recorded.get("also", [])]
    # A refused credential is the operator's, and none of the client's business.
    is_told = status != 502 or "Authentication" not in recorded.get("kinds", [])
    if is_told and not compare_failure.tells(answered.get("said", ""), said):
        yield Difference("@failure.message", "changed", recorded.get("said"), answered.get("said"))
    if "param" in recorded and answered.get("param", [None])[0] not in recorded["param"]:
        if answered["param"][0] not in recorded.get("said", ""):
            yield Difference("@failure.param", "changed", recorded["param"], answered["param"])


def _answers(recorded: dict, answered: dict) -> Iterator[Difference]:
    yield from _origin(recorded["origin"], answered["origin"])
    yield from _parts(recorded, answered)
    yield from _logprobs(recorded["parts"], answered["parts"])
    yield from _usage(_sum(recorded["usage"]), _sum(answered["usage"]), recorded)
    yield from _finishes(recorded, answered)
    failure, given = recorded["failure"], answered["failure"]
    if failure and not given:
        yield Difference("@failure", "lost", failure.get("said", "the end"), None)
    elif given and not failure:
        yield Difference("@failure", "added", None, given.get("said"))
    elif failure and given:
        yield from _failure({"said": "", **failure}, given, 0)


def _origin(recorded: dict, answered: dict) -> Iterator[Difference]:
    for name in ("id", "model", "service_tier"):
        if not _fits(recorded[name], answered[name]):
            yield _changed(f"origin.{name}", recorded[name][0], answered[name][0])


def _parts(recorded: dict, answered: dict) -> Iterator[Difference]:
    joined = recorded["joined"] or answered["joined"]
    wanted, given = _normal(recorded["parts"], joined), _normal(answered["parts"], joined)
    wanted = _without_optional(wanted, given)
    kinds = [_kind(part) for part in wanted], [_kind(part) for part in given]
    if kinds[0] != kinds[1]:
        yield Difference("parts", "changed", " ".join(kinds[0]), " ".join(kinds[1]))
        return
    for part, other in zip(wanted, given):
        yield from _part(part, other)


def _opened(part: dict) -> dict:
    """The part with what another provider sealed as it was, where a mark stands before it."""
    opened = dict(part)
    for name in ("text", "signature"):
        held = part.get(name)
        if isinstance(held, str) and held.startswith(MARK):
            opened[name] = json.loads(held.removeprefix(MARK)).get("data")
    return opened


def _normal(held: list[dict], joined: bool) -> list[dict]:
    """The parts in one form. A proof on a call stands in the call, wherever it was told."""
    calls = {part["id"]: part for part in held if part["kind"] == "call" and part["id"]}
    kept = []
    for part in map(_opened, held):
        id = (part.get("item_id") or [None])[0]
        if part.get("of") == "Encrypted" and id in calls:
            calls[id]["signature"] = part["text"]
        else:
            kept.append(part)
    return [calls.get(one.get("id"), one) for one in parts.normal(kept, joined)]


def _without_optional(wanted: list[dict], given: list[dict]) -> list[dict]:
    if len(wanted) <= len(given):
        return wanted
    return [part for part in wanted if not part.get("optional")]


def _kind(part: dict) -> str:
    of = f".{part['of']}" if part.get("of") else ""
    return f"{part['choice']}:{part['kind']}{of}"


def _part(part: dict, other: dict) -> Iterator[Difference]:
    kind = part["kind"]
    if kind == "call":
        yield from _call(part, other)
    elif kind == "native":
        if not _same_value(part["value"], other["value"]):
            yield _changed("native", part["value"], other["value"])
    elif kind == "media":
        for name in ("media", "data", "mime"):
            if part.get(name) is not None and part[name] != other.get(name):
                yield _changed(f"media.{name}", part[name], other.get(name))
    elif other["text"] not in (part["text"], part.get("text_also")):
        yield _changed(kind, part["text"], other["text"])
    signed, given = _proofs(part), _proofs(other)
    if not signed & given:
        yield _changed(f"{kind}.signature", max(signed), max(given))
    if part.get("format") and part["format"] != other.get("format"):
        yield _changed(f"{kind}.format", part["format"], other.get("format"))
    yield from _citations(part, other)


def _same_value(one: Any, other: Any) -> bool:
    """Whether two texts of JSON mean the same: the order of an object's fields is none."""
    return wire.loads(one) == wire.loads(other)


def _proofs(part: dict) -> set[str]:
    """A part's own, and that of its message as a whole; an empty one where there is none."""
    return {part.get("signature") or "", part.get("signature_also") or ""} - {""} or {""}


def _call(part: dict, other: dict) -> Iterator[Difference]:
    """Arguments byte for byte, unless the format itself holds them as JSON."""
    same = part["text"] == other["text"]
    if not same and "json" in (part.get("input_is"), other.get("input_is")):
        same = _json(part["text"]) == _json(other["text"])
    if not same:
        yield _changed("call.input", part["text"], other["text"])
    for name in ("id", "name", "freeform"):
        if (part.get(name) or None) != (other.get(name) or None):
            yield _changed(f"call.{name}", part.get(name), other.get(name))


def _json(text: str) -> str:
    try:
        return wire.dumps(wire.loads(text))
    except ValueError:
        return text


def _citations(part: dict, other: dict) -> Iterator[Difference]:
    if part.get("citations_may_move"):
        return
    wanted, given = part.get("citations", []), other.get("citations", [])
    if part.get("citations_may_add") and len(given) > len(wanted):
        given = given[: len(wanted)]
    if len(wanted) != len(given):
        yield Difference("citations", "changed", len(wanted), len(given))
        return
    for one, same in zip(wanted, given):
        for name in ("url", "title", "quote", "span"):
            if name in one and not _fits(_list(one[name]), _list(same.get(name))):
                yield _changed(f"citation.{name}", one[name], same.get(name))


def _logprobs(recorded: list, answered: list) -> Iterator[Difference]:
    wanted, given = _tokens(recorded), _tokens(answered)
    if wanted != given:
        yield Difference("logprobs", "changed", repr(wanted), repr(given))


def _tokens(held: list[dict]) -> dict[tuple, list]:
    """What was told of each token, by choice and by whether it is a thought."""
    tokens: dict[tuple, list] = {}
    for part in held:
        place = (part["choice"], part["kind"] == "reasoning")
        for one in map(wire.loads, part.get("logprobs", [])):
            others = [_token(other) for other in wire.items(one, "/top_logprobs")]
            tokens.setdefault(place, []).append((*_token(one), others))
    return tokens


def _token(held: dict) -> tuple:
    number = held.get("logprob")
    number = number if isinstance(number, (int, float)) else 0
    return held.get("token"), float(f"{number:.{LOGPROB_DIGITS}g}"), held.get("bytes")


def _sum(usages: list[dict]) -> dict | None:
    """What all models that were consulted took. A part that may be missing is left open."""
    if not usages:
        return None
    total = dict(usages[0])
    for more in usages[1:]:
        for name in COUNTS:
            total[name] = [
                one + other
                for one in _list(total[name])
                for other in (*_list(more[name]), *([0] if more.get("may_miss") else []))
            ]
    return total


def _usage(recorded: dict | None, answered: dict | None, whole: dict) -> Iterator[Difference]:
    if recorded is None or answered is None:
        if recorded:
            yield Difference("usage", "lost", {name: recorded[name] for name in COUNTS}, None)
        elif answered:
            yield Difference("usage", "added", None, {name: answered[name] for name in COUNTS})
        return
    may_miss = recorded.get("may_miss") or (whole["failure"] or {}).get("usage_may_miss")
    empty = not any(recorded[name] not in (0, [0]) for name in COUNTS)
    if empty or may_miss:
        return
    for name in COUNTS:
        right = [*_list(recorded[name]), *_cut(name, recorded, answered)]
        if not _fits(right, _list(answered[name])):
            yield _changed(f"usage.{name}", recorded[name], answered[name])
    for name in sorted(NAMED_METERS):
        count, given = recorded["meters"].get(name, 0), answered["meters"].get(name, 0)
        if count != given and not (not count and name in recorded.get("open_meters", [])):
            yield _changed(f"usage.{name}", count or None, given or None)
    if recorded["counted"] and recorded["counted"] != answered["counted"]:
        yield _changed("usage.counted", recorded["counted"], answered["counted"] or None)
    cost, given = recorded["cost"] or [None], answered["cost"] or [None]
    if not any(_same_cost(one, other) for one in cost for other in given):
        yield _changed("usage.cost", cost[0], given[0])


def _cut(name: str, recorded: dict, answered: dict) -> list[int]:
    """A subcount that its whole has no room for, cut to it: else a bill would be of tokens
    that nobody counted."""
    if name == "reasoning_tokens":
        room = min(_list(answered["completion_tokens"]))
    elif name == "cache_write_tokens":
        room = min(_list(answered["prompt_tokens"])) - max(_list(answered["cache_read_tokens"]))
    else:
        return []
    return [room] if room < max(_list(recorded[name])) else []


def _same_cost(one: int | None, other: int | None) -> bool:
    """Whoever multiplies floats may be off by a picodollar."""
    return one == other if None in (one, other) else abs(one - other) <= 1


def _finishes(recorded: dict, answered: dict) -> Iterator[Difference]:
    """What tells of a failure ends the answer once more, whatever ended it before."""
    if recorded["failure"] and answered["failure"]:
        return
    held = {one["choice"]: one for one in answered["finishes"]}
    for wanted in recorded["finishes"]:
        given = held.pop(wanted["choice"], None)
        if given is None:
            yield Difference("finish", "lost", wanted["native"][0], None)
            continue
        if wanted["reason"] and not set(wanted["reason"]) & set(given["reason"]):
            yield _changed("finish.reason", wanted["reason"], given["reason"])
        for name in ("native", "stop_sequence"):
            if not _fits(wanted[name], given[name]):
                yield _changed(f"finish.{name}", wanted[name][0], given[name][0])
    for given in held.values():
        yield Difference("finish", "added", None, given["native"][0])


def _fits(right: list, given: list) -> bool:
    return any(one in right for one in given) or "any" in right


def _list(value: Any) -> list:
    """The readings of a field."""
    return value if isinstance(value, list) else [value]


def _changed(path: str, recorded: Any, answered: Any) -> Difference:
    kind = "lost" if answered in (None, "") else "added" if recorded in (None, "") else "changed"
    return Difference(path, kind, recorded, answered)
