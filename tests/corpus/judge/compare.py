"""Differences between what is expected of an adapter and what it gave."""

import json
import re
from collections.abc import Iterator
from typing import Any

import parts
import wire
from answer import NAMED_METERS

# Error messages are cleaned and cut by whoever reports them.
LONGEST_MESSAGE = 600
# Share of an error's words that a report must keep.
KEPT_WORDS = 0.8
# Numbers of a vector travel as single floats.
VECTOR_ERROR = 1e-6
COUNTS = (
    "prompt_tokens",
    "completion_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)

Difference = tuple[str, Any, Any]


def decoded(task: dict, result: dict) -> list[Difference]:
    """Differences of an answer: field, expected and given."""
    expected = task["expected"]
    if expected["kind"] == "either":
        tried = [_decoded(task, one, result) for one in expected["readings"]]
        return min(tried, key=len)
    return _decoded(task, expected, result)


def _decoded(task: dict, expected: dict, result: dict) -> list[Difference]:
    if expected["kind"] == "failure":
        return list(failure(expected, result.get("failure")))
    if expected["kind"] == "answer" and task["what"] == "chat":
        given = result.get("answer")
        if given is None:
            return [("answer", "an answer", result.get("failure"))]
        return list(answer(expected, given, _shown(task, result), result.get("info") or {}))
    return list(other(task["what"], expected, result))


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
    yield from _usages(expected, given)
    yield from _finishes(expected, given)
    wanted, failed = expected["failure"], given.get("failure")
    if wanted:
        yield from failure(wanted, failed)
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
            if view.get(name) != part.get(name):
                yield f"media.{name}", part.get(name), view.get(name)
    elif view["text"] != part["text"]:
        yield _kind(part), part["text"], view["text"]
    if part.get("item_id") and part["item_id"] != [None] and view.get("item_id") not in part["item_id"]:
        yield f"{kind}.item_id", part["item_id"], view.get("item_id")
    yield from _sealed(part, view, info)
    yield from _citations(part, view)
    wanted, given = _tokens(part.get("logprobs")), _tokens(view.get("logprobs"))
    if wanted != given:
        yield f"{kind}.logprobs", wanted, given


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


def _tokens(held: Any) -> list:
    """Token, logarithm and alternatives, whoever wrote them down."""
    flat: list = []
    for one in held or []:
        value = json.loads(one) if isinstance(one, str) else one
        flat.extend(value if isinstance(value, list) else [value])
    return [
        (t.get("token"), t.get("logprob"), [(a.get("token"), a.get("logprob")) for a in t.get("top_logprobs") or []])
        for t in flat
        if isinstance(t, dict)
    ]


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
        elif not one.get("may_miss") and not (expected["failure"] or {}).get("usage_may_miss"):
            yield "usage", one, None
    for one in held.values():
        yield "usage", None, one


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
    cost = given["cost"]
    right = wanted["cost"] or [None]
    if not any(cost == one or (one is not None and cost is not None and abs(cost - one) <= 1) for one in right):
        yield "usage.cost", wanted["cost"], cost


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


def failure(wanted: dict, given: dict | None) -> Iterator[Difference]:
    """Kind, message, code, field and delay of a failure."""
    if given is None:
        yield "failure", wanted, None
        return
    if given["kind"] not in wanted["kinds"]:
        yield "failure.kind", wanted["kinds"], given["kind"]
    if not _tells(given["message"], [wanted.get("said", ""), *wanted.get("also", [])]):
        yield "failure.message", wanted.get("said"), given["message"]
    for name, right in (("code", "codes"), ("param", "param"), ("retry_after_ms", "retry_after_ms")):
        if right in wanted and given.get(name) not in wanted[right]:
            yield f"failure.{name}", wanted[right], given.get(name)


def _tells(message: str, said: list[str]) -> bool:
    """Whether a message says what the provider said, masked and cut or not."""
    if not message.strip():
        return False
    if not any(one.strip() for one in said):
        return True
    return any(_keeps(message, one) for one in said if one.strip())


def _keeps(message: str, said: str) -> bool:
    words = re.findall(r"\w+", said[:LONGEST_MESSAGE])
    told = re.findall(r"\w+", message)
    at, kept = 0, 0
    for word in words:
        if word in told[at:]:
            at = told.index(word, at) + 1
            kept += 1
    return kept >= KEPT_WORDS * len(words)


def other(what: str, expected: dict, result: dict) -> Iterator[Difference]:
    """Embeddings, rankings, counts and model lists."""
    if expected["kind"] == "answer":
        yield from failure(expected["failure"], (_reply(what, result) or {}).get("failure"))
        return
    given = _reply(what, result)
    if given is None or (isinstance(given, dict) and "failure" in given):
        yield what, "a reading", given
        return
    yield from OTHERS[what](expected, given)


def _reply(what: str, result: dict) -> Any:
    name = {"models": "page"}.get(what, what)
    return result.get(name)


def _embeddings(expected: dict, given: dict) -> Iterator[Difference]:
    wanted, held = expected["vectors"], given["vectors"]
    sizes = list(map(len, wanted)), list(map(len, held))
    if sizes[0] != sizes[1]:
        yield "vectors", sizes[0], sizes[1]
        return
    for place, (one, other) in enumerate(zip(wanted, held)):
        if any(abs(a - b) > VECTOR_ERROR * max(1.0, abs(a)) for a, b in zip(one, other)):
            yield "vector", place, other[:3]
    yield from _prompted(expected, given)


def _rerank(expected: dict, given: dict) -> Iterator[Difference]:
    held = [[one["document"], one["score"]] for one in given["rankings"]]
    if held != expected["rankings"]:
        yield "rankings", expected["rankings"], held
    yield from _prompted(expected, given)


def _prompted(expected: dict, given: dict) -> Iterator[Difference]:
    usage = given.get("usage") or {}
    if (usage.get("prompt_tokens") or None) != expected["prompt_tokens"]:
        yield "usage.prompt_tokens", expected["prompt_tokens"], usage.get("prompt_tokens")


def _count(expected: dict, given: Any) -> Iterator[Difference]:
    if given != expected["count"]:
        yield "count", expected["count"], given


def _models(expected: dict, given: dict) -> Iterator[Difference]:
    if (given.get("cursor") or None) != expected["cursor"]:
        yield "cursor", expected["cursor"], given.get("cursor")
    wanted, held = expected["models"], given["models"]
    if len(wanted) != len(held):
        yield "models", len(wanted), len(held)
        return
    for one, other in zip(wanted, held):
        if other["id"] not in one["id"]:
            yield "model.id", one["id"], other["id"]
        for name in ("context_length", "max_output_tokens"):
            if other[name] not in [*one[name], None]:
                yield f"model.{name}", one[name], other[name]


OTHERS = {
    "embeddings": _embeddings,
    "rerank": _rerank,
    "count": _count,
    "models": _models,
}
