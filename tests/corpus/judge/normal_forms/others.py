"""The normal forms of Cohere's and Ollama's own chats."""

from __future__ import annotations

from normal_forms.common import Body, drop, drop_empty, texts
from normal_forms.openai import openai_tool
from wire_json import EXACT, ORDERED, ordered

COHERE_MARKS = {
    "tools.*.function.parameters": ORDERED,
    "response_format.json_schema": ORDERED,
    "response_format.schema": ORDERED,
}


def cohere(body: Body) -> Body:
    drop(body, stream=False)
    for message in body.get("messages", []):
        said = texts(message.pop("content", []))
        if message.get("role") == "assistant" and len(said) == 1 and said[0].get("text") == "":
            said = []
        message["content"] = said
        drop_empty(message, "content", "tool_calls", "citations")
    body["tools"] = [openai_tool(tool) for tool in body.get("tools", [])]
    format = body.get("response_format")
    if isinstance(format, dict) and "schema" in format:
        format["json_schema"] = format.pop("schema")
    drop_empty(body, "tools", "documents", "stop_sequences")
    return body


OLLAMA_MARKS = {
    "messages.*.tool_calls.*.function.arguments": EXACT,
    "tools.*.function.parameters": ORDERED,
    "format": ORDERED,
}


def ollama(body: Body) -> Body:
    body.setdefault("stream", True)
    for message in body.get("messages", []):
        drop_empty(message, "content", "tool_calls", "images", "thinking")
        for place, call in enumerate(message.get("tool_calls", [])):
            drop(call.get("function", {}), index=place)
            # Its own clients write it, its server does not read it.
            drop(call, type="function")
    body["tools"] = [openai_tool(tool) for tool in body.get("tools", [])]
    drop(body, format=ordered(""))
    drop_empty(body, "tools", "options")
    options = body.get("options", {})
    if isinstance(options.get("stop"), str):
        options["stop"] = [options["stop"]]
    return body
