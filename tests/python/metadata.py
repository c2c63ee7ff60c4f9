"""Holds what a router says of its decisions against OpenRouter's OpenAPI description.

Called with a file that holds a list of objects named `openrouter_metadata`, and the
description, packed. Prints how many there were once all are valid.
"""

import gzip
import json
import sys

import jsonschema
import yaml

SCHEMA = "#/components/schemas/OpenRouterMetadata"


def main(told, description):
    with gzip.open(description) as file:
        spec = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    with open(told) as file:
        found = json.load(file)
    schema = {"components": spec["components"], "$ref": SCHEMA}
    validator = jsonschema.Draft202012Validator(schema)
    for metadata in found:
        validator.validate(metadata)
    # A validator that takes anything would prove nothing.
    assert not validator.is_valid({**found[0], "strategy": "whim"})
    assert not validator.is_valid({**found[0], "endpoints": {"total": 1}})
    print("ok", len(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
