"""Recorded answers, told to clients of every other dialect: a plain question in that dialect,
and the provider answers as was recorded. What was said must come through, and what is written
must keep to the dialect's description; what a request may ask for is told elsewhere.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import dialects
from differ import Difference

# How many answers of one provider are asked for that hold the same kinds of things.
OF_A_KIND = 2
KINDS = ("tool|functionCall", "reason|think|thought", "citation|annotation", "refus", "logprob")
KINDS += ("audio|image", "error")

# Who asks for one answer is not told of several.
SEVERAL = re.compile('"(n|candidateCount)": *[2-9]')

HI = [{"role": "user", "content": "Hi"}]


def exchanges(held: list[dict]) -> Iterator[dict[str, Any]]:
    """Each of some recorded answers, in all dialects but its own."""
    seen: Counter = Counter()
    for exchange in held:
        body = base64.b64decode(exchange["response"]["body_base64"]).decode("utf-8", "replace")
        refused = exchange["response"]["status"] // 100 != 2
        if exchange["what"] != "chat" or refused or SEVERAL.search(exchange["recorded"]["body"]):
            continue
        kinds = tuple(bool(re.search(kind, body)) for kind in KINDS)
        key = (exchange["provider"], exchange["format"], exchange["framing"], kinds)
        seen[key] += 1
        if seen[key] <= OF_A_KIND:
            yield from _told_to_all(exchange)


def _told_to_all(exchange: dict) -> Iterator[dict[str, Any]]:
    own = dialects.of("chat", exchange["format"])
    for dialect, asked in ASKED.items():
        if own and dialect == own.name:
            continue
        id = f"{exchange['id']}-{dialect}"
        model = f"{id}/{exchange['model'].partition('/')[2]}"
        path, body = asked(model, exchange["framing"] is not None)
        yield {
            **exchange,
            "id": id,
            "crossed": True,
            "dialect": dialect,
            "model": model,
            "lifted": None,
            "recorded": None,
            "request": {"path": path, "headers": [], "body": json.dumps(body)},
        }


def chat(model: str, stream: bool) -> tuple[str, dict]:
    return "/v1/chat/completions", {"model": model, "messages": HI, "stream": stream}


def completions(model: str, stream: bool) -> tuple[str, dict]:
    return "/v1/completions", {"model": model, "prompt": "Hi", "stream": stream}


def responses(model: str, stream: bool) -> tuple[str, dict]:
    return "/v1/responses", {"model": model, "input": "Hi", "stream": stream}


def messages(model: str, stream: bool) -> tuple[str, dict]:
    asked = {"model": model, "max_tokens": 64, "messages": HI, "stream": stream}
    return "/v1/messages", asked


def gemini(model: str, stream: bool) -> tuple[str, dict]:
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    thoughts = {"thinkingConfig": {"includeThoughts": True}}
    asked = {"contents": [{"parts": [{"text": "Hi"}]}], "generationConfig": thoughts}
    return f"/v1beta/models/{model}:{method}", asked


def ollama(model: str, stream: bool) -> tuple[str, dict]:
    return "/api/chat", {"model": model, "messages": HI, "stream": stream}


ASKED = {
    "openai-chat": chat,
    "openai-completions": completions,
    "openai-responses": responses,
    "anthropic-messages": messages,
    "gemini": gemini,
    "ollama": ollama,
}


def differences(recorded: dict, answered: dict) -> list[Difference]:
    """What was said and which tools were called; only the first of several choices."""
    if recorded["kind"] == "either":
        return min((differences(one, answered) for one in recorded["readings"]), key=len)
    if recorded["kind"] == "failure" or recorded.get("failure"):
        return []
    if answered["kind"] != "answer" or answered["failure"]:
        said = answered.get("said") or answered.get("unreadable") or answered.get("failure")
        return [Difference("@answer", "refused", None, said)]
    pairs = [("text", _said), ("reasoning", _thought)]
    # Input that is no object, as that of a call which was cut off, has no form in some dialects.
    if all(isinstance(input, dict) for _, input in _calls(recorded)):
        pairs.append(("calls", _calls))
    told = ((name, read(recorded), read(answered)) for name, read in pairs)
    return [Difference(name, "changed", one, other) for name, one, other in told if one != other]


def _said(answer: dict) -> str:
    parts = (part for part in answer["parts"] if part["choice"] == 0)
    return "".join(part["text"] for part in parts if part["kind"] in ("text", "refusal"))


def _calls(answer: dict) -> list[tuple]:
    parts = (part for part in answer["parts"] if part["choice"] == 0 and part["kind"] == "call")
    return [(part["name"], _value(part["text"])) for part in parts]


def _thought(answer: dict) -> str:
    parts = (part for part in answer["parts"] if part["choice"] == 0 and part.get("of") != "Encrypted")
    return "".join(part["text"] for part in parts if part["kind"] == "reasoning")


def _value(written: str) -> Any:
    try:
        return json.loads(written)
    except ValueError:
        return written
