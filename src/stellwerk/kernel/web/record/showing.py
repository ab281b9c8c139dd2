"""Showing machine values to people: labels instead of codes, titles instead of ids."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Case, Value, When
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext as _

from stellwerk.kernel.access.person import Actor
from stellwerk.kernel.access.standing import standing_of
from stellwerk.kernel.custom import values as custom
from stellwerk.kernel.records.declaration import RecordType
from stellwerk.kernel.records.record import Record
from stellwerk.kernel.web import components

LONGEST = 160
Shown = SafeString | str


@dataclass(frozen=True)
class Name:
    """How another record is called, and its address where the reader may open it."""

    title: str
    reference: str
    kind: str
    status: str
    url: str


class Names:
    """The titles of all records that a page refers to, read in one query when the first is asked for."""

    def __init__(self, person: Actor) -> None:
        self.person = person
        self._wanted: set[int] = set()
        self._known: dict[int, Name] = {}

    def want(self, ids: Iterable[Any]) -> None:
        self._wanted |= {pk for pk in ids if isinstance(pk, int)} - self._known.keys()

    def get(self, pk: int) -> Name | None:
        self.want([pk])
        if self._wanted:
            self._read()
        return self._known.get(pk)

    def _read(self) -> None:
        seen = Case(
            When(standing_of(self.person).visible(Record), then=Value(True)),
            default=Value(False),
            output_field=models.BooleanField(),
        )
        rows = Record.objects.filter(pk__in=self._wanted).annotate(seen=seen)
        for pk, title, reference, kind, status, visible in rows.values_list(
            "pk", "title", "reference", "kind", "status", "seen"
        ):
            url = reverse("record", args=[reference]) if visible else ""
            self._known[pk] = Name(title, reference, kind, status, url)
        self._wanted.clear()


@dataclass(frozen=True)
class Shower:
    """Draws the values of one record type's fields."""

    record_type: RecordType[Any]
    names: Names

    def label(self, name: str) -> str:
        """Return a field's name as people read it; never fails for one that is gone."""
        if name.startswith("custom."):
            definition = custom.definitions(self.record_type.key).get(name[7:])
            return definition.title if definition else capfirst(name[7:].replace("_", " "))
        declared = self._field(name)
        return capfirst(str(self.record_type.field_label(name))) if declared else name

    def value(self, name: str, value: Any) -> Shown:
        """Draw a machine value; "" for an empty one."""
        if value is None or value == "":
            return ""
        if name.startswith("custom."):
            return self._custom(name[7:], value)
        if name in self.record_type.references:
            return self._reference(value)
        return self._own(name, value)

    def _own(self, name: str, value: Any) -> Shown:
        declared = self._field(name)
        labels = dict(declared.flatchoices) if declared is not None and declared.choices else {}
        if name == "status":
            return components.status(str(value), self.record_type.status_label(str(value)))
        if name == "priority":
            return components.priority(value, labels.get(value, ""))
        if declared is not None and hasattr(declared, "as_html"):
            drawn: SafeString = declared.as_html(value)  # a field that knows better how it is read
            return drawn
        if isinstance(declared, models.EmailField):
            local, _at, host = value.rpartition("@")
            return format_html('<a class="link" href="mailto:{}">{}<wbr>@{}</a>', value, local, host)
        if isinstance(declared, models.URLField):
            return format_html('<a class="link" href="{}" rel="noopener noreferrer">{}</a>', value, value)
        return str(labels.get(value, value)) if labels else plain(value, declared)

    def plain_value(self, name: str, value: Any) -> str:
        """Name a value in plain words, for tables of comparison."""
        if name in self.record_type.references and isinstance(value, int):
            found = self.names.get(value)
            return found.title if found else ""
        if name == "status":
            return self.record_type.status_label(str(value or ""))
        declared = self._field(name)
        if declared is not None and declared.choices:
            return str(dict(declared.flatchoices).get(value, value) or "")
        if isinstance(declared, models.EmailField | models.URLField):
            return str(value or "")
        return str(self.value(name, value))

    def _field(self, name: str) -> "models.Field[Any, Any] | None":
        return next((field for field in self.record_type.journaled if field.name == name), None)

    def _reference(self, pk: Any) -> Shown:
        found = self.names.get(pk)
        if found is None:
            return ""
        if found.kind in ("person", "team"):
            return components.person(found.title, found.url, team=found.kind == "team")
        return (
            format_html('<a class="link" href="{}">{}</a>', found.url, found.title)
            if found.url
            else found.title
        )

    def _custom(self, name: str, value: Any) -> Shown:
        definition = custom.definitions(self.record_type.key).get(name)
        kind = definition.type if definition else "text"
        if kind == "reference":
            return components.reference(str(value), reverse("record", args=[value]))
        if kind == "date":
            return _day(str(value)) or str(value)
        return plain(value, None)


def plain(value: Any, declared: "models.Field[Any, Any] | None" = None) -> Shown:
    """Draw a machine value of a field without choices."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(declared, models.DateTimeField):
        moment = parse_datetime(str(value))
        return components.exact(moment) if moment else str(value)
    if isinstance(declared, models.DateField):
        return _day(str(value)) or str(value)
    if isinstance(value, int | float):
        return formats.number_format(value)
    if isinstance(value, dict | list):
        return Truncator(json.dumps(value, ensure_ascii=False)).chars(LONGEST)
    return Truncator(str(value)).chars(LONGEST)


def moment_of(text: str) -> datetime | None:
    """Read an instant as a person gives it, in their time zone; None when it is none."""
    try:
        found = parse_datetime(text)
        if found is None:
            day = parse_date(text)
            found = datetime(day.year, day.month, day.day, 23, 59, 59) if day else None  # noqa: DTZ001 -- made aware below
    except (ValueError, OverflowError):
        return None
    if found is None or not 1900 <= found.year <= 9000:
        return None
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def _day(text: str) -> str:
    try:
        day = parse_date(text)
    except ValueError:
        return ""
    return formats.date_format(day, "DATE_FORMAT") if day else ""
