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
        "what": exchange["what"],
        "adapter": exchange["adapter"],
        "request": exchange["lifted"],
        "recorded": {**exchange["recorded"], "body": _own(exchange)},
        "base_path": exchange["base_path"],
        "response": exchange["response"],
    }
    format = encode.wire_format(task)
    # Seals are the router's to splice, and what is looked at has been spliced.
    seen = {**outcome["seen"], "sealed_equal": True}
    for one in encode.found(task, {"encode": seen}):
        if not encode.explained(one, format, exchange["adapter"]):
            yield replace(one, path=f"sent.{one.path}")


def _own(exchange: dict) -> str:
    """Without the wishes that stayed behind, and without reasoning that another sealed."""
    fields = dict(rawjson.parse(exchange["recorded"]["body"]).fields())
    if exchange["dialect"] == "openai-responses" and exchange["adapter"] in FOREIGN:
        if "input" in fields and fields["input"].is_array:
            items = [item for item in fields["input"].items() if not _thought(item)]
            raw = "[" + ",".join(item.raw for item in items) + "]"
            fields["input"] = rawjson.parse(raw)
    return rawjson.object_text(
        [[name, node.raw] for name, node in fields.items() if name not in ROUTING]
    )


def _thought(item: rawjson.Node) -> bool:
    """Reasoning that does not say whose it is, which counts as OpenAI's."""
    kind = item.fields().peek("type")
    return kind is not None and kind.held == "reasoning" and item.fields().peek("format") is None


# Adapters that keep reasoning of OpenAI's from their providers, and speak its format.
FOREIGN = ("xai",)
