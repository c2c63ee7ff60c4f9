"""Tools, the choice among them and the shape of the answer, as OpenAI words them.

Others took these words over; their formats read them from here.
"""

from __future__ import annotations

from typing import Any

import canonical as c
from canonical import Json
from rawjson import Fields, Node


def items(node: Node | None) -> list[Node]:
    return [] if node is None else node.items()


def cache_point(fields: Fields) -> Json | None:
    """`cache_control`, or OpenAI's own marker, which has no time to live."""
    control = fields.peek("cache_control")
    if control is not None:
        held = control.fields()
        kind, ttl = held.string("type"), held.string("ttl")
        if kind == "ephemeral" and not held:
            fields.take("cache_control")
            return c.cache_point(ttl)
    marker = fields.peek("prompt_cache_breakpoint")
    if marker is not None and marker.value() == {"mode": "explicit"}:
        fields.take("prompt_cache_breakpoint")
        return c.cache_point()
    return None


def tool(node: Node) -> Json:
    fields = node.fields()
    kind = fields.string("type") or "function"
    if kind not in ("function", "custom") or kind not in fields:
        return {"Native": node.raw}
    cache = cache_point(fields)
    inner = fields.need(kind).fields()
    name = inner.need("name").string()
    description = inner.string("description")
    if kind == "function":
        parameters = inner.take("parameters")
        return c.function_tool(
            name,
            description=description,
            parameters=None if parameters is None else parameters.raw,
            strict=inner.boolean("strict"),
            cache=cache or cache_point(inner),
            extra=fields.rest() + inner.rest(),
        )
    found = grammar(inner.take("format"), nested=True)
    extra = fields.rest() + inner.rest()
    return c.freeform_tool(name, description=description, grammar=found, extra=extra)


def grammar(node: Node | None, nested: bool) -> Json | None:
    """The format of a freeform tool's input; none for plain text."""
    if node is None:
        return None
    fields = node.fields()
    if fields.need("type").string() == "text":
        return None
    held = fields.need("grammar").fields() if nested else fields
    return {"syntax": held.need("syntax").string(), "definition": held.need("definition").string()}


def tool_choice(node: Node | None) -> Any:
    words = {"auto": "Auto", "none": "None", "required": "Required", "any": "Required"}
    if node is None:
        return None
    if node.is_string:
        return words.get(node.held) or {"Native": node.raw}
    fields = node.fields()
    kind = fields.string("type") or "function"
    if kind in ("function", "custom") and kind in fields:
        return {"Named": fields.need(kind).fields().need("name").string()}
    if kind == "allowed_tools":
        return allowed(fields.need("allowed_tools").fields()) or {"Native": node.raw}
    return {"Native": node.raw}


def allowed(fields: Fields) -> Json | None:
    mode = fields.need("mode").string()
    names = []
    for node in fields.need("tools").items():
        tool = node.fields()
        kind = tool.string("type")
        if kind not in ("function", "custom"):
            return None
        held = tool.peek(kind)
        names.append((held.fields() if held is not None else tool).need("name").string())
    return {"Allowed": {"names": names, "required": mode == "required"}}


def response_format(node: Node | None) -> Any:
    if node is None:
        return None
    fields = node.fields()
    kind = fields.string("type")
    if kind in ("text", "json_object") and not fields:
        return {"text": "Text", "json_object": "JsonObject"}[kind]
    if kind == "json_schema" and "json_schema" in fields:
        held = fields.need("json_schema").fields()
        found = schema(held)
        if found is not None and not held and not fields:
            return found
    return {"Native": node.raw}


def schema(fields: Fields) -> Json | None:
    """A schema with its name; none where there is no schema."""
    if "schema" not in fields:
        return None
    return c.json_schema(
        fields.need("schema").raw,
        name=fields.string("name"),
        description=fields.string("description"),
        strict=fields.boolean("strict"),
    )
