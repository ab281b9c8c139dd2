"""Writing a list to a file: the records that somebody may see, with what of them they may read."""

from collections.abc import Iterator, Sequence
from itertools import islice

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, QuerySet, Value, When
from django.utils.translation import gettext as _

from stellwerk.exchange.formats import Format
from stellwerk.exchange.readers import cells_of
from stellwerk.kernel.fields.field import Field
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.query.selection import Selection

ROWS_AT_ONCE = 500
STAFF_ROW = "exported_as_staff"


class Export:
    """A selection of records, written with their reference, every field that may be read, and their dates."""

    def __init__(self, selection: Selection, columns: Sequence[str] = ()) -> None:
        self.selection = selection
        self.record_type: RecordType = selection.record_type
        self.person: Actor = selection.person
        policy = policy_of(self.person)
        internal = policy.is_administrator or policy.scope(self.record_type) != frozenset()
        offered = self.record_type.readable_fields(internal=internal)
        unknown = [name for name in columns if name not in offered]
        if unknown:
            raise ValidationError({"columns": _("The list has no column “%s”.") % unknown[0]})
        self.columns = ["reference", *(name for name in columns or offered if name != "reference")]
        self.fields = [offered[name] for name in self.columns]

    def stream(self, form: Format) -> Iterator[bytes]:
        """Yield the file block by block; nothing is kept of what was yielded."""
        return form.write(self.columns, self.rows(titled=form.name != "json"))

    def rows(self, *, titled: bool) -> Iterator[list[object]]:
        """Yield the cells of each record; `titled` writes the title of what a reference points to beside it."""
        records = self.queryset().iterator(chunk_size=ROWS_AT_ONCE)
        while batch := list(islice(records, ROWS_AT_ONCE)):
            names = _names(self.fields, batch, titled)
            for record in batch:
                internal = getattr(record, STAFF_ROW)
                yield [
                    cells_of(field).written(field, field.get(record), names)
                    if field.readable_by(internal=internal)
                    else None
                    for field in self.fields
                ]

    def queryset(self) -> QuerySet[Record]:
        model = self.record_type.model
        policy = policy_of(self.person)
        records = self.selection.apply(model._default_manager.visible_to(self.person))
        if policy.is_administrator or policy.scope(self.record_type) is None:
            seen: Case | Value = Value(True, models.BooleanField())
        else:
            seen = Case(
                When(policy.as_staff(model), then=Value(True)),
                default=Value(False),
                output_field=models.BooleanField(),
            )
        annotated: QuerySet[Record] = records.annotate(**{STAFF_ROW: seen})
        return annotated


def _names(fields: Sequence[Field], batch: list[Record], titled: bool) -> dict[int, str]:
    """Look up the references of all records that a batch refers to, in one query."""
    pointing = [field for field in fields if field.target]
    ids = {pk for record in batch for field in pointing for pk in field.refers(field.get(record))}
    found = Record.objects.filter(pk__in=ids).values_list("pk", "reference", "title") if ids else ()
    return {pk: f"{reference} {title}" if titled else reference for pk, reference, title in found}
