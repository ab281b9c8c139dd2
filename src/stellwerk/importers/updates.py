"""Turning a log's rows into what they say about a ticket; nothing here looks at the database."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import models
from django.utils.translation import gettext as _

from stellwerk.importers.findings import Findings
from stellwerk.importers.mapping import COLUMN, ChangeRules, FileRules, LogMapping, Rule
from stellwerk.importers.names import Name
from stellwerk.importers.source import Group, Row
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.record import Record

YES = {"true": True, "yes": True, "1": True, "y": True, "t": True}
NO = {"false": False, "no": False, "0": False, "n": False, "f": False}
LONGEST_NAME = 250


class Readings(NamedTuple):
    """The instants that a time may mean: two where the clocks were changed, else one twice."""

    earlier: datetime
    later: datetime
    skipped: bool = False
    """Whether the clocks never showed that time."""


class Unfit(Exception):
    """A cell that cannot be taken; says why."""


@dataclass(slots=True)
class Update:
    """What one row says: who set what when."""

    line: int
    at: datetime
    reason: str
    by: Name | None
    values: dict[str, object] = field(default_factory=dict)
    names: dict[str, Name | None] = field(default_factory=dict)
    status: dict[str, object] = field(default_factory=dict)
    judged: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[datetime, str]:
        """By what the update is known again when the log is read once more."""
        return self.at, self.reason


@dataclass(slots=True)
class Case:
    """A ticket of the log: when and by whom it was opened, and its updates in order."""

    number: str
    opened: datetime
    opener: Name | None
    updates: list[Update]

    @property
    def names(self) -> Iterator[Name]:
        for update in self.updates:
            yield from (name for name in update.names.values() if name)
        yield from (name for name in (self.opener, *(update.by for update in self.updates)) if name)


class Interpreter:
    """Reads cells as the mapping says; what it cannot take becomes a finding."""

    def __init__(self, mapping: LogMapping, findings: Findings) -> None:
        self.mapping, self.findings = mapping, findings
        self.fields = {rule.name: self._field(rule) for rule in mapping.rules}
        self.readings = lru_cache(maxsize=20_000)(lambda text: _readings(text, mapping.file))
        self._readings: tuple[tuple[type[object], Callable[[str], object]], ...] = (
            (models.DateTimeField, self._dated),
            (models.DateField, self._day),
            (models.BooleanField, _yes_or_no),
            (models.IntegerField, _whole),
        )

    def case(self, group: Group) -> Case | None:
        """Read a ticket's rows; None when not one of them can be dated."""
        rows = self._ordered(group.rows)
        if self.mapping.changes:
            rows = list(self._unfolded(rows, self.mapping.changes))
        opened = self._opened(rows[0])
        updates: list[Update] = []
        for row in rows:
            at = self._at(row, updates[-1].at if updates else opened)
            if at is not None and not self._refused(row):
                updates.append(self._update(row, at))
        if not updates:
            return None
        first = updates[0].at
        if opened is not None and opened > first:
            self._note(_("opened after its first update: the instant of the update is used"), rows[0])
        opener = self._person(rows[0], self.mapping.ticket.created_by)
        return Case(group.number, min(opened or first, first), opener, updates)

    def _ordered(self, rows: list[Row]) -> list[Row]:
        """Order the rows of a ticket; where only their instants order them, and one was there twice, as the file does."""
        if self.mapping.ticket.order != (self.mapping.ticket.instant,):
            return sorted(rows, key=self._order)
        read = [(self.readings(row.get(self.mapping.ticket.instant)), row) for row in rows]
        dated = [readings for readings, _row in read if readings]
        if dated and dated[0][0] > dated[-1][0]:
            read.reverse()  # the newest stands first
        keyed: list[tuple[list[tuple[int, object]], Row]] = []
        before: datetime | None = None
        for readings, row in read:
            key = self._order(row)
            if readings:
                before = _between(readings, before)
                key = [(1, before)]
            keyed.append((key, row))
        return [row for _key, row in sorted(keyed, key=lambda pair: pair[0])]

    def _unfolded(self, rows: list[Row], rules: ChangeRules) -> Iterator[Row]:
        """Make rows with all that is known of the ticket of rows that each tell one changed field."""
        known: dict[str, str] = {}
        for row in rows:
            known.setdefault(row.get(rules.field), row.get(rules.old))
        common = {rules.field, rules.old, rules.new}
        first = {name: cell for name, cell in rows[0].cells.items() if name not in common}
        ticket = self.mapping.ticket
        opened = next((rows[0].get(column) for column in ticket.created if rows[0].get(column)), "")
        first[ticket.instant] = opened or rows[0].get(ticket.instant)
        yield Row(rows[0].line, {**first, **_filled(known)})
        for row in rows:
            name = row.get(rules.field)
            if name not in rules.fields:
                if name not in self.mapping.ignored:
                    self._note(_("the mapping doesn't know this field: ignored"), row, rules.field)
                continue
            known[name] = row.get(rules.new)
            own = {column: cell for column, cell in row.cells.items() if column not in common}
            yield Row(row.line, {**own, **_filled(known)})

    def _order(self, row: Row) -> list[tuple[int, object]]:
        """Compare instants, numbers, and everything else as text."""
        keys: list[tuple[int, object]] = []
        for column in self.mapping.ticket.order:
            text = row.get(column)
            if (readings := self.readings(text)) is not None:
                keys.append((1, readings.earlier))
            elif text.isdecimal():
                keys.append((2, int(text)))
            else:
                keys.append((3, text))
        return keys

    def _opened(self, row: Row) -> datetime | None:
        for column in self.mapping.ticket.created:
            if text := row.get(column):
                if readings := self.readings(text):
                    return readings.earlier
                self._note(_("not a date as the mapping describes them"), row, column)
        return None

    def _at(self, row: Row, before: datetime | None) -> datetime | None:
        column = self.mapping.ticket.instant
        readings = self.readings(row.get(column))
        if readings is not None:
            return self._read_at(row, readings, before)
        if before is None:
            self._leave_out(_("not a date as the mapping describes them: the row was left out"), row, column)
        else:
            self._note(
                _("not a date as the mapping describes them: the previous instant is used"), row, column
            )
        return before

    def _read_at(self, row: Row, readings: Readings, before: datetime | None) -> datetime:
        """Read a time that the clocks showed twice, or never, so that it follows what stands before it."""
        at = _between(readings, before)
        if readings.earlier != readings.later:
            how = f"{at:%Y-%m-%dT%H:%M:%SZ}"
            what = _("the clocks changed at that time: read as %s, after the row before it") % how
            self.findings.remark(
                what, row.line, self.mapping.ticket.instant, row.get(self.mapping.ticket.instant)
            )
        return at

    def _update(self, row: Row, at: datetime) -> Update:
        ticket = self.mapping.ticket
        update = Update(row.line, at, filled(ticket.reason, row)[:500], self._person(row, ticket.updated_by))
        update.status = self._status(row)
        for rule in self.mapping.rules:
            self._apply(rule, row, update)
        for judgement in self.mapping.judgements:
            if (logged := self._looked_up(judgement.rule, row)) is not None:
                update.judged[judgement.name] = logged
        for note in self.mapping.notes:
            text = next((filled(text, row) for text in note.texts if complete(text, row)), "")
            if text:
                update.notes.append(text)
        return update

    def _apply(self, rule: Rule, row: Row, update: Update) -> None:
        target = self.mapping.record_type.references.get(rule.name)
        if target is not None:
            self._refer(rule, target, row, update)
            return
        text = self._text(rule, row)
        model_field = self.fields[rule.name]
        if not text:
            if model_field is None or model_field.blank:
                update.values[rule.name] = None
            return
        try:
            update.values[rule.name] = self._value(rule, model_field, text, row)
        except Unfit as fault:
            self._note(str(fault), row, *rule.columns[:1])

    def _refer(self, rule: Rule, target: type[Record], row: Row, update: Update) -> None:
        path = tuple(self._names(rule, target, row))
        if path:
            update.names[rule.name] = Name(target, path, rule.party or self.mapping.ticket.party, rule.match)
        elif self.mapping.record_type.field(rule.name).blank:
            update.names[rule.name] = None

    def _names(self, rule: Rule, target: type[Record], row: Row) -> Iterator[str]:
        """Yield the steps of the way to what a row names, of which most have one only."""
        said = [row.get(column) or rule.default for column in rule.columns] or [self._text(rule, row)]
        if len(said) == 1 and hasattr(target, "parent"):
            said = said[0].split(rule.separator)
        for text in said:
            name = " ".join(text.split())[:LONGEST_NAME]
            if not name:
                return
            yield str(rule.values.get(name, name))

    def _value(self, rule: Rule, model_field: object, text: str, row: Row) -> object:
        if rule.values:
            if text not in rule.values:
                raise Unfit(_("the mapping doesn't know this value"))
            return rule.values[text]
        if rule.custom_type:
            return self._custom(rule.custom_type, text)
        for kind, read in self._readings:
            if isinstance(model_field, kind):
                return read(text)
        return self._shortened(model_field, text, row, rule)

    def _custom(self, kind: str, text: str) -> object:
        if kind == "yes_no":
            return _yes_or_no(text)
        if kind == "date":
            return self._day(text).isoformat()
        return _number(text) if kind == "number" else text

    def _dated(self, text: str) -> datetime:
        readings = self.readings(text)
        if readings is None:
            raise Unfit(_("not a date as the mapping describes them"))
        return readings.earlier

    def _day(self, text: str) -> date:
        """Read the day that it was where the log was kept."""
        return self._dated(text).astimezone(self.mapping.file.zone).date()

    def _shortened(self, model_field: object, text: str, row: Row, rule: Rule) -> str:
        longest = getattr(model_field, "max_length", None)
        if longest and len(text) > longest:
            self._note(_("shortened to %d characters") % longest, row, *rule.columns[:1])
            return text[: longest - 1] + "…"
        return text

    def _looked_up(self, rule: Rule, row: Row) -> object:
        text = self._text(rule, row)
        if text and text not in rule.values:
            self._note(_("the mapping doesn't know this value"), row, *rule.columns[:1])
        return rule.values.get(text)

    def _status(self, row: Row) -> dict[str, object]:
        rules = self.mapping.status
        if rules is None or not (said := row.get(rules.column)):
            return {}
        if said not in rules.values:
            self._note(_("unknown status: the previous one stays"), row, rules.column)
            return {}
        return {**dict.fromkeys(rules.further, ""), **rules.values[said]}

    def _refused(self, row: Row) -> bool:
        """Whether the mapping wants rows in an unknown state to be left out."""
        rules = self.mapping.status
        if rules is None or not rules.refuses_unknown or row.get(rules.column) in ("", *rules.values):
            return False
        self._leave_out(_("unknown status: the row was left out"), row, rules.column)
        return True

    def _text(self, rule: Rule, row: Row) -> str:
        if rule.columns:
            return row.get(rule.columns[0]) or rule.default
        return next((filled(text, row) for text in rule.texts if complete(text, row)), rule.default)

    def _person(self, row: Row, columns: tuple[str, ...]) -> Name | None:
        for column in columns:
            if name := " ".join(row.get(column).split())[:LONGEST_NAME]:
                return Name(Person, (name,), self.mapping.ticket.party)
        return None

    def _field(self, rule: Rule) -> "models.Field[Any, Any] | None":
        return None if rule.custom_type else self.mapping.record_type.field(rule.name)

    def _note(self, what: str, row: Row, column: str = "") -> None:
        self.findings.note(what, row.line, column, row.get(column) if column else "")

    def _leave_out(self, what: str, row: Row, column: str) -> None:
        self.findings.leave_out(what, row.line, column, row.get(column))


