"""Bringing a log in: chunk by chunk, each with the point from which an interrupted import goes on."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TextIO

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from stellwerk.importers.findings import Findings
from stellwerk.importers.mapping import Judgement, LogMapping, PartyRules, Rule
from stellwerk.importers.models import LogImport
from stellwerk.importers.names import Name, Names
from stellwerk.importers.source import LogFile
from stellwerk.importers.updates import Case, Interpreter, Update
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.activity.history import History
from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.fields.field import Field
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry, Verb
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM, Actor
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.write.services import create
from stellwerk.kernel.write.validation import field_to_set
from stellwerk.vocabulary import Values

UPDATES_AT_ONCE = 500
ENOUGH_FOR_STATISTICS = 1_000


@dataclass
class Figures:
    """What an import did, or in a dry run would do."""

    tickets: int = 0
    new: int = 0
    extended: int = 0
    unchanged: int = 0
    refused: int = 0
    updates: int = 0
    known_updates: int = 0
    late_updates: int = 0
    refused_updates: int = 0
    rows_left_out: int = 0
    notes: int = 0
    made: dict[str, int] = field(default_factory=dict)


def nothing_new(before: Figures) -> Figures:
    """Return what an import finds that was completed before: everything is known."""
    return Figures(
        tickets=before.tickets,
        unchanged=before.new + before.extended + before.unchanged,
        refused=before.refused,
        known_updates=before.updates + before.known_updates,
        late_updates=before.late_updates,
        refused_updates=before.refused_updates,
        rows_left_out=before.rows_left_out,
    )


@dataclass
class Known:
    """What is already here of a ticket of the log."""

    pk: int
    updates: Counter[tuple[datetime, str]] = field(default_factory=Counter)
    notes: set[str] = field(default_factory=set)
    record: Record | None = None


Progress = Callable[[LogFile, Figures], None]


class LogImporter:
    """Brings the tickets of one log file in, or what they have more than last time.

    A ticket is known again by its number and the source, an update by its instant and its reason; so the
    same file twice changes nothing, and a longer one adds what it has more.
    """

    def __init__(self, path: Path, mapping: LogMapping, *, sink: TextIO | None = None) -> None:
        self.mapping = mapping
        self.model: type[Record] = mapping.record_type.model
        self.findings = Findings(sink)
        self.file = LogFile(path, mapping, self.findings)
        self.figures = Figures()
        self.checkpoint = LogImport(source=mapping.source, file=path.name[-255:])
        self._sink = sink
        self._derived: dict[object, object] = {}
        judged = (name for one in mapping.judgements for name in (one.name, one.override, one.reason_field))
        further = mapping.status.further if mapping.status else ()
        self._mapped = {rule.name for rule in mapping.rules} | {*judged, *further}

    def run(self, progress: Progress | None = None, *, again: bool = False) -> bool:
        """Import what is missing; False when this very import was completed before (and not asked for `again`)."""
        digest = self.file.digest()
        known = LogImport.objects.filter(digest=digest).first()
        if known and known.finished_at and not again:
            self._resume(known)
            self.figures = nothing_new(self.figures)
            return False
        if known and not known.finished_at:
            self._resume(known)
        elif known:
            known.delete()
        self.checkpoint.digest = digest
        with transaction.atomic():
            self.names = Names(self.mapping.source, self._parties())
            self._define_custom_fields()
            self.checkpoint.save()
        for chunk in self._chunks(skip=self.checkpoint.tickets):
            self._bring(chunk)
            if progress:
                progress(self.file, self.figures)
        if not self.figures.tickets:
            self.checkpoint.delete()
            raise ValidationError(_("Nothing was imported: the file has no row that names a ticket."))
        if self.figures.tickets == self.figures.refused:
            self.checkpoint.delete()  # the mapping will be mended, or what it asks for
        else:
            self._finish()
        return True

    def rehearse(self, progress: Progress | None = None) -> None:
        """Do what `run` does, chunk by chunk, and take each back; what is counted is what would happen."""
        made: set[tuple[type[Record], tuple[str, ...]]] = set()
        for chunk in self._chunks():
            with transaction.atomic():
                self.names = Names(self.mapping.source, self._parties())
                self._define_custom_fields()
                self._write_all(chunk)
                transaction.set_rollback(True)
            made |= self.names.fresh
            if progress:
                progress(self.file, self.figures)
        self.figures.made = dict(Counter(registry.for_model(model).key for model, _path in made))
        self.figures.rows_left_out = self.findings.rows_left_out
        if not self.figures.tickets:
            raise ValidationError(_("Nothing would be imported: the file has no row that names a ticket."))

    # -- reading ---------------------------------------------------------------------------------------

    def _chunks(self, skip: int = 0) -> Iterator[list[Case]]:
        interpreter = Interpreter(self.mapping, self.findings)
        # What is skipped was read before, and its findings are in the checkpoint.
        self.file.findings = Findings() if skip else self.findings
        chunk: list[Case] = []
        for position, group in enumerate(self.file.groups()):
            if position < skip:
                continue
            self.file.findings = self.findings
            self.figures.tickets += 1
            case = interpreter.case(group)
            if case is None:
                self.figures.refused += 1
                continue
            chunk.append(case)
            if sum(len(one.updates) for one in chunk) >= UPDATES_AT_ONCE:
                yield chunk
                chunk = []
        yield chunk

    def _known(self, chunk: list[Case]) -> dict[str, Known]:
        """Look up which tickets of the chunk are here, with the updates and notes that came from the log."""
        source, number = self.mapping.source, self.mapping.ticket.field
        rows = self.model._default_manager.filter(
            **{f"{number}__in": [case.number for case in chunk]},
            entries__number=1,
            entries__brought_from=source,
        )
        found = {external: Known(pk) for external, pk in rows.values_list(number, "pk")}
        by_pk = {known.pk: known for known in found.values()}
        if by_pk:
            entries = Entry.objects.filter(record__in=by_pk, brought_from=source, verb=Verb.CHANGE)
            for pk, at, reason in entries.values_list("record", "at", "reason"):
                by_pk[pk].updates[at, reason] += 1
            if self.mapping.notes:
                said = Comment.objects.filter(record__in=by_pk, internal=True)
                for pk, body in said.values_list("record", "body"):
                    by_pk[pk].notes.add(body)
        return found

    def _news(self, case: Case, known: Known | None) -> list[Update]:
        """List the updates of a case that are not here yet."""
        if known is None:
            return case.updates
        here = known.updates.copy()
        news = []
        for update in case.updates:
            if here[update.key] > 0:
                here[update.key] -= 1
            else:
                news.append(update)
        return news

    def _count(self, case: Case, news: list[Update], known: Known | None) -> None:
        self.figures.known_updates += len(case.updates) - len(news)
        self.figures.updates += len(news)
        if known is None:
            self.figures.new += 1
        elif news:
            self.figures.extended += 1
        else:
            self.figures.unchanged += 1

    # -- writing ---------------------------------------------------------------------------------------

    def _bring(self, chunk: list[Case]) -> None:
        with transaction.atomic():
            self._write_all(chunk)
            self._save_checkpoint()

    def _write_all(self, chunk: list[Case]) -> None:
        known = self._known(chunk)
        pending = [(case, self._news(case, known.get(case.number))) for case in chunk]
        fresh = [(case, news) for case, news in pending if news]
        if fresh:
            self._prepare([case for case, _news in fresh])
            self._lock([known[case.number] for case, _news in fresh if case.number in known])
        with History(self.mapping.source, by=SYSTEM) as history:
            for case, news in pending:
                self._write(history, case, news, known.get(case.number))

    def _prepare(self, cases: list[Case]) -> None:
        self.names.prepare(
            (name for case in cases for name in case.names), min(case.opened for case in cases)
        )
        for name, fault in self.names.refused.items():
            self.findings.note(fault, cases[0].updates[0].line, "", " › ".join(name.path))
        self.names.refused.clear()

    def _lock(self, known: list[Known]) -> None:
        """Lock the tickets that are about to be continued."""
        by_pk = {one.pk: one for one in known}
        for record in self.model._default_manager.select_for_update().filter(pk__in=by_pk).order_by("pk"):
            by_pk[record.pk].record = record

    def _write(self, history: History, case: Case, news: list[Update], known: Known | None) -> None:
        if not news:
            self._count(case, news, known)
            return
        record = known.record if known else self._create(history, case)
        if record is None:
            self.figures.refused += 1
            return
        self._count(case, news, known)
        notes = known.notes if known else set()
        for update in news:
            if update.at < record.updated_at:
                self._leave_out(update)
                continue
            self._change(history, record, update)
            for text in [text for text in update.notes if text not in notes]:
                notes.add(text)
                history.comment(record, text, by=self._actor(update.by), at=update.at, internal=True)
                self.figures.notes += 1

    def _leave_out(self, update: Update) -> None:
        self.figures.updates -= 1
        self.figures.late_updates += 1
        self.findings.note(
            _("later updates of the ticket are already here: this one was left out"), update.line
        )

    def _create(self, history: History, case: Case) -> Record | None:
        first = case.updates[0]
        values = self._values(self.model(), first, opening=True)
        values[self.mapping.ticket.field] = case.number
        if self.mapping.ticket.party:
            values["party"] = self.names.parties[self.mapping.ticket.party]

        def write(values: Values) -> Record:
            return history.create(self.model, values, by=self._actor(case.opener), at=case.opened)

        return self._attempt(write, values, first.line, _("the ticket was left out"))

    def _change(self, history: History, record: Record, update: Update) -> None:
        def write(values: Values) -> Record:
            return history.change(
                record, values, by=self._actor(update.by), at=update.at, reason=update.reason
            )

        values = self._values(record, update)
        if self._attempt(write, values, update.line, _("the update was left out")) is None:
            self.figures.updates -= 1
            self.figures.refused_updates += 1

    def _attempt(
        self,
        write: Callable[[Values], Record],
        values: dict[str, object],
        line: int,
        otherwise: str,
    ) -> Record | None:
        """Write the values; where some do not fit, note them and write the others."""
        try:
            return write(values)
        except ValidationError as error:
            faults = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
            for name, messages in faults.items():
                self.findings.note(" ".join(messages), line, name, str(values.get(name, "")))
            rest = {name: value for name, value in values.items() if name not in faults}
        try:
            return write(rest)
        except ValidationError as error:
            self.findings.note(f"{' '.join(error.messages)} {otherwise}", line)
            return None

    # -- values ----------------------------------------------------------------------------------------

    def _values(self, record: Record, update: Update, *, opening: bool = False) -> dict[str, object]:
        """Put together what an update sets on the record; `opening` leaves out what depends on the state."""
        values = {**update.values}
        for name, reference in update.names.items():
            found = self.names.get(reference) if reference else None
            if found is not None or reference is None:
                values[name] = found
        if not opening:
            values.update(update.status)
            self._follow(record, values, update)
        for rule in self.mapping.rules:
            if rule.states or (rule.once and not opening):
                self._hold_back(rule, record, values, update, opening)
        for judgement in self.mapping.judgements:
            self._judge(judgement, record, values, update)
        if opening:
            return {name: value for name, value in values.items() if value is not None}
        known = self.mapping.record_type
        return {
            name: value
            for name, value in values.items()
            if _differs(field_to_set(known, name), record, value)
        }

    def _follow(self, record: Record, values: dict[str, object], update: Update) -> None:
        """Set what follows from the state, such as when it was resolved, where the mapping does not say it."""
        status = str(values.get("status", record.status))
        if status == record.status:
            return
        following = self.mapping.record_type.follows_from_state(record, status, update.at)
        values.update({name: value for name, value in following.items() if name not in self._mapped})

    def _hold_back(
        self, rule: Rule, record: Record, values: dict[str, object], update: Update, opening: bool
    ) -> None:
        given = values.pop(rule.name, None)
        if opening or rule.once:
            return
        if values.get("status", record.status) not in rule.states:
            if rule.cleared:
                values[rule.name] = None
            return
        if given is None and rule.otherwise_instant:
            given = getattr(record, rule.name) or update.at
        if isinstance(given, datetime) and rule.never_later:
            given = min(given, update.at)
        values[rule.name] = given

    def _judge(self, judgement: Judgement, record: Record, values: dict[str, object], update: Update) -> None:
        """Where the log differs from what follows here, keep the log's value as set by hand."""
        logged = update.judged.get(judgement.name)
        if logged is None:
            return
        inputs = tuple(values.get(name, getattr(record, name)) for name in judgement.follows)
        key = (judgement.name, inputs)
        if key not in self._derived:
            record_type = self.mapping.record_type
            blank = self.model(kind=record_type.key, **dict(zip(judgement.follows, inputs, strict=True)))
            record_type.derive(blank, None)
            self._derived[key] = getattr(blank, judgement.name)
        same = self._derived[key] == logged
        values[judgement.override] = None if same else logged
        values[judgement.reason_field] = "" if same else judgement.reason

    def _actor(self, name: Name | None) -> Actor:
        person = self.names.get(name) if name else None
        return person if isinstance(person, Person) else SYSTEM

    # -- what stands around the tickets ----------------------------------------------------------------

    def _parties(self) -> dict[str, Party]:
        return {name: _party(rules) for name, rules in self.mapping.parties.items()}

    def _define_custom_fields(self) -> None:
        key = self.mapping.record_type.key
        for rule in self.mapping.rules:
            name = rule.name.removeprefix("custom.")
            if rule.custom_type and not CustomField.objects.filter(target=key, name=name).exists():
                values = {"title": rule.title, "target": key, "name": name, "type": rule.custom_type}
                create(CustomField, values, by=SYSTEM)

    def _resume(self, known: LogImport) -> None:
        self.checkpoint = known
        self.figures = Figures(**known.figures)
        self.findings = Findings(self._sink, known.findings)

    def _save_checkpoint(self) -> None:
        for key, count in self.names.made.items():
            self.figures.made[key] = self.figures.made.get(key, 0) + count
        self.names.made.clear()
        self.checkpoint.tickets = self.figures.tickets
        self.figures.rows_left_out = self.findings.rows_left_out
        self.checkpoint.figures = asdict(self.figures)
        self.checkpoint.findings = self.findings.kept()
        self.checkpoint.save()

    def _finish(self) -> None:
        self.checkpoint.finished_at = timezone.now()
        self.checkpoint.save()
        if self.figures.updates >= ENOUGH_FOR_STATISTICS:
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")


def _party(rules: PartyRules) -> Party:
    sought = {"reference": rules.reference} if rules.reference else {"title": rules.title}
    found: Party | None = Party.objects.filter(**sought).order_by("pk").first()
    if found is None and rules.reference:
        raise ValidationError(_("There is no party %s.") % rules.reference)
    return found or create(Party, {"title": rules.title, "party_kind": rules.kind}, by=SYSTEM)


def _differs(field: Field, record: Record, value: object) -> bool:
    """Whether a value says something new; what the record itself keeps count of is always stated."""
    now = field.get(record)
    empty = value is None and field.is_empty(now)
    return not field.is_editable or (now != getattr(value, "pk", value) and not empty)
