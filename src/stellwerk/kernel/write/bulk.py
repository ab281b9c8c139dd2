"""Collecting what the verbs write and inserting it together, several times faster than one by one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db import connection, models, transaction

from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model import reference_index, shared_cache
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.search import index
from stellwerk.kernel.write import indexing
from stellwerk.kernel.write.writer import BOOKKEEPING, DIRECT, ShareChanges, end_shares

ROWS_AT_ONCE = 500


class Bulk:
    """What is the same for the writers that collect; between `flush`es a record exists in memory only."""

    brings_history = False
    rehearses = False
    notifies = False
    found: Mapping[str, object] = {}

    def __init__(self) -> None:
        self._new: dict[int, Record] = {}
        self._touched: dict[int, tuple[Record, set[str]]] = {}
        self._entries: list[tuple[Record, Entry]] = []
        self._comments: list[tuple[Record, models.Model, indexing.CommentText]] = []
        self._shares: list[tuple[Record, Share]] = []

    # -- what the verbs ask of a writer --------------------------------------------------------------------

    def atomic(self) -> AbstractContextManager[object]:
        """A verb that only collects needs no transaction; `flush` has one for all of them."""
        return nullcontext()

    def shares(self, record: Record) -> dict[int, str]:
        """Map those with whom the record is shared, or will be, by id, to the capacities."""
        known = DIRECT.shares(record) if record.pk else {}
        pending = [share for shared, share in self._shares if shared is record]
        return known | {share.person_id or share.party_id or 0: str(share.capacity) for share in pending}

    def created(self, record: Record, entry: Entry, shares: Sequence[Share]) -> None:
        self._new[id(record)] = record
        self._entries.append((record, entry))
        self._shares += [(record, share) for share in shares]

    def changed(self, record: Record, entry: Entry, fields: Iterable[str], shares: ShareChanges) -> None:
        if id(record) not in self._new:
            self._touched.setdefault(id(record), (record, set()))[1].update(fields)
        self._entries.append((record, entry))
        self._end_shares(record, shares.ended)
        self._shares += [(record, share) for share in shares.made]

    def commented(self, record: Record, comment: models.Model, text: indexing.CommentText) -> None:
        self._comments.append((record, comment, text))

    # -- writing ---------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write everything collected so far, in one transaction."""
        with transaction.atomic():
            insert(list(self._new.values()))
            for record, fields in self._touched.values():
                record.save(update_fields=[*fields, *BOOKKEEPING])
            _attach(self._entries)
            reference_index.keep((record, entry.changes) for record, entry in self._entries)
            Entry.objects.bulk_create([entry for _record, entry in self._entries], batch_size=ROWS_AT_ONCE)
            comments = [comment for _record, comment, _text in self._comments]
            _attach((record, comment) for record, comment, _text in self._comments)
            if comments:
                type(comments[0])._default_manager.bulk_create(comments, batch_size=ROWS_AT_ONCE)
            self._share()
            self._index()
            if any(record.record_type.seldom_changes for record in self._written()):
                shared_cache.invalidate()
        for pending in (self._new, self._touched, self._entries, self._comments, self._shares):
            pending.clear()

    def _written(self) -> list[Record]:
        return [*self._new.values(), *(record for record, _fields in self._touched.values())]

    def _share(self) -> None:
        _attach(self._shares)
        Share.objects.bulk_create([share for _record, share in self._shares], batch_size=ROWS_AT_ONCE)
        for record in (*self._new.values(), *(record for record, _share in self._shares)):
            record.__dict__.pop("_shares", None)  # what was known of it is no longer all

    def _end_shares(self, record: Record, whom: Collection[int]) -> None:
        """Take back shares that are only collected, and end those that are written already."""
        if not whom:
            return
        self._shares = [
            (shared, share)
            for shared, share in self._shares
            if shared is not record or (share.person_id or share.party_id) not in whom
        ]
        if record.pk:
            end_shares(record, whom)
            record.__dict__.pop("_shares", None)

    def _index(self) -> None:
        texts: dict[int, dict[int, indexing.CommentText]] = {}
        for record, comment, text in self._comments:
            texts.setdefault(id(record), {})[comment.pk] = text
        index.index(
            row
            for key, record in self._new.items()
            for row in indexing.new(record, list(texts.get(key, {}).values()))
        )
        for key, (record, fields) in self._touched.items():
            if indexing.concerns(record, fields):
                indexing.refresh(record)
            if key in texts:
                indexing.follow(record, texts[key])


def insert(records: list[Record]) -> None:
    """Insert new records with their type's rows; Django's bulk_create refuses models with a parent table."""
    core = [field for field in Record._meta.local_concrete_fields if not field.primary_key]
    ids = _insert(Record, records, core, returning=[Record._meta.pk])
    by_model: dict[type[Record], list[Record]] = {}
    for record, (pk,) in zip(records, ids, strict=True):
        record.id = pk
        setattr(record, type(record)._meta.pk.attname, pk)
        by_model.setdefault(type(record), []).append(record)
    for model, rows in by_model.items():
        _insert(model, rows, model._meta.local_concrete_fields)
    for record in records:
        record._state.adding = False
        record._state.db = "default"


def _insert(
    model: type[Record], rows: list[Record], fields: Sequence[Any], returning: Sequence[Any] | None = None
) -> list[Any]:
    """Insert the columns that one table has of the rows; return what it gave them, such as their ids."""
    manager: Any = model._base_manager
    most = connection.features.max_query_params
    size = min(ROWS_AT_ONCE, max(1, most // len(fields))) if most else ROWS_AT_ONCE
    given: list[Any] = []
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        given += manager._insert(some, fields=fields, returning_fields=returning, using=manager.db) or []
    return given


def _attach(pairs: Iterable[tuple[Record, models.Model]]) -> None:
    """Fill in the ids that the records did not have when the rows were made."""
    for record, row in pairs:
        row.record_id = record.pk  # type: ignore[attr-defined]
