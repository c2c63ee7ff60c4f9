"""The normal form of Anthropic's messages."""

from __future__ import annotations

from normal_forms.common import Body, drop, drop_empty, merged, texts
from wire_json import EXACT, ORDERED

ANTHROPIC_MARKS = {
    "tools.*.input_schema": ORDERED,
    "output_config.format.schema": ORDERED,
    "messages.*.content.*.input": EXACT,
}


def anthropic(body: Body) -> Body:
    drop(body, stream=False)
    if "anthropic_beta" in body:
        # A list in the body where the API is hosted by others, else a header.
        del body["anthropic_beta"]
    if "system" in body:
        body["system"] = texts(body["system"])
    turns = body.get("messages", [])
    for turn in turns:
        turn["content"] = [anthropic_block(block) for block in texts(turn.get("content", []))]
    body["messages"] = merged(turns, "content")
    for tool in body.get("tools", []):
        drop(tool, type="custom")
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        drop(choice, disable_parallel_tool_use=False)
    drop_empty(body, "tools", "system", "stop_sequences")
    return body


def anthropic_block(block: Body) -> Body:
    if block.get("type") == "tool_result":
        drop(block, is_error=False)
        if "content" in block:
            block["content"] = texts(block["content"])
        drop_empty(block, "content")
    drop_empty(block, "citations")
    return block
