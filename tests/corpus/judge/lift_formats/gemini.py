"""Gemini's generateContent, at AI Studio and at Vertex, in camelCase and in snake_case.

A content that holds function responses becomes several canonical messages, for results
have a role of their own. Schemas of Google's own kind become JSON Schema: types in lower
case, and `nullable` a type beside `null`.
"""

from __future__ import annotations

import json
from typing import Any

import canonical as c
from canonical import Conversation, Json, NotLifted
from rawjson import Fields, Node, nested, object_text
from recorded import Recorded

DIALECT = "gemini"
FORMAT = "google-gemini-v1"


def lift(recorded: Recorded, options: Json) -> Json:
    streaming = recorded.matched.get("method") == "streamGenerateContent"
    return lift_body(recorded.body_fields(), recorded.matched.get("model", ""), streaming)


def lift_count(recorded: Recorded, options: Json) -> Json:
    """countTokens takes the contents alone, or a whole request in a field of its own."""
    fields = recorded.body_fields()
    whole = fields.take("generateContentRequest", "generate_content_request")
    held = whole.fields() if whole is not None else fields
    return lift_body(held, recorded.matched.get("model", ""), streaming=False)


def lift_body(fields: Fields, model: str, streaming: bool) -> Json:
    fields.take("model")
    conversation = Conversation()
    system = fields.take("systemInstruction", "system_instruction")
    if system is not None:
        conversation.say("System", instruction(system))
    contents = fields.need("contents")
    for node in contents.items() if contents.is_array else [contents]:
        content(node.fields(), conversation)
    choice, rest = tool_config(fields.take("toolConfig", "tool_config"))
    given: Json = {
        "messages": conversation.messages,
        "tools": tools(fields.take("tools")),
        "tool_choice": choice,
    }
    config = fields.take("generationConfig", "generation_config")
    more, generation = generation_config(config.fields()) if config is not None else ({}, [])
    extra = rest + generation + fields.rest()
    return c.request(model, DIALECT, streaming=streaming, extra=extra, **given, **more)


def instruction(node: Node) -> list[Json]:
    """A system instruction: a content whose role says nothing, or a bare text."""
    if node.is_string:
        return [c.text(node.held)]
    fields = node.fields()
    parts = fields.need("parts")
    nodes = parts.items() if parts.is_array else [parts]
    return [part(each, Conversation()) for each in nodes]


def content(fields: Fields, conversation: Conversation) -> None:
    roles = {"user": "User", "model": "Assistant", "function": "User", "tool": "User"}
    role = roles.get(fields.string("role") or "user")
    if role is None:
        raise NotLifted("a role that the format does not have")
    node = fields.need("parts")
    parts = [part(each, conversation) for each in (node.items() if node.is_array else [node])]
    if role == "Assistant":
        conversation.say(role, parts)
        return
    runs: list[tuple[str, list[Json]]] = []
    for each in parts:
        its = "Tool" if "ToolResult" in each["body"] else "User"
        if not runs or runs[-1][0] != its:
            runs.append((its, []))
        runs[-1][1].append(each)
    for its, run in runs or [("User", [])]:
        conversation.say(its, run)


def part(node: Node, conversation: Conversation) -> Json:
    fields = node.fields()
    thought = fields.boolean("thought")
    proof = fields.string("thoughtSignature", "thought_signature")
    given: Json = {"signature": proof, "format": FORMAT if proof else None}
    text = fields.take("text")
    if text is not None:
        body = {"Reasoning": {"Text": text.string()}} if thought else {"Text": text.string()}
        return c.part(body, extra=fields.rest(), **given)
    for names, build in _BODIES.items():
        held = fields.take(*names)
        if held is None:
            continue
        found = build(held.fields(), conversation)
        if found is None or thought:
            return c.native(node.raw)
        return found | given | {"extra": fields.rest()}
    return c.native(node.raw)


def inline(fields: Fields, _: Conversation) -> Json | None:
    found = inline_media(fields)
    return None if found is None else c.part({"Media": found})


def inline_media(fields: Fields) -> Json | None:
    mime = fields.string("mimeType", "mime_type")
    data = c.base64_source(c.standard_base64(fields.need("data").string()))
    name = fields.string("displayName", "display_name")
    return None if fields else c.media(c.media_kind(mime), data, mime, name)


