"""The sources, read: who offers which model, as one kind of record."""

import datetime
import gzip
import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from . import pricing

MODELS_DEV = "models_dev_20260818.json.gz"
LITELLM = "litellm_model_prices_1.109.1.json.gz"
GENAI = "genai_prices_data.json.gz"


# Parts of the names of models that do not chat.
OTHER_WORK = ("embed", "rerank", "whisper", "transcri", "tts", "-realtime", "-asr", "-mt-")


@dataclass
class Offer:
    """One provider's offer of one model."""

    provider: str
    model: str
    name: str
    context: int | None
    output: int | None
    inputs: list
    outputs: list
    parameters: list
    # What each source says, most trusted first, and what follows from it.
    prices: list = field(default_factory=list)
    price: pricing.Price | None = None
    reasoning_field: str | None = None


class Sources:
    """All that is read, and what is asked of it."""

    def __init__(self, folder):
        self.models_dev = load(folder, MODELS_DEV)
        self.litellm = load(folder, LITELLM)
        self.genai = {provider["id"]: provider for provider in load(folder, GENAI)}

    def offers(self, key, facts, as_of):
        """What the provider `key` of models.dev offers, with every source's price."""
        rows = self.litellm_rows(facts.get("litellm") or {})
        offers = {}
        for model in (self.models_dev.get(key) or {}).get("models", {}).values():
            offer = of_models_dev(key, model)
            if offer and not is_retired(rows.get(offer.model), as_of):
                offers[offer.model] = offer
        spelled = {letters(name) for name in offers}
        for name, row in rows.items():
            price = pricing.from_litellm(row)
            is_new = facts.get("extend") and letters(name) not in spelled
            is_chat = row.get("mode") == "chat" and not any(word in name for word in OTHER_WORK)
            if price and is_new and is_chat and not is_retired(row, as_of):
                offers[name] = of_litellm(key, name, row)
            if price and name in offers:
                offers[name].prices.append(price)
        for offer in offers.values():
            # Its rules take in models that came later, so it confirms and never tells.
            price = offer.prices and self.genai_price(facts.get("genai"), offer.model)
            if price:
                offer.prices.append(price)
        return offers

    def litellm_rows(self, providers):
        """Its rows of these providers, by the upstream's name of the model."""
        rows = {}
        for key, row in self.litellm.items():
            prefix = providers.get(row.get("litellm_provider"))
            name = key.removeprefix(prefix or "")
            # What stands before a model's name there is a class of prices.
            if prefix is not None and not name.startswith(("ft:", "eu/", "us/", "global/", "fast/")):
                rows.setdefault(name, row)
        return rows

    def genai_price(self, provider, model):
        for candidate in (self.genai.get(provider) or {}).get("models", []):
            if matches(candidate["match"], model.lower()):
                return pricing.from_genai(candidate["prices"])
        return None


def letters(name):
    """A name without case and separators: two of them are two spellings."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def load(folder, name):
    with gzip.open(Path(folder) / name) as file:
        return json.load(file, parse_float=Decimal)


def matches(rule, text):
    """Whether a rule of genai-prices names this model."""
    (kind, value), *_ = rule.items()
    if kind in ("or", "and"):
        results = (matches(part, text) for part in value)
        return any(results) if kind == "or" else all(results)
    if kind == "regex":
        return re.search(value, text) is not None
    value = value.lower()
    return {
        "equals": text == value,
        "starts_with": text.startswith(value),
        "ends_with": text.endswith(value),
        "contains": value in text,
    }[kind]


def of_models_dev(provider, model):
    """None for what is deprecated, needs another interface than its provider's, or
    does not answer in text."""
    other_interface = ("provider_npm", "provider_api", "provider_api_shape")
    if model.get("status") == "deprecated" or any(model.get(key) for key in other_interface):
        return None
    inputs = modalities(model["modalities"]["input"])
    outputs = modalities(model["modalities"]["output"])
    kind = model["id"].lower()
    if "text" not in outputs or any(word in kind for word in OTHER_WORK):
        return None
    limit = model["limit"]
    offer = Offer(
        provider, model["id"], model["name"],
        limit.get("context") or None, limit.get("output") or None,
        inputs or ["text"], outputs, parameters(
            tools=model["tool_call"], reasoning=model["reasoning"],
            structured=model.get("structured_output"), temperature=model.get("temperature", True),
        ),
        reasoning_field=model.get("interleaved_field"),
    )
    price = pricing.from_models_dev(model["cost_tiers_usd_per_mtok"])
    offer.prices = [price] if price else []
    return offer


def of_litellm(provider, name, row):
    inputs = ["text"]
    for flag, modality in (
        ("supports_vision", "image"), ("supports_pdf_input", "file"),
        ("supports_audio_input", "audio"), ("supports_video_input", "video"),
    ):
        if row.get(flag):
            inputs.append(modality)
    return Offer(
        provider, name, name, whole(row.get("max_input_tokens")), whole(row.get("max_output_tokens")),
        inputs, ["text"], parameters(
            tools=row.get("supports_function_calling"), reasoning=row.get("supports_reasoning"),
            structured=row.get("supports_response_schema"), temperature=True,
        ),
    )


def whole(number):
    return int(number) if number else None


def modalities(names):
    """In the order and under the names of the configuration."""
    names = {"file" if name == "pdf" else name for name in names}
    return [name for name in ("text", "image", "file", "audio", "video") if name in names]


def parameters(*, tools, reasoning, structured, temperature):
    """Request parameters, by their names in the client's dialect."""
    names = ["max_tokens"]
    if reasoning:
        names += ["include_reasoning", "reasoning"]
    if structured:
        names += ["response_format", "structured_outputs"]
    if temperature:
        names += ["temperature", "top_p"]
    if tools:
        names += ["tool_choice", "tools"]
    return names


def is_retired(row, as_of):
    date = (row or {}).get("deprecation_date")
    return bool(date) and datetime.date.fromisoformat(date) <= as_of
