"""Brings a request body into one form, so that two ways to ask the same thing are equal.

Only what a provider documents as the same is made the same: an omitted null or default,
a string for a list with one text, and turns of one speaker that follow each other. What
needs an argument is no business of this file but a rule in `differences.toml`.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Callable

import rawjson
from canonical import standard_base64
from lift_formats import gemini
from lift_formats import openai_chat as chat
from wire_json import EXACT, ORDERED, Verbatim, ordered, plain

Body = dict[str, Any]


def normal(format: str, what: str, text: str) -> Any:
    """The body of a request in this format, in the form that is compared."""
    node = rawjson.parse(text)
    if what in ("embeddings", "rerank"):
        return _EMBEDDINGS.get(format, embeddings)(plain(node, {}))
    if what == "count" and format == "bedrock-converse":
        return bedrock_count(node)
    marks, build = _CHATS[format]
    return build(plain(node, marks))


def drop(body: Body, **defaults: Any) -> None:
    """Leaves out fields that say what the provider does anyway."""
    for name, value in defaults.items():
        if name in body and body[name] == value and isinstance(body[name], bool) == isinstance(value, bool):
            del body[name]


def drop_empty(body: Body, *names: str) -> None:
    for name in names:
        if name in body and body[name] in ([], {}, ""):
            del body[name]


def texts(content: Any, kind: str = "text") -> Any:
    """A content as a list of parts."""
    return [{"type": kind, "text": content}] if isinstance(content, str) else content


def merged(turns: list[Body], parts: str) -> list[Body]:
    """Turns of one role that follow each other are one."""
    found: list[Body] = []
    for turn in turns:
        last = found[-1] if found else None
        same = last is not None and {**last, parts: 0} == {**turn, parts: 0}
        if same and isinstance(last.get(parts), list) and isinstance(turn.get(parts), list):
            last[parts] = last[parts] + turn[parts]
        else:
            found.append(dict(turn))
    return found


# OpenAI chat

_CHAT_MARKS = {
    "tools.*.function.parameters": ORDERED,
    "response_format.json_schema.schema": ORDERED,
}


def openai_chat(body: Body) -> Body:
    drop(body, stream=False, n=1, top_logprobs=0)
    if isinstance(body.get("stop"), str):
        body["stop"] = [body["stop"]]
    body["messages"] = [openai_message(message) for message in body.get("messages", [])]
    body["tools"] = [openai_tool(tool) for tool in body.get("tools", [])]
    drop_empty(body, "tools", "stop")
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        drop(choice, type="function")
    return body


def openai_message(message: Body) -> Body:
    said = texts(message.pop("content", []))
    if message.get("role") == "assistant" and len(said) == 1 and said[0].get("text") == "":
        # An empty text says nothing, alone or beside a call.
        said = []
    calls = message.get("tool_calls", [])
    for place, call in enumerate(calls):
        drop(call, type="function", index=place)
    cache = message.pop("cache_control", None)
    marked = calls or said
    if cache is not None and marked:
        marked[-1].setdefault("cache_control", cache)
    for part in said:
        if isinstance(part.get("image_url"), str):
            part["image_url"] = {"url": part["image_url"]}
    if "reasoning_details" in message:
        message["reasoning_details"] = reasoning_details(message["reasoning_details"])
    drop(message, prefix=False)
    message["content"] = said
    drop_empty(message, "tool_calls", "content", "reasoning_details")
    return message


def reasoning_details(details: list[Body]) -> list[Body]:
    """Deltas of one block are one detail; its place says its index."""
    node = rawjson.parse(json.dumps(details))
    parts = chat.reasoning_details(node)
    return [{name: part[name] for name in ("body", "id", "signature", "format", "extra")} for part in parts]


def openai_tool(tool: Body) -> Body:
    """A tool without the box that says its kind."""
    kind = tool.get("type", "function")
    if kind not in ("function", "custom") or not isinstance(tool.get(kind), dict):
        return tool
    outer = {name: value for name, value in tool.items() if name not in ("type", kind)}
    return {"kind": kind} | tool[kind] | outer


# OpenAI responses

_RESPONSES_MARKS = {"tools.*.parameters": ORDERED, "text.format.schema": ORDERED}


def openai_responses(body: Body) -> Body:
    drop(body, stream=False, top_logprobs=0)
    items = body.get("input", [])
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    items = [responses_item(item) for item in items]
    instructions = body.pop("instructions", None)
    if instructions:
        # They are the message in front of all others.
        items.insert(0, responses_item({"role": "system", "content": instructions}))
    body["input"] = items
    drop_empty(body, "tools")
    return body


def responses_item(item: Body) -> Body:
    item.setdefault("type", "message")
    if item["type"] == "message":
        kind = "output_text" if item.get("role") == "assistant" else "input_text"
        item["content"] = [responses_part(part) for part in texts(item.get("content", []), kind)]
    if item["type"] == "reasoning":
        drop_empty(item, "summary", "content")
    output = item.get("output")
    if isinstance(output, list) and len(output) == 1 and set(output[0]) == {"type", "text"}:
        item["output"] = output[0]["text"]
    return item


def responses_part(part: Body) -> Body:
    drop_empty(part, "annotations", "logprobs")
    return part


# Anthropic

_ANTHROPIC_MARKS = {
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


# Gemini

_GEMINI_MARKS = {
    f"{contents}.parts.*.{name}": EXACT
    for contents in ("contents.*", "generateContentRequest.contents.*")
    for name in (
        "functionCall.args",
        "function_call.args",
        "functionResponse.response",
        "function_response.response",
    )
}


def google(body: Body) -> Body:
    body = camel(body)
    whole = body.pop("generateContentRequest", None)
    if isinstance(whole, dict):
        body |= whole
    body.pop("model", None)
    if "systemInstruction" in body:
        body["systemInstruction"] = google_parts(body["systemInstruction"])
    turns = []
    for turn in body.get("contents", []):
        role = turn.get("role", "user")
        turns.append({"role": "model" if role == "model" else "user", "parts": google_parts(turn)})
    body["contents"] = merged(turns, "parts")
    config = body.get("generationConfig")
    if isinstance(config, dict):
        body["generationConfig"] = google_config(config)
    body |= google_tools(body.pop("tools", []))
    drop_empty(body, "generationConfig", "toolConfig", "safetySettings")
    return body


def camel(value: Any) -> Any:
    """Google takes a field's name in camelCase and in snake_case. Schemas are left alone."""
    if isinstance(value, list):
        return [camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for name, each in value.items():
        head, *tail = name.split("_")
        spelled = head + "".join(word.capitalize() for word in tail)
        found[spelled] = each if spelled in _NAMES_OF_USERS else camel(each)
    return found


_NAMES_OF_USERS = {
    "parameters",
    "parametersJsonSchema",
    "responseSchema",
    "responseJsonSchema",
    "response",
    "args",
    "labels",
}


def google_parts(content: Any) -> list[Any]:
    if isinstance(content, str):
        return [{"text": content}]
    parts = content.get("parts", [])
    return [google_part(part) for part in (parts if isinstance(parts, list) else [parts])]


def google_part(part: Body) -> Body:
    drop(part, thought=False)
    for held in [part] + (part.get("functionResponse") or {}).get("parts", []):
        inline = held.get("inlineData")
        if isinstance(inline, dict) and isinstance(inline.get("data"), str):
            inline["data"] = standard_base64(inline["data"])
    call = part.get("functionCall")
    if isinstance(call, dict):
        call.setdefault("args", Verbatim("{}"))
    return part


def google_config(config: Body) -> Body:
    drop(config, candidateCount=1)
    thinking = config.get("thinkingConfig")
    if isinstance(thinking, dict):
        drop(thinking, includeThoughts=False)
        if isinstance(thinking.get("thinkingLevel"), str):
            thinking["thinkingLevel"] = thinking["thinkingLevel"].upper()
    own = config.pop("responseSchema", None)
    if own is not None:
        config["responseJsonSchema"] = gemini.mend(own)
    if "responseJsonSchema" in config:
        config["responseJsonSchema"] = ordered(config["responseJsonSchema"])
    return config


def google_tools(tools: Any) -> Body:
    """Declarations in one list, the provider's own tools beside them."""
    declarations, others = [], {}
    for tool in tools if isinstance(tools, list) else [tools]:
        for name, held in tool.items():
            if name == "functionDeclarations":
                declarations += [google_declaration(each) for each in held]
            else:
                others[name] = held
    found: Body = {}
    if declarations:
        found["functionDeclarations"] = declarations
    if others:
        found["ownTools"] = others
    return found


def google_declaration(declaration: Body) -> Body:
    """Both kinds of schema as JSON Schema, which is what the newer field takes."""
    own = declaration.pop("parameters", None)
    if own is not None:
        declaration["parametersJsonSchema"] = gemini.mend(own)
    if "parametersJsonSchema" in declaration:
        declaration["parametersJsonSchema"] = ordered(declaration["parametersJsonSchema"])
    return declaration


# Bedrock

_CONVERSE_MARKS = {
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
        return {"converse": converse(plain(held, _CONVERSE_MARKS))}
    text = base64.b64decode(input.need("invokeModel").fields().need("body").string()).decode()
    return {"invokeModel": anthropic(plain(rawjson.parse(text), _ANTHROPIC_MARKS))}


# Cohere and Ollama

_COHERE_MARKS = {
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
        for call in message.get("tool_calls", []):
            drop(call, type="function")
        drop_empty(message, "content", "tool_calls", "citations")
    body["tools"] = [openai_tool(tool) for tool in body.get("tools", [])]
    format = body.get("response_format")
    if isinstance(format, dict) and "schema" in format:
        format["json_schema"] = format.pop("schema")
    drop_empty(body, "tools", "documents", "stop_sequences")
    return body


_OLLAMA_MARKS = {
    "messages.*.tool_calls.*.function.arguments": EXACT,
    "tools.*.function.parameters": ORDERED,
    "format": ORDERED,
}


def ollama(body: Body) -> Body:
    body.setdefault("stream", True)
    for message in body.get("messages", []):
        drop_empty(message, "content", "tool_calls", "images", "thinking")
        for place, call in enumerate(message.get("tool_calls", [])):
            drop(call, type="function")
            drop(call.get("function", {}), index=place)
    body["tools"] = [openai_tool(tool) for tool in body.get("tools", [])]
    drop(body, format=ordered(""))
    drop_empty(body, "tools", "options")
    options = body.get("options", {})
    if isinstance(options.get("stop"), str):
        options["stop"] = [options["stop"]]
    return body


# Embeddings and rerank

def embeddings(body: Body) -> Body:
    drop(body, encoding_format="float")
    held = body.get("input")
    if isinstance(held, str) or isinstance(held, list) and held and isinstance(held[0], int):
        body["input"] = [held]
    return body


def google_embeddings(body: Body) -> Body:
    body = camel(body)
    requests = body["requests"] if "requests" in body else [body]
    for request in requests:
        request.pop("model", None)
        request["content"] = google_parts(request.get("content", {}))
    return {"requests": requests} if "instances" not in body else body


_CHATS: dict[str, tuple[dict[str, str], Callable[[Body], Body]]] = {
    "openai-chat": (_CHAT_MARKS, openai_chat),
    "openai-responses": (_RESPONSES_MARKS, openai_responses),
    "anthropic-messages": (_ANTHROPIC_MARKS, anthropic),
    "gemini": (_GEMINI_MARKS, google),
    "bedrock-converse": (_CONVERSE_MARKS, converse),
    "cohere-chat": (_COHERE_MARKS, cohere),
    "ollama": (_OLLAMA_MARKS, ollama),
}
_EMBEDDINGS: dict[str, Callable[[Body], Body]] = {"gemini": google_embeddings}
