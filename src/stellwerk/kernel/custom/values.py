"""Checking the values of custom fields against their definitions."""

import math
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from django.core.cache import caches
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from stellwerk.kernel.access.person import SYSTEM, Actor
from stellwerk.kernel.access.standing import standing_of
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


def check(record_type: "RecordType[Any]", record: Record, given: Mapping[str, Any], by: Actor) -> None:
    """Refuse custom values that no definition allows; a required one must be there on a new record."""
    names = [name[7:] for name in given if name.startswith("custom.")]
    fields = definitions(record_type.key)
    if any(name not in fields for name in names):
        fields = definitions(record_type.key, fresh=True)
    faults: dict[str, Any] = {}
    for name in names:
        try:
            record.custom[name] = _checked(fields[name], record.custom[name], by)
        except KeyError:
            faults[f"custom.{name}"] = _("%s has no such field.") % record_type.label
        except ValidationError as error:
            faults[f"custom.{name}"] = error.messages
    if record.version == 0:
        for name, field in fields.items():
            if field.required and record.custom.get(name) in (None, ""):
                faults[f"custom.{name}"] = _("Fill this in.")
    if faults:
        raise ValidationError(faults)


def filter_value(field: "CustomField", text: str) -> Any:
    """Read a value that records are filtered by; ValidationError when it is not of the field's type."""
    return _CHECKS[field.type](field, text, SYSTEM)


def _checked(field: "CustomField", value: Any, by: Actor) -> Any:
    if value in (None, ""):
        return None
    return _CHECKS[field.type](field, value, by)


def _text(field: "CustomField", value: Any, by: Actor) -> str:
    if not isinstance(value, str) or len(value) > 10_000 or "\x00" in value:
        raise ValidationError(_("Give a text of at most 10,000 characters."))
    return value


def _number(field: "CustomField", value: Any, by: Actor) -> float | int:
    try:
        number = (
            value if isinstance(value, int | float) and not isinstance(value, bool) else float(str(value))
        )
    except ValueError:
        raise ValidationError(_("Give a number.")) from None
    if not math.isfinite(number):
        raise ValidationError(_("Give a number."))
    return int(number) if float(number).is_integer() and abs(number) < 2**53 else number


def _date(field: "CustomField", value: Any, by: Actor) -> str:
    try:
        return (value if isinstance(value, date) else date.fromisoformat(str(value))).isoformat()
    except ValueError:
        raise ValidationError(_("Give a date as year-month-day, such as 2026-03-31.")) from None


def _choice(field: "CustomField", value: Any, by: Actor) -> str:
    if value not in field.choices:
        raise ValidationError(_("Choose one of: %s.") % ", ".join(map(str, field.choices)))
    return str(value)


def _reference(field: "CustomField", value: Any, by: Actor) -> str:
    reference = str(getattr(value, "reference", value))
    found = Record.objects.filter(standing_of(by).visible(Record), reference=reference)
    if field.references:
        found = found.filter(kind=field.references)
    if not found.exists():
        raise ValidationError(_("Choose one of those offered: there is no such record."))
    return reference


def _yes_no(field: "CustomField", value: Any, by: Actor) -> bool:
    answers = {True: True, False: False, "true": True, "false": False, "on": True, "yes": True, "no": False}
    try:
        return answers[value.lower() if isinstance(value, str) else value]
    except (KeyError, TypeError):
        raise ValidationError(_("Answer yes or no.")) from None


_CHECKS = {
    "text": _text,
    "number": _number,
    "date": _date,
    "choice": _choice,
    "reference": _reference,
    "yes_no": _yes_no,
}
