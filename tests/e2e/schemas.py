# SPDX-License-Identifier: GPL-2.0-or-later
"""Validates documents against the JSON Schemas in docs/schemas."""

import json
import os
import sys

try:
    import jsonschema
except ImportError:  # another Python than Debian's own
    sys.path.append("/usr/lib/python3/dist-packages")
    import jsonschema

DIRECTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/schemas")


def names():
    """The documents that have a schema: "status/v1", …"""
    return {name.removesuffix(".schema.json").replace(".", "/") for name in os.listdir(DIRECTORY)
            if name.endswith(".schema.json")}


def _load(name):
    with open(os.path.join(DIRECTORY, name.replace("/", ".") + ".schema.json"), encoding="utf-8") as file:
        return json.load(file)


def check(document):
    """Raises if the document is not as the schema that it names; returns that name."""
    name = document["schema"].removeprefix("farewell/")
    if name not in names():
        raise AssertionError(f"docs/schemas has no schema for {document['schema']}")
    schema = _load(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    errors = [f"{error.json_path}: {error.message}" for error in jsonschema.Draft202012Validator(schema).iter_errors(document)]
    if errors:
        raise AssertionError(f"{document['schema']}:\n  " + "\n  ".join(errors) + f"\n{json.dumps(document)}")
    return name
