"""The columns of a list: which ones there are, which of them a guest may read, and how a cell looks."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from django.db import models
from django.db.models import Case, QuerySet, Value, When
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from stellwerk.kernel.access.person import Actor
from stellwerk.kernel.access.standing import standing_of
from stellwerk.kernel.custom import values as custom
from stellwerk.kernel.records.declaration import RecordType
from stellwerk.kernel.records.record import Record
from stellwerk.kernel.records.selection import CORE_DATES
from stellwerk.kernel.web import components

ALWAYS = ("reference", "title", "status", "party", *CORE_DATES)
MOST_COLUMNS = 30
STAFF_ROW = "seen_as_staff"
Cell = SafeString | str


def choosable(record_type: RecordType[Any], person: Actor) -> list[str]:
    """List the columns that the person may choose from, the declared ones first; long texts are none."""
    own = [f.name for f in record_type.journaled if not isinstance(f, models.TextField | models.JSONField)]
    fields = [f"custom.{name}" for name in custom.definitions(record_type.key)]
    names = list(dict.fromkeys([*record_type.columns, *ALWAYS, *own, *fields]))
    if standing_of(person).scope(record_type) == frozenset():
        names = [name for name in names if name in shown_to_guests(record_type)]
    return names


def shown_to_guests(record_type: RecordType[Any]) -> set[str]:
    """Collect the columns whose cells somebody without a staff role on the record may read."""
    shown = {*record_type.shown_to_requesters, *CORE_DATES, "reference"}
    return shown | {
        f"custom.{name}"
        for name, field in custom.definitions(record_type.key).items()
        if field.shown_to_requesters
    }


def sortable(record_type: RecordType[Any], name: str) -> bool:
    return name in (*record_type.columns, *CORE_DATES, "reference")


def label_of(record_type: RecordType[Any], name: str) -> str:
    if name.startswith("custom."):
        definition = custom.definitions(record_type.key).get(name[7:])
        return definition.title if definition else name[7:]
    return capfirst(str(record_type.field_label(name)))


def loaded(
    queryset: QuerySet[Any], record_type: RecordType[Any], names: Iterable[str], person: Actor
) -> QuerySet[Any]:
    """Have the rows bring what their cells need and no more, and whether the person sees them as staff."""
    fields = {"custom" if name.startswith("custom.") else name for name in names}
    rows: Any = queryset.only("reference", "title", "kind", *record_type.model.STATUS_FIELDS, *fields)
    scope = standing_of(person).scope(record_type)
    if scope is None:
        return rows.annotate(**{STAFF_ROW: Value(True, models.BooleanField())})  # type: ignore[no-any-return]
    condition = standing_of(person).as_staff(queryset.model)
    seen = Case(When(condition, then=Value(True)), default=Value(False), output_field=models.BooleanField())
    return rows.annotate(**{STAFF_ROW: seen})  # type: ignore[no-any-return]


@dataclass
class Cells:
    """Draws the cells of a page of rows. All records that they refer to are read in one query."""

    record_type: RecordType[Any]
    names: Sequence[str]
    records: Sequence[Any]
    now: datetime = field(default_factory=timezone.now)

    def __post_init__(self) -> None:
        self._guests = shown_to_guests(self.record_type)
        self._targets = self._read_targets()
        self._draw = {name: self._drawer(name) for name in self.names}

    def row(self, record: Any) -> components.Row:
        staff = getattr(record, STAFF_ROW, True)
        cells = [
            self._draw[name](record) if staff or name in self._guests else components.nothing()
            for name in self.names
        ]
        return components.Row(record.pk, record.get_absolute_url(), cells, label=record.reference)

    def rows(self) -> list[components.Row]:
        return [self.row(record) for record in self.records]

    def cell(self, record: Any, name: str) -> Cell:
        """Draw one cell."""
        return self._draw[name](record)

    def _read_targets(self) -> dict[int, str]:
        pointing = [name for name in self.names if name in self.record_type.references]
        ids = {getattr(record, f"{name}_id") for record in self.records for name in pointing} - {None}
        return dict(Record.objects.filter(pk__in=ids).values_list("pk", "title")) if pointing else {}

    def _drawer(self, name: str) -> Callable[[Any], Cell]:
        if name.startswith("custom."):
            return lambda record: plain(record.custom.get(name[7:]))
        if name in _NAMED:
            return _NAMED[name]
        if name in self.record_type.references:
            return _once_per_value([f"{name}_id"], self._reference(name))
        declared = self.record_type.field(name)
        if name == "status":
            return _once_per_value(self.record_type.model.STATUS_FIELDS, _status)
        if name == "priority":
            return _once_per_value([name], _priority)
        if declared.choices:
            labels = dict(declared.flatchoices)
            return _once_per_value([name], lambda r: labels.get(getattr(r, name)) or plain(getattr(r, name)))
        if isinstance(declared, models.DateTimeField):
            return lambda record: components.moment(getattr(record, name), self.now)
        return lambda record: plain(getattr(record, name))

    def _reference(self, name: str) -> Callable[[Any], Cell]:
        kind = self.record_type.references[name].__name__

        def draw(record: Any) -> Cell:
            title = self._targets.get(getattr(record, f"{name}_id"), "")
            if not title:
                return components.nothing()
            return components.person(title, team=kind == "Team") if kind in ("Person", "Team") else title

        return draw


def headings(
    record_type: RecordType[Any], names: Iterable[str], ordering: str, address: Callable[[str], str]
) -> list[components.Column]:
    """Return the head of a list; `address` gives the list in another order."""
    drawn = []
    for name in names:
        kind = name if name in ("title", "reference") else "number" if _is_number(record_type, name) else ""
        here = ordering.lstrip("-") == name
        sort = ("descending" if ordering.startswith("-") else "ascending") if here else ""
        url = address(f"-{name}" if sort == "ascending" else name) if sortable(record_type, name) else ""
        labelled = _says_little(record_type, name)
        drawn.append(components.Column(name, label_of(record_type, name), kind, sort, url, labelled))
    return drawn


def plain(value: Any) -> Cell:
    """Show a value as it is, in the reader's language."""
    if value is None or value == "":
        return components.nothing()
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, date):
        return formats.date_format(value, "j M Y")
    if isinstance(value, int | float):
        return formats.number_format(value)
    return str(value)


