"""Reasoning that a client of OpenAI's chat format sends back, beside the content."""

from __future__ import annotations

from typing import Any

import canonical as c
from canonical import Json
from rawjson import Fields, Node


def thought(fields: Fields) -> list[Json]:
    """Reasoning that is sent back beside the content. Details say more than a text does."""
    details = fields.take("reasoning_details")
    words = fields.string("reasoning"), fields.string("reasoning_content")
    parts = reasoning_details(details) if details is not None else []
    said = words[0] or words[1]
    return parts or ([c.reasoning("Text", said)] if said else [])


def reasoning_details(node: Node) -> list[Json]:
    """One part per block; deltas of one block that were sent back as they came are joined."""
    parts: list[Json] = []
    block: tuple[Any, Any] | None = None
    for item in node.items():
        fields = item.fields()
        index = fields.integer("index")
        kind = fields.peek("type")
        part = detail(item, fields)
        key = (index, kind.held if kind else None)
        if index is not None and key == block and joined(parts[-1], part):
            continue
        block = key
        parts.append(part)
    return [part for part in parts if says_something(part)]


def detail(node: Node, fields: Fields) -> Json:
    cases = {
        "reasoning.text": "Text",
        "reasoning.summary": "Summary",
        "reasoning.encrypted": "Encrypted",
    }
    case = cases.get(fields.string("type") or "")
    if case is None:
        return c.native(node.raw)
    words = fields.string({"Text": "text", "Summary": "summary", "Encrypted": "data"}[case])
    format = fields.string("format")
    return c.reasoning(
        case,
        words or "",
        id=fields.string("id"),
        signature=fields.string("signature"),
        format=None if format == "unknown" else format,
        extra=fields.rest(),
    )


def joined(block: Json, bit: Json) -> bool:
    """Joins a delta onto its block, which a signature ends."""
    held, more = block["body"].get("Reasoning"), bit["body"].get("Reasoning")
    if (
        block["signature"]
        or not held
        or not more
        or "Encrypted" in held
        or held.keys() != more.keys()
    ):
        return False
    if block["id"] and bit["id"] and block["id"] != bit["id"]:
        return False
    for case in held:
        held[case] += more[case]
    for name in ("id", "signature", "format"):
        block[name] = block[name] or bit[name]
    return True


def says_something(part: Json) -> bool:
    held = part["body"].get("Reasoning")
    return held is None or bool(part["signature"]) or any(held.values())


def sign(calls: list[Json], thoughts: list[Json]) -> list[Json]:
    """Gives each call the proof that travelled among the reasoning under the call's id."""
    left = []
    by_id = {call["body"]["ToolCall"]["id"]: call for call in calls if "ToolCall" in call["body"]}
    for part in thoughts:
        proof = part["body"].get("Reasoning", {}).get("Encrypted")
        call = by_id.get(part["id"])
        if proof is None or call is None or call["signature"]:
            left.append(part)
            continue
        call["signature"], call["format"] = proof, part["format"]
    return left
