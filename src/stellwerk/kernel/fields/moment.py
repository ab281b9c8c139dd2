"""Days and instants."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import formats, timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from stellwerk.kernel.fields.field import Field, Reader, ReferenceOutput, Titles, kind
from stellwerk.kernel.fields.machine import in_utc, to_machine
from stellwerk.kernel.fields.schema import Schema
from stellwerk.vocabulary import JsonValue

D = TypeVar("D", bound=date)


@kind
class Date(Field):
    """A day."""

    kind = "date"
    says_little = True

    @property
    def ranged(self) -> bool:  # type: ignore[override]
        return self.column is not None

    def read(self, value: object) -> object:
        return value.isoformat() if isinstance(value, date) else value

    def fault(self, value: object) -> str:
        fits = isinstance(value, str) and len(value) == 10 and _day(value)
        return "" if fits else _("Give a date as year-month-day, such as 2026-03-31.")

    def schema(self) -> Schema:
        return {"type": "string", "format": "date"}

    def text(self, value: object, titles: Titles) -> str:
        day = _day(str(value))
        return formats.date_format(day, "DATE_FORMAT") if day else str(value)

    def filter(self, values: Sequence[str], reader: Reader) -> Q:
        if self.column is None:
            return super().filter(values, reader)
        raise ValidationError(_("Use %(name)s__gte and %(name)s__lt.") % {"name": self.name})

    def bound(self, end: str, text: str) -> date:
        day, instant = _read(text)
        return _given(day or (instant and _day_of(instant)))

    def filter_text(self, text: str, reader: Reader) -> str:
        return text if self.column is None else formats.date_format(self.bound("", text))


@kind
class Instant(Field):
    """A moment, kept in UTC and shown as the reader's clock has it."""

    kind = "instant"
    says_little = True
    ranged = True

    def schema(self) -> Schema:
        return {"type": "string", "format": "date-time"}

    def to_json(self, value: object, referred: Mapping[int, ReferenceOutput]) -> object:
        return str(to_machine(value)).replace("+00:00", "Z") if value else None

    def from_json(self, value: JsonValue) -> object:
        try:
            found = parse_datetime(str(super().from_json(value)).replace(" ", "+"))
            if found is not None and found.utcoffset() is not None:
                return in_utc(found)
        except ValueError:
            pass
        raise ValidationError(_("Give a date and time with a UTC offset, such as 2026-03-31T09:00:00Z."))

    def text(self, value: object, titles: Titles) -> str:
        _day, moment = _read(str(value))
        if moment is None:
            return str(value)
        local = timezone.localtime(moment)
        return f"{formats.date_format(local, 'DATE_FORMAT')} {formats.time_format(local, 'H:i')}"

    def filter(self, values: Sequence[str], reader: Reader) -> Q:
        raise ValidationError(_("Use %(name)s__gte and %(name)s__lt.") % {"name": self.name})

    def bound(self, end: str, text: str) -> datetime:
        """Read a day or an instant; a day means its beginning in the reader's time zone."""
        day, instant = _read(text)
        if day and (instant is None or len(text) <= 10):
            return timezone.make_aware(datetime.combine(day, time()))
        return _given(instant if instant is None or instant.tzinfo else timezone.make_aware(instant))

    def filter_text(self, text: str, reader: Reader) -> str:
        local = timezone.localtime(self.bound("", text))
        return formats.date_format(local, "DATE_FORMAT" if local.time() == time() else "DATETIME_FORMAT")


def _read(text: str) -> tuple[date | None, datetime | None]:
    try:
        day, instant = parse_date(text), parse_datetime(text)
        return day, in_utc(instant) if instant and instant.tzinfo else instant
    except ValueError:
        return None, None


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _day_of(instant: datetime) -> date:
    return timezone.localdate(instant) if instant.tzinfo else instant.date()


def _given(found: D | None) -> D:
    if found is None:
        raise ValidationError(_("Give a date as year-month-day, such as 2026-03-31."))
    return found
