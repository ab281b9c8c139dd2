"""Rebuilding a record's past from its journal."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError

from stellwerk.kernel.journal.entry import QUIET, Entry
from stellwerk.kernel.model.values import MachineValue, journaled_fields, load_machine

if TYPE_CHECKING:
    from stellwerk.kernel.model.record import Record


def replay(record: "Record", until: datetime | None = None) -> dict[str, MachineValue]:
    """Fold the record's entries up to `until` (all of them without) into machine values."""
    entries = Entry.objects.filter(record_id=record.pk).order_by("number")
    if until is not None:
        entries = entries.filter(at__lte=until)
    return fold(entry.changes for entry in entries.only("changes"))


def fold(changes: Iterable[dict[str, list[MachineValue]]]) -> dict[str, MachineValue]:
    """Apply `{field: [before, after]}` one after another; fields that end up empty are left out."""
    values: dict[str, MachineValue] = {}
    for change in changes:
        for name, (_before, after) in change.items():
            values[name] = after
    return {name: value for name, value in values.items() if value is not None and not name.startswith("@")}


def as_of(record: "Record", moment: datetime) -> "Record | None":
    """Rebuild the record as it was at `moment` (aware); an unsaved copy, or None before its first entry."""
    entries = Entry.objects.filter(record_id=record.pk, at__lte=moment)
    count = entries.count()
    if not count:
        return None
    model = record.record_type.model
    past: Record = model(
        pk=record.pk, kind=record.kind, reference=record.reference, created_at=record.created_at
    )
    load_machine(past, _fitting(model, replay(record, moment)))
    past.journal_count = count
    past.version = (writes := entries.exclude(verb__in=QUIET)).count()
    past.updated_at = writes.order_by("-number").values_list("at", flat=True)[0]
    return past


def _fitting(model: type["Record"], values: dict[str, MachineValue]) -> dict[str, MachineValue]:
    """Leave out what does not fit its field: no program of ours wrote it into the journal."""
    fields = {field.name: field for field in journaled_fields(model)}
    fitting = {}
    for name, value in values.items():
        with suppress(ValidationError, TypeError, ValueError):
            if name in fields:
                fields[name].to_python(value)
            fitting[name] = value
    return fitting
