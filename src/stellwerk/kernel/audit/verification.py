"""Verifying the journals of many records at once, with what their entries say about comments, files and the rest.

Rows are read many at once. Where a value stands in the way that no program wrote, the records are halved until the
one is found that has it; that one is read piece by piece. What cannot be read is a fault, everything else is verified.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import NamedTuple, TypeAlias, TypeVar

from django.db import connection
from django.db.models import Exists, Model, OuterRef, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stellwerk.kernel.activity.attachments.content import proven_type
from stellwerk.kernel.activity.attachments.models import Attachment, Blob
from stellwerk.kernel.activity.attachments.services import BEGINNING
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.activity.watching.models import Watcher
from stellwerk.kernel.audit import related
from stellwerk.kernel.audit.related import Related
from stellwerk.kernel.audit.roster import Line, Roster
from stellwerk.kernel.audit.spelling import misspelt
from stellwerk.kernel.audit.verifier import Verifier
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.journal.journal import Fault, seal
from stellwerk.kernel.model import registry, strict_json
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.values import Changes, to_machine
from stellwerk.kernel.permissions.share import Share
from stellwerk.vocabulary import JsonObject, JsonValue, Text

S = TypeVar("S")
Stamped: TypeAlias = tuple[tuple[object, ...], datetime]
"""What the journal tells of a comment or a file, and the moment of it."""

RECORDS_AT_ONCE = 500
ROWS_AT_ONCE = 2_000


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
    format: int | None
    changes: Changes


@dataclass
class Verification:
    """Reads all journals; counts what it saw. `faults()` yields what is not as it was written.

    `roster` is what is known outside the database. A `whole` verification, of all records, also finds those that were
    removed and rows that belong to none. Without `contents` the stored files are not read.
    """

    records: QuerySet[Record]
    roster: Roster | None = None
    whole: bool = False
    contents: bool = True
    seen: int = 0
    entries: int = 0
    young: int = 0
    """Records with entries that the roster does not know yet."""
    blobs: set[int] = field(default_factory=set)

    def faults(self) -> Iterator[Fault]:
        """Yield every fault, record by record."""
        last = 0
        for ids in self._batches():
            for verifier in self._verify(ids):
                if verifier.found:
                    # Somebody may have written between two queries: what is really wrong is still so now.
                    yield from self._once_more(verifier.pk)
                self.entries += verifier.entries
                self.young += verifier.is_young
            for pk, name in misspelt(ids):
                what = _("“%(field)s” in the record isn't stored the way it was written.") % {"field": name}
                yield _fault_of(pk, what)
            if self.contents:
                yield from self._damaged_files(ids)
            if self.whole and self.roster:
                yield from self.roster.missing(last, ids[-1], ids)
            last = ids[-1]
        if self.whole and self.roster:
            yield from self.roster.missing(last, None, ())
            yield from self.roster.faults()
        if self.whole:
            yield from _of_no_record()

    def _batches(self) -> Iterator[list[int]]:
        last = 0
        ids = self.records.order_by("pk").values_list("pk", flat=True)
        while batch := list(ids.filter(pk__gt=last)[:RECORDS_AT_ONCE]):
            yield batch
            self.seen += len(batch)
            last = batch[-1]

    def _verify(self, ids: list[int]) -> "list[_BatchVerifier | _Unreadable]":
        try:
            return self._together(ids)
        except Exception:  # whatever the layers of the database raise over a value that no program wrote
            if len(ids) == 1:
                return [self._by_pieces(ids[0])]
        half = len(ids) // 2
        return self._verify(ids[:half]) + self._verify(ids[half:])

    def _together(self, ids: list[int]) -> "list[_BatchVerifier | _Unreadable]":
        batch = list(Record.objects.filter(pk__in=ids).order_by("pk"))
        known = self.roster.known(ids) if self.roster else {}
        verifiers = {record.pk: _BatchVerifier(record, known.get(record.pk), self.roster) for record in batch}
        entries = _rows(Entry.objects.filter(record__in=ids).order_by("record_id", "number"))
        for pk, rows in groupby(entries, key=lambda row: row.record_id):
            for row in rows:
                verifiers[pk].take(row)
        for _what, check in CHECKS:
            faults_of = check(batch)
            for verifier in verifiers.values():
                verifier.found += faults_of(verifier)
        return list(verifiers.values())

    def _by_pieces(self, pk: int) -> "_BatchVerifier | _Unreadable":
        """Verify a record of which something cannot be read."""
        try:
            record = Record.objects.get(pk=pk)
            verifier = _BatchVerifier(
                record, (self.roster.known([pk]) if self.roster else {}).get(pk), self.roster
            )
        except LookupError:
            return _Unreadable(pk, [_fault_of(pk, _("its type is not known."))])
        except Exception:
            return _Unreadable(pk, [_fault_of(pk, _("the record can't be read."))])
        unreadable = verifier.take_singly()
        for what, check in () if unreadable else CHECKS:
            try:
                for fault in check([record])(verifier):
                    verifier.found.append(fault)
            except Exception:
                verifier.found.append(verifier.fault(verifier.count, _("its %s cannot be read.") % what))
        return verifier

    def _once_more(self, pk: int) -> list[Fault]:
        return [fault for verifier in self._verify([pk]) for fault in verifier.found]

    def _damaged_files(self, ids: list[int]) -> Iterator[Fault]:
        """Read the stored content of each file once."""
        attached = Attachment.objects.filter(record__in=ids)
        owners = dict(attached.order_by("blob_id").values_list("blob_id", "record_id"))
        for pk, record in owners.items():
            # Compared here: an id that is no number would end the query of every batch after it.
            if pk in self.blobs:
                continue
            self.blobs.add(pk)
            try:
                fault = _damage(Blob.objects.get(pk=pk))
            except Exception:
                fault = _("one of its files can't be read.")
            if fault:
                yield _fault_of(record, fault)


def key_fits() -> bool:
    """Whether any record bears a seal of the key in use; where none does, the key is another, not every record."""
    sealed = Record.objects.values_list("reference", "journal_count", "journal_head", "journal_seal")
    found = False
    try:
        for reference, count, head, given in sealed.iterator(chunk_size=ROWS_AT_ONCE):
            if seal(reference, count, head) == given:
                return True
            found = True
    except Exception:  # the verification says which row it is
        return True
    return not found


class _BatchVerifier(Verifier):
    """Keeps what it finds, and remembers what the entries say about comments and files."""

    def __init__(self, record: Record, known: Line | None, roster: Roster | None) -> None:
        super().__init__(record)
        self.pk: int = record.pk
        self.known, self.roster = known, roster
        self.found: list[Fault] = []
        self.entries = 0
        self.comments: Counter[Stamped] = Counter()
        self.files: Counter[Stamped] = Counter()
        self.came_with: dict[Stamped, Counter[tuple[str, str] | None]] = {}
        """Of the files whose entries say it, with which comments they came; None for without one."""
        self.types: dict[str, str] = {}

    @property
    def is_young(self) -> bool:
        return self.roster is not None and self.count > (self.known.entries if self.known else 0)

    def take(self, entry: Entry | Row) -> None:
        """Take the next entry and keep what is wrong with it."""
        self.entries += 1
        self.found += self.step(entry)
        stamp = (entry.internal, entry.actor_id)
        _before, digest = self.changes.get("@comment", (None, None))
        if isinstance(digest, dict):
            self.comments[(digest.get("sha256"), *stamp), entry.at] += 1
        before, about = self.changes.get("@file", (None, None))
        if isinstance(about, dict):
            told: Stamped = (*_told_of(about), *stamp), entry.at
            self.files[told] += 1
            if "comment" in about:
                self.came_with.setdefault(told, Counter())[_mark(about["comment"])] += 1
            if "type" in about:
                self.types[str(about["sha256"])] = str(about["type"])
        if isinstance(before, dict):  # a file that was removed again
            attached = datetime.fromisoformat(str(before.get("at")))
            told = (*_told_of(before), entry.internal, before.get("by")), attached
            self.files[told] -= 1
            if told in self.came_with:
                self.came_with[told][_mark(before.get("comment"))] -= 1
        if self.known and entry.number == self.known.entries and entry.digest != self.known.head:
            self.found.append(self.fault(entry.number, _("the roster lists another entry with this number.")))

    def take_singly(self) -> int:
        """Take the entries one by one; return how many cannot be read."""
        unreadable = 0
        entries = Entry.objects.filter(record=self.pk).order_by("number", "pk")
        for pk, number in list(entries.values_list("pk", Cast("number", TextField()))):
            try:
                self.take(*_rows(Entry.objects.filter(pk=pk)))
            except Exception:
                unreadable += 1
                self.found.append(self.fault(number, _("its content can't be read.")))
        return unreadable

    def compare_record(self, specific: Record | None) -> Iterator[Fault]:
        if self.known and self.count < self.known.entries:
            what = _("the roster lists %d entries: the record was put back to an older state.")
            yield self.fault(self.count, what % self.known.entries)
        if specific is None:
            yield self.fault(self.count, _("its row in %s is missing.") % self.record_type.label_plural)
        else:
            yield from self.end(specific)

    def compare_comments(self, stored: Counter[Stamped] | None) -> Iterator[Fault]:
        yield from self._compare(self.comments, stored or Counter(), gettext_lazy("comment"))

    def compare_files(self, stored: "list[_File] | None") -> Iterator[Fault]:
        files = stored or []
        yield from self._compare(self.files, Counter(file.told for file in files), gettext_lazy("file"))
        for sha256, content_type in {(file.sha256, file.content_type) for file in files}:
            if self.types.get(sha256, content_type) != content_type:
                yield self.fault(self.count, _("the type of file %s was changed.") % sha256[:12])
        for told in {file.told for file in files} & self.came_with.keys():
            stands_at = Counter(file.comment for file in files if file.told == told)
            if stands_at.total() == self.files[told] and stands_at != +self.came_with[told]:
                what = _("the file of %s stands at another comment than it came with.")
                yield self.fault(self.count, what % told[-1].isoformat())

    def compare_related(self, stored: Related | None) -> Iterator[Fault]:
        """Hold shares, links and watchers against the journal; watchers that version 0.1 did not note, from the roster on."""
        for name in ("shares", "links", "watchers"):
            covered = name != "watchers" or self.covers_watchers or self.roster is not None
            if covered and getattr(self.related, name) != getattr(stored, name):
                what = _("“%(field)s” of the record don't match the journal.") % {"field": name}
                yield self.fault(self.count, what)

    def _compare(self, written: Counter[Stamped], stored: Counter[Stamped], what: Text) -> Iterator[Fault]:
        if written == stored:
            return
        for _told, at in (written - stored).elements():
            moment = {"what": what, "moment": at.isoformat()}
            yield self.fault(self.count, _("the %(what)s of %(moment)s was changed or removed.") % moment)
        for _told, at in (stored - written).elements():
            moment = {"what": what, "moment": at.isoformat()}
            yield self.fault(self.count, _("the %(what)s of %(moment)s isn't in the journal.") % moment)


@dataclass
class _Unreadable:
    """Stands for the verifier of a record that cannot be read at all."""

    pk: int
    found: list[Fault]
    entries = 0
    is_young = False


class _File(NamedTuple):
    """An attachment: what the journal tells of it, and what follows from its content."""

    told: Stamped
    sha256: str
    content_type: str
    comment: tuple[str, str] | None


def _mark(about: JsonValue) -> tuple[str, str] | None:
    """Return what an entry says of a file's comment: its instant and its digest."""
    if not about:
        return None
    if not isinstance(about, dict):
        raise TypeError(about)  # no program of ours wrote it
    return str(about["at"]), str(about["sha256"])


