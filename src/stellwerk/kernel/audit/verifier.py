"""Walking along a journal, from entry to entry, and finding what does not follow."""

import hmac
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from stellwerk.kernel.audit.related import Related
from stellwerk.kernel.journal.entry import QUIET, Entry, Verb, read_changes
from stellwerk.kernel.model.values import Changes, MachineValue, defaults_of, machine_values

if TYPE_CHECKING:
    from stellwerk.kernel.model.record import Record
from stellwerk.kernel.journal.journal import START, Fault, SomeEntry, digest, seal


def verify(record: "Record", entries: "Iterable[Entry | SomeEntry]") -> Iterator[Fault]:
    """Check a record against its entries (ascending by number) and yield every fault found."""
    verifier = Verifier(record)
    for entry in entries:
        yield from verifier.step(entry)
    yield from verifier.end(record.specific)


class Verifier:
    """Follows one record's entries: proves the chain and rebuilds the record on the way."""

    def __init__(self, record: "Record") -> None:
        self.record = record
        self.record_type = record.record_type
        self.count, self.head = 0, START
        self.values: dict[str, MachineValue] = {}
        self.changes: Changes = {}
        self.related = Related()
        self.covers_watchers = False
        self.version = 0
        self.created_at: datetime | None = None
        self.updated_at: datetime | None = None

    def step(self, entry: "Entry | SomeEntry") -> Iterator[Fault]:
        """Take the next entry and yield what is wrong with it."""
        if entry.number != self.count + 1:
            yield self.fault(self.count + 1, _missing(entry.number, self.count + 1))
        elif entry.previous != self.head:
            yield self.fault(entry.number, _("doesn't follow the entry before it."))
        self.changes = entry.changes
        intact = hmac.compare_digest(digest(self.record.reference, entry).encode(), entry.digest.encode())
        if not intact:
            yield self.fault(entry.number, _("its content was changed after it was written."))
            self.changes = read_changes(entry.changes)
        self.count, self.head = entry.number, entry.digest
        for name, (_before, after) in self.changes.items():
            self.values[name] = after
        self._take_related(entry, intact)
        if self.created_at is None:
            self.created_at = entry.at
        if entry.verb not in QUIET:
            self.version += 1
            self.updated_at = entry.at

    def _take_related(self, entry: "Entry | SomeEntry", intact: bool) -> None:
        if entry.format is None:
            self.related.take_participants(self.record_type, self.changes, self.values)
        elif entry.number == 1 or entry.verb == Verb.BASELINE:
            self.covers_watchers = True
        try:
            self.related.take(self.changes)
        except (KeyError, TypeError, ValueError):
            if intact:
                raise

    def end(self, specific: "Record") -> Iterator[Fault]:
        """Hold the end of the chain and the rebuilt values against the record."""
        record = self.record
        yield from self._counted()
        if self.count < record.journal_count:
            yield self.fault(self.count + 1, _("the journal was cut off here."))
        elif record.journal_head != self.head:
            yield self.fault(self.count, _("isn't the last entry that the record knows of."))
        expected = seal(record.reference, record.journal_count, record.journal_head)
        if not hmac.compare_digest(expected.encode(), record.journal_seal.encode()):
            yield self.fault(self.count, _("the record's seal over its journal is broken."))
        stored, defaults = machine_values(specific), defaults_of(type(specific))
        for name in sorted({*stored, *self.values}):
            # A field that was added later came to this record with its default, and without an entry.
            came_later = name not in self.values and stored[name] == defaults.get(name)
            if not name.startswith("@") and not came_later and stored.get(name) != self.values.get(name):
                what = _("“%(field)s” in the record doesn't match the journal.") % {"field": name}
                yield self.fault(self.count, what)
        for name in ("is_open", "open_to_all"):  # who sees a record and where depends on what follows from it
            if getattr(specific, name) != getattr(specific.record_type, name)(specific):
                what = _("“%(field)s” of the record doesn't follow from its values.") % {"field": name}
                yield self.fault(self.count, what)

    def _counted(self) -> Iterator[Fault]:
        """Hold what the core row says of its writes against them."""
        for name in ("version", "created_at", "updated_at"):
            if getattr(self.record, name) != getattr(self, name):
                what = _("“%(field)s” in the record doesn't match the journal.") % {"field": name}
                yield self.fault(self.count, what)

    def fault(self, number: int, what: str) -> Fault:
        return Fault(self.record.reference, number, what)


def _missing(number: int, expected: int) -> str:
    if number > expected:
        return _("is missing; the journal continues with entry %(number)d.") % {"number": number}
    return _("was expected here, but found entry %(number)d.") % {"number": number}
