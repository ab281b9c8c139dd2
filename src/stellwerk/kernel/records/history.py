"""Bringing many records with their past from elsewhere: the same verbs, written in bulk.

    with History("service desk log of 2016", by=operator) as history:
        incident = history.create(Incident, {...}, by=caller, at=moment)
        incident = history.transition(incident, "resolve", {...}, by=agent, at=later)
        history.comment(incident, "Works again.", by=agent, at=later)

Rows are collected and inserted together; between `flush`es a record exists in memory only. Access is the
operator's, so the acting people are named, not asked; guards do not apply to what has happened. No
reaction is set off. Values still have to fit their fields.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, models, transaction
from django.utils.translation import gettext as _

from stellwerk.kernel.access.person import Actor
from stellwerk.kernel.access.share import Share
from stellwerk.kernel.access.standing import standing_of
from stellwerk.kernel.comments import services as comments
from stellwerk.kernel.comments.models import Comment
from stellwerk.kernel.records import memo, numbering, services
from stellwerk.kernel.records.entry import Entry
from stellwerk.kernel.records.record import Record
from stellwerk.kernel.records.via import Via
from stellwerk.kernel.search import door, indexing

R = TypeVar("R", bound=Record)

ROWS_AT_ONCE = 500
NUMBERS_AT_ONCE = 200


class History:
    """A writer for the verbs that collects what they write; see the module."""

    brings_history = True
    rehearses = False
    notifies = False

    def __init__(self, brought_from: str, *, by: Actor) -> None:
        if not standing_of(by).is_administrator:
            raise PermissionDenied(_("Only an administrator may bring history from elsewhere."))
        self.brought_from = brought_from
        self._numbers: dict[str, list[int]] = {}
        self._new: dict[int, Record] = {}
        self._touched: dict[int, Record] = {}
        self._entries: list[tuple[Record, Entry]] = []
        self._comments: list[tuple[Record, Comment]] = []
        self._shares: list[tuple[Record, Share]] = []

    def __enter__(self) -> Self:
        self._memo = memo.remembering()
        self._memo.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._memo.__exit__(kind, error, trace)
        if kind is None:
            self.flush()

    # -- the verbs, as they are called elsewhere ---------------------------------------------------------

    def create(
        self, model: type[R], values: Mapping[str, Any], *, by: Actor, at: datetime, reason: str = ""
    ) -> R:
        self._flush_when_full()
        return services.create(
            model,
            values,
            by=by,
            via=Via.FILE,
            at=at,
            reason=reason,
            brought_from=self.brought_from,
            writer=self,
        )

    def change(self, record: R, values: Mapping[str, Any], *, by: Actor, at: datetime, reason: str = "") -> R:
        with _unharmed(record):
            return services.change(
                record, values, by=by, at=at, reason=reason, brought_from=self.brought_from, writer=self
            )

    def transition(
        self,
        record: R,
        name: str,
        values: Mapping[str, Any] | None = None,
        *,
        by: Actor,
        at: datetime,
        reason: str = "",
    ) -> R:
        with _unharmed(record):
            return services.transition(
                record, name, values, by=by, at=at, reason=reason, brought_from=self.brought_from, writer=self
            )

    def comment(
        self, record: Record, body: str, *, by: Actor, at: datetime, internal: bool = False
    ) -> Comment:
        return comments.comment(
            record, body, by=by, at=at, internal=internal, brought_from=self.brought_from, writer=self
        )

    # -- what the verbs ask of a writer --------------------------------------------------------------------

    def atomic(self) -> AbstractContextManager[Any]:
        """A verb that only collects needs no transaction; `flush` has one for all of them."""
        return nullcontext()

    def number(self, prefix: str) -> int:
        if not self._numbers.get(prefix):
            with transaction.atomic():
                self._numbers[prefix] = numbering.take(prefix, NUMBERS_AT_ONCE)[::-1]
        return self._numbers[prefix].pop()

    def created(self, record: Record, entry: Entry) -> None:
        self._new[id(record)] = record
        self._entries.append((record, entry))
        self._shares += [(record, share) for share in services.participant_shares(record, ())]

    def changed(self, record: Record, entry: Entry, fields: Iterable[str], shares: list[Share]) -> None:
        if id(record) not in self._new:
            self._touched[id(record)] = record
        self._entries.append((record, entry))
        self._shares += [(record, share) for share in shares]

    def commented(self, record: Record, said: Comment) -> None:
        self._comments.append((record, said))

    # -- writing ---------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write everything collected so far, in one transaction."""
        with transaction.atomic():
            insert(list(self._new.values()))
            for record in self._touched.values():
                record.save()
            _attach(self._entries)
            Entry.objects.bulk_create([entry for _record, entry in self._entries], batch_size=ROWS_AT_ONCE)
            _attach(self._comments)
            Comment.objects.bulk_create([said for _record, said in self._comments], batch_size=ROWS_AT_ONCE)
            _attach(self._shares)
            Share.objects.bulk_create(
                [share for _record, share in self._shares], batch_size=ROWS_AT_ONCE, ignore_conflicts=True
            )
            self._index()
            if any(r.record_type.seldom_changes for r in (*self._new.values(), *self._touched.values())):
                memo.forget()
            for prefix, unused in self._numbers.items():
                numbering.give_back(prefix, unused)
            self._numbers.clear()
        for pending in (self._new, self._touched, self._entries, self._comments, self._shares):
            pending.clear()

    def _index(self) -> None:
        said: dict[int, list[tuple[bool, str]]] = {}
        for record, comment in self._comments:
            said.setdefault(id(record), []).append((comment.internal, comment.body))
        door.index([indexing.row(record, said.get(key, [])) for key, record in self._new.items()])
        for record in self._touched.values():
            indexing.refresh(record)

    def _flush_when_full(self) -> None:
        if len(self._new) >= ROWS_AT_ONCE:
            self.flush()


