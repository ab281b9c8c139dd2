"""The JSON Schema (2020-12) of a record type's custom fields, as the API tells it."""

from collections.abc import Mapping

from stellwerk.kernel.fields.field import Field, Schema


def schema_of(fields: Mapping[str, Field]) -> Schema:
    """Describe the values of these fields, null standing for none."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {name.removeprefix("custom."): _property(field) for name, field in fields.items()},
        "additionalProperties": False,
    }


def _property(field: Field) -> Schema:
    described = field.schema()
    if field.nullable:
        more = {"enum": [*described["enum"], None]} if "enum" in described else {}
        described = {**described, "type": [described["type"], "null"], **more}
    help_text = {"description": str(field.help)} if field.help else {}
    return {"title": field.title, **help_text, **described}