def linked(fields: Fields, _: Conversation) -> Json | None:
    found = linked_media(fields)
    return None if found is None else c.part({"Media": found})


def linked_media(fields: Fields) -> Json | None:
    mime = fields.string("mimeType", "mime_type")
    uri = fields.need("fileUri", "file_uri").string()
    name = fields.string("displayName", "display_name")
    # Without a media type it is a link to a video site.
    kind = c.media_kind(mime) if mime else "Video"
    return None if fields else c.media(kind, {"Uri": uri}, mime, name)


def call(fields: Fields, conversation: Conversation) -> Json | None:
    id, name = fields.string("id"), fields.need("name").string()
    args = fields.take("args")
    if fields:
        return None
    return conversation.call(id, name, "{}" if args is None else args.raw)


def response(fields: Fields, conversation: Conversation) -> Json | None:
    id, name = fields.string("id"), fields.need("name").string()
    body = fields.take("response")
    media = fields.take("parts")
    if fields:
        return None
    words, failed = ([], False) if body is None else result_body(body)
    parts = words + ([response_part(each) for each in media.items()] if media is not None else [])
    call_id = conversation.answered(id, name)
    return c.tool_result(call_id, name, parts, failed)


def result_body(node: Node) -> tuple[list[Json], bool]:
    """A response is an object; one that only says `error` is a failure."""
    fields = node.fields()
    error = fields.take("error")
    if error is None or fields:
        return [c.result_part({"Json": node.raw})], False
    body = {"Text": error.held} if error.is_string else {"Json": error.raw}
    return [c.result_part(body)], True


def response_part(node: Node) -> Json:
    fields = node.fields()
    inline = fields.take("inlineData", "inline_data")
    link = fields.take("fileData", "file_data")
    found = None
    if inline is not None:
        found = inline_media(inline.fields())
    elif link is not None:
        found = linked_media(link.fields())
    return c.result_part({"Native": node.raw} if found is None or fields else {"Media": found})


_BODIES = {
    ("inlineData", "inline_data"): inline,
    ("fileData", "file_data"): linked,
    ("functionCall", "function_call"): call,
    ("functionResponse", "function_response"): response,
}


def tools(node: Node | None) -> list[Json]:
    """One tool per declaration, and a native one per tool of Google's own."""
    if node is None:
        return []
    found: list[Json] = []
    for each in node.items() if node.is_array else [node]:
        for name, held in each.fields():
            if name in ("functionDeclarations", "function_declarations"):
                found += [declaration(one) for one in held.items()]
            else:
                found.append({"Native": object_text([[name, held.raw]])})
    return found


def declaration(node: Node) -> Json:
    fields = node.fields()
    name = fields.need("name").string()
    description = fields.string("description")
    schema = fields.take("parametersJsonSchema", "parameters_json_schema")
    raw = None if schema is None else schema.raw
    own = fields.take("parameters")
    if own is not None:
        raw = json_schema(own)
    return c.function_tool(name, description=description, parameters=raw, extra=fields.rest())


def json_schema(node: Node) -> str:
    """Google's schema as JSON Schema; what is one already keeps its spelling."""
    schema = node.value()
    mended = mend(schema)
    return node.raw if mended == schema else json.dumps(mended, ensure_ascii=False)


# Client libraries also write enums as their numbers.
_TYPE_NUMBERS: dict[Any, str] = {
    1: "string",
    2: "number",
    3: "integer",
    4: "boolean",
    5: "array",
    6: "object",
    7: "null",
}
_MODE_NUMBERS = {0: "AUTO", 1: "AUTO", 2: "ANY", 3: "NONE"}


