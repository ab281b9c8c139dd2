"""Reading what callers send: JSON, its types, references by name. What fits is checked by the verbs."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stellwerk.kernel.api.problems import Problem
from stellwerk.kernel.records.declaration import RecordType
from stellwerk.kernel.records.record import Record
from stellwerk.kernel.records.values import in_utc

LARGEST_ID = 2**63 - 1
NO_ID = 0
"""Stands for a reference that nothing has: no record ever bears this id."""


def json_object(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object in the body; 415 for another type, 400 for what is no JSON object."""
    if request.content_type != "application/json":
        raise Problem(
            415, "unsupported-media-type", _("Send JSON, and say so: Content-Type: application/json.")
        )
    try:
        found = json.loads(request.body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "malformed", _("The body is not valid JSON: %s.") % error) from None
    if not isinstance(found, dict):
        raise Problem(400, "malformed", _("The body must be a JSON object, in braces."))
    if b"\\u" in request.body:
        _refuse_unstorable(found)
    return found


def values_of(
    record_type: RecordType[Any], given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Turn the members of a body into values for the verbs; return them, and the faults of those of a wrong type.

    Unknown members are handed on: the verbs refuse them, as they refuse those that may not be set.
    """
    values: dict[str, Any] = {}
    faults: dict[str, Any] = {}
    references: dict[str, str] = {}
    for name, value in given.items():
        try:
            if name == "custom":
                values |= _custom(value)
            elif name in record_type.references and isinstance(value, str):
                references[name] = value.upper()
            else:
                values[name] = _typed(record_type, name, value)
        except ValidationError as error:
            faults[name] = error.messages
    values |= _resolved(references)
    return values, faults


def refuse_unknown(given: Iterable[str], known: Collection[str]) -> None:
    """Refuse members of a body that mean nothing here."""
    unknown = [name for name in given if name not in known]
    if unknown:
        raise ValidationError(dict.fromkeys(unknown, _("This field cannot be set here.")))


def text(given: Mapping[str, Any], name: str) -> str:
    """Return a member that must be a text."""
    value = given.get(name)
    if not isinstance(value, str):
        raise unfit(name, _("Give a text."))
    return value


def flag(given: Mapping[str, Any], name: str) -> bool:
    """Return a member that is true or false; false when it is missing."""
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise unfit(name, _("Give true or false."))
    return value


def moment(name: str, given: str) -> datetime:
    """Read an instant with its offset from UTC."""
    try:
        found = parse_datetime(given.replace(" ", "+"))
        if found is not None and found.utcoffset() is not None:
            return in_utc(found)
    except ValueError:
        pass
    raise unfit(name, _("Give a moment with its offset, such as 2026-03-31T09:00:00Z."))


def unfit(name: str, why: str) -> ValidationError:
    return ValidationError({name: why})


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _refuse_unstorable(value: Any) -> None:
    """Refuse what only an escape can bring into JSON and no database takes: null characters, half characters."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            raise Problem(
                400, "malformed", _("A text holds a null character or half a character: remove it.")
            )
    elif isinstance(value, dict):
        for name, member in value.items():
            _refuse_unstorable(name)
            _refuse_unstorable(member)
    elif isinstance(value, list):
        for member in value:
            _refuse_unstorable(member)


def _custom(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValidationError(_("Give an object with the names of custom fields."))
    return {f"custom.{name}": member for name, member in value.items()}


# What JSON must hold for a field of each class; the first class that fits counts.
_JSON_TYPES: tuple[tuple[type["models.Field[Any, Any]"], tuple[type, ...], Any], ...] = (
    (models.ForeignKey, (int,), gettext_lazy("Give a reference such as PER-000001, or an id.")),
    (models.BooleanField, (bool,), gettext_lazy("Give true or false.")),
    (models.DecimalField, (str, int, float), gettext_lazy("Give a number.")),
    (models.FloatField, (int, float), gettext_lazy("Give a number.")),
    (models.IntegerField, (int,), gettext_lazy("Give a whole number.")),
    (models.JSONField, (object,), ""),
    (models.Field, (str,), gettext_lazy("Give a text.")),
)


def _typed(record_type: RecordType[Any], name: str, value: Any) -> Any:
    try:
        declared = record_type.field(name)
    except FieldDoesNotExist:
        return value
    for kind, types, message in _JSON_TYPES:
        if isinstance(declared, kind):
            fits = isinstance(value, types) and (bool in types or not isinstance(value, bool))
            if value is not None and not fits and object not in types:
                raise ValidationError(message)
            break
    if declared.choices and value not in (None, "") and value not in dict(declared.flatchoices):
        known = ", ".join(str(choice) for choice, _label in declared.flatchoices)
        raise ValidationError(gettext_lazy("Choose one of: %s.") % known)
    if value is not None and isinstance(declared, models.DateTimeField):
        return moment(name, value)
    if isinstance(declared, models.ForeignKey) and value is not None and not 0 < value <= LARGEST_ID:
        raise ValidationError(_NO_SUCH_RECORD)
    return value


_NO_SUCH_RECORD = gettext_lazy("Choose one of those offered: there is no such record.")


def _resolved(references: Mapping[str, str]) -> dict[str, int]:
    """Find the ids of references, in one query.

    Whether the caller may see them is asked by the verbs, which refuse NO_ID at the same point and in the same words.
    """
    if not references:
        return {}
    found = dict(Record.objects.filter(reference__in=set(references.values())).values_list("reference", "pk"))
    return {name: found.get(reference, NO_ID) for name, reference in references.items()}