def filled(text: str, row: Row) -> str:
    """Put a row's cells into the places that a text leaves for them, such as {category}."""
    return COLUMN.sub(lambda place: row.get(place[1]), text)


def complete(text: str, row: Row) -> bool:
    """Whether the row has something for every place of a text."""
    return all(row.get(column) for column in COLUMN.findall(text))


def _readings(text: str, rules: FileRules) -> Readings | None:
    at = _parsed(text, rules)
    if at is None:
        return None
    if at.tzinfo:
        return Readings(at.astimezone(UTC), at.astimezone(UTC))
    first, second = (at.replace(tzinfo=rules.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return Readings(min(first, second), max(first, second), skipped=first > second)


def _parsed(text: str, rules: FileRules) -> datetime | None:
    for pattern in rules.dates if text else ():
        try:
            return datetime.strptime(text, pattern)  # noqa: DTZ007 -- the zone of the mapping is put in by the caller
        except ValueError:
            continue
    try:
        # What a workbook knows to be an instant comes like this.
        return datetime.fromisoformat(text) if "T" in text else None
    except ValueError:
        return None


def _between(readings: Readings, before: datetime | None) -> datetime:
    """Choose the reading that follows what is before it."""
    if before is None or not readings.earlier < before <= readings.later:
        return readings.earlier
    return before if readings.skipped else readings.later


def _filled(cells: dict[str, str]) -> dict[str, str]:
    return {name: cell for name, cell in cells.items() if cell}


def _yes_or_no(text: str) -> bool:
    answer = {**YES, **NO}.get(text.lower())
    if answer is None:
        raise Unfit(_("not yes or no"))
    return answer


def _whole(text: str) -> int:
    if not text.lstrip("-").isdecimal() or len(text) > 9:
        raise Unfit(_("not a whole number"))
    return int(text)


def _number(text: str) -> float | int:
    try:
        number = float(text)
    except ValueError:
        raise Unfit(_("not a number")) from None
    return int(number) if number.is_integer() else number
