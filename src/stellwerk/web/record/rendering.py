"""Showing machine values to people: labels instead of codes, titles instead of ids."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.urls import NoReverseMatch
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from stellwerk.kernel.fields.field import Field
from stellwerk.kernel.fields.gone import Gone
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import address_of
from stellwerk.kernel.model.references import summaries_of
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.web import components
from stellwerk.web.fields import renderer_of
from stellwerk.web.fields.renderer import LONGEST, Name, titles_of

Shown = SafeString | str


class Names:
    """The titles of all records that a page refers to, looked up together when the first is asked for."""

    def __init__(self, person: Actor) -> None:
        self.person = person
        self._wanted: set[int] = set()
        self._known: dict[int, Name] = {}

    def want(self, ids: Iterable[object]) -> None:
        self._wanted |= {pk for pk in ids if isinstance(pk, int)} - self._known.keys()

    def get(self, pk: int) -> Name | None:
        self.want([pk])
        if self._wanted:
            self._read()
        return self._known.get(pk)

    def _read(self) -> None:
        summaries = summaries_of(self._wanted)
        seen = policy_of(self.person).seen_among(summaries.values())
        for pk, one in summaries.items():
            url = address_of(one.reference) if pk in seen else ""
            self._known[pk] = Name(one.title, one.reference, one.kind, one.status, url)
        self._wanted.clear()


@dataclass(frozen=True)
class Renderer:
    """Draws the values of one record type's fields."""

    record_type: RecordType
    names: Names

    def label(self, name: str) -> str:
        """Return a field's name as people read it; never fails for one that is gone."""
        return self.record_type.label_of(name)

    def value(self, name: str, value: object) -> Shown:
        """Draw a machine value; "" for an empty one."""
        field = self._field(name)
        try:
            shown = "" if field.is_empty(value) else renderer_of(field).shown(field, value, self.names)
            return components.outdated(shown) if field.is_outdated(value) else shown
        except (TypeError, ValueError, AttributeError, LookupError, ValidationError, NoReverseMatch):
            return Truncator(str(value)).chars(LONGEST)  # no program of ours wrote it into a journal

    def plain_value(self, name: str, value: object) -> str:
        """Name a value in plain words, for tables of comparison."""
        field = self._field(name)
        text = "" if field.is_empty(value) else field.text(value, titles_of(self.names))
        return Truncator(text).chars(LONGEST)

    def ids(self, values: Mapping[str, object]) -> Iterable[int]:
        """Yield the ids of the records that machine values, by field, point to."""
        for name, field in self.record_type.pointing.items():
            yield from field.refers(values.get(name))

    def _field(self, name: str) -> Field:
        """Return a field; what is gone and what an installation no longer uses is drawn as a mere value."""
        known = self.record_type
        in_use = known.own_fields.get(name) or known.fields.get(name)
        return in_use or known.retired_fields.get(name) or Gone(name, name)


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