def _told_of(about: JsonObject) -> tuple[object, ...]:
    return about.get("sha256"), about.get("name"), about.get("size")


def _rows(entries: QuerySet[Entry]) -> Iterator[Row]:
    # The JSON is read as text, because every journal entry has some and the model's reading is slower.
    columns = [name for name in Row._fields if name != "changes"]
    raw = entries.values_list(*columns, Cast("changes", TextField())).iterator(chunk_size=ROWS_AT_ONCE)
    for row in raw:
        yield Row._make((*row[:-1], strict_json.loads(row[-1])))


def _specifics(batch: list[Record]) -> dict[int, Record]:
    by_kind: dict[str, list[int]] = {}
    for record in batch:
        by_kind.setdefault(record.kind, []).append(record.pk)
    specifics: dict[int, Record] = {}
    for kind, ids in by_kind.items():
        specifics.update(registry.get(kind).model._default_manager.in_bulk(ids))
    return specifics


def _comments(batch: list[Record]) -> dict[int, Counter[Stamped]]:
    rows = Comment.objects.filter(record__in=[record.pk for record in batch])
    columns = rows.values_list("record_id", "internal", "author_id", "at", "body")
    found: dict[int, Counter[Stamped]] = {}
    for pk, internal, author, at, body in columns.iterator(chunk_size=ROWS_AT_ONCE):
        told = (hashlib.sha256(body.encode()).hexdigest(), internal, author)
        found.setdefault(pk, Counter())[told, at] += 1
    return found


