"""The values of custom fields: read from what people and programs give, and held against the type's schema."""

import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from django.core.cache import caches
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from stellwerk.kernel.access.person import Actor
from stellwerk.kernel.access.standing import Standing, standing_of
from stellwerk.kernel.custom.schema import faults, schema_of
from stellwerk.kernel.records.record import Record

if TYPE_CHECKING:
    from stellwerk.kernel.custom.models import CustomField
    from stellwerk.kernel.records.declaration import RecordType

SECONDS_KEPT = 10
"""How long a process relies on the definitions it has read."""


def definitions(kind: str, *, fresh: bool = False) -> "dict[str, CustomField]":
    """Return the custom fields in use on a record type, by name; at most SECONDS_KEPT old unless `fresh`."""
    from stellwerk.kernel.custom.models import CustomField

    key = f"custom-fields:{kind}"
    known: dict[str, CustomField] | None = None if fresh else caches["local"].get(key)
    if known is None:
        known = {
            field.name: field
            for field in CustomField.objects.filter(target=kind, is_open=True).order_by("id")
        }
        caches["local"].set(key, known, SECONDS_KEPT)
    return known


def known_to(
    standing: Standing, record_type: "RecordType[Any]", *, fresh: bool = False
) -> "dict[str, CustomField]":
    """Return the custom fields of which a person may know: all for staff, for guests those shown to requesters."""
    fields = definitions(record_type.key, fresh=fresh)
    if not fields or standing.is_administrator or standing.scope(record_type) != frozenset():
        return fields
    return {name: field for name, field in fields.items() if field.shown_to_requesters}


def check(record_type: "RecordType[Any]", record: Record, given: Mapping[str, Any], by: Actor) -> None:
    """Refuse custom values that do not fit the schema; of a new record by staff, all that is required is asked."""
    names = [name[7:] for name in given if name.startswith("custom.")]
    if not names and not definitions(record_type.key):
        return
    standing = standing_of(by)
    fields = known_to(standing, record_type)
    if any(name not in fields for name in names):
        fields = known_to(standing, record_type, fresh=True)
    found = {name: _("%s has no such field.") % record_type.label for name in names if name not in fields}
    for name in names:
        if name in fields:
            record.custom[name] = _read(fields[name], record.custom[name])
    complete = record.version == 0 and standing.may_create_as_staff(record_type)
    values = {name: record.custom[name] for name in names if name in fields}
    if values or complete:
        found |= faults(schema_of(fields, new=complete), values)
    for name, value in values.items():
        if value is not None and name not in found and fields[name].type == "reference":
            found |= _unseen(name, value, standing)
    if found:
        raise ValidationError({f"custom.{name}": sentence for name, sentence in found.items()})


def filter_value(field: "CustomField", text: str) -> Any:
    """Read a value that records are filtered by; ValidationError when it is not of the field's type."""
    value = _read(field, text)
    found = faults(schema_of({field.name: field}), {field.name: value})
    if found:
        raise ValidationError(found[field.name])
    return value


def _unseen(name: str, reference: str, standing: Standing) -> dict[str, str]:
    """Refuse a reference that the person may not see in the words used for those that do not exist."""
    if Record.objects.filter(standing.visible(Record), reference=reference).exists():
        return {}
    return {name: _("Choose one of those offered: there is no such record.")}


def _read(field: "CustomField", value: Any) -> Any:
    """Turn what a form, file or program gives into a machine value; what cannot be read is left to the schema."""
    if value in (None, ""):
        return None
    return _READ.get(field.type, _as_given)(value)


def _as_given(value: Any) -> Any:
    return value


def _number(value: Any) -> Any:
    try:
        exact = float(value)
    except (TypeError, ValueError, OverflowError):
        return str(value)
    if isinstance(value, bool) or not math.isfinite(exact):
        return str(value)  # JSON has no such number
    if isinstance(value, int):
        return value
    return int(exact) if exact.is_integer() else exact  # PostgreSQL writes 1e+16 as digits, which is no float


def _date(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _reference(value: Any) -> Any:
    return getattr(value, "reference", value)


def _yes_no(value: Any) -> Any:
    answers = {"true": True, "on": True, "yes": True, "false": False, "no": False}
    return answers.get(value.lower(), value) if isinstance(value, str) else value


_READ: dict[str, Callable[[Any], Any]] = {
    "number": _number,
    "date": _date,
    "reference": _reference,
    "yes_no": _yes_no,
}
