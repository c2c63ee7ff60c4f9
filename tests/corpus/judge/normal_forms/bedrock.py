"""The normal form of Bedrock's Converse, and of what is counted there."""

from __future__ import annotations

import base64
import json
from typing import Any

import rawjson
from normal_forms.anthropic import ANTHROPIC_MARKS, anthropic
from normal_forms.common import Body, drop, drop_empty, merged
from wire_json import EXACT, ORDERED, ordered, plain

CONVERSE_MARKS = {
    "messages.*.content.*.toolUse.input": EXACT,
    "messages.*.content.*.toolResult.content.*.json": EXACT,
    "toolConfig.tools.*.toolSpec.inputSchema.json": ORDERED,
}


def converse(body: Body) -> Body:
    turns = body.get("messages", [])
    for turn in turns:
        for block in turn.get("content", []):
            if isinstance(block.get("toolResult"), dict):
                drop(block["toolResult"], status="success")
    body["messages"] = merged(turns, "content")
    structure = ((body.get("outputConfig") or {}).get("textFormat") or {}).get("structure") or {}
    held = structure.get("jsonSchema")
    if isinstance(held, dict) and isinstance(held.get("schema"), str):
        held["schema"] = ordered(json.loads(held["schema"]))
    drop_empty(body, "system", "inferenceConfig", "additionalModelRequestFields")
    return body


def bedrock_count(node: rawjson.Node) -> Any:
    """The body that is counted, and which of the two kinds it is."""
    input = node.fields().need("input").fields()
    held = input.take("converse")
    if held is not None:
        return {"converse": converse(plain(held, CONVERSE_MARKS))}
    text = base64.b64decode(input.need("invokeModel").fields().need("body").string()).decode()
    return {"invokeModel": anthropic(plain(rawjson.parse(text), ANTHROPIC_MARKS))}
