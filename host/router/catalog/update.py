#!/usr/bin/env python3
"""Writes the catalogue's data from its sources, and prints what changed.

    python3 host/router/catalog/update.py ../shared/catalogue [--check]

Sources are models.dev (who offers what), litellm (prices apart: hour-long cache
writes, audio, thresholds) and genai-prices (a third voice on prices); facts that
none of them has are in providers.override.toml. Facts are carried over, text is
not. Where the sources disagree on a price, what two of them say holds, else what
models.dev says; each such case is printed. `--check` writes nothing, and fails if
the files are not what the sources give.
"""

import argparse
import sys
import tomllib
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

sys.dont_write_bytecode = True

from generator import pricing, render
from generator.identity import Identities
from generator.sources import Sources

HERE = Path(__file__).resolve().parent
OFFERS = HERE / "offers"

# The adapter for what models.dev calls a provider's package.
ADAPTERS = {
    "@ai-sdk/anthropic": "anthropic",
    "@ai-sdk/cerebras": "openai-compatible",
    "@ai-sdk/cohere": "cohere",
    "@ai-sdk/deepinfra": "openai-compatible",
    "@ai-sdk/google": "gemini",
    "@ai-sdk/groq": "groq",
    "@ai-sdk/mistral": "mistral",
    "@ai-sdk/openai": "openai",
    "@ai-sdk/openai-compatible": "openai-compatible",
    "@ai-sdk/perplexity": "perplexity",
    "@ai-sdk/togetherai": "openai-compatible",
    "@ai-sdk/xai": "xai",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", type=Path)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    override = tomllib.loads((HERE / "providers.override.toml").read_text())
    files, notes = build(Sources(args.sources), override)
    before = {path: path.read_text() for path in (HERE / "providers.toml", HERE / "models.toml",
                                                  *sorted(OFFERS.glob("*.toml"))) if path.exists()}
    for line in notes + changes(before, files):
        print(line)
    if args.check:
        return 0 if before == files else 1
    OFFERS.mkdir(exist_ok=True)
    for path in before.keys() - files.keys():
        path.unlink()
    for path, text in files.items():
        if before.get(path) != text:
            path.write_text(text)
    return 0


def build(sources, override):
    """Path to text of each file, and remarks."""
    notes = []
    found = {}
    for key in sorted(set(sources.models_dev) | set(override["providers"])):
        facts = override["providers"].get(key, {})
        table, reason = provider(key, sources.models_dev.get(key, {}), facts, override)
        if reason:
            notes.append(f"left out: {key}: {reason}")
            continue
        offers = sources.offers(key, facts, override["as_of"])
        found[facts.get("name", key)] = (table, facts, offers)
    claim_variables({name: table for name, (table, _, _) in found.items()}, notes)
    rules = override["identity"] | {"hosts": {n.lower() for n in found} | set(sources.models_dev)}
    identities = Identities(sources, rules)
    identities.learn(offer for _, _, offers in found.values() for offer in offers.values())
    served = defaultdict(list)
    for name, (table, facts, offers) in found.items():
        plan = is_plan(offers)
        for offer in offers.values():
            offer.price = None if plan else price_of(name, offer, notes)
        for slug, offer, quantization in named(name, facts, offers.values(), identities):
            served[slug].append((name, table, offer, quantization))
    return files(found, served, override), notes


def named(provider, facts, offers, identities):
    """Each offer with its slug. A provider serves a model once: its further offers of
    it, such as dated names, are models of their own."""
    taken = set()
    author = facts.get("author")

    def rank(offer):
        """The name that is nearest to the slug goes first."""
        is_preferred = offer.model.startswith(facts.get("prefer", ""))
        return not is_preferred, len(offer.model), offer.model

    for offer in sorted(offers, key=rank):
        if any(c.isspace() for c in offer.model):
            continue
        slug, quantization = identities.slug(offer, author, provider)
        if slug in taken:
            slug, quantization = identities.own_slug(offer, author, provider)
        # What has no known price must not pass for the cheapest of a model.
        if slug in taken or offer.price is None:
            slug, quantization = f"{provider}/{offer.model}", None
        taken.add(slug)
        yield slug, offer, quantization


def provider(key, source, facts, override):
    """A provider's table as the reader takes it, or why there is none."""
    adapter = facts.get("adapter") or ADAPTERS.get(source.get("npm"))
    base_url = facts.get("base_url") or source.get("api")
    reason = facts.get("skip")
    if not reason and not adapter:
        reason = "no adapter speaks its interface"
    if not reason and (not base_url or "$" in base_url):
        reason = "its URL depends on the account"
    if not reason and "gaps" in facts and not override["gaps"]:
        reason = "its URL has gaps"
    if reason:
        return None, reason
    name = facts.get("name", key)
    variables = facts.get("variables", [v for v in (source.get("env") or "").split(";") if v])
    options = facts.get("options")
    if options is None and adapter == "openai-compatible":
        options = override["compatible_options"] | facts.get("quirks", {})
    table = {
        "display_name": facts.get("display_name") or source.get("name") or name,
        "adapter": None if adapter == name else adapter,
        "base_url": base_url.rstrip("/"),
        "models_url": facts.get("models_url"),
        "variables": facts.get("gaps"),
        "auth": facts.get("auth"),
        "credential": facts.get("credential"),
        "api_key_env": variables[0] if len(variables) == 1 else variables or None,
        "by_name_only": facts.get("by_name_only"),
        "options": options,
    }
    for fact in ("trains_on_prompts", "retains_prompts", "headquarters", "privacy_policy_url",
                 "terms_of_service_url", "status_page_url"):
        table[fact] = facts.get(fact)
    return table, None


def claim_variables(tables, notes):
    """One variable turns on one provider, the one with the shortest name: a key must
    not go to whoever else reads a variable of that name."""
    owners = {}
    for name in sorted(tables, key=lambda name: (len(name), name)):
        table = tables[name]
        variables = table["api_key_env"] or []
        variables = [variables] if isinstance(variables, str) else variables
        taken = [v for v in variables if v in owners]
        if taken and table["by_name_only"] is None:
            notes.append(f"by name only: {name}: {taken[0]} turns on {owners[taken[0]]}")
            table["by_name_only"] = True
        if table["by_name_only"] is None:
            owners.update({v: name for v in variables})


def is_plan(offers):
    """Where every price is zero, something else is paid for."""
    prices = [price for offer in offers.values() for price in offer.prices]
    return bool(prices) and all(price.is_free() for price in prices)


def price_of(provider, offer, notes):
    """What the sources agree on; None where nobody knows."""
    price, is_disputed = pricing.agree(offer.prices)
    if is_disputed:
        told = ", ".join(
            f"{p.source} {p.rates['prompt']:f}/{p.rates['completion']:f}" for p in offer.prices
        )
        notes.append(f"disagree: {provider}/{offer.model}: {told}; taken: {price.source}")
    return None if price and price.is_free() and not is_plainly_free(offer) else price


def files(found, served, override):
    """Facts of models that several offer go to one file, the rest to the provider's."""
    endpoints = {name: defaultdict(list) for name in found}
    shared, own = {}, {name: {} for name in found}
    for slug, offers in sorted(served.items()):
        model = facts_of_model(slug, offers, override)
        providers = {name for name, *_ in offers}
        if len(providers) > 1:
            shared[slug] = model
        else:
            own[next(iter(providers))][slug] = model
        for name, table, offer, quantization in offers:
            endpoints[name][slug].append(endpoint(offer, model, table, quantization))
    tables = {name: table for name, (table, _, _) in found.items()}
    written = {
        HERE / "providers.toml": render.providers(tables),
        HERE / "models.toml": render.models(shared),
    }
    for name in found:
        if endpoints[name]:
            text = render.offers(name, endpoints[name], own[name])
            written[OFFERS / f"{name}.toml"] = text
    return written


def is_plainly_free(offer):
    """A zero is a price where the name says so, or a second source does."""
    named = "free" in offer.model.lower() or "free" in offer.name.lower()
    return named or sum(price.is_free() for price in offer.prices) > 1


def facts_of_model(slug, offers, override):
    """From the naming reference, else from the maker, else from whoever is first."""
    author = slug.split("/", 1)[0]

    def rank(entry):
        name, _, offer, _ = entry
        maker = override["providers"].get(offer.provider, {}).get("author") == author
        return (name != "openrouter", not maker, name, offer.model)

    offer = min(offers, key=rank)[2]
    name = offer.name.split(": ", 1)[-1]
    return {
        "name": None if name == offer.model else name,
        "released": override["released"].get(slug),
        "context_length": offer.context,
        "max_output_tokens": offer.output,
        "input_modalities": offer.inputs if offer.inputs != ["text"] else None,
        "output_modalities": offer.outputs if offer.outputs != ["text"] else None,
        "tokenizer": tokenizer(slug, override["tokenizers"]),
        "supported_parameters": offer.parameters,
    }


def tokenizer(slug, starts):
    """The vocabulary of the longest start that fits."""
    found = [start for start in starts if slug.startswith(start)]
    return starts[max(found, key=len)] if found else None


def endpoint(offer, model, table, quantization):
    """What differs from the model's own facts."""

    def differs(key, value):
        return value if value != model[key] else None

    sends = offer.reasoning_field if table["adapter"] == "openai-compatible" else None
    return {
        "model": offer.model,
        "context_length": differs("context_length", offer.context),
        "max_output_tokens": differs("max_output_tokens", offer.output),
        "supported_parameters": differs("supported_parameters", offer.parameters),
        # Whoever takes the one takes the other.
        "refused_parameters": None if "temperature" in offer.parameters else ["temperature", "top_p"],
        "quantization": quantization,
        "options": {"send_reasoning": sends} if sends else None,
        "price": render.price(offer.price),
    }


def changes(before, after):
    """Endpoints that came, went, or cost something else."""
    old, new = listed(before), listed(after)
    lines = [f"added: {name}" for name in sorted(new.keys() - old.keys())]
    lines += [f"removed: {name}" for name in sorted(old.keys() - new.keys())]
    for name in sorted(old.keys() & new.keys()):
        if old[name] != new[name]:
            lines.append(f"price: {name}: {shown(old[name])} -> {shown(new[name])}")
    priced = sum(price is not None for price in new.values())
    models = {name.split(" as ")[0] for name, price in new.items() if price is not None}
    lines.append(f"{len(after) - 2} providers with {len(new)} endpoints, {priced} of them priced, "
                 f"over {len(models)} priced models")
    return lines


def listed(files):
    """Endpoint to price."""
    endpoints = {}
    for text in files.values():
        for slug, model in tomllib.loads(text, parse_float=Decimal).get("models", {}).items():
            for it in model.get("endpoints", []):
                upstream = it.get("model", slug.split("/", 1)[1])
                endpoints[f"{slug} as {it['provider']}/{upstream}"] = it.get("price")
    return endpoints


def shown(price):
    return "unpriced" if price is None else render.value(price)


if __name__ == "__main__":
    sys.exit(main())
