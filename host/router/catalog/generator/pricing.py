"""What a source says that an endpoint charges, and which of them is believed.

Everything is a Decimal: US dollars per million tokens, per request, or per unit
of a meter that is not tokens.
"""

import re
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal

MILLION = Decimal(1_000_000)
# One picodollar per token, the finest that is billed.
FINEST = Decimal("0.000001")
# What some lists of prices are rounded to.
CENT = Decimal("0.01")
# What a float leaves of a decimal is off by less than this share.
FLOAT_ERROR = Decimal("0.0000001")
# The rates that a tier can change.
RATES = ("prompt", "completion", "cache_read", "cache_write", "cache_write_1h", "reasoning")


@dataclass
class Price:
    """One source's word on one endpoint."""

    source: str
    rates: dict
    meters: dict = field(default_factory=dict)
    request: Decimal | None = None
    # (threshold in tokens, rates), ascending
    tiers: list = field(default_factory=list)

    def base(self):
        """What two sources must agree on to mean the same price."""
        return self.rates["prompt"], self.rates["completion"]

    def is_free(self):
        return self.base() == (0, 0)


def exact(dollars):
    """The decimal that was meant, where a float was printed; None if it is finer
    than a picodollar."""
    if dollars is None or dollars < 0:
        return None
    rounded = dollars.quantize(FINEST)
    if abs(rounded - dollars) > dollars * FLOAT_ERROR:
        return None
    return rounded.normalize() if rounded else Decimal(0)


def from_models_dev(tiers):
    rates, tiers_above = None, []
    for tier in tiers:
        if tier.get("mode"):
            continue
        found = {
            "prompt": exact(tier.get("input")),
            "completion": exact(tier.get("output")),
            "cache_read": exact(tier.get("cache_read")),
            "cache_write": exact(tier.get("cache_write")),
            "reasoning": exact(tier.get("reasoning")),
        }
        if tier["min_context"] == 0:
            rates = found
            meters = {
                "prompt-audio-tokens": exact(tier.get("input_audio")),
                "completion-audio-tokens": exact(tier.get("output_audio")),
            }
        else:
            tiers_above.append((int(tier["min_context"]), found))
    if not complete(rates):
        return None
    return Price("models.dev", rates, known(meters), tiers=ordered(tiers_above))


LITELLM_RATES = {
    "prompt": "input_cost_per_token",
    "completion": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
    "reasoning": "output_cost_per_reasoning_token",
}
LITELLM_METERS = {
    "prompt-audio-tokens": "input_cost_per_audio_token",
    "prompt-image-tokens": "input_cost_per_image_token",
    "prompt-video-tokens": "input_cost_per_video_token",
    "completion-audio-tokens": "output_cost_per_audio_token",
    "completion-image-tokens": "output_cost_per_image_token",
    "completion-video-tokens": "output_cost_per_video_token",
    "cache-read-audio-tokens": "cache_read_input_audio_token_cost",
    "cache-read-image-tokens": "cache_read_input_image_token_cost",
    "cache-write-audio-tokens": "cache_creation_input_audio_token_cost",
}
ABOVE = re.compile(r"^input_cost_per_token_above_(\d+)k_tokens$")


def from_litellm(row):
    def per_million(key):
        dollars = row.get(key)
        return exact(Decimal(dollars) * MILLION) if dollars is not None else None

    rates = {name: per_million(key) for name, key in LITELLM_RATES.items()}
    if not complete(rates):
        return None
    meters = {name: per_million(key) for name, key in LITELLM_METERS.items()}
    # A search that costs more with more context has no price of its own.
    searches = set((row.get("search_context_cost_per_query") or {}).values())
    if len(searches) == 1:
        meters["web-searches"] = exact(Decimal(searches.pop()))
    tiers = []
    for key in row:
        above = ABOVE.match(key)
        if above:
            suffix = f"_above_{above[1]}k_tokens"
            found = {name: per_million(key + suffix) for name, key in LITELLM_RATES.items()}
            tiers.append((int(above[1]) * 1000, found))
    request = row.get("input_cost_per_request")
    request = Decimal(request).normalize() if request else None
    return Price("litellm", rates, known(meters), request, ordered(tiers))


GENAI_RATES = {
    "prompt": "input_mtok",
    "completion": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
}
GENAI_METERS = {
    "prompt-audio-tokens": "input_audio_mtok",
    "completion-audio-tokens": "output_audio_mtok",
    "cache-read-audio-tokens": "cache_audio_read_mtok",
}