def mend(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    mended = {}
    for name, held in schema.items():
        if name == "type" and isinstance(held, (str, int)):
            held = _TYPE_NUMBERS[held] if held in _TYPE_NUMBERS else str(held).lower()
        elif name in ("properties", "$defs", "definitions") and isinstance(held, dict):
            held = {key: mend(value) for key, value in held.items()}
        elif name in ("items", "additionalProperties"):
            held = mend(held)
        elif name in ("anyOf", "any_of", "oneOf", "allOf") and isinstance(held, list):
            name, held = name.replace("any_of", "anyOf"), [mend(value) for value in held]
        mended[name] = held
    if mended.get("nullable") is True and isinstance(mended.get("type"), str):
        mended["type"] = [mended["type"], "null"]
        del mended["nullable"]
    return mended


def tool_config(node: Node | None) -> tuple[Any, list[list[str]]]:
    if node is None:
        return None, []
    fields = node.fields()
    calling = fields.take("functionCallingConfig", "function_calling_config")
    choice = None if calling is None else tool_choice(calling)
    return choice, fields.leftover("toolConfig")


def tool_choice(node: Node) -> Any:
    fields = node.fields()
    mode = calling_mode(fields.take("mode"))
    names = fields.strings("allowedFunctionNames", "allowed_function_names")
    if fields:
        return {"Native": node.raw}
    if mode == "ANY" and len(names) == 1:
        return {"Named": names[0]}
    if mode in ("ANY", "VALIDATED") and names:
        return {"Allowed": {"names": names, "required": mode == "ANY"}}
    words = {"AUTO": "Auto", "NONE": "None", "ANY": "Required"}
    return words[mode] if mode in words and not names else {"Native": node.raw}


def calling_mode(node: Node | None) -> str:
    held = "AUTO" if node is None else node.value()
    return _MODE_NUMBERS[held] if held in list(_MODE_NUMBERS) else str(held).upper()


def generation_config(fields: Fields) -> tuple[Json, list[list[str]]]:
    given: Json = {"sampling": sampling(fields)}
    given["choices"] = fields.integer("candidateCount", "candidate_count") or 1
    given["max_tokens"] = fields.unsigned("maxOutputTokens", "max_output_tokens")
    modalities = fields.strings("responseModalities", "response_modalities")
    given["modalities"] = [word.lower() for word in modalities]
    given["response_format"] = response_format(fields)
    rest: list[list[str]] = []
    thinking = fields.take("thinkingConfig", "thinking_config")
    if thinking is not None:
        held = thinking.fields()
        given["reasoning"] = reasoning(held)
        rest += held.leftover("thinkingConfig")
    rest = fields.rest() + rest
    return given, nested("generationConfig", rest)


def sampling(fields: Fields) -> Json:
    wanted = fields.boolean("responseLogprobs", "response_logprobs")
    alternatives = fields.integer("logprobs") if wanted else None
    return c.sampling(
        temperature=fields.number("temperature"),
        top_p=fields.number("topP", "top_p"),
        top_k=fields.unsigned("topK", "top_k"),
        frequency_penalty=fields.number("frequencyPenalty", "frequency_penalty"),
        presence_penalty=fields.number("presencePenalty", "presence_penalty"),
        seed=fields.integer("seed"),
        stop=fields.strings("stopSequences", "stop_sequences"),
        top_logprobs=(alternatives or 0) if wanted else None,
    )


def response_format(fields: Fields) -> Any:
    mime = fields.peek("responseMimeType", "response_mime_type")
    if mime is None or mime.held not in ("application/json", "text/plain"):
        return None
    fields.take("responseMimeType", "response_mime_type")
    schema = fields.take("responseJsonSchema", "response_json_schema")
    own = fields.take("responseSchema", "response_schema")
    if schema is not None:
        return c.json_schema(schema.raw)
    if own is not None:
        return c.json_schema(json_schema(own))
    return "JsonObject" if mime.held == "application/json" else "Text"


def reasoning(fields: Fields) -> Json:
    """Thoughts are kept out of the answer unless they are asked for."""
    given: Json = {}
    shown = fields.boolean("includeThoughts", "include_thoughts") or False
    budget = fields.integer("thinkingBudget", "thinking_budget")
    level = fields.string("thinkingLevel", "thinking_level")
    if budget == 0:
        given["enabled"] = False
    elif budget is not None and budget < 0:
        given["enabled"] = True
    elif budget is not None:
        given["max_tokens"] = budget
    if level is not None:
        given["effort"] = level.lower()
    given["hidden"] = not shown and given.get("enabled") is not False
    return c.reasoning_options(**given)
