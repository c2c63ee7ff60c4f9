"""Brings a request body into one form, so that two ways to ask the same thing are equal.

Only what a provider documents as the same is made the same: an omitted null or default,
a string for a list with one text, and turns of one speaker that follow each other. What
needs an argument is no business of this file but a rule in `differences.toml`.
"""

from __future__ import annotations

from typing import Any, Callable

import rawjson
from normal_forms.anthropic import ANTHROPIC_MARKS, anthropic
from normal_forms.bedrock import CONVERSE_MARKS, bedrock_count, converse
from normal_forms.common import Body
from normal_forms.google import GEMINI_MARKS, google, google_embeddings
from normal_forms.openai import CHAT_MARKS, complete_chat, embeddings, openai_chat
from normal_forms.others import COHERE_MARKS, OLLAMA_MARKS, cohere, ollama
from normal_forms.responses import RESPONSES_MARKS, complete_responses, openai_responses
from wire_json import plain


def normal(format: str, what: str, text: str, recorded: bool = False) -> Any:
    """The body of a request in this format, in the form that is compared.

    A recorded body may lack what its provider does not insist on but others do; there it
    is filled in, so that what was encoded must have it.
    """
    node = rawjson.parse(text)
    if what in ("embeddings", "rerank"):
        return _EMBEDDINGS.get(format, embeddings)(plain(node, {}))
    if what == "count" and format == "bedrock-converse":
        return bedrock_count(node)
    marks, build = _CHATS[format]
    body = plain(node, marks)
    if recorded:
        _COMPLETE.get(format, dict)(body)
    return build(body)


_CHATS: dict[str, tuple[dict[str, str], Callable[[Body], Body]]] = {
    "openai-chat": (CHAT_MARKS, openai_chat),
    "openai-responses": (RESPONSES_MARKS, openai_responses),
    "anthropic-messages": (ANTHROPIC_MARKS, anthropic),
    "gemini": (GEMINI_MARKS, google),
    "bedrock-converse": (CONVERSE_MARKS, converse),
    "cohere-chat": (COHERE_MARKS, cohere),
    "ollama": (OLLAMA_MARKS, ollama),
}
_COMPLETE: dict[str, Callable[[Body], Any]] = {
    "openai-chat": complete_chat,
    "openai-responses": complete_responses,
    "cohere-chat": complete_chat,
    "ollama": complete_chat,
}
_EMBEDDINGS: dict[str, Callable[[Body], Body]] = {"gemini": google_embeddings}
