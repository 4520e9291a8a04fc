"""As much of JSON Schema as our own published schema uses: an independent reader of what we promise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}
KNOWN = {"$schema", "$defs", "$ref", "title", "description", "type", "enum", "const", "pattern", "minimum", "maxItems"}
KNOWN |= {"items", "minItems", "required", "properties", "additionalProperties", "anyOf"}


def complaints(value: Any, schema: dict[str, Any], whole: dict[str, Any] | None = None, at: str = "$") -> list[str]:
    """Where the value is not what the schema says."""
    return list(_walk(value, schema, whole or schema, at))


def _walk(value: Any, schema: dict[str, Any], whole: dict[str, Any], at: str) -> Iterator[str]:
    assert set(schema) <= KNOWN, f"{at}: this reader does not know {set(schema) - KNOWN}"
    if "$ref" in schema:
        yield from _walk(value, whole["$defs"][schema["$ref"].rpartition("/")[2]], whole, at)
    if "anyOf" in schema and all(complaints(value, one, whole, at) for one in schema["anyOf"]):
        yield f"{at}: none of the possible kinds"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(isinstance(value, TYPES[kind]) and type(value) is not bool for kind in kinds):
        yield f"{at}: {value!r} is not {kinds}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{at}: {value!r} does not match"
    if isinstance(value, int) and value < schema.get("minimum", value):
        yield f"{at}: {value} is too small"
    if isinstance(value, list):
        yield from _list(value, schema, whole, at)
    if isinstance(value, dict):
        yield from _object(value, schema, whole, at)


def _list(value: list[Any], schema: dict[str, Any], whole: dict[str, Any], at: str) -> Iterator[str]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield f"{at}: {len(value)} items"
    for number, item in enumerate(value):
        yield from _walk(item, schema.get("items", {}), whole, f"{at}[{number}]")


def _object(value: dict[str, Any], schema: dict[str, Any], whole: dict[str, Any], at: str) -> Iterator[str]:
    known = schema.get("properties", {})
    yield from (f"{at}: {name} is missing" for name in schema.get("required", []) if name not in value)
    for name, own in value.items():
        if name in known:
            yield from _walk(own, known[name], whole, f"{at}.{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{at}: {name} is not known"
