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

from stellwerk.kernel.records.entry import Entry
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
    )
    entry.digest = digest(record.reference, entry)
    record.journal_head = entry.digest
    record.journal_seal = seal(record.reference, record.journal_count, record.journal_head)
    return entry


def digest(reference: str, entry: "Entry | SomeEntry") -> str:
    """Compute the keyed hash of an entry: hexadecimal, 64 characters."""
    content = [
        reference,
        entry.number,
        entry.at.astimezone(UTC).isoformat(),
        entry.recorded_at.astimezone(UTC).isoformat(),
        entry.actor_id,
        entry.verb,
        entry.name,
        entry.changes,
        entry.reason,
        entry.internal,
        entry.brought_from,
        entry.previous,
    ]
    return _keyed(_ENCODER.encode(content))


def seal(reference: str, count: int, head: str) -> str:
    """Compute the keyed hash that ties a record to the length and end of its journal."""
    return _keyed(f"{reference}|{count}|{head}")


def key_mark() -> str:
    """Return by what a backup knows the key again, without giving it away."""
    return _keyed("the key of these journals")


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


class Walk:
    """A walk along one record's entries, which proves the chain and rebuilds the record on the way."""

    def __init__(self, record: "Record") -> None:
        self.record = record
        self.count, self.head = 0, START
        self.values: dict[str, MachineValue] = {}
        self.changes: Changes = {}

    def step(self, entry: "Entry | SomeEntry") -> Iterator[Fault]:
        """Take the next entry and yield what is wrong with it."""
        if entry.number != self.count + 1:
            yield self._fault(self.count + 1, _missing(entry.number, self.count + 1))
        elif entry.previous != self.head:
            yield self._fault(entry.number, _("does not follow the entry before it."))
        self.changes = entry.changes
        if not hmac.compare_digest(digest(self.record.reference, entry).encode(), entry.digest.encode()):
            yield self._fault(entry.number, _("its content was changed after it was written."))
            self.changes = _of_their_shape(entry.changes)
        self.count, self.head = entry.number, entry.digest
        for name, (_before, after) in self.changes.items():
            self.values[name] = after

    def end(self, specific: "Record") -> Iterator[Fault]:
        """Hold the end of the chain and the rebuilt values against the record."""
        record = self.record
        if self.count < record.journal_count:
            yield self._fault(self.count + 1, _("the journal was cut off here."))
        elif record.journal_head != self.head:
            yield self._fault(self.count, _("is not the last entry that the record knows of."))
        expected = seal(record.reference, record.journal_count, record.journal_head)
        if not hmac.compare_digest(expected.encode(), record.journal_seal.encode()):
            yield self._fault(self.count, _("the record's seal over its journal is broken."))
        stored, defaults = machine_values(specific), defaults_of(type(specific))
        for name in sorted({*stored, *self.values}):
            # A field that was added later came to this record with its default, and without an entry.
            came_later = name not in self.values and stored[name] == defaults.get(name)
            if not name.startswith("@") and not came_later and stored.get(name) != self.values.get(name):
                what = _("“%(field)s” in the record is not what the journal says.") % {"field": name}
                yield self._fault(self.count, what)
        for name in ("is_open", "open_to_all"):  # who sees a record and where depends on what follows from it
            if getattr(specific, name) != getattr(specific.record_type, name)(specific):
                what = _("“%(field)s” of the record does not follow from its values.") % {"field": name}
                yield self._fault(self.count, what)

    def _fault(self, number: int, what: str) -> Fault:
        return Fault(self.record.reference, number, what)


def _of_their_shape(changes: Any) -> Changes:
    """Keep of altered changes what still reads as before and after."""
    pairs = changes.items() if isinstance(changes, dict) else ()
    return {name: pair for name, pair in pairs if isinstance(pair, list) and len(pair) == 2}


def _missing(number: int, expected: int) -> str:
    if number > expected:
        return _("is missing; the journal goes on with entry %(number)d.") % {"number": number}
    return _("was expected here, but entry %(number)d stands in its place.") % {"number": number}


@lru_cache(maxsize=4)
def _prepared(key: bytes) -> "hmac.HMAC":
    return hmac.new(key, digestmod=hashlib.sha256)


def _keyed(text: str) -> str:
    mac = _prepared(settings.STELLWERK_JOURNAL_KEY).copy()
    mac.update(text.encode())
    return mac.hexdigest()


class _Canonical(DjangoJSONEncoder):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


_ENCODER = _Canonical()
