"""Everything that one provider does differently, in one table.

The names and values of endpoint options are the adapters'; if an adapter renames one,
`OPTIONS` is the only place to change.
"""

from __future__ import annotations

import json
from typing import Any

# Name here -> name of the adapter's endpoint option; an empty name leaves it out.
OPTIONS = {
    "api": "api",
    "api_version": "api_version",
    "platform": "platform",
    "project": "project",
    "location": "location",
    "publisher": "publisher",
    "max_tokens_field": "max_tokens_field",
    "user_field": "user_field",
    "developer_role": "developer_role",
    "send_reasoning": "send_reasoning",
    "reasoning_field": "reasoning_field",
    "extended_sampling": "extended_sampling",
    "stream_usage": "stream_usage",
}

# Provider of a record -> adapter. Any other speaks OpenAI's format.
ADAPTERS = {
    "openai": "openai",
    "openai-codex": "openai",
    "azure": "azure-openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "vertex": "gemini",
    "vertex-anthropic": "gemini",
    "bedrock": "bedrock",
    "mistral": "mistral",
    "cohere": "cohere",
    "ollama": "ollama",
    "deepseek": "deepseek",
    "xai": "xai",
    "groq": "groq",
    "perplexity": "perplexity",
    "openrouter": "openrouter",
}
COMPATIBLE = "openai-compatible"

# Where other recorders name providers otherwise, the host tells.
HOSTS = {
    "api.openai.com": "openai",
    "openai.azure.com": "azure",
    "chatgpt.com": "openai-codex",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gemini",
    "api.mistral.ai": "mistral",
    "api.cohere.com": "cohere",
    "api.cohere.ai": "cohere",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "xai",
    "api.groq.com": "groq",
    "api.perplexity.ai": "perplexity",
    "openrouter.ai": "openrouter",
    "api.z.ai": "zai",
    "api.voyageai.com": "voyage",
}

# Adapters that take OpenAI's chat and responses formats.
OPENAI_FAMILY = {
    "openai",
    "azure-openai",
    "mistral",
    "deepseek",
    "xai",
    "groq",
    "perplexity",
    "openrouter",
    COMPATIBLE,
}

# Adapters that are told which of OpenAI's two formats to speak; the others speak chat.
TWO_FORMATS = {"openai", "azure-openai", "xai", COMPATIBLE}

# Options that a body shows, and the adapters that know them.
_OPENAI_CHAT = {
    "openai",
    "azure-openai",
    "xai",
    "groq",
    "deepseek",
    "perplexity",
    "openrouter",
    COMPATIBLE,
}
OBSERVED = {
    "max_tokens_field": _OPENAI_CHAT,
    "user_field": _OPENAI_CHAT,
    "developer_role": _OPENAI_CHAT,
    "extended_sampling": _OPENAI_CHAT,
    "stream_usage": _OPENAI_CHAT,
    "send_reasoning": {COMPATIBLE},
    "reasoning_field": {COMPATIBLE},
}

# Usage is told in any case; the field that asks for it is history.
TELLS_USAGE_UNASKED = {"openrouter"}

# `{"type": "document_url"}`, sound as a bare string, and reasoning as a chunk of the content.
DOCUMENT_URLS = {"mistral"}
BARE_AUDIO = {"mistral"}
THINKING_CHUNKS = {"mistral"}

SEED_FIELDS = {"mistral": "random_seed"}

# Where the length of a vector is not called `dimensions`.
DIMENSION_FIELDS = {"mistral": "output_dimension", "voyage": "output_dimension"}

# `thinking: {"type": "enabled"}` turns reasoning on and off.
THINKING_SWITCH = {"deepseek", "zai"}

# Who can read the encrypted reasoning of the responses API.
REASONING_FORMATS = {"xai": "xai-responses-v1"}
REASONING_FORMAT = "openai-responses-v1"

# Providers whose responses API shows reasoning in clear and signs nothing.
UNSIGNED_REASONING = {"deepseek", "llamacpp", "mistralrs"}


def provider(named: str, host: str) -> str:
    """The provider as these tables name it."""
    if named in ADAPTERS:
        return named
    known = (HOSTS[end] for end in HOSTS if host == end or host.endswith("." + end))
    return next(known, named)


def options(found: dict[str, Any], adapter: str) -> list[list[str]]:
    """Endpoint options as the contract has them: names and JSON texts."""
    pairs = []
    for name, value in found.items():
        if adapter not in OBSERVED.get(name, {adapter}):
            continue
        if name == "api" and value == "chat" and adapter not in TWO_FORMATS:
            continue
        if OPTIONS[name]:
            pairs.append([OPTIONS[name], json.dumps(value)])
    return pairs
