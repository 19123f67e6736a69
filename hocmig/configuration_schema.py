"""The published JSON Schema of `hocmig.yaml`, generated from the configuration's own types.

Write it again after a change: `python -m hocmig.configuration_schema docs/hocmig.schema.json`.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import msgspec

from analyzers.configuration import CONFIG_NAME, Configuration


def configuration_schema() -> bytes:
    """The schema (JSON Schema 2020-12) as indented JSON with one newline at the end."""
    schema = msgspec.json.schema(Configuration, schema_hook=_any_value)
    for definition in schema["$defs"].values():
        # Python 3.13 strips the indentation of docstrings itself; the file must not depend on the version.
        definition["description"] = inspect.cleandoc(definition["description"])
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": CONFIG_NAME, **schema}
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"


def _any_value(kind: type) -> dict[str, object]:
    if kind is object:
        return {"description": "Any value."}
    raise NotImplementedError(kind)


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(configuration_schema())
