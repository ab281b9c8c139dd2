"""Creating and changing records from a file: rehearsed line by line, then all or nothing.

Each row goes through the verbs, with `by` who imports; what may not be done on the page may not be done here.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from typing import Any, Self, TypeVar

from django.core.exceptions import FieldDoesNotExist, PermissionDenied, ValidationError
from django.db import connection, models, transaction
from django.utils.translation import gettext as _

from stellwerk.exchange import cells, formats
from stellwerk.exchange.headings import Headings
from stellwerk.exchange.readers import AS_A_LOG, cells_of, moment
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model import numbering, registry
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.declaration import CORE_DATES, RecordType
from stellwerk.kernel.model.record import Record, copy_of
from stellwerk.kernel.model.roles import Access
from stellwerk.kernel.model.shared_cache import remembering
from stellwerk.kernel.model.values import Changes
from stellwerk.kernel.model.via import Via
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.write import services
from stellwerk.kernel.write.bulk import Bulk
from stellwerk.kernel.write.events import Event, publish
from stellwerk.kernel.write.writer import DIRECT, Checking, Rehearsal, ShareChanges, locked
from stellwerk.vocabulary import JsonValue

ROWS_AT_ONCE = 200
NOTHING_STATED: Mapping[str, str] = {}
MOST_FAULTS = 1_000
LONGEST_QUOTE = 60

CREATE, CHANGE, UNCHANGED, ERROR = "create", "change", "unchanged", "error"


@dataclass
class Line:
    """What happens because of one row of the file."""

    number: int
    action: str
    reference: str = ""
    title: str = ""
    changes: dict[str, list[JsonValue]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    left_out: bool = False
    """Whether something of the row is not taken."""


@dataclass
class Outcome:
    """What came of a whole file; `lines` holds the first ones, and all faults up to a limit.

    `left_out` counts the rows of which something is not taken.
    """

    counts: Counter[str] = field(default_factory=Counter)
    lines: list[Line] = field(default_factory=list)
    faults: list[Line] = field(default_factory=list)
    left_out: int = 0

    @property
    def acceptable(self) -> bool:
        return not self.counts[ERROR] and self.counts.total() > 0

    def as_json(self) -> dict[str, object]:
        """Write it is kept beside the file."""
        lines = {name: [asdict(line) for line in getattr(self, name)] for name in ("lines", "faults")}
        return {"counts": dict(self.counts), "left_out": self.left_out, **lines}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        """Undo `as_json`; what came to nothing has no lines."""
        lines = {name: [Line(**line) for line in kept.get(name, ())] for name in ("lines", "faults")}
        return cls(Counter(kept.get("counts", {})), **lines, left_out=kept.get("left_out", 0))

    def add(self, line: Line, most: int) -> None:
        self.counts[line.action] += 1
        self.left_out += line.left_out
        if line.action == ERROR and len(self.faults) < MOST_FAULTS:
            self.faults.append(line)
        elif line.action in (CREATE, CHANGE) and len(self.lines) < most:
            self.lines.append(line)


class Refused(Exception):
    """Ends the transaction of an import that has a fault."""


Row = Mapping[str, object]
R = TypeVar("R", bound=Record)
Rows = Iterable[tuple[int, Row]]


class RecordImport:
    """Brings rows in as records of one type, each known by its reference or by another field that tells it.

    `columns` states which fields headings stand for that are not called like them, "" for none. A `strict` one takes
    it for a fault when something of a row would be left out.
    """

    def __init__(
        self,
        record_type: RecordType,
        *,
        by: Actor,
        key: str = "reference",
        columns: Mapping[str, str] = NOTHING_STATED,
        strict: bool = False,
    ) -> None:
        self.record_type, self.by, self.key, self.strict = record_type, by, key, strict
        self.headings = Headings(record_type, columns)
        policy = policy_of(by)
        if not policy.is_administrator and policy.scope(record_type, Access.EDIT) == frozenset():
            raise PermissionDenied(_("You don't have permission to import %s.") % record_type.label_plural)
        if key not in keys_of(record_type):
            raise ValidationError({"key": _("Choose one of: %s.") % ", ".join(keys_of(record_type))})
        self._visible = record_type.model.objects.visible_to(by)
        fields = record_type.own_fields.items()
        self._blank = record_type.model(kind=record_type.key, status=record_type.initial_status)
        self._unique = [name for name, own in fields if own.is_unique and name != "reference"]

    def rehearse(
        self, rows: Rows, most: int = 200, progress: Callable[[int], None] = lambda count: None
    ) -> Outcome:
        """Say what `run` would do, line by line, and write nothing; `progress` hears how many rows are done."""
        return self._go(rows, Rehearsal(), most, progress)

    def run(self, rows: Rows, most: int = 200) -> Outcome:
        """Do it, unless any line has a fault: then nothing is written, and the outcome names the faults."""
        outcome, writer = Outcome(), _Watched()
        try:
            with writer.writing():
                outcome = self._go(rows, writer, most, lambda count: None)
                if outcome.counts[ERROR]:
                    raise Refused
        except Refused:
            pass
        return outcome

    # -- row by row ------------------------------------------------------------------------------------

    def _go(
        self, rows: Rows, writer: "_Watched | Rehearsal", most: int, progress: Callable[[int], None]
    ) -> Outcome:
        with remembering():
            return self._line_by_line(rows, writer, most, progress)

    def _line_by_line(
        self, rows: Rows, writer: "_Watched | Rehearsal", most: int, progress: Callable[[int], None]
    ) -> Outcome:
        outcome = Outcome()
        seen: dict[tuple[str, str], int] = {}
        waiting = iter(rows)
        while given := list(islice(waiting, ROWS_AT_ONCE)):
            batch = [(number, self.headings.row(row)) for number, row in given]
            short = {number: row for number, row in given if isinstance(row, formats.ShortRow)}
            if outcome.counts.total() + len(batch) > formats.MOST_ROWS:
                raise ValidationError(_("The file has more than %d rows. Split it.") % formats.MOST_ROWS)
            known = self._known(batch)
            if isinstance(writer, _Watched):
                new = [number for number, row in batch if _key_text(row.get(self.key)) not in known]
                writer.take(self.record_type, len(new), chain.from_iterable(known.values()))
            targets = _Targets(self.record_type, self.by, batch)
            for number, row in batch:
                line = self._line(number, row, known, targets, seen, writer)
                self._note_short(line, short.get(number))
                outcome.add(self._judged(line), most)
                if outcome.counts[ERROR] and not writer.rehearses:
                    writer = Rehearsal()  # nothing will stay: the other rows need only be checked
            progress(outcome.counts.total())
        return outcome

    def _note_short(self, line: Line, row: formats.ShortRow | None) -> None:
        if row is not None:
            line.left_out = True
            what = _(
                "The row has %(cells)d cells instead of %(columns)d. The remaining fields stay as they are."
            )
            line.warnings.append(what % {"cells": len(row), "columns": row.columns})

    def _judged(self, line: Line) -> Line:
        """Take it for a fault that something is left out, where that is asked for."""
        if self.strict and line.left_out and line.action != ERROR:
            line.reference = "" if line.action == CREATE else line.reference
            line.action, line.errors, line.warnings = ERROR, line.warnings, []
        return line

    def _line(
        self,
        number: int,
        row: Row,
        known: dict[str, list[Record]],
        targets: "_Targets",
        seen: dict[tuple[str, str], int],
        writer: "_Watched | Rehearsal",
    ) -> Line:
        name = _key_text(row.get(self.key))
        line = Line(number, ERROR, title=str(row.get("title") or name)[:250])
        try:
            record = self._record(name, number, known, seen)
            values, faults = self._values(row, record, targets)
            checking = Checking(faults) if faults else writer
            result = self._write(line, record, values, row, targets, checking)
            self._claim(result, number, seen)
        except ValidationError as error:
            line.action, line.errors = ERROR, sentences(error, row)
        except PermissionDenied as error:
            line.errors = [str(error)]
        return line

    def _record(
        self, name: str, number: int, known: dict[str, list[Record]], seen: dict[tuple[str, str], int]
    ) -> Record | None:
        """Find the record that a row is about; None for a new one."""
        if not name:
            return None
        if (self.key, name) in seen:
            raise ValidationError(_("Line %d is about the same record.") % seen[self.key, name])
        seen[self.key, name] = number
        found = known.get(name, [])
        if len(found) > 1:
            raise ValidationError(_("Several records have this %s. Use the reference.") % self.key)
        if not found and self.key == "reference":
            raise ValidationError(
                {"reference": _("There is no such record. Leave the cell empty to create one.")}
            )
        return found[0] if found else None

    def _claim(self, record: Record, number: int, seen: dict[tuple[str, str], int]) -> None:
        """Refuse what two rows of the file want to be called, before the database does."""
        for name in self._unique:
            value = self.record_type.own_fields[name].machine(record)
            if name == self.key or value in (None, ""):
                continue
            first = seen.setdefault((name, str(value)), number)
            if first != number:
                raise ValidationError({name: _("Line %d of the file has the same value.") % first})

    def _write(
        self,
        line: Line,
        record: Record | None,
        values: dict[str, object],
        row: Row,
        targets: "_Targets",
        writer: "_Watched | Rehearsal",
    ) -> Record:
        writer.changes = {}
        if record is None:
            result = services.create(self.record_type.model, values, by=self.by, via=Via.FILE, writer=writer)
            line.action, line.reference = CREATE, "" if writer.rehearses else result.reference
            line.title = result.title
        else:
            line.reference, line.title = record.reference, record.title
            result = services.change(record, values, by=self.by, writer=writer)
            line.action = CHANGE if writer.changes else UNCHANGED
            if writer.changes and _older(row.get("updated_at"), record):
                line.warnings.append(_("It was changed after the file was written."))
        if left := self._not_taken(row, result, targets):
            line.left_out = True
            line.warnings.append(_("Ignored, because it follows from other fields: %s.") % ", ".join(left))
        if dated := self._past(row, record):
            line.left_out = True
            line.warnings.append(
                _(
                    "Ignored: %(names)s. A record starts when it's imported. To keep its past, import it as a log "
                    "(%(how)s)."
                )
                % {"names": ", ".join(dated), "how": AS_A_LOG}
            )
        line.changes = {
            name: both
            for name, both in writer.changes.items()
            if not name.startswith("@") and (record is not None or name in row or both[1])
        }
        return result

    def _past(self, row: Row, record: Record | None) -> list[str]:
        """List the dates of a row that no import of tables takes."""
        if record is None:
            return [name for name in CORE_DATES if row.get(name) not in (None, "")]
        try:
            differs = row.get("created_at") and moment(str(row["created_at"])) != record.created_at
        except ValidationError:
            differs = True
        return ["created_at"] if differs else []

    # -- values ----------------------------------------------------------------------------------------

    def _values(
        self, row: Row, record: Record | None, targets: "_Targets"
    ) -> tuple[dict[str, object], dict[str, object]]:
        """Read the cells of a row, without those that only repeat what the record says, and what is wrong with them."""
        values: dict[str, object] = {}
        faults: dict[str, object] = {}
        settable = self.record_type.settable
        for name, cell in row.items():
            if name in ("reference", *CORE_DATES):
                continue
            try:
                if name not in settable:  # there is none, or it follows from others
                    own = self.record_type.own_field(name)
                    cells_of(own).refuse(own, cell, own.get(record or self._blank))
                elif record is not None or cell not in (None, "") or name == "title":
                    value = cells_of(settable[name]).read(settable[name], cell, targets)
                    if not self._repeats(record, name, value):
                        values[name] = value
            except FieldDoesNotExist:
                faults[name] = (
                    _("This column has no heading. Give it one, or assign it by its position.")
                    if name.startswith("#")
                    else _("There is no such column.")
                )
            except ValidationError as error:
                faults[name] = error.messages
        return values, faults

    def _repeats(self, record: Record | None, name: str, value: object) -> bool:
        """Whether a reference is there already; whoever writes the record need not see what it points to."""
        field = self.record_type.pointing.get(name)
        if record is None or field is None:
            return False
        given = value if isinstance(value, list) else [value] if value is not None else []
        return list(field.refers(field.get(record))) == [getattr(each, "pk", None) for each in given]

    def _not_taken(self, row: Row, record: Record, targets: "_Targets") -> list[str]:
        """List the columns that cannot be set and say something else than what follows from the others."""
        left: list[str] = []
        passed_over = {"reference", *CORE_DATES, *self.record_type.settable}
        for name, cell in row.items():
            if name in passed_over or cell in (None, ""):
                continue
            field = self.record_type.own_field(name)
            stated = copy_of(record)
            field.put(stated, cells_of(field).read(field, cell, targets))
            if field.machine(stated) != field.machine(record):
                left.append(name)
        return left

    def _known(self, batch: Sequence[tuple[int, Row]]) -> dict[str, list[Record]]:
        names = {name for _number, row in batch if (name := _key_text(row.get(self.key)))}
        found: dict[str, list[Record]] = {}
        for record in self._visible.filter(**{f"{self.key}__in": names}).order_by("pk"):
            found.setdefault(str(getattr(record, self.key)), []).append(record)
        return found


class _Watched(Bulk):
    """Collects what the rows write, remembers what the last deed changed, and notifies nobody of thousands of them.

    Whatever asks the database for something first gets written there what was collected, so that a row finds those
    before it, as if they were written one by one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.changes: Changes = {}
        self._numbers: Iterator[int] = iter(())
        self._held: dict[int, Record] = {}
        self._events: list[Event] = []
        self._flushing = False

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write in one transaction what is collected in the block."""
        with transaction.atomic():
            with connection.execute_wrapper(self._flush_before):
                yield
            self.flush()

    def take(self, record_type: RecordType, count: int, known: Iterable[Record]) -> None:
        """Draw the numbers of a batch, and lock the records that it may change, at once."""
        self._numbers = iter(numbering.take(record_type.prefix, count) if count else ())
        self._held = {} if record_type.seldom_changes else _locked(record_type, [one.pk for one in known])

    # -- what the verbs ask of a writer ----------------------------------------------------------------

    def lock(self, record: R) -> R:
        held = self._held.pop(record.pk, None)
        return held if isinstance(held, type(record)) else locked(record)

    def number(self, prefix: str) -> int:
        return next(self._numbers)

    def created(self, record: Record, entry: Entry, shares: Sequence[Share]) -> None:
        # What is remembered of records that seldom change must be forgotten before the next row is read.
        if record.record_type.seldom_changes:
            DIRECT.created(record, entry, shares)
        else:
            super().created(record, entry, shares)
        self.changes = self.changes or entry.changes

    def changed(self, record: Record, entry: Entry, fields: Iterable[str], shares: ShareChanges) -> None:
        if record.record_type.seldom_changes:
            DIRECT.changed(record, entry, fields, shares)
        else:
            super().changed(record, entry, fields, shares)
        self.changes = self.changes or entry.changes

    def publish(self, event: Event) -> None:
        self._events.append(event)

    # -- writing ---------------------------------------------------------------------------------------

    def flush(self) -> None:
        self._flushing = True
        try:
            super().flush()
        finally:
            self._flushing = False
        happened, self._events = self._events, []
        for event in happened:
            publish(event)

    def _flush_before(
        self, execute: Callable[..., object], sql: str, params: object, many: bool, context: object
    ) -> object:
        if not self._flushing and (self._new or self._touched):
            self.flush()
        return execute(sql, params, many, context)


def _locked(record_type: RecordType, ids: list[int]) -> dict[int, Record]:
    """Lock records, each with those that it is shared with at hand."""
    manager = record_type.model._default_manager
    found = {record.pk: record for record in manager.select_for_update().filter(pk__in=ids).order_by("pk")}
    for record in found.values():
        record.__dict__["_shares"] = []
    for share in Share.objects.filter(record_id__in=found):
        found[share.record_id].__dict__["_shares"].append(share)
    return found


class _Targets:
    """The records that a batch of rows refers to, found with one query by type of naming."""

    def __init__(self, record_type: RecordType, by: Actor, batch: Sequence[tuple[int, Row]]) -> None:
        self.record_type, self.by = record_type, by
        given = {
            reference
            for _number, row in batch
            for name in record_type.pointing
            for line in str(row.get(name) or "").replace(";", "\n").splitlines()
            if (reference := cells.reference_in(line))
        }
        self._by_reference = _loaded(given)
        self._by_title: dict[tuple[type[Record], str], list[Record]] = {}
        for model, texts in self._titles(batch).items():
            self._look_up(model, texts)

    def _titles(self, batch: Sequence[tuple[int, Row]]) -> dict[type[Record], set[str]]:
        """Gather by model what the rows call records by, other than references."""
        wanted: dict[type[Record], set[str]] = {}
        for _number, row in batch:
            for name, pointing in self.record_type.pointing.items():
                cell = row.get(name)
                lines = [cell] if not pointing.many else str(cell or "").replace(";", "\n").splitlines()
                texts = {cells.as_text(line).strip() for line in lines}
                wanted.setdefault(self._model(name), set()).update(
                    text for text in texts if text and not cells.reference_in(text)
                )
        return wanted

    def find(self, name: str, cell: object) -> Record | None:
        """Return what a cell names: by reference, or by a title that only one visible record has.

        Whether `by` may see it is checked by the verbs, in the words used for those that do not exist.
        """
        text = str(cell if cell is not None else "").strip()
        if not text:
            return None
        if reference := cells.reference_in(text):
            found = self._by_reference.get(reference)
            if not isinstance(found, self._model(name)):
                raise ValidationError(_("Select a record from the list."))
            return found
        model = self._model(name)
        if not self._by_title.get((model, text)):
            self._look_up(model, {text})  # an earlier row may have made it
        called = self._by_title[model, text]
        if len(called) != 1:
            raise ValidationError(
                _("Several records have this name. Give the reference.")
                if called
                else _("Select a record from the list.")
            )
        return called[0]

    def _model(self, name: str) -> type[Record]:
        return registry.for_model(self.record_type.pointing[name].target).model

    def _look_up(self, model: type[Record], texts: set[str]) -> None:
        """Find the visible records that texts name, with one query for all of them."""
        if not texts:
            return
        names = [name for name in ("email", "username") if hasattr(model, name)]
        lowered = {text.lower() for text in texts}
        condition = models.Q(title__in=texts)
        for name in names:
            condition |= models.Q(**{f"{name}__in": lowered})
        by_name: dict[str, list[Record]] = {}
        visible = model._default_manager.visible_to(self.by)
        for record in visible.filter(condition).select_related("party"):
            by_name.setdefault(record.title, []).append(record)
            for address in {getattr(record, name) for name in names} - {None, ""}:
                by_name.setdefault(f"@{address}", []).append(record)
        for text in texts:
            found = {one.pk: one for one in (*by_name.get(text, ()), *by_name.get(f"@{text.lower()}", ()))}
            self._by_title[model, text] = list(found.values()) or self._through_tree(model, text)

    def _through_tree(self, model: type[Record], text: str) -> list[Record]:
        """Follow a way through a tree from its root down, such as "Mail > Outlook"."""
        steps = [step.strip() for step in text.split(" > ")]
        if len(steps) < 2 or not hasattr(model, "parent"):
            return []
        visible = model._default_manager.visible_to(self.by)
        condition = models.Q(title=steps[-1])
        for depth, step in enumerate(reversed(steps[:-1]), start=1):
            condition &= models.Q(**{"__".join(["parent"] * depth + ["title"]): step})
        root = "__".join(["parent"] * len(steps))
        return list(visible.filter(condition, **{f"{root}__isnull": True}).select_related("party")[:2])


def _loaded(references: set[str]) -> dict[str, Record]:
    """Read records of any types by their references, with the parties that what follows from them may ask for."""
    by_kind: dict[str, list[int]] = {}
    for kind, pk in Record.objects.filter(reference__in=references).values_list("kind", "pk"):
        by_kind.setdefault(kind, []).append(pk)
    found: dict[str, Record] = {}
    for kind, ids in by_kind.items():
        rows = registry.get(kind).model._default_manager.filter(pk__in=ids).select_related("party")
        found.update({row.reference: row for row in rows})
    return found


def keys_of(record_type: RecordType) -> list[str]:
    """List the fields by which a row may name its record: the reference, the title, and texts that can be looked up.

    Those are unique or have an index of their own; any other would be a sentence about the record, not its name.
    """
    indexes = record_type.model._meta.indexes
    indexed = {"title", *(getattr(of, "name", "") for index in indexes for of in index.expressions[:1])}
    names = ["reference"]
    for name in record_type.editable_fields:
        field = record_type.own_fields[name]
        if field.is_line and (field.is_unique or name in indexed):
            names.append(name)
    return names


def sentences(error: ValidationError, row: Mapping[str, object]) -> list[str]:
    """Put a fault into words, each with the column that it is about and what stands there."""
    if not hasattr(error, "error_dict"):
        return [str(message) for message in error.messages]
    return [
        str(message) if name == "__all__" else f"{_cell_named(name, row)}: {message}"
        for name, messages in error.message_dict.items()
        for message in messages
    ]


def _cell_named(name: str, row: Mapping[str, object]) -> str:
    text = " ".join(cells.as_text(row.get(name)).split())
    if len(text) > LONGEST_QUOTE:
        text = f"{text[:LONGEST_QUOTE]}…"
    return f"{name} “{text}”" if text else name


def _key_text(cell: object) -> str:
    text = cells.as_text(cell).strip()
    return cells.reference_in(text) or text


def _older(cell: object, record: Record) -> bool:
    try:
        return bool(cell) and moment(str(cell)) < record.updated_at
    except ValidationError:
        return False
