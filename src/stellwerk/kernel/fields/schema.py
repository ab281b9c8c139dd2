"""JSON Schema, as far as fields and the API use it."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

Schema = TypedDict(
    "Schema",
    {
        "$schema": str,
        "$ref": str,
        "title": str,
        "description": str,
        "type": str | Sequence[str],
        "format": str,
        "pattern": str,
        "const": str,
        "enum": Sequence[object],
        "default": object,
        "minimum": int,
        "maximum": int,
        "minLength": int,
        "maxLength": int,
        "contentMediaType": str,
        "items": "Schema",
        "minItems": int,
        "maxItems": int,
        "uniqueItems": bool,
        "properties": Mapping[str, "Schema"],
        "required": Sequence[str],
        "additionalProperties": "bool | Schema",
        "anyOf": Sequence["Schema"],
        "allOf": Sequence["Schema"],
    },
    total=False,
)
"""What values must be; without anything, whatever they like."""


def or_null(schema: Schema) -> Schema:
    """Let null stand for none, beside what values must be."""
    if "$ref" in schema or "anyOf" in schema:
        return {"anyOf": [*schema.get("anyOf", [schema]), {"type": "null"}]}
    nullable = schema.copy()
    if "type" in schema:
        types = schema["type"]
        nullable["type"] = [*([types] if isinstance(types, str) else types), "null"]
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable
