"""The normal form of OpenAI's chat format and of embeddings in its words."""

from __future__ import annotations

import json

import rawjson
from lift_formats import openai_thoughts
from normal_forms.common import Body, drop, drop_empty, texts
from wire_json import ORDERED


def complete_chat(body: Body) -> None:
    for tool in body.get("tools", []):
        tool.setdefault("type", "function")
    for message in body.get("messages", []):
        for call in message.get("tool_calls", []):
            call.setdefault("type", "function")
    if isinstance(body.get("tool_choice"), dict):
        body["tool_choice"].setdefault("type", "function")


CHAT_MARKS = {
    "tools.*.function.parameters": ORDERED,
    "response_format.json_schema.schema": ORDERED,
}


def openai_chat(body: Body) -> Body:
    drop(body, stream=False, n=1, top_logprobs=0, logprobs=False)
    if body.get("top_k") in (0, -1):
        # Both say that there is no such limit.
        del body["top_k"]
    if isinstance(body.get("stop"), str):
        body["stop"] = [body["stop"]]
    body["messages"] = [openai_message(message) for message in body.get("messages", [])]
    body["tools"] = [openai_tool(tool) for tool in body.get("tools", [])]
    drop_empty(body, "tools", "stop")
    return body


def openai_message(message: Body) -> Body:
    said = texts(message.pop("content", []))
    if message.get("role") == "assistant" and len(said) == 1 and said[0].get("text") == "":
        # An empty text says nothing, alone or beside a call.
        said = []
    calls = message.get("tool_calls", [])
    for call in calls:
        # Where it stood among the deltas of a stream that was echoed.
        call.pop("index", None)
    cache = message.pop("cache_control", None)
    marked = calls or said
    if cache is not None and marked:
        marked[-1].setdefault("cache_control", cache)
    for part in said:
        if isinstance(part.get("image_url"), str):
            part["image_url"] = {"url": part["image_url"]}
    if "reasoning_details" in message:
        message["reasoning_details"] = details = reasoning_details(message["reasoning_details"])
        told = [word for part in details for word in part["body"].get("Reasoning", {}).values()]
        for name in ("reasoning", "reasoning_content"):
            # The same words once more, without what they are signed with.
            if message.get(name) in told:
                del message[name]
    drop(message, prefix=False)
    message["content"] = said
    drop_empty(message, "tool_calls", "content", "reasoning_details")
    return message


def reasoning_details(details: list[Body]) -> list[Body]:
    """Deltas of one block are one detail; its place says its index."""
    node = rawjson.parse(json.dumps(details))
    parts = openai_thoughts.reasoning_details(node)
    return [
        {name: part[name] for name in ("body", "id", "signature", "format", "extra")}
        for part in parts
    ]


def openai_tool(tool: Body) -> Body:
    """A tool without the box that says its kind."""
    box = next((name for name in ("function", "custom") if isinstance(tool.get(name), dict)), None)
    if box is None:
        return tool
    outer = {name: value for name, value in tool.items() if name != box}
    return tool[box] | outer


def embeddings(body: Body) -> Body:
    drop(body, encoding_format="float")
    held = body.get("input")
    if isinstance(held, str) or isinstance(held, list) and held and isinstance(held[0], int):
        body["input"] = [held]
    return body
