"""Compares what an adapter encoded with what was recorded.

The recorded request was accepted, so the adapter must ask for the same thing: method,
path, format headers and body. What differs after `normal.py` is explained by a rule or
is a failure.
"""

from __future__ import annotations

import functools
from typing import Any, Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

import differ
import normal
import rules
from differ import Difference
from rawjson import NotJson

# The credential; the router attaches it.
_SECRET_QUERY = {"key"}

# Statuses by which a provider says that the request itself is wrong.
_WRONG_REQUEST = {400, 413, 415, 422}


def differences(task: dict[str, Any], result: dict[str, Any]) -> list[str]:
    """Sentences, one per difference that no rule explains."""
    if task.get("request") is None and task["what"] != "models":
        return []
    format = wire_format(task)
    left = [each for each in found(task, result) if not explained(each, format, task["adapter"])]
    return [str(each) for each in left]


def unused_rules() -> list[str]:
    """Rules that explained nothing so far."""
    return [str(rule) for rule in known_rules() if not rule.hits]


@functools.cache
def known_rules() -> tuple[rules.Rule, ...]:
    return tuple(rules.load())


def explained(difference: Difference, format: str, adapter: str) -> bool:
    for rule in known_rules():
        if rule.explains(difference, format, adapter):
            rule.hits += 1
            return True
    return False


def wire_format(task: dict[str, Any]) -> str:
    """The dialect, with the kind of call where that is no chat."""
    request = task.get("request") or {}
    dialect = request.get("dialect", "")
    return dialect if task["what"] == "chat" else f"{task['what']}:{dialect}".rstrip(":")


def found(task: dict[str, Any], result: dict[str, Any]) -> Iterator[Difference]:
    encoded = result.get("encode")
    if encoded is None:
        yield Difference("@request", "lost", "a request", None)
        return
    if "failure" in encoded:
        failure = encoded["failure"]
        if _refused_by_both(task, failure):
            return
        yield Difference("@request", "refused", None, f"{failure['kind']}: {failure['message']}")
        return
    sealed = encoded.get("sealed_equal")
    if sealed is False or (sealed is None and task["what"] == "chat"):
        error = encoded.get("sealed_error") or "the bodies with and without seals differ"
        yield Difference("@sealed", "changed", "the same body", error)
    yield from _address(task, encoded)
    yield from _headers(task["recorded"], encoded)
    yield from _bodies(task, encoded)


def _refused_by_both(task: dict[str, Any], failure: dict[str, Any]) -> bool:
    """What the provider would not take either may be refused beforehand."""
    status = task.get("response", {}).get("status", 200)
    wrong = status in _WRONG_REQUEST
    return wrong and failure["kind"] in ("Unsupported", "InvalidRequest")


def _address(task: dict[str, Any], encoded: dict[str, Any]) -> Iterator[Difference]:
    recorded = task["recorded"]
    if recorded["method"] != encoded["method"].upper():
        yield Difference("@method", "changed", recorded["method"], encoded["method"])
    url = urlsplit(encoded["path"])
    path = task["base_path"] + "/" + url.path.lstrip("/")
    if _same_path(recorded["path"]) != _same_path(path):
        yield Difference("@path", "changed", recorded["path"], path)
    before = _query(recorded["query"])
    after = _query(parse_qsl(url.query, keep_blank_values=True))
    yield from differ.differences(before, after, "@query")


def _same_path(path: str) -> str:
    """To embed one text is to embed a batch of one."""
    return unquote(path).replace(":embedContent", ":batchEmbedContents")


def _query(pairs: list[Any]) -> dict[str, str]:
    return {name: value for name, value in pairs if name not in _SECRET_QUERY}


def _headers(recorded: dict[str, Any], encoded: dict[str, Any]) -> Iterator[Difference]:
    before = {name: value for name, value in recorded["headers"]}
    after = {name.lower(): value for name, value in encoded["headers"]}
    version = "anthropic-version"
    if version in before and before[version] != after.get(version):
        yield Difference(f"@header.{version}", "changed", before[version], after.get(version))
    was = _betas(before, recorded["body"])
    now = _betas(after, encoded["body"])
    for name in sorted(was - now):
        yield Difference(f"@beta.{name}", "lost", name, None)
    for name in sorted(now - was):
        yield Difference(f"@beta.{name}", "added", None, name)


def _betas(headers: dict[str, str], body: str) -> set[str]:
    """Beta features: in a header, or in the body where the API is hosted by others."""
    names = {name.strip() for name in headers.get("anthropic-beta", "").split(",")}
    if '"anthropic_beta"' in body:
        try:
            held = normal.rawjson.parse(body).fields().peek("anthropic_beta")
        except NotJson:
            held = None
        names |= set(held.value()) if held is not None and held.is_array else set()
    return names - {""}


def _bodies(task: dict[str, Any], encoded: dict[str, Any]) -> Iterator[Difference]:
    recorded = task["recorded"]["body"]
    if task["what"] == "models":
        if encoded["body"]:
            yield Difference("@body", "added", None, encoded["body"])
        return
    dialect = task["request"].get("dialect", "")
    try:
        before = normal.normal(dialect, task["what"], recorded, recorded=True)
        after = normal.normal(dialect, task["what"], encoded["body"])
    except (NotJson, ValueError, KeyError, TypeError, AttributeError) as flaw:
        yield Difference("@body", "changed", "a request of this format", repr(flaw))
        return
    yield from differ.differences(before, after)
