"""Embeddings and rerank, in everybody's words."""

from __future__ import annotations

from typing import Any

import canonical as c
import quirks
from canonical import Json, NotLifted
from lift_formats import gemini
from lift_formats import openai_chat as chat
from lift_formats import openai_media as media
from rawjson import Fields, Node
from recorded import Recorded

# What the contract calls Google's and Nova's purposes.
_GOOGLE_PURPOSES = {"RETRIEVAL_QUERY": "search_query", "RETRIEVAL_DOCUMENT": "search_document"}


def request(
    model: str,
    dialect: str,
    input: list[Any],
    dimensions: int | None = None,
    purpose: str | None = None,
    user: str | None = None,
    extra: list[list[str]] | None = None,
) -> Json:
    return {
        "model": model,
        "dialect": dialect,
        "input": input,
        "dimensions": dimensions,
        "purpose": purpose,
        "user": user,
        "extra": extra or [],
    }


def lift_openai(recorded: Recorded, options: Json) -> Json:
    fields = recorded.body_fields()
    model = fields.string("model") or recorded.matched.get("model", "")
    dimensions = fields.integer(quirks.DIMENSION_FIELDS.get(recorded.provider, "dimensions"))
    user = fields.string("user")
    input = inputs(fields.need("input"))
    return request(model, chat.DIALECT, input, dimensions, user=user, extra=fields.rest())


def inputs(node: Node) -> list[Any]:
    """One text, several texts, one list of tokens or several."""
    if node.is_string:
        return [{"Text": node.held}]
    items = node.items()
    if items and all(item.kind == "number" for item in items):
        return [one(node)]
    return [one(item) for item in items]


def one(node: Node) -> Json:
    if node.is_string:
        return {"Text": node.held}
    tokens = node.value() if node.is_array else None
    if not tokens or any(type(token) is not int for token in tokens):
        raise NotLifted("an input that is neither a text nor tokens")
    return {"Tokens": tokens}


def lift_ollama(recorded: Recorded, options: Json) -> Json:
    fields = recorded.body_fields()
    model, dimensions = fields.string("model") or "", fields.integer("dimensions")
    return request(model, "ollama", inputs(fields.need("input")), dimensions, extra=fields.rest())


def lift_cohere_api(recorded: Recorded, options: Json) -> Json:
    return lift_cohere(recorded.body_fields(), "cohere-chat", None)


def lift_cohere(fields: Fields, dialect: str, model: str | None) -> Json:
    named = fields.string("model")
    input: list[Any] = [{"Text": each} for each in fields.strings("texts")]
    for url in fields.strings("images"):
        source, mime = c.located(url)
        input.append({"Parts": [c.result_part({"Media": c.media("Image", source, mime)})]})
    mixed = fields.take("inputs")
    if mixed is not None:
        input += [{"Parts": cohere_parts(node.fields())} for node in mixed.items()]
    dimensions, purpose = fields.integer("output_dimension"), fields.string("input_type")
    return request(named or model or "", dialect, input, dimensions, purpose, extra=fields.rest())


def cohere_parts(fields: Fields) -> list[Json]:
    parts = []
    for node in fields.need("content").items():
        held = node.fields()
        if held.string("type") == "text":
            parts.append(c.result_part({"Text": held.need("text").string()}))
        else:
            found = media.linked(held.need("image_url"), "Image")
            parts.append(c.result_part(found or {"Native": node.raw}))
    return parts


def lift_gemini(recorded: Recorded, options: Json) -> Json:
    """embedContent, or several of them in one batch; they must agree in all but content."""
    fields = recorded.body_fields()
    batch = fields.take("requests")
    each = (
        [gemini_one(node.fields()) for node in batch.items()]
        if batch is not None
        else [gemini_one(fields)]
    )
    if not each:
        raise NotLifted("a batch of nothing")
    _, dimensions, purpose, extra = each[0]
    if any(others[1:] != each[0][1:] for others in each):
        raise NotLifted("a batch whose requests want different things")
    model = recorded.matched["model"]
    return request(model, "gemini", [input for input, *_ in each], dimensions, purpose, extra=extra)


def gemini_one(fields: Fields) -> tuple[Any, int | None, str | None, list[list[str]]]:
    fields.take("model")
    dimensions = fields.integer("outputDimensionality", "output_dimensionality")
    purpose = google_purpose(fields.string("taskType", "task_type"))
    parts = [gemini_part(node) for node in fields.need("content").fields().need("parts").items()]
    texts = [part["body"].get("Text") for part in parts]
    input: Any = (
        {"Text": texts[0]} if len(texts) == 1 and texts[0] is not None else {"Parts": parts}
    )
    return input, dimensions, purpose, fields.rest()


def gemini_part(node: Node) -> Json:
    fields = node.fields()
    text = fields.take("text")
    inline = fields.take("inlineData", "inline_data")
    if text is not None:
        return c.result_part({"Text": text.string()})
    media = gemini.inline_media(inline.fields()) if inline is not None else None
    return c.result_part({"Native": node.raw} if media is None else {"Media": media})


def google_purpose(word: str | None) -> str | None:
    return None if word is None else _GOOGLE_PURPOSES.get(word, word.lower())


def lift_predict(recorded: Recorded, options: Json) -> Json:
    """Vertex's older way to embed: instances and parameters."""
    fields = recorded.body_fields()
    input, rests, purposes = [], [], []
    for node in fields.need("instances").items():
        held = node.fields()
        input.append({"Text": held.need("content").string()})
        purposes.append(google_purpose(held.string("task_type", "taskType")))
        rests.append(held.rest())
    if len(set(purposes)) != 1 or any(rests):
        raise NotLifted("instances that want different things")
    parameters = fields.take("parameters")
    held = parameters.fields() if parameters is not None else Fields([])
    dimensions = held.integer("outputDimensionality")
    extra = fields.rest() + held.leftover("parameters")
    return request(recorded.matched["model"], "gemini", input, dimensions, purposes[0], extra=extra)


def lift_rerank(recorded: Recorded, options: Json) -> Json:
    fields = recorded.body_fields()
    documents = []
    for node in fields.need("documents").items():
        if not node.is_string:
            raise NotLifted("a document that is no text")
        documents.append(node.held)
    return {
        "model": fields.string("model") or "",
        "query": fields.need("query").string(),
        "documents": documents,
        "top_n": fields.integer("top_n"),
        "extra": fields.rest(),
    }
