"""Appending to a record's journal, and proving that nobody touched it.

Each entry's digest is a keyed hash (HMAC-SHA-256) over its content and the digest before it, so a changed,
removed, inserted or moved entry breaks the chain. The record keeps how many entries there are, the last
digest and a keyed seal over both, so that a cut tail is found too. The key lives outside the database.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _

from stellwerk.kernel.records.entry import FORMAT, QUIET, Entry, Unreadable, Verb, read_changes
from stellwerk.kernel.records.related import Related
from stellwerk.kernel.records.values import Changes, MachineValue, defaults_of, machine_values

if TYPE_CHECKING:
    from stellwerk.kernel.records.record import Record

START = "0" * 64


@dataclass(frozen=True)
class Deed:
    """What is about to be written into a journal, before it is chained."""

    verb: str
    at: datetime
    recorded_at: datetime
    actor_id: int | None
    name: str = ""
    reason: str = ""
    internal: bool = False
    brought_from: str = ""


def append(record: "Record", deed: Deed, changes: Changes) -> Entry:
    """Chain an entry for `deed` onto the record's journal; neither is saved yet."""
    record.journal_count += 1
    entry = Entry(
        number=record.journal_count,
        at=deed.at,
        recorded_at=deed.recorded_at,
        actor_id=deed.actor_id,
        verb=deed.verb,
        name=deed.name,
        changes=changes,
        reason=deed.reason,
        internal=deed.internal,
        brought_from=deed.brought_from,
        previous=record.journal_head or START,
        format=FORMAT,
    )
    entry.digest = digest(record.reference, entry)
    record.journal_head = entry.digest
    record.journal_seal = seal(record.reference, record.journal_count, record.journal_head)
    return entry


def digest(reference: str, entry: "Entry | SomeEntry") -> str:
    """Compute the keyed hash of an entry: hexadecimal, 64 characters.

    The format stands before the rest, and so cannot be taken away; entries of version 0.1 have none.
    """
    changes = entry.changes
    content = [
        *(() if entry.format is None else (entry.format,)),
        reference,
        entry.number,
        entry.at.astimezone(UTC).isoformat(),
        entry.recorded_at.astimezone(UTC).isoformat(),
        entry.actor_id,
        entry.verb,
        entry.name,
        changes.stored if isinstance(changes, Unreadable) else changes,
        entry.reason,
        entry.internal,
        entry.brought_from,
        entry.previous,
    ]
    return keyed(_ENCODER.encode(content))


def seal(reference: str, count: int, head: str) -> str:
    """Compute the keyed hash that ties a record to the length and end of its journal."""
    return keyed(f"{reference}|{count}|{head}")


def key_mark() -> str:
    """Return by what a backup knows the key again, without giving it away."""
    return keyed("the key of these journals")


@dataclass(frozen=True)
class Fault:
    """Something in a journal that is not as it was written."""

    reference: str
    number: int
    what: str

    def __str__(self) -> str:
        return f"{self.reference}, entry {self.number}: {self.what}"


def verify(record: "Record", entries: "Iterable[Entry | SomeEntry]") -> Iterator[Fault]:
    """Check a record against its entries (ascending by number) and yield every fault found."""
    walk = Walk(record)
    for entry in entries:
        yield from walk.step(entry)
    yield from walk.end(record.specific)


class SomeEntry(Protocol):
    """What a journal entry is verified by; read-only, so that rows of a query do as well."""

    @property
    def number(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def recorded_at(self) -> datetime: ...
    @property
    def actor_id(self) -> int | None: ...
    @property
    def verb(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def changes(self) -> Changes: ...
    @property
    def reason(self) -> str: ...
    @property
    def internal(self) -> bool: ...
    @property
    def brought_from(self) -> str: ...
    @property
    def previous(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def format(self) -> int | None: ...


class Walk:
    """A walk along one record's entries, which proves the chain and rebuilds the record on the way."""

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
            yield self.fault(entry.number, _("does not follow the entry before it."))
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
        except (KeyError, TypeError, AttributeError):
            if intact:
                raise

    def end(self, specific: "Record") -> Iterator[Fault]:
        """Hold the end of the chain and the rebuilt values against the record."""
        record = self.record
        yield from self._counted()
        if self.count < record.journal_count:
            yield self.fault(self.count + 1, _("the journal was cut off here."))
        elif record.journal_head != self.head:
            yield self.fault(self.count, _("is not the last entry that the record knows of."))
        expected = seal(record.reference, record.journal_count, record.journal_head)
        if not hmac.compare_digest(expected.encode(), record.journal_seal.encode()):
            yield self.fault(self.count, _("the record's seal over its journal is broken."))
        stored, defaults = machine_values(specific), defaults_of(type(specific))
        for name in sorted({*stored, *self.values}):
            # A field that was added later came to this record with its default, and without an entry.
            came_later = name not in self.values and stored[name] == defaults.get(name)
            if not name.startswith("@") and not came_later and stored.get(name) != self.values.get(name):
                what = _("“%(field)s” in the record is not what the journal says.") % {"field": name}
                yield self.fault(self.count, what)
        for name in ("is_open", "open_to_all"):  # who sees a record and where depends on what follows from it
            if getattr(specific, name) != getattr(specific.record_type, name)(specific):
                what = _("“%(field)s” of the record does not follow from its values.") % {"field": name}
                yield self.fault(self.count, what)

    def _counted(self) -> Iterator[Fault]:
        """Hold what the core row says of its writes against them."""
        for name in ("version", "created_at", "updated_at"):
            if getattr(self.record, name) != getattr(self, name):
                what = _("“%(field)s” in the record is not what the journal says.") % {"field": name}
                yield self.fault(self.count, what)

    def fault(self, number: int, what: str) -> Fault:
        return Fault(self.record.reference, number, what)


def _missing(number: int, expected: int) -> str:
    if number > expected:
        return _("is missing; the journal goes on with entry %(number)d.") % {"number": number}
    return _("was expected here, but entry %(number)d stands in its place.") % {"number": number}


@lru_cache(maxsize=4)
def _prepared(key: bytes) -> "hmac.HMAC":
    return hmac.new(key, digestmod=hashlib.sha256)


def keyed(text: str) -> str:
    """Hash a text under the key of the journals: hexadecimal, 64 characters."""
    mac = _prepared(settings.STELLWERK_JOURNAL_KEY).copy()
    mac.update(text.encode())
    return mac.hexdigest()


class _Canonical(DjangoJSONEncoder):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


_ENCODER = _Canonical()