def _files(batch: list[Record]) -> dict[int, list[_File]]:
    rows = Attachment.objects.filter(record__in=[record.pk for record in batch])
    content = ("blob__sha256", "blob__content_type", "comment_id", "comment__at", "comment__body")
    told = ("name", "blob__size", "internal", "author_id", "at")
    found: dict[int, list[_File]] = {}
    for pk, sha256, content_type, came_with, said_at, body, *rest, at in rows.values_list(
        "record_id", *content, *told
    ):
        comment = None
        if came_with is not None:
            comment = str(to_machine(said_at)), hashlib.sha256((body or "").encode()).hexdigest()
        found.setdefault(pk, []).append(_File(((sha256, *rest), at), sha256, content_type, comment))
    return found


def _related(batch: list[Record]) -> dict[int, Related]:
    return related.stored([record.pk for record in batch])


Check: TypeAlias = Callable[[list[Record]], Callable[[_BatchVerifier], Iterator[Fault]]]


def _compared_with(
    read: Callable[[list[Record]], dict[int, S]],
    compare: Callable[[_BatchVerifier, S | None], Iterator[Fault]],
) -> Check:
    """Read something for many records at once, and compare each verifier at its end with what was read for it."""

    def check(batch: list[Record]) -> Callable[[_BatchVerifier], Iterator[Fault]]:
        stored = read(batch)
        return lambda verifier: compare(verifier, stored.get(verifier.pk))

    return check


