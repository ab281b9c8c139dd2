"""Verifying the journals of many records at once, with what their entries say about comments and files."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stellwerk.kernel.attachments.models import Attachment, Blob
from stellwerk.kernel.comments.models import Comment
from stellwerk.kernel.records import registry
from stellwerk.kernel.records.entry import Entry
from stellwerk.kernel.records.journal import Fault, Walk, seal
from stellwerk.kernel.records.record import Record
from stellwerk.kernel.records.values import Changes

RECORDS_AT_ONCE = 500
ROWS_AT_ONCE = 2_000
NONE: Counter[Any] = Counter()
UNREADABLE = (ValueError, TypeError, AttributeError)
"""What the database layer raises over a date or a JSON text that no program wrote."""


class Row(NamedTuple):
    """A journal entry as it is read here: several times faster than the model."""

    record_id: int
    number: int
    at: datetime
    recorded_at: datetime
    actor_id: int | None
    verb: str
    name: str
    reason: str
    internal: bool
    brought_from: str
    previous: str
    digest: str
    changes: Changes


@dataclass
class Verification:
    """Walks along all journals; counts what it saw. `faults()` yields what is not as it was written."""

    records: QuerySet[Record]
    seen: int = 0
    entries: int = 0
    blobs: set[int] = field(default_factory=set)

    def faults(self) -> Iterator[Fault]:
        """Yield every fault, record by record."""
        for batch in self._batches():
            for record, found in self._verify(batch):
                if found:
                    # Somebody may have written between two queries: what is really wrong is still so now.
                    found = self._once_more(record)
                yield from found
            yield from self._damaged_files(batch)

    def _batches(self) -> Iterator[list[Record]]:
        last = 0
        records = self.records.order_by("pk")
        while batch := list(records.filter(pk__gt=last)[:RECORDS_AT_ONCE]):
            yield batch
            self.seen += len(batch)
            last = batch[-1].pk

    def _verify(self, batch: list[Record]) -> Iterator[tuple[Record, list[Fault]]]:
        specifics = _specifics(batch)
        said, files = _comments(batch), _files(batch)
        walks = self._walks(batch)
        for record in batch:
            walk, found = walks[record.pk]
            if not walk.unreadable:
                found += walk.end(specifics[record.pk])
                found += walk.compare(walk.said, said.get(record.pk, NONE), gettext_lazy("comment"))
                found += walk.compare(walk.files, files.get(record.pk, NONE), gettext_lazy("file"))
            yield record, found

    def _walks(self, batch: list[Record]) -> "dict[int, tuple[_Walk, list[Fault]]]":
        walks: dict[int, tuple[_Walk, list[Fault]]] = {record.pk: (_Walk(record), []) for record in batch}
        try:
            for pk, rows in groupby(_rows([record.pk for record in batch]), key=lambda row: row.record_id):
                walk, found = walks[pk]
                for row in rows:
                    self.entries += 1
                    found += walk.step(row)
        except UNREADABLE:
            return {record.pk: _one_by_one(record) for record in batch}
        return walks

    def _once_more(self, record: Record) -> list[Fault]:
        fresh = Record.objects.get(pk=record.pk)
        entries, self.entries = self.entries, 0
        found = next(faults for _record, faults in self._verify([fresh]))
        self.entries = entries
        return found

    def _damaged_files(self, batch: list[Record]) -> Iterator[Fault]:
        """Hash the stored content of each file once."""
        attached = Attachment.objects.filter(record__in=[record.pk for record in batch])
        pairs = attached.exclude(blob__in=self.blobs).order_by("blob_id").values_list("blob_id", "record_id")
        owners = dict(pairs)
        references = {record.pk: record for record in batch}
        for blob in Blob.objects.filter(pk__in=owners).iterator():
            self.blobs.add(blob.pk)
            if _content_digest(blob) != blob.sha256:
                record = references[owners[blob.pk]]
                what = _("the stored content of file %s is not what was attached.") % blob.sha256[:12]
                yield Fault(record.reference, record.journal_count, what)


def key_fits() -> bool:
    """Whether any record bears a seal of the key in use; where none does, the key is another, not every record."""
    sealed = Record.objects.values_list("reference", "journal_count", "journal_head", "journal_seal")
    found = False
    for reference, count, head, given in sealed.iterator(chunk_size=ROWS_AT_ONCE):
        if seal(reference, count, head) == given:
            return True
        found = True
    return not found


class _Walk(Walk):
    """A walk that also remembers what the entries say about comments and files."""

    def __init__(self, record: Record) -> None:
        super().__init__(record)
        self.said: Counter[Any] = Counter()
        self.files: Counter[Any] = Counter()
        self.unreadable = False

    def step(self, entry: Any) -> Iterator[Fault]:
        yield from super().step(entry)
        stamp = (entry.internal, entry.actor_id, entry.at)
        for name, seen in (("@comment", self.said), ("@file", self.files)):
            before, about = self.changes.get(name, [None, None])
            if isinstance(about, dict):
                seen[about.get("sha256"), about.get("name"), *stamp] += 1
            if isinstance(before, dict):  # a file that was removed again
                attached = (entry.internal, before.get("by"), datetime.fromisoformat(str(before.get("at"))))
                seen[before.get("sha256"), before.get("name"), *attached] -= 1

    def compare(self, written: Counter[Any], stored: Counter[Any], what: Any) -> Iterator[Fault]:
        if written == stored:
            return
        for key in (written - stored).elements():
            moment = {"what": what, "moment": key[-1].isoformat()}
            yield self._fault(self.count, _("the %(what)s of %(moment)s was changed or removed.") % moment)
        for key in (stored - written).elements():
            moment = {"what": what, "moment": key[-1].isoformat()}
            yield self._fault(self.count, _("the %(what)s of %(moment)s is not in the journal.") % moment)


def _rows(ids: Collection[int]) -> Iterator[Row]:
    entries = Entry.objects.filter(record__in=ids).order_by("record_id", "number")
    # The JSON is read as text, because every journal entry has some and the model's reading is slower.
    columns = [name for name in Row._fields if name != "changes"]
    raw = entries.values_list(*columns, Cast("changes", TextField())).iterator(chunk_size=ROWS_AT_ONCE)
    for row in raw:
        yield Row._make((*row[:-1], json.loads(row[-1])))


def _one_by_one(record: Record) -> tuple[_Walk, list[Fault]]:
    """Find the entries that cannot even be read."""
    walk = _Walk(record)
    found: list[Fault] = []
    for pk, number in list(
        Entry.objects.filter(record=record.pk).order_by("number").values_list("pk", "number")
    ):
        try:
            found += walk.step(Entry.objects.get(pk=pk))
        except UNREADABLE:
            walk.unreadable = True
            found.append(Fault(record.reference, number, _("its content cannot be read.")))
    return walk, found


def _specifics(batch: list[Record]) -> dict[int, Record]:
    by_kind: dict[str, list[int]] = {}
    for record in batch:
        by_kind.setdefault(record.kind, []).append(record.pk)
    specifics: dict[int, Record] = {}
    for kind, ids in by_kind.items():
        specifics.update(registry.get(kind).model._default_manager.in_bulk(ids))
    return specifics


def _comments(batch: list[Record]) -> dict[int, Counter[Any]]:
    rows = Comment.objects.filter(record__in=[record.pk for record in batch])
    columns = rows.values_list("record_id", "internal", "author_id", "at", "body")
    return _counted(
        (pk, (hashlib.sha256(body.encode()).hexdigest(), None, *stamp))
        for pk, *stamp, body in columns.iterator(chunk_size=ROWS_AT_ONCE)
    )


def _files(batch: list[Record]) -> dict[int, Counter[Any]]:
    rows = Attachment.objects.filter(record__in=[record.pk for record in batch])
    columns = rows.values_list("record_id", "blob__sha256", "name", "internal", "author_id", "at")
    return _counted((pk, tuple(key)) for pk, *key in columns)


def _counted(pairs: Iterable[tuple[int, tuple[Any, ...]]]) -> dict[int, Counter[Any]]:
    counts: dict[int, Counter[Any]] = {}
    for pk, key in pairs:
        counts.setdefault(pk, Counter())[key] += 1
    return counts


def _content_digest(blob: Blob) -> str:
    total = hashlib.sha256()
    try:
        with blob.file.open("rb") as content:
            for chunk in content.chunks():
                total.update(chunk)
    except OSError:
        return ""
    return total.hexdigest()
