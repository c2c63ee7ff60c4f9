"""The parts of an answer in one shape, whether expected or given by an adapter.

Where the contract leaves an adapter free (empty parts, how plain text is cut into
parts), both sides are brought to the same form before they are compared.
"""

from typing import Any

# Kinds of parts that are nothing but text.
WRITTEN = ("text", "refusal", "reasoning")


def given(held: dict) -> dict:
    """A part of the adapter's answer, as the readers write theirs."""
    part = held["part"]
    body = part["body"]
    (case, value), = body.items() if isinstance(body, dict) else [(body, None)]
    view: dict[str, Any] = {
        "choice": held["choice"],
        "kind": case.lower(),
        "text": "",
        "item_id": part.get("id"),
        "signature": part.get("signature"),
        "format": part.get("format"),
        "citations": part.get("citations") or [],
        "extra": part.get("extra") or [],
    }
    view.update(_body(case, value))
    return view


def _body(case: str, value: Any) -> dict:
    if case == "Reasoning":
        (of, text), = value.items()
        return {"of": of, "text": text}
    if case == "ToolCall":
        return {
            "kind": "call",
            "id": value["id"],
            "name": value["name"],
            "text": value["input"],
            "freeform": value["freeform"],
        }
    if case == "Native":
        return {"value": value}
    if case == "Media":
        source = value["source"]
        data = source.get("Base64", "") if isinstance(source, dict) else ""
        return {"media": value["kind"], "data": data, "mime": value["mime"]}
    return {"text": value} if isinstance(value, str) else {"value": value}


def normal(parts: list[dict], joined: bool) -> list[dict]:
    """Empty parts dropped, plain text that stands together joined.

    `joined`: the format has one text for each choice, wherever its bits stand.
    """
    kept: list[dict] = []
    for part in map(dict, parts):
        place = _join(kept, part, joined)
        if place is not None:
            _add(kept[place], part)
        elif not _empty(part):
            kept.append(part)
    return _sort_items(kept)


def _empty(part: dict) -> bool:
    if part["kind"] not in WRITTEN:
        return False
    held = ("text", "signature", "citations")
    return not any(part.get(name) for name in held)


def _join(kept: list[dict], part: dict, joined: bool) -> int | None:
    """Where the part belongs that this one is only a bit of."""
    if part["kind"] not in WRITTEN or part.get("of") in ("Summary", "Encrypted"):
        return None
    last = len(kept) - 1
    first = 0 if joined else max(0, last)
    for place in range(last, first - 1, -1):
        if _same(kept[place], part, joined):
            return place
    return None


def _same(one: dict, other: dict, joined: bool) -> bool:
    alike = all(one.get(n) == other.get(n) for n in ("kind", "choice", "of"))
    if not alike or one.get("kind_also") != other.get("kind_also"):
        return False
    if one.get("signature") or (other.get("signature") and other["text"]):
        return joined and one["kind"] == "text"
    if one.get("citations") or other.get("citations"):
        return joined
    return _ids(one) == _ids(other) or not _ids(other) or not _ids(one)


def _ids(part: dict) -> Any:
    held = part.get("item_id")
    return (held[0] if held else None) if isinstance(held, list) else held


def _add(part: dict, more: dict) -> None:
    part["text"] += more["text"]
    if more.get("citations"):
        part["citations"] = [*(part.get("citations") or []), *more["citations"]]
    for name in ("signature", "signature_also", "format", "item_id"):
        if more.get(name):
            part[name] = more[name]


def _sort_items(parts: list[dict]) -> list[dict]:
    """The parts of one reasoning item stand in no particular order."""
    order = {"Summary": 0, "Text": 1, "Encrypted": 2}
    sorted_parts: list[dict] = []
    run: list[dict] = []
    for part in [*parts, {"kind": "end"}]:
        joins = part["kind"] == "reasoning" and _ids(part) is not None
        if run and not (joins and _ids(run[0]) == _ids(part)):
            sorted_parts += sorted(run, key=lambda one: order[one["of"]])
            run = []
        if joins:
            run.append(part)
        elif part["kind"] != "end":
            sorted_parts.append(part)
    return sorted_parts
