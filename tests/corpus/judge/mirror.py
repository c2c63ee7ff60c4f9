"""The result of an adapter that does exactly what is expected, for the judge's own tests."""

import json
from typing import Any

FORMATS = ["some-format-v1"]


def result(task: dict) -> dict:
    """A result line that has no differences, encoding apart."""
    expected = task["expected"]
    if expected["kind"] == "either":
        expected = expected["readings"][0]
    request = task.get("request") or {}
    line = {
        "id": task["id"],
        "info": {"dialects": [request.get("dialect")], "reasoning_formats": FORMATS},
        "encode": {"memo": ""},
        "splits_differ": None,
        "breach": None,
        "trap": None,
    }
    return line | _reading(task["what"], expected)


def _reading(what: str, expected: dict) -> dict:
    if expected["kind"] == "failure":
        return {"failure": _failure(expected)}
    if expected["kind"] == "answer":
        if what != "chat":
            name = {"models": "page"}.get(what, what)
            return {name: {"failure": _failure(expected["failure"])}}
        return {"answer": _answer(expected)}
    used = {"prompt_tokens": expected.get("prompt_tokens")}
    if what == "embeddings":
        return {"embeddings": {"vectors": expected["vectors"], "usage": used}}
    if what == "rerank":
        ranked = [{"document": d, "score": s} for d, s in expected["rankings"]]
        return {"rerank": {"rankings": ranked, "usage": used}}
    if what == "count":
        return {"count": expected["count"]}
    listed = [{name: _first(held) for name, held in one.items()} for one in expected["models"]]
    return {"page": {"models": listed, "cursor": expected["cursor"]}}


def _first(held: Any) -> Any:
    return held[0] if isinstance(held, list) else held


def _failure(wanted: dict) -> dict:
    return {
        "kind": wanted["kinds"][0],
        "message": wanted.get("said") or "It failed.",
        "code": _first(wanted.get("codes") or [None]),
        "param": _first(wanted.get("param") or [None]),
        "retry_after_ms": _first(wanted.get("retry_after_ms") or [None]),
    }


def _answer(expected: dict) -> dict:
    origin = {name: _first(held) for name, held in expected["origin"].items()}
    origin["extra"] = [["held", json.dumps(expected["holds"])]]
    return {
        "origin": origin,
        "parts": [
            {"choice": part["choice"], "index": index, **_part(part)}
            for index, part in enumerate(expected["parts"])
        ],
        "logprobs": [
            {
                "choice": choice,
                "reasoning": _logprobs(expected, choice, True),
                "text": _logprobs(expected, choice, False),
            }
            for choice in sorted({part["choice"] for part in expected["parts"]})
        ],
        "usage": list(map(_usage, expected["usage"])),
        "finishes": [
            {
                "choice": end["choice"],
                "reason": _first(end["reason"] or ["Stop"]),
                "native": _first(end["native"]),
                "stop_sequence": _first(end["stop_sequence"]),
                "extra": [],
            }
            for end in expected["finishes"]
        ],
        "failure": _failure(expected["failure"]) if expected["failure"] else None,
    }


def _logprobs(expected: dict, choice: int, thought: bool) -> list:
    return [
        token
        for part in expected["parts"]
        if part["choice"] == choice and (part["kind"] == "reasoning") == thought
        for token in part.get("logprobs", [])
    ]


def _part(part: dict) -> dict:
    sealed = part.get("signature") or part.get("of") == "Encrypted"
    return {
        "part": {
            "body": _body(part),
            "id": _first(part.get("item_id")),
            "signature": part.get("signature"),
            "format": (part.get("format") or FORMATS[0]) if sealed else None,
            "citations": list(map(_citation, part.get("citations", []))),
            "cache": None,
            "extra": [],
        },
    }


def _body(part: dict) -> dict:
    kind, text = part["kind"], part["text"]
    if kind == "reasoning":
        return {"Reasoning": {part["of"]: text}}
    if kind == "call":
        call = {
            "id": part["id"] or f"made-up-{id(part)}",
            "name": part["name"],
            "input": text,
            "freeform": bool(part.get("freeform")),
        }
        return {"ToolCall": call}
    if kind == "native":
        return {"Native": part["value"]}
    if kind == "media":
        source = {"Base64": part["data"]}
        return {"Media": {"kind": part["media"], "source": source, "mime": part["mime"]}}
    return {kind.capitalize(): text}


def _citation(held: dict) -> dict:
    given = {name: _first(held.get(name)) for name in ("url", "title", "quote")}
    span = held.get("span") or [None]
    return {**given, "span": span[0], "extra": [["held", json.dumps(held.get("holds", []))]]}


def _usage(held: dict) -> dict:
    counts = {n: _first(v) for n, v in held.items() if n.endswith("tokens") or n == "cost"}
    meters = {**held["meters"], **{f"other-{one}": one for one in held["counted"]}}
    return {**counts, "model": held["model"], "meters": list(map(list, meters.items()))}
