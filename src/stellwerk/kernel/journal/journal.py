"""Appending to a record's journal, and proving that nobody touched it.

Each entry's digest is a keyed hash (HMAC-SHA-256) over its content and the digest before it, so a changed,
removed, inserted or moved entry breaks the chain. The record keeps how many entries there are, the last
digest and a keyed seal over both, so that a cut tail is found too. The key lives outside the database.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from stellwerk.kernel.journal.entry import FORMAT, Entry, Unreadable
from stellwerk.kernel.model.values import Changes

if TYPE_CHECKING:
    from stellwerk.kernel.model.record import Record

START = "0" * 64


@dataclass(frozen=True)
class EntryContext:
    """What is about to be written into a journal, before it is chained."""

    verb: str
    at: datetime
    recorded_at: datetime
    actor_id: int | None
    name: str = ""
    reason: str = ""
    internal: bool = False
    brought_from: str = ""


def append(record: "Record", entry_context: EntryContext, changes: Changes) -> Entry:
    """Chain an entry for `entry_context` onto the record's journal; neither is saved yet."""
    record.journal_count += 1
    entry = Entry(
        number=record.journal_count,
        at=entry_context.at,
        recorded_at=entry_context.recorded_at,
        actor_id=entry_context.actor_id,
        verb=entry_context.verb,
        name=entry_context.name,
        changes=changes,
        reason=entry_context.reason,
        internal=entry_context.internal,
        brought_from=entry_context.brought_from,
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


@lru_cache(maxsize=4)
def _prepared(key: bytes) -> "hmac.HMAC":
    return hmac.new(key, digestmod=hashlib.sha256)


def keyed(text: str) -> str:
    """Hash a text under the key of the journals: hexadecimal, 64 characters."""
    mac = _prepared(settings.STELLWERK_JOURNAL_KEY).copy()
    mac.update(text.encode())
    return mac.hexdigest()


class _Canonical(DjangoJSONEncoder):
    def __init__(self, **_said_by_whoever_makes_one: object) -> None:
        super().__init__(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


_ENCODER = _Canonical()
