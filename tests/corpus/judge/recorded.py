"""One recorded request, as the formats read it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import quirks
import rawjson
from canonical import NotLifted


@dataclass
class Recorded:
    """A request's parts. `path` is still percent-encoded."""

    provider: str
    method: str
    host: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: str
    streaming: bool = False
    matched: dict[str, str] = field(default_factory=dict)

    def is_form(self) -> bool:
        return self.headers.get("content-type", "").startswith(
            "multipart/"
        ) or self.body.startswith("--")

    def node(self) -> rawjson.Node:
        if not self.body:
            raise NotLifted("no request body was recorded")
        try:
            return rawjson.parse(self.body)
        except rawjson.NotJson as flaw:
            raise NotLifted(f"the request body is no JSON: {flaw}") from flaw

    def body_fields(self) -> rawjson.Fields:
        return self.node().fields()

    def match(self, pattern: str) -> bool:
        """Whether the whole path fits; its named groups, decoded, are then in `matched`."""
        found = re.fullmatch(pattern, self.path)
        if found:
            groups = found.groupdict()
            self.matched = {name: unquote(value) for name, value in groups.items() if value}
        return bool(found)

    @property
    def matched_base(self) -> str:
        return self.matched.get("base", "")


def read(record: dict[str, Any]) -> Recorded:
    request = record["request"]
    url = urlsplit(request["url"])
    headers = request.get("headers") or {}
    pairs = headers.items() if isinstance(headers, dict) else headers
    return Recorded(
        provider=quirks.provider(record["provider"], url.hostname or ""),
        method=request["method"].upper(),
        host=url.hostname or "",
        path=url.path,
        query=parse_qsl(url.query, keep_blank_values=True),
        headers={name.lower(): str(value) for name, value in pairs},
        body=request.get("body") or "",
        streaming=bool(record.get("streaming")),
    )
