"""The knobs of OpenAI's chat format: sampling, limits, and how much to reason."""

from __future__ import annotations

import canonical as c
import quirks
from canonical import Json
from lift_formats.openai_tools import items
from rawjson import Fields, Node


def max_tokens(fields: Fields) -> int | None:
    """The newer of the two names counts where both are given."""
    older = fields.unsigned("max_tokens")
    newer = fields.unsigned("max_completion_tokens")
    return older if newer is None else newer


def sampling(fields: Fields, provider: str) -> Json:
    floats = (
        "temperature top_p min_p top_a frequency_penalty presence_penalty repetition_penalty"
    ).split()
    given: Json = {name: fields.number(name) for name in floats}
    seed = quirks.SEED_FIELDS.get(provider, "seed")
    top_k = fields.unsigned("top_k")
    bias = fields.take("logit_bias")
    wanted = fields.boolean("logprobs")
    alternatives = fields.unsigned("top_logprobs", limit=256)
    return c.sampling(
        top_k=top_k if top_k is not None and top_k > 0 else None,
        seed=fields.integer(seed),
        stop=fields.strings("stop"),
        logit_bias=[]
        if bias is None
        else [[name, float(node.value())] for name, node in bias.fields()],
        top_logprobs=(alternatives or 0) if wanted else None,
        **given,
    )


def reasoning(
    fields: Fields, provider: str, options: Json, leftover: list[list[str]]
) -> Json | None:
    """How much the model is to reason, in the four ways in which providers are told."""
    given: Json = {}
    include = fields.boolean("include_reasoning")
    effort = fields.string("reasoning_effort")
    held = fields.take("reasoning")
    if held is not None:
        options["reasoning_field"] = "reasoning"
        given |= reasoning_object(held, leftover)
    switch = switched(fields, provider)
    if switch is not None:
        options["reasoning_field"] = "thinking"
        given["enabled"] = switch
    format = fields.peek("reasoning_format")
    if format is not None and format.held == "hidden":
        fields.take("reasoning_format")
        given["hidden"] = True
    if include is False:
        given["hidden"] = True
    if effort is not None:
        given["effort"] = effort
    if not given and include is None and held is None:
        return None
    if given.get("effort") == "none":
        given["enabled"] = False
    return c.reasoning_options(**given)


def reasoning_object(node: Node, leftover: list[list[str]]) -> Json:
    fields = node.fields()
    given: Json = {
        "enabled": fields.boolean("enabled"),
        "effort": fields.string("effort"),
        "max_tokens": fields.unsigned("max_tokens"),
        "summary": fields.string("summary"),
        "hidden": fields.boolean("exclude") or False,
    }
    leftover += fields.leftover("reasoning")
    return given


def switched(fields: Fields, provider: str) -> bool | None:
    """`thinking: {type}`, where the provider has it and nothing else is in it."""
    node = fields.peek("thinking")
    if node is None or provider not in quirks.THINKING_SWITCH:
        return None
    held = node.fields()
    kind = held.string("type")
    if held or kind not in ("enabled", "disabled"):
        return None
    fields.take("thinking")
    return kind == "enabled"


def observe(fields: Fields, options: Json) -> None:
    """Options of the endpoint that the body itself shows."""
    for name in ("max_completion_tokens", "max_tokens"):
        if name in fields:
            options["max_tokens_field"] = name
    if "safety_identifier" in fields:
        options["user_field"] = "safety_identifier"
    if any(name in fields for name in ("top_k", "min_p", "top_a", "repetition_penalty")):
        options["extended_sampling"] = True
    stream = fields.peek("stream")
    usage = fields.peek("stream_options")
    if stream is not None and stream.held is True:
        options["stream_usage"] = usage is not None and "include_usage" in usage.fields()
    for node in items(fields.peek("messages")):
        message = node.fields()
        role = message.peek("role")
        if role is not None and role.held == "developer":
            options["developer_role"] = "developer"
        for name in ("reasoning", "reasoning_content", "reasoning_details"):
            if name in message:
                options["send_reasoning"] = name


def without(node: Node | None, taken: str, name: str) -> list[list[str]]:
    """The rest of an object of which one field is modelled."""
    if node is None:
        return []
    held = node.fields()
    held.take(taken)
    return held.leftover(name)