CHECKS: tuple[tuple[Text, Check], ...] = (
    (gettext_lazy("values"), _compared_with(_specifics, _BatchVerifier.compare_record)),
    (gettext_lazy("comments"), _compared_with(_comments, _BatchVerifier.compare_comments)),
    (gettext_lazy("files"), _compared_with(_files, _BatchVerifier.compare_files)),
    (gettext_lazy("shares, links and watchers"), _compared_with(_related, _BatchVerifier.compare_related)),
)
"""What a verifier is compared with at its end, with what people call it."""


def _of_no_record() -> Iterator[Fault]:
    """Find rows whose record is not there."""
    there = Record.objects.filter
    for model, name in ((Entry, "record"), (Comment, "record"), (Attachment, "record"), (Share, "record"),
                        (Watcher, "record"), (Link, "source"), (Link, "target")):  # fmt: skip
        rows: QuerySet[Model] = model._default_manager.filter(~Exists(there(pk=OuterRef(f"{name}_id"))))
        for pk in rows.order_by().values_list(f"{name}_id", flat=True).distinct():
            what = _("there are %s without their record.") % model._meta.verbose_name_plural
            yield Fault(_("record %s") % pk, 0, what)
    for kind, pk in _typed_rows_of_no_record():
        what = _("there is a row in %s without its record.") % registry.get(kind).label_plural
        yield Fault(_("record %s") % pk, 0, what)


def _typed_rows_of_no_record() -> list[tuple[str, int]]:
    """Find the rows in the tables of the types that have no core row of their type, in one statement."""
    parts, kinds = [], []
    for record_type in registry.all_types():
        meta = record_type.model._meta
        parts.append(f"""SELECT %s, "{meta.pk.column}" FROM "{meta.db_table}" WHERE NOT EXISTS
            (SELECT 1 FROM "{Record._meta.db_table}" r WHERE r.id = "{meta.pk.column}" AND r.kind = %s)""")  # noqa: S608  # nosec B608 -- names of ours
        kinds += [record_type.key, record_type.key]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), kinds)
        return list(cursor.fetchall())


def _damage(blob: Blob) -> str:
    """Say what is wrong with a stored file, its size or its type."""
    try:
        sha256, size, content_type = _measured(blob)
    except OSError:
        sha256, size, content_type = "", 0, ""
    if (sha256, size) != (blob.sha256, blob.size):
        return _("the stored content of file %s isn't what was attached.") % blob.sha256[:12]
    if content_type != blob.content_type:
        return _("the type of file %s doesn't match its content.") % blob.sha256[:12]
    return ""


def _measured(blob: Blob) -> tuple[str, int, str]:
    """Hash the stored content, count it and tell what it is."""
    total, size, beginning = hashlib.sha256(), 0, b""
    with blob.file.open("rb") as content:
        for chunk in content.chunks():
            beginning = beginning or chunk[:BEGINNING]
            total.update(chunk)
            size += len(chunk)
    return total.hexdigest(), size, proven_type(beginning)


def _fault_of(pk: int, what: str) -> Fault:
    """Name a record that may not be readable as a whole."""
    try:
        reference = str(Record.objects.values_list("reference", flat=True).get(pk=pk))
    except Exception:
        reference = _("record %s") % pk
    return Fault(reference, 0, what)