def _is_number(record_type: RecordType[Any], name: str) -> bool:
    if name.startswith("custom."):
        return False
    declared = record_type.field(name)
    return isinstance(declared, models.IntegerField) and not declared.choices


def _says_little(record_type: RecordType[Any], name: str) -> bool:
    """Whether a value is a mere yes, number or date, which its label must explain; the dates of every list need not."""
    if name in CORE_DATES:
        return False
    if name.startswith("custom."):
        return True
    declared = record_type.field(name)
    return isinstance(declared, models.BooleanField | models.DateField) or _is_number(record_type, name)


def _status(record: Any) -> Cell:
    return components.status(record.status, record.get_status_in_brief())


def _priority(record: Any) -> Cell:
    return components.priority(record.priority, record.get_priority_display())


def _title(record: Any) -> Cell:
    return components.title(record.title, record.get_absolute_url())


def _reference_of(record: Any) -> Cell:
    return format_html('<span class="reference">{}</span>', record.reference)


def _once_per_value(attributes: Iterable[str], draw: Callable[[Any], Cell]) -> Callable[[Any], Cell]:
    """Draw a cell once for all rows of a page that have the same values."""
    known: dict[Any, Cell] = {}
    value_of = attrgetter(*attributes)

    def cell(record: Any) -> Cell:
        value = value_of(record)
        if value not in known:
            known[value] = draw(record)
        return known[value]

    return cell


_NAMED: dict[str, Callable[[Any], Cell]] = {"reference": _reference_of, "title": _title}
"""Fields that look the same on every type that has them."""
