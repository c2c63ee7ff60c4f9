"""The normal form of the responses API."""

from __future__ import annotations

from normal_forms.common import Body, drop, drop_empty, texts
from wire_json import ORDERED


def complete_responses(body: Body) -> None:
    for item in body.get("input", []):
        if isinstance(item, dict) and item.get("type") == "reasoning":
            item.setdefault("summary", [])


RESPONSES_MARKS = {"tools.*.parameters": ORDERED, "text.format.schema": ORDERED}


def openai_responses(body: Body) -> Body:
    drop(body, stream=False, top_logprobs=0)
    items = body.get("input", [])
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    items = [responses_item(item) for item in items]
    instructions = body.pop("instructions", None)
    if instructions and isinstance(instructions, str):
        # They are the message in front of all others.
        items.insert(0, responses_item({"role": "system", "content": instructions}))
    elif instructions is not None:
        body["instructions"] = instructions
    body["input"] = items
    drop_empty(body, "tools", "text", "reasoning")
    return body


def responses_item(item: Body) -> Body:
    item.setdefault("type", "message")
    if item["type"] == "message":
        kind = "output_text" if item.get("role") == "assistant" else "input_text"
        item["content"] = [responses_part(part) for part in texts(item.get("content", []), kind)]
    if item["type"] == "reasoning":
        drop_empty(item, "content")
    output = item.get("output")
    if isinstance(output, list) and len(output) == 1 and set(output[0]) == {"type", "text"}:
        item["output"] = output[0]["text"]
    return item


def responses_part(part: Body) -> Body:
    drop_empty(part, "annotations", "logprobs")
    return part
