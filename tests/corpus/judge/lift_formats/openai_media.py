"""Media among the parts of a content, as OpenAI and its followers attach them."""

from __future__ import annotations

import canonical as c
import quirks
from canonical import Json
from rawjson import Fields, Node


def linked(node: Node, kind: str) -> Json | None:
    """Media behind a URL: `{"url": ...}`, or the URL alone."""
    if node.is_string:
        source, mime = c.located(node.held)
        return {"Media": c.media(kind, source, mime)}
    fields = node.fields()
    source, mime = c.located(fields.need("url").string())
    detail = fields.string("detail")
    return None if fields else {"Media": c.media(kind, source, mime, detail=detail)}


def audio(node: Node, provider: str) -> Json | None:
    if node.is_string:
        if provider not in quirks.BARE_AUDIO:
            return None
        url = node.held.startswith(("http://", "https://", "data:"))
        source, mime = c.located(node.held) if url else (c.base64_source(node.held), None)
        return {"Media": c.media("Audio", source, mime)}
    fields = node.fields()
    data = fields.need("data").string()
    format = fields.string("format")
    if fields:
        return None
    source, mime = c.located(data) if data.startswith("data:") else (c.base64_source(data), None)
    spelled = {"mp3": "audio/mpeg"}.get(format or "", f"audio/{format}")
    return {"Media": c.media("Audio", source, mime or (spelled if format else None))}


def file(fields: Fields, provider: str) -> Json | None:
    if "file" not in fields:
        return None
    held = fields.need("file").fields()
    name = held.string("filename")
    data = held.string("file_data")
    id = held.string("file_id")
    if held or (data is None) == (id is None):
        return None
    if data is None:
        return {"Media": c.media("Document", {"FileId": id}, name=name)}
    url = ":" in data[:32]
    source, mime = c.located(data) if url else (c.base64_source(data), None)
    return {"Media": c.media("Document", source, mime, name)}


def thinking_chunk(node: Node) -> Json | None:
    """Reasoning among the parts of a content: a list of texts."""
    words = []
    for item in [] if node.is_string else node.items():
        fields = item.fields()
        if fields.string("type") != "text":
            return None
        words.append(fields.need("text").string())
    return {"Reasoning": {"Text": node.held if node.is_string else "".join(words)}}
