"""The normal form of Gemini's requests."""

from __future__ import annotations

import json
from typing import Any

import rawjson
from canonical import standard_base64
from lift_formats import gemini
from normal_forms.common import Body, drop, drop_empty, merged
from wire_json import EXACT, ORDERED, Verbatim, ordered

# What the model wrote goes back byte for byte. What a tool answered is a value: where it
# failed, the contract holds its text, and the object around it is written anew.
GEMINI_MARKS = {
    f"{contents}.parts.*.{name}": mark
    for contents in ("contents.*", "generateContentRequest.contents.*")
    for name, mark in (
        ("functionCall.args", EXACT),
        ("function_call.args", EXACT),
        ("functionResponse.response", ORDERED),
        ("function_response.response", ORDERED),
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
    contents = body.get("contents", [])
    for turn in contents if isinstance(contents, list) else [contents]:
        role = turn.get("role", "user")
        turns.append({"role": "model" if role == "model" else "user", "parts": google_parts(turn)})
    body["contents"] = merged(turns, "parts")
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig")
    if isinstance(calling, dict):
        calling["mode"] = gemini.calling_mode(
            rawjson.parse(json.dumps(calling.get("mode", "AUTO")))
        )
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


def google_embeddings(body: Body) -> Body:
    body = camel(body)
    requests = body["requests"] if "requests" in body else [body]
    for request in requests:
        if "requests" not in body:
            request.pop("model", None)
        request["content"] = google_parts(request.get("content", {}))
    return {"requests": requests} if "instances" not in body else body
