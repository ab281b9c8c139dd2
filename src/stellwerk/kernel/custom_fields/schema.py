"""The JSON Schema (2020-12) of a record type's custom fields, as the API tells it."""

from collections.abc import Mapping

from stellwerk.kernel.fields.field import Field
from stellwerk.kernel.fields.schema import Schema, or_null


def schema_of(fields: Mapping[str, Field]) -> Schema:
    """Describe the values of these fields, null standing for none."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {name.removeprefix("custom."): _property(field) for name, field in fields.items()},
        "additionalProperties": False,
    }


def _property(field: Field) -> Schema:
    described: Schema = {"title": field.title}
    if field.help:
        described["description"] = str(field.help)
    return described | (or_null(field.schema()) if field.nullable else field.schema())
