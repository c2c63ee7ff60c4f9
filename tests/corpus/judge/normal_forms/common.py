"""What the normal forms share."""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]


def drop(body: Body, **defaults: Any) -> None:
    """Leaves out fields that say what the provider does anyway."""
    for name, value in defaults.items():
        if (
            name in body
            and body[name] == value
            and isinstance(body[name], bool) == isinstance(value, bool)
        ):
            del body[name]


def drop_empty(body: Body, *names: str) -> None:
    for name in names:
        if name in body and body[name] in ([], {}, ""):
            del body[name]


def texts(content: Any, kind: str = "text") -> Any:
    """A content as a list of parts."""
    return [{"type": kind, "text": content}] if isinstance(content, str) else content


def merged(turns: list[Body], parts: str) -> list[Body]:
    """Turns of one role that follow each other are one."""
    found: list[Body] = []
    for turn in turns:
        last: Body = found[-1] if found else {}
        same = {**last, parts: 0} == {**turn, parts: 0}
        if same and isinstance(last.get(parts), list) and isinstance(turn.get(parts), list):
            last[parts] = last[parts] + turn[parts]
        else:
            found.append(dict(turn))
    return found
