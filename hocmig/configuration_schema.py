"""The published JSON Schema of `hocmig.yaml`, generated from the configuration's own types.

Write it again after a change: `python -m hocmig.configuration_schema docs/hocmig.schema.json`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from analyzers.configuration import Configuration


def configuration_schema() -> bytes:
    """The schema (JSON Schema 2020-12) as indented JSON with one newline at the end."""
    schema = msgspec.json.schema(Configuration, schema_hook=_any_value)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hocmig.yaml",
        **schema,
    }
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"


def _any_value(kind: type) -> dict[str, object]:
    if kind is object:
        return {"description": "Any value."}
    raise NotImplementedError(kind)


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(configuration_schema())
