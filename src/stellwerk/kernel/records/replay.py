"""Rebuilding a record's past from its journal."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from stellwerk.kernel.records.entry import Entry
from stellwerk.kernel.records.values import MachineValue, load_machine

if TYPE_CHECKING:
    from stellwerk.kernel.records.record import Record


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
    load_machine(past, replay(record, moment))
    past.version = past.journal_count = count
    past.updated_at = entries.order_by("-number").values_list("at", flat=True)[0]
    return past
