"""Which endpoint a record is of, and which are none of the judge's business."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import traffic
import wire

# The first pattern that fits method, a space and the path decides; `format`
# names the module that reads the response.
ENDPOINTS = (
    (r"POST .*/messages/count_tokens$", "count", "anthropic"),
    (r"POST .*/messages$", "chat", "anthropic"),
    (r"POST .*/publishers/anthropic/.*:(raw|streamRaw)Predict$", "chat", "anthropic"),
    (r"POST .*/responses/input_tokens$", "count", "openai_responses"),
    (r"POST .*/responses$", "chat", "openai_responses"),
    (r"POST .*:(streamG|g)enerateContent$", "chat", "gemini"),
    (r"POST .*:countTokens$", "count", "gemini"),
    (r"POST .*:(batchEmbedContents|embedContent)$", "embeddings", "gemini"),
    (r"POST .*/model/.+/converse(-stream)?$", "chat", "converse"),
    (r"POST .*/model/.+/count-tokens$", "count", "converse"),
    (r"POST .*/model/.+/invoke(-with-response-stream)?$", "invoke", "invoke"),
    (r"POST .*/v2/chat$", "chat", "cohere"),
    (r"POST .*/v[12]/embed$", "embeddings", "cohere"),
    (r"POST .*/chat/completions$", "chat", "openai_chat"),
    (r"POST .*/api/chat$", "chat", "ollama"),
    (r"POST .*/api/embed$", "embeddings", "ollama"),
    (r"GET .*/api/tags$", "models", "ollama"),
    (r"POST .*(?<!/api)/embeddings$", "embeddings", "openai_chat"),
    (r"POST .*/rerank$", "rerank", "openai_chat"),
    (r"GET .*/models$", "models", "openai_chat"),
)

SKIPPED = (
    (r".*/images?/", "images"),
    (r".*/audio/", "audio"),
    (r".*/moderations$", "moderations"),
    (r".*/cachedContents", "cached contents"),
    (r".*/interactions$", "Gemini interactions"),
    (r".*:predict$", "Vertex predict"),
    (r".*/completions?$|.*/complete$", "legacy completions"),
    (r".*/v1/generate$|.*/v1/chat$", "Cohere before v2"),
    (r".*/api/generate$|.*/api/embeddings$", "Ollama generate"),
    (r"(GET|DELETE) .*/responses", "stored responses"),
    (r"(GET|DELETE) .*/models/", "one model"),
    (r"POST .*/models/[^:]*$", "text generation inference"),
)

# Providers with an adapter of their own.
PROVIDERS = (
    (r"openai($|-codex)", "openai"),
    (r"anthropic", "anthropic"),
    (r"gemini|vertex|google", "gemini"),
    (r"bedrock|aws|amazon", "bedrock"),
    (r"azure", "azure-openai"),
    (r"mistral($|-|ai)", "mistral"),
    (r"cohere", "cohere"),
    (r"ollama", "ollama"),
    (r"deepseek", "deepseek"),
    (r"xai|x-ai|grok", "xai"),
    (r"groq", "groq"),
    (r"perplexity", "perplexity"),
    (r"openrouter", "openrouter"),
)
FORMATS = {
    "anthropic": "anthropic",
    "cohere": "cohere",
    "converse": "bedrock",
    "gemini": "gemini",
    "invoke": "bedrock",
    "ollama": "ollama",
    "openai_chat": "openai-compatible",
    "openai_responses": "openai",
}


@dataclass(frozen=True)
class Endpoint:
    """What was asked for and in whose format, or why the record is left out."""

    what: str = ""
    format: str = ""
    skipped: str = ""


def of(record: dict) -> Endpoint:
    """The endpoint of a record, told by its request, not by its labels."""
    request = record["request"]
    place = f"{request['method'].upper()} {path(request['url'])}"
    found = next((one for one in ENDPOINTS if re.fullmatch(one[0], place)), None)
    if found is None:
        reason = next((why for how, why in SKIPPED if re.search(how, place)), "")
        return Endpoint(skipped=reason or f"unknown endpoint {place[:60]}")
    if record.get("framing") in ("binary", "websocket"):
        return Endpoint(skipped="binary")
    _, what, format = found
    if what == "invoke":
        return _invoked(record)
    return Endpoint(what, format)


def path(url: str) -> str:
    """The path of a URL, percent signs resolved."""
    return unquote(urlsplit(url).path).rstrip("/")


def adapter(provider: str, format: str) -> str:
    """The adapter for a provider that has one of its own, else for its format."""
    name = provider.lower()
    for known, adapter in PROVIDERS:
        if re.match(known, name):
            return adapter
    return FORMATS[format]


def _invoked(record: dict) -> Endpoint:
    """An invocation of a Bedrock model with a body of the model's own."""
    try:
        body = wire.loads(traffic.body(record["request"]))
    except ValueError:
        body = {}
    refused = record["response"]["status"] // 100 != 2
    if refused or (isinstance(body, dict) and "anthropic_version" in body):
        return Endpoint("chat", "invoke")
    return Endpoint(skipped="Bedrock invoke of other than Anthropic messages")
