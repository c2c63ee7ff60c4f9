"""What left for the provider, held against the recorded request: two translations, from the
client's dialect and into the provider's format, and all must still be there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import encode
import rawjson
from dialects import ROUTING
from differ import Difference


def differences(exchange: dict, outcome: dict) -> Iterator[Difference]:
    """Differences that the adapters' own list does not explain; none where the provider was
    not asked, or the recorded request is nonsense on purpose."""
    if outcome["seen"] is None or exchange["lifted"] is None:
        return
    task = {
        "what": "chat",
        "adapter": exchange["adapter"],
        "request": exchange["lifted"],
        "recorded": {**exchange["recorded"], "body": _own(exchange["recorded"]["body"])},
        "base_path": exchange["base_path"],
        "response": exchange["response"],
    }
    format = encode.wire_format(task)
    # Seals are the router's to splice, and what is looked at has been spliced.
    seen = {**outcome["seen"], "sealed_equal": True}
    for one in encode.found(task, {"encode": seen}):
        if not encode.explained(one, format, exchange["adapter"]):
            yield replace(one, path=f"sent.{one.path}")


def _own(body: str) -> str:
    """Without the wishes that stayed behind."""
    fields = rawjson.parse(body).fields()
    return rawjson.object_text([[name, node.raw] for name, node in fields if name not in ROUTING])
