"""Bedrock's InvokeModel, whose bodies are each model family's own.

Anthropic's is its messages format; the embedding models are told by their fields. The
text models of other families are spoken to by Converse only.
"""

from __future__ import annotations

from typing import Any

import canonical as c
from canonical import Json, NotOffered
from lift_formats import anthropic, embeddings
from rawjson import Fields, nested
from recorded import Recorded


def lift(recorded: Recorded, options: Json) -> Json:
    fields = recorded.body_fields()
    if "anthropic_version" not in fields:
        raise NotOffered("a text model of another family, which only Converse speaks to")
    streaming = recorded.matched["method"] == "invoke-with-response-stream"
    headers = anthropic.betas(recorded)
    return anthropic.lift_body(fields, headers, recorded.matched["model"], streaming)


def lift_embeddings(recorded: Recorded, options: Json) -> Json:
    fields = recorded.body_fields()
    model = recorded.matched["model"]
    if "singleEmbeddingParams" in fields:
        return nova(fields, model)
    if "inputText" in fields or "inputImage" in fields:
        return titan(fields, model)
    return embeddings.lift_cohere(fields, "bedrock-invoke", model)


def titan(fields: Fields, model: str) -> Json:
    text, image = fields.string("inputText"), fields.string("inputImage")
    parts: list[Json] = []
    if text is not None:
        parts.append(c.result_part({"Text": text}))
    if image is not None:
        parts.append(c.result_part({"Media": c.media("Image", c.base64_source(image))}))
    input: Any = {"Parts": parts} if image is not None else {"Text": text}
    dimensions = fields.integer("dimensions")
    return embeddings.request(model, "bedrock-invoke", [input], dimensions, extra=fields.rest())


def nova(fields: Fields, model: str) -> Json:
    held = fields.need("singleEmbeddingParams").fields()
    text = held.need("text").fields()
    input = {"Text": text.need("value").string()}
    dimensions, purpose = held.integer("embeddingDimension"), held.string("embeddingPurpose")
    leftover = held.rest() + text.leftover("text")
    fields.take("taskType")
    fields.take("schemaVersion")
    extra = fields.rest() + nested("singleEmbeddingParams", leftover)
    return embeddings.request(model, "bedrock-invoke", [input], dimensions, purpose, extra=extra)
