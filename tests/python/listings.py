"""Holds a router's listings against OpenRouter's OpenAPI description.

Called with the router's base URL and the description, packed. Prints the name of
each listing once it is valid. Which providers there are is the operator's affair,
so that their names may be others than that site's.
"""

import gzip
import json
import sys
import urllib.request

import jsonschema
import yaml

DECIMAL = r"^(-1|\d+(\.\d+)?)$"


def main(base_url, description):
    with gzip.open(description) as file:
        spec = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    spec["components"]["schemas"]["ProviderName"] = {"type": "string"}

    def check(path, of):
        answer = spec["paths"][of]["get"]["responses"]["200"]
        schema = answer["content"]["application/json"]["schema"]
        with urllib.request.urlopen(base_url + path) as response:
            found = json.load(response)
        whole = {"components": spec["components"], **schema}
        jsonschema.Draft202012Validator(whole).validate(found)
        return found["data"]

    models = check("/models", "/models")
    assert len(models) > 100, len(models)
    for model in models:
        prices(model["pricing"])
    print("ok models")
    assert len(check("/providers", "/providers")) == 4
    print("ok providers")
    for model in models[:: len(models) // 20]:
        path = f"/models/{model['id']}/endpoints"
        for endpoint in check(path, "/models/{author}/{slug}/endpoints")["endpoints"]:
            prices(endpoint["pricing"])
    print("ok endpoints")


def prices(table):
    """Decimals that no float had a part in."""
    for tier in [table, *table.get("overrides", [])]:
        for key, price in tier.items():
            if key not in ("overrides", "min_prompt_tokens"):
                jsonschema.validate(price, {"type": "string", "pattern": DECIMAL})


if __name__ == "__main__":
    main(*sys.argv[1:])
