"""Sample records of any type, made from its declaration: what the promises over all types are tested on."""

from datetime import date
from itertools import count

from django.db import models

from stellwerk.kernel.fields.field import Column
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM, Actor
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.write.services import create

_numbers = count(1)

SPECIAL: dict[str, dict[str, object]] = {
    "role_assignment": {"process": None, "role": "agent", "team": None},
    "custom_field": {"target": "incident", "type": "text", "references": ""},
}
"""Values that a declaration's rules ask for beyond its fields, by the type's key."""


def sample(record_type: RecordType, *, by: Actor = SYSTEM, text: str = "Sample", **given: object) -> Record:
    """Create a record of the type with every field that it insists on; `text` stands in all its texts."""
    return create(record_type.model, {**sample_values(record_type, text=text), **given}, by=by)


def sample_values(record_type: RecordType, *, text: str = "Sample") -> dict[str, object]:
    """Return values for the editable fields of the type, fit to be created; references are created too."""
    values: dict[str, object] = {}
    for name in record_type.editable_fields:
        field = record_type.field(name)
        if name in record_type.references:
            if not field.null or name in ("requester", "person"):
                values[name] = sample(registry.for_model(record_type.references[name]), text=text)
        elif not field.has_default() or isinstance(field, models.TextField):
            values[name] = _value(field, text)
    values = {name: value for name, value in values.items() if value is not None}
    special = SPECIAL.get(record_type.key, {})
    return {name: value for name, value in {**values, **special}.items() if value is not None}


def _value(field: Column, text: str) -> object:
    unique = f"{text} {next(_numbers)}"
    if field.choices:
        return None if field.blank else next(iter(dict(field.flatchoices)))
    if isinstance(field, models.DateField):
        return None if field.null else date(2026, 1, 1)
    for kind, made in _SHAPED.items():
        if isinstance(field, kind):
            return made % next(_numbers)
    if isinstance(field, models.CharField | models.TextField):
        return unique[: field.max_length] if field.max_length else unique
    return None


_SHAPED = {
    models.EmailField: "person%d@example.org",
    models.URLField: "https://example.org/%d",
    models.SlugField: "f%d",
}


def a_change(record: Record, text: str = "Changed") -> dict[str, object]:
    """Return values that change the record: its title, or else its first free text."""
    record_type = record.record_type
    for name in record_type.editable_fields:
        field = record_type.field(name)
        plain = isinstance(field, models.CharField | models.TextField) and not field.choices
        plain = plain and name not in SPECIAL.get(record_type.key, {})
        if plain and not isinstance(field, models.EmailField | models.URLField | models.SlugField):
            return {name: f"{text} {next(_numbers)}"}
    day = next(
        name for name in record_type.editable_fields if isinstance(record_type.field(name), models.DateField)
    )
    return {day: date(2025, 12, 31)}
