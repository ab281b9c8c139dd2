"""The JSON Schema (2020-12) of a record type's custom fields: what values are held against and the API tells."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from stellwerk.kernel.records import registry

if TYPE_CHECKING:
    from stellwerk.kernel.custom.models import CustomField

Schema = dict[str, Any]
Fields = Mapping[str, "CustomField"]
LONGEST = 10_000
"""Characters that a text in a custom field may have."""


def schema_of(fields: Fields, *, new: bool = False) -> Schema:
    """Describe the values of these fields, null standing for none; in a `new` record the required ones are there."""
    required = [name for name, field in fields.items() if new and field.required]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {name: _property(field) for name, field in fields.items()},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def faults(schema: Schema, values: Mapping[str, Any]) -> dict[str, str]:
    """Hold values against the schema: by name, one sentence for each that does not fit."""
    # Half of an import of 80 ms and 6 MB, which installations without custom fields need not have.
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    found: dict[str, str] = {}
    for error in validator.iter_errors(dict(values)):
        if error.path:
            name = str(error.path[0])
            found.setdefault(name, _sentence(schema["properties"][name], values[name]))
        elif error.validator == "required":
            found |= {name: _("Fill this in.") for name in schema["required"] if name not in values}
    return found


def _property(field: "CustomField") -> Schema:
    described = _KINDS[field.type](field)
    if not field.required:
        described = _or_null(described)
    return {"title": field.title, **({"description": field.help} if field.help else {}), **described}


def _or_null(described: Schema) -> Schema:
    more = {"enum": [*described["enum"], None]} if "enum" in described else {}
    return {**described, "type": [described["type"], "null"], **more}


def _reference(field: "CustomField") -> Schema:
    prefix = registry.get(field.references).prefix if field.references else "[A-Z]{2,4}"
    return {"type": "string", "pattern": f"^{prefix}-[0-9]+$"}


_KINDS: dict[str, Any] = {
    "text": lambda field: {"type": "string", "maxLength": LONGEST},
    "number": lambda field: {"type": "number"},
    "date": lambda field: {"type": "string", "format": "date"},
    "choice": lambda field: {"type": "string", "enum": list(field.choices)},
    "reference": _reference,
    "yes_no": lambda field: {"type": "boolean"},
}


def _sentence(described: Schema, value: Any) -> str:
    """Say in people's words what the schema asks of the property that `value` does not fit."""
    kind = described["type"]
    if value is None:
        return _("Fill this in.")
    if "enum" in described:
        return _("Choose one of: %s.") % _listed(described["enum"])
    if "pattern" in described:
        return _("Choose one of those offered: there is no such record.")
    if "format" in described:
        return _("Give a date as year-month-day, such as 2026-03-31.")
    if "maxLength" in described:
        return _("Give a text of at most 10,000 characters.")
    return _("Give a number.") if "number" in kind else _("Answer yes or no.")


def _listed(choices: Iterable[Any]) -> str:
    return ", ".join(str(choice) for choice in choices if choice is not None)