def from_genai(prices):
    """Of several prices over time the last that has begun for good."""
    if isinstance(prices, list):
        lasting = [p for p in prices if (p.get("constraint") or {}).get("type") != "time_of_date"]
        prices = (lasting or prices)[-1]["prices"]
    starts = set()

    def at(key, start):
        value = prices.get(key)
        if not isinstance(value, dict):
            return exact(Decimal(value)) if value is not None else None
        starts.update(tier["start"] for tier in value["tiers"])
        reached = [tier["price"] for tier in value["tiers"] if tier["start"] <= start]
        return exact(Decimal(reached[-1] if reached else value["base"]))

    rates = {name: at(key, 0) for name, key in GENAI_RATES.items()}
    if rates["completion"] is None:
        rates["completion"] = Decimal(0)
    if not complete(rates):
        return None
    meters = {name: at(key, 0) for name, key in GENAI_METERS.items()}
    requests = prices.get("requests_kcount")
    request = (Decimal(requests) / 1000).normalize() if requests is not None else None
    tiers = [(s, {n: at(k, s) for n, k in GENAI_RATES.items()}) for s in sorted(starts)]
    return Price("genai-prices", rates, known(meters), request, tiers)


def agree(prices):
    """The price to use of those that sources name, most trusted first, and whether
    they disagree. What two of them say of prompt and completion holds, else what
    the first one says. The rest is taken from those that agree with it."""
    if not prices:
        return None, False
    # Nobody gives away what another says costs something; the price is unknown to him.
    prices = [price for price in prices if not price.is_free()] or prices
    prices = [of_text(price, prices) for price in prices]
    bases = [price.base() for price in prices]
    chosen = next((base for base in bases if bases.count(base) > 1), bases[0])
    agreeing = [price for price in prices if price.base() == chosen]
    merged = Price(agreeing[0].source, dict(agreeing[0].rates))
    for name in RATES[2:]:
        merged.rates[name] = vote([price.rates.get(name) for price in agreeing])
    for name in sorted({name for price in agreeing for name in price.meters}):
        merged.meters[name] = vote([price.meters.get(name) for price in agreeing])
    merged.request = vote([price.request for price in agreeing])
    # models.dev knows one threshold for all, so whoever names one is asked first.
    tiered = [price for price in agreeing if price.tiers]
    tiered.sort(key=lambda price: price.source == "models.dev")
    if tiered:
        merged.tiers = [(above, in_proportion(rates, merged.rates)) for above, rates in tiered[0].tiers]
    return plain(merged), len(set(bases)) > 1


def in_proportion(tier, base):
    """A tier with the rates that its source leaves out, as far from the tier's own
    prompt or completion as they are in the base: else an hour-long cache write would
    cost what a short one does."""
    tier = dict(tier)
    for name in RATES[2:]:
        whole = "completion" if name == "reasoning" else "prompt"
        if tier.get(name) is None and base.get(name) is not None and base[whole]:
            tier[name] = exact(base[name] * tier[whole] / base[whole])
    return tier


def of_text(price, others):
    """With what text costs, where a source only knows what pictures cost."""
    for other in others:
        pictures = other.meters.get("completion-image-tokens")
        if pictures == price.rates["completion"] != other.rates["completion"]:
            rates = price.rates | {"completion": other.rates["completion"], "reasoning": None}
            return replace(price, rates=rates)
    return price


def vote(values):
    """What two of them say, else the first; or what the first is in whole cents."""
    values = [value for value in values if value is not None]
    if not values:
        return None
    in_cents = (v for v in values if v.quantize(CENT, ROUND_HALF_UP) == values[0])
    finest = min(in_cents, key=lambda v: v.as_tuple().exponent, default=values[0])
    return next((v for v in values if values.count(v) > 1), finest)


def plain(price):
    """Without what says nothing: a price that is the one it falls back to."""
    for rates in [price.rates] + [rates for _, rates in price.tiers]:
        drop(rates, "reasoning", rates["completion"])
        drop(rates, "cache_write", rates["prompt"])
        drop(rates, "cache_read", rates["prompt"])
        drop(rates, "cache_write_1h", rates.get("cache_write"))
        # A cache that is free to read or write is one that nobody priced.
        for name in ("cache_read", "cache_write", "cache_write_1h", "reasoning"):
            if rates.get(name) == 0 and rates["prompt"] > 0:
                rates[name] = None
    fallback = {"prompt": price.rates["prompt"], "completion": price.rates["completion"],
                "cache": price.rates.get("cache_read") or price.rates["prompt"]}
    price.meters = {
        name: rate for name, rate in price.meters.items()
        if not name.endswith("-tokens") or rate != fallback.get(name.split("-")[0])
    }
    return price


def drop(rates, name, fallback):
    if rates.get(name) == fallback:
        rates[name] = None


def complete(rates):
    return rates is not None and rates["prompt"] is not None and rates["completion"] is not None


def known(rates):
    return {name: rate for name, rate in rates.items() if rate is not None}


def ordered(tiers):
    return sorted((tier for tier in tiers if complete(tier[1])), key=lambda tier: tier[0])
