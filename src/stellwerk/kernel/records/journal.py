"""Appending to a record's journal, and proving that nobody touched it.

Each entry's digest is a keyed hash (HMAC-SHA-256) over its content and the digest before it, so a changed,
removed, inserted or moved entry breaks the chain. The record keeps how many entries there are, the last
digest and a keyed seal over both, so that a cut tail is found too. The key lives outside the database.
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _

from stellwerk.kernel.records.entry import Entry
from stellwerk.kernel.records.values import Changes, machine_values

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


def digest(reference: str, entry: Entry) -> str:
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


@dataclass(frozen=True)
class Fault:
    """Something in a journal that is not as it was written."""

    reference: str
    number: int
    what: str

    def __str__(self) -> str:
        return f"{self.reference}, entry {self.number}: {self.what}"


def verify(record: "Record", entries: list[Entry]) -> Iterator[Fault]:
    """Check a record's entries (ascending by id, as they were written) and yield every fault found."""
    expected, head = 1, START
    for entry in entries:
        if entry.number != expected:
            yield Fault(record.reference, expected, _missing(entry.number, expected))
        elif entry.previous != head:
            yield Fault(record.reference, entry.number, _("does not follow the entry before it."))
        if not hmac.compare_digest(digest(record.reference, entry), entry.digest):
            yield Fault(record.reference, entry.number, _("its content was changed after it was written."))
        expected, head = entry.number + 1, entry.digest
    yield from _verify_end(record, expected - 1, head)


def _missing(number: int, expected: int) -> str:
    if number > expected:
        return _("is missing; the journal goes on with entry %(number)d.") % {"number": number}
    return _("was expected here, but entry %(number)d stands in its place.") % {"number": number}


def _verify_end(record: "Record", count: int, head: str) -> Iterator[Fault]:
    from stellwerk.kernel.records.replay import replay

    if count < record.journal_count:
        yield Fault(record.reference, count + 1, _("the journal was cut off here."))
    elif record.journal_head != head:
        yield Fault(record.reference, count, _("is not the last entry that the record knows of."))
    if not hmac.compare_digest(
        seal(record.reference, record.journal_count, record.journal_head), record.journal_seal
    ):
        yield Fault(record.reference, count, _("the record's seal over its journal is broken."))
    specific = record.specific
    stored, replayed = machine_values(specific), replay(specific)
    for name in sorted({*stored, *replayed}):
        if stored.get(name) != replayed.get(name):
            yield Fault(
                record.reference,
                count,
                _("“%(field)s” in the record is not what the journal says.") % {"field": name},
            )


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
