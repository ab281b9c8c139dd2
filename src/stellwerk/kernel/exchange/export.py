"""Writing a list to a file: the records that somebody may see, with what of them they may read."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, QuerySet, Value, When
from django.utils.translation import gettext as _

from stellwerk.kernel.access.person import Actor
from stellwerk.kernel.access.standing import standing_of
from stellwerk.kernel.custom import values as custom
from stellwerk.kernel.exchange.formats import Format
from stellwerk.kernel.records.declaration import RecordType
from stellwerk.kernel.records.record import Record
from stellwerk.kernel.records.selection import CORE_DATES, Selection
from stellwerk.kernel.records.values import to_machine
from stellwerk.kernel.web.lists.columns import shown_to_guests

ROWS_AT_ONCE = 500
STAFF_ROW = "exported_as_staff"


class Export:
    """A selection of records, written with their reference, every field that may be read, and their dates."""

    def __init__(self, selection: Selection, columns: Sequence[str] = ()) -> None:
        self.selection = selection
        self.record_type: RecordType[Any] = selection.record_type
        self.person: Actor = selection.person
        self.guests = shown_to_guests(self.record_type)
        offered = self._offered()
        unknown = [name for name in columns if name not in offered]
        if unknown:
            raise ValidationError({"columns": _("The list has no column “%s”.") % unknown[0]})
        self.columns = ["reference", *(name for name in columns or offered if name != "reference")]

    def stream(self, form: Format) -> Iterator[bytes]:
        """Yield the file block by block; nothing is kept of what was yielded."""
        return form.write(self.columns, self.rows(titled=form.name != "json"))

    def rows(self, *, titled: bool) -> Iterator[list[Any]]:
        """Yield the cells of each record; `titled` writes the title of what a reference points to beside it."""
        records = self.queryset().iterator(chunk_size=ROWS_AT_ONCE)
        while batch := list(islice(records, ROWS_AT_ONCE)):
            names = _names(self.record_type, batch, self.columns, titled)
            for record in batch:
                yield [self._cell(record, column, names) for column in self.columns]

    def queryset(self) -> QuerySet[Any]:
        model = self.record_type.model
        standing = standing_of(self.person)
        records = self.selection.apply(model._default_manager.visible_to(self.person))
        if standing.is_administrator or standing.scope(self.record_type) is None:
            seen: Any = Value(True, models.BooleanField())
        else:
            seen = Case(
                When(standing.as_staff(model), then=Value(True)),
                default=Value(False),
                output_field=models.BooleanField(),
            )
        annotated: QuerySet[Any] = records.annotate(**{STAFF_ROW: seen})
        return annotated

    def _offered(self) -> list[str]:
        """List what may be exported: fields in the order of the form, then those the type keeps itself."""
        fields = [field.name for field in self.record_type.journaled]
        ordered = [name for section in self.record_type.sections for name in section.fields]
        own = [f"custom.{name}" for name in custom.definitions(self.record_type.key)]
        names = dict.fromkeys(["reference", *ordered, "status", *fields, *own, *CORE_DATES])
        standing = standing_of(self.person)
        if standing.is_administrator or standing.scope(self.record_type) != frozenset():
            return list(names)
        return [name for name in names if name in self.guests]

    def _cell(self, record: Any, column: str, names: dict[int, str]) -> Any:
        if column not in self.guests and not getattr(record, STAFF_ROW):
            return None
        if column.startswith("custom."):
            return record.custom.get(column[7:])
        if column in self.record_type.references:
            return names.get(getattr(record, f"{column}_id"))
        return to_machine(getattr(record, column))


def _names(
    record_type: RecordType[Any], batch: list[Any], columns: Sequence[str], titled: bool
) -> dict[int, str]:
    """Look up the references of all records that a batch refers to, in one query."""
    references = [name for name in columns if name in record_type.references]
    ids = {getattr(record, f"{name}_id") for record in batch for name in references} - {None}
    found = Record.objects.filter(pk__in=ids).values_list("pk", "reference", "title")
    return {pk: f"{reference} {title}" if titled else reference for pk, reference, title in found}
