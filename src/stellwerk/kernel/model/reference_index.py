"""What points to a record by more than a foreign key: lists of ids in rows, and references in added fields.

Foreign keys have indexes of their own. For all else this table has a row for each record that another points to. The
verbs keep it in the transaction of their write; it follows from the records alone and can be rebuilt from them.
"""

import re
from collections.abc import Iterable

from django.db import models, transaction

from stellwerk.kernel.fields.field import Field
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.values import Changes

ROWS_AT_ONCE = 500
_REFERENCE = re.compile(r"[A-Z]{2,4}-[0-9]+")


class Pointer(models.Model):
    """A record, the field by which it points to another, and that other."""

    record = models.ForeignKey("kernel.Record", models.CASCADE, related_name="+", db_constraint=False)
    field = models.CharField(max_length=60)
    target = models.ForeignKey(
        "kernel.Record", models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )

    class Meta:
        indexes = (models.Index("target", "field", "record", name="pointer_target"),)

    def __str__(self) -> str:
        return f"{self.record_id} {self.field} {self.target_id}"


def keep(written: Iterable[tuple[Record, Changes]]) -> None:
    """Write anew what records point to by the fields that changed; no query where none of them points."""
    pointing = [
        (record, name, field)
        for record, changes in written
        for name, both in changes.items()
        if (field := _pointing(record, name, both))
    ]
    if not pointing:
        return
    for record, name, _field in pointing:
        if record.version > 1:
            Pointer.objects.filter(record=record.pk, field=name).delete()
    Pointer.objects.bulk_create(_rows(pointing), batch_size=ROWS_AT_ONCE)


def rebuild() -> None:
    """Make the whole table anew from the records."""
    with transaction.atomic():
        Pointer.objects.all().delete()
        for record_type in registry.all_types():
            fields = {name: field for name, field in record_type.fields.items() if indexed(field)}
            records = record_type.model._default_manager.all() if fields else ()
            for record in records:
                pointing = [(record, name, field) for name, field in fields.items()]
                Pointer.objects.bulk_create(_rows(pointing), batch_size=ROWS_AT_ONCE)


def indexed(field: Field) -> bool:
    """Whether a field points to records otherwise than by a foreign key."""
    return field.points and (field.many or field.column is None)


def _pointing(record: Record, name: str, both: object) -> Field | None:
    """Return a changed field if it is one to keep; added fields are looked up only where a value may be a reference."""
    if name.startswith("custom."):
        if not _REFERENCE.search(str(both)):
            return None
        field = record.record_type.fields.get(name)
    else:
        field = record.record_type.own_fields.get(name)
    return field if field and indexed(field) else None


def _rows(pointing: Iterable[tuple[Record, str, Field]]) -> list[Pointer]:
    held = [(record, name, field, field.get(record)) for record, name, field in pointing]
    named = {reference for *_which, field, value in held for reference in field.named(value)}
    ids = dict(Record.objects.filter(reference__in=named).values_list("reference", "pk")) if named else {}
    return [
        Pointer(record_id=record.pk, field=name, target_id=pk)
        for record, name, field, value in held
        for pk in (*field.refers(value), *(ids[each] for each in field.named(value) if each in ids))
    ]
