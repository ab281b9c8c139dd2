"""Writers: how what the verbs decide comes into the database, at once or collected, or not at all."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from django.db import models, transaction
from django.db.models import Q

from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model import numbering, reference_index, shared_cache
from stellwerk.kernel.model.record import Record, copy_of
from stellwerk.kernel.model.roles import Capacity
from stellwerk.kernel.model.values import Changes
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.write import indexing
from stellwerk.kernel.write.events import Event, publish

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class ShareChanges:
    """What a write begins to share a record by, and with which people and parties it ends to: capacities by id."""

    made: Sequence[Share] = ()
    ended: Mapping[int, str] = field(default_factory=dict)


SHARED_AS_BEFORE = ShareChanges()


class Writer(Protocol):
    """What the verbs ask of whoever writes for them."""

    brings_history: bool
    """Whether what happened elsewhere is written down: who acted is named and not asked, and nothing is set off."""
    rehearses: bool
    """Whether everything is checked and nothing written."""
    notifies: bool
    """Whether people are told of what is written."""
    found: Mapping[str, object]
    """Faults by field that were found before the verb was called, to be told with its own."""

    def atomic(self) -> AbstractContextManager[object]:
        """Return the transaction in which one deed is done."""

    def lock(self, record: R) -> R:
        """Return the record as it is now, and keep others from writing it."""

    def number(self, prefix: str) -> int:
        """Draw the number of a new record."""

    def shares(self, record: Record) -> dict[int, str]:
        """Map those with whom the record is shared, or will be, by id, to the capacities."""

    def created(self, record: Record, entry: Entry, shares: Sequence[Share]) -> None: ...

    def changed(self, record: Record, entry: Entry, fields: Iterable[str], shares: ShareChanges) -> None: ...

    def commented(self, record: Record, comment: models.Model, text: indexing.CommentText) -> None: ...

    def publish(self, event: Event) -> None: ...


class Direct:
    """Writes each deed at once; `write.bulk` has the base of those for many."""

    brings_history = False
    rehearses = False
    notifies = True
    found: Mapping[str, object] = {}

    def atomic(self) -> AbstractContextManager[object]:
        return transaction.atomic()

    def lock(self, record: R) -> R:
        return locked(record)

    def number(self, prefix: str) -> int:
        return numbering.take(prefix)[0]

    def shares(self, record: Record) -> dict[int, str]:
        """Map those with whom the record is shared, by id, to the capacities."""
        known = Share.objects.filter(record_id=record.pk).values_list("person", "party", "capacity")
        return {person or party or 0: str(capacity) for person, party, capacity in known}

    def created(self, record: Record, entry: Entry, shares: Sequence[Share]) -> None:
        record.save(force_insert=True)
        self._append(record, entry)
        reference_index.keep([(record, entry.changes)])
        for share in shares:
            share.record_id = record.pk
        # Whoever asks next who may see it need not read them again.
        record.__dict__["_shares"] = Share.objects.bulk_create(shares)
        indexing.refresh(record)
        if record.record_type.seldom_changes:
            shared_cache.invalidate()

    def changed(self, record: Record, entry: Entry, fields: Iterable[str], shares: ShareChanges) -> None:
        record.save(update_fields=[*fields, *BOOKKEEPING])
        self._append(record, entry)
        reference_index.keep([(record, entry.changes)])
        if shares.made or shares.ended:
            end_shares(record, shares.ended)
            Share.objects.bulk_create(shares.made)
            record.__dict__.pop("_shares", None)
        if indexing.concerns(record, fields):
            indexing.refresh(record)

    def commented(self, record: Record, comment: models.Model, text: indexing.CommentText) -> None:
        comment.save(force_insert=True)
        indexing.follow(record, {comment.pk: text})

    def publish(self, event: Event) -> None:
        publish(event)

    def _append(self, record: Record, entry: Entry) -> None:
        entry.record = record
        entry.save(force_insert=True)


class Rehearsal(Direct):
    """Checks everything that the verbs check and writes nothing; `changes` are those of the last deed."""

    rehearses = True

    def __init__(self) -> None:
        self.changes: Changes = {}

    def atomic(self) -> AbstractContextManager[object]:
        """Nothing is written, so nobody has to wait."""
        return nullcontext()

    def lock(self, record: R) -> R:
        return copy_of(record)

    def number(self, prefix: str) -> int:
        return 0

    def created(self, record: Record, entry: Entry, shares: Sequence[Share]) -> None:
        self.changes = entry.changes

    def changed(self, record: Record, entry: Entry, fields: Iterable[str], shares: ShareChanges) -> None:
        self.changes = entry.changes

    def commented(self, record: Record, comment: models.Model, text: indexing.CommentText) -> None:
        """What is only tried is said to nobody."""

    def publish(self, event: Event) -> None:
        """What did not happen sets nothing off."""


class Checking(Rehearsal):
    """Refuses faults that were found before the verb was called, together with those of the other values."""

    def __init__(self, found: Mapping[str, object]) -> None:
        super().__init__()
        self.found = found


DIRECT = Direct()
PARTICIPATES = (Capacity.REQUESTER, Capacity.CUSTOMER)
"""The capacities in which participants see a record."""
BOOKKEEPING = (
    "custom",
    "is_open",
    "open_to_all",
    "version",
    "updated_at",
    "journal_count",
    "journal_head",
    "journal_seal",
)


def locked(record: R) -> R:
    """Read the record again and keep others from writing it until the transaction ends."""
    if record.record_type.seldom_changes:
        shared_cache.invalidate()  # before the record is locked: whoever locks in one order does not wait in a ring
    return models.QuerySet(type(record)).select_for_update().get(pk=record.pk)


def end_shares(record: Record, whom: Collection[int]) -> None:
    """Stop showing the record to these people and parties."""
    if whom:
        Share.objects.filter(
            Q(person__in=whom) | Q(party__in=whom), record_id=record.pk, capacity__in=PARTICIPATES
        ).delete()
