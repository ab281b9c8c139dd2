"""The columns of a list: which ones there are, and how the cells of a page are drawn."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import models
from django.db.models import Case, QuerySet, Value, When
from django.utils import timezone

from stellwerk.kernel.fields.field import Field
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.declaration import CORE_DATES, RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.web import components
from stellwerk.web.fields import renderer_of
from stellwerk.web.fields.renderer import Cell, CellPage

ALWAYS = ("reference", "title", "status", "party", *CORE_DATES)
MOST_COLUMNS = 30
STAFF_ROW = "seen_as_staff"


def choosable(record_type: RecordType, person: Actor) -> list[str]:
    """List the columns that the person may choose from, the declared ones first; long texts are none."""
    internal = policy_of(person).scope(record_type) != frozenset()
    fields = record_type.readable_fields(internal=internal)
    names = dict.fromkeys([*record_type.columns, *ALWAYS, *(name for name, f in fields.items() if f.listed)])
    return [name for name in names if name in fields]


def sortable(record_type: RecordType, name: str) -> bool:
    return name in (*record_type.columns, *CORE_DATES, "reference") and not record_type.fields[name].many


def loaded(
    queryset: QuerySet[Record], record_type: RecordType, names: Iterable[str], person: Actor
) -> QuerySet[Record]:
    """Have the rows bring what their cells need and no more, and whether the person sees them as staff."""
    fields = {record_type.fields[name].loads for name in names}
    rows = queryset.only("reference", "title", "kind", *record_type.model.STATUS_FIELDS, *fields)
    scope = policy_of(person).scope(record_type)
    if scope is None:
        return rows.annotate(**{STAFF_ROW: Value(True, models.BooleanField())})
    condition = policy_of(person).as_staff(queryset.model)
    seen = Case(When(condition, then=Value(True)), default=Value(False), output_field=models.BooleanField())
    return rows.annotate(**{STAFF_ROW: seen})


@dataclass
class Cells:
    """Draws the cells of a page of rows. All records that they refer to are read in one query."""

    record_type: RecordType
    names: Sequence[str]
    records: Sequence[Record]
    now: datetime = field(default_factory=timezone.now)

    def __post_init__(self) -> None:
        known = self.record_type.fields
        self._fields = {name: known[name] for name in self.names}
        page = CellPage(self.record_type, self._read_titles(), self.now)
        self._draw = {name: _drawer(each, page) for name, each in self._fields.items()}
        # Of each column: what draws it, and whether guests may read it.
        self._row = [(self._draw[n], each.readable_by(internal=False)) for n, each in self._fields.items()]

    def row(self, record: Record) -> components.Row:
        staff = getattr(record, STAFF_ROW, True)
        cells = [
            draw(record) if staff or open_to_guests else components.nothing()
            for draw, open_to_guests in self._row
        ]
        return components.Row(record.pk, record.get_absolute_url(), cells, label=record.reference)

    def rows(self) -> list[components.Row]:
        return [self.row(record) for record in self.records]

    def cell(self, record: Record, name: str) -> Cell:
        """Draw one cell."""
        return self._draw[name](record)

    def _read_titles(self) -> dict[int | str, str]:
        pointing = [each for each in self._fields.values() if each.target]
        ids = {pk for record in self.records for each in pointing for pk in each.refers(each.get(record))}
        return dict(Record.objects.filter(pk__in=ids).values_list("pk", "title")) if pointing else {}


def headings(
    record_type: RecordType, names: Iterable[str], ordering: str, address: Callable[[str], str]
) -> list[components.Column]:
    """Return the head of a list; `address` gives the list in another order."""
    drawn = []
    for name in names:
        each = record_type.fields[name]
        kind = name if name in _NAMED else "number" if each.numeric and each.column is not None else ""
        here = ordering.lstrip("-") == name
        sort = ("descending" if ordering.startswith("-") else "ascending") if here else ""
        url = address(f"-{name}" if sort == "ascending" else name) if sortable(record_type, name) else ""
        labelled = name not in CORE_DATES and (each.says_little or each.column is None)
        drawn.append(components.Column(name, each.title, kind, sort, url, labelled))
    return drawn


def _drawer(each: Field, page: CellPage) -> Callable[[Record], Cell]:
    return _NAMED.get(each.name) or renderer_of(each).drawer(each, page)


def _title(record: Record) -> Cell:
    return components.title(record.title, record.get_absolute_url())


def _reference_of(record: Record) -> Cell:
    return components.reference(record.reference)


_NAMED: dict[str, Callable[[Record], Cell]] = {"reference": _reference_of, "title": _title}
"""Fields that look the same on every type that has them."""