@contextmanager
def _unharmed(record: Record) -> Iterator[None]:
    """Leave the record as it was when a write is refused: nobody reads it from the database again."""
    before, referred = dict(record.__dict__), dict(record._state.fields_cache)
    try:
        yield
    except ValidationError:
        record.__dict__.clear()
        record.__dict__.update(before)
        record._state.fields_cache = referred
        raise


def insert(records: list[Record]) -> None:
    """Insert new records with their type's rows; Django's bulk_create refuses models with a parent table."""
    cores = Record.objects.bulk_create([_core(record) for record in records], batch_size=ROWS_AT_ONCE)
    by_model: dict[type[Record], list[Record]] = {}
    for record, core in zip(records, cores, strict=True):
        record.id = core.pk
        by_model.setdefault(type(record), []).append(record)
    for model, rows in by_model.items():
        _insert_own_rows(model, rows)
    for record in records:
        record._state.adding = False
        record._state.db = "default"


def _core(record: Record) -> Record:
    return Record(
        **{f.attname: getattr(record, f.attname) for f in Record._meta.concrete_fields if not f.primary_key}
    )


def _insert_own_rows(model: type[Record], rows: list[Record]) -> None:
    parent_link = model._meta.pk
    for row in rows:
        setattr(row, parent_link.attname, row.id)
    manager: Any = model._base_manager
    fields = model._meta.local_concrete_fields
    size = (
        max(1, connection.features.max_query_params // len(fields))
        if connection.features.max_query_params
        else ROWS_AT_ONCE
    )
    for start in range(0, len(rows), min(size, ROWS_AT_ONCE)):
        manager._insert(rows[start : start + min(size, ROWS_AT_ONCE)], fields=fields, using=manager.db)


def _attach(pairs: Iterable[tuple[Record, models.Model]]) -> None:
    """Fill in the ids that the records did not have when the rows were made."""
    for record, row in pairs:
        row.record_id = record.pk  # type: ignore[attr-defined]
