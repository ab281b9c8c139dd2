"""How the event log of another tool is read: a TOML file, checked before the first row.

docs/importing.md describes every key. A mapping names each column of the log once: as a field, a custom
field, a note, or as ignored, so that nothing is dropped without having been named.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.utils.translation import gettext as _

from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.tables.layout import Layout

COLUMN = re.compile(r"\{([^{}]+)\}")
PATH = " > "
CUSTOM_TYPES = ("text", "number", "date", "yes_no")


@dataclass(frozen=True)
class FileRules:
    """How the file is written."""

    layout: Layout
    empty: frozenset[str]
    dates: tuple[str, ...]
    zone: ZoneInfo


@dataclass(frozen=True)
class TicketRules:
    """Which columns tell a ticket, its updates and who made them."""

    number: str
    field: str
    instant: str
    order: tuple[str, ...]
    reason: str
    created: tuple[str, ...]
    created_by: tuple[str, ...]
    updated_by: tuple[str, ...]
    party: str


@dataclass(frozen=True)
class StatusRules:
    """What the states of the log are called here; each may set further fields, such as what is waited for."""

    column: str
    values: Mapping[str, dict[str, object]]
    refuses_unknown: bool
    further: tuple[str, ...]
    """Fields that some state sets; they are emptied by the others."""


@dataclass(frozen=True)
class ChangeRules:
    """How a log is read that has one row for each changed field: which column names the field, which its values."""

    field: str
    old: str
    new: str
    fields: frozenset[str]
    """What the log calls its fields; the mapping speaks of them as of columns."""


@dataclass(frozen=True)
class Rule:
    """How one field gets its value from the columns of a row."""

    name: str
    columns: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    default: str = ""
    once: bool = False
    states: frozenset[str] = frozenset()
    cleared: bool = False
    never_later: bool = False
    otherwise_instant: bool = False
    party: str = ""
    match: tuple[str, ...] = ()
    custom_type: str = ""
    title: str = ""
    separator: str = ""
    """What stands between the steps of a way through a tree in one column."""

    @property
    def used_columns(self) -> list[str]:
        return [*self.columns, *(name for text in self.texts for name in COLUMN.findall(text))]


@dataclass(frozen=True)
class Judgement:
    """A field that follows from others here; where the log says otherwise, that is kept as set by hand."""

    name: str
    rule: Rule
    follows: tuple[str, ...]
    override: str
    reason_field: str
    reason: str


@dataclass(frozen=True)
class PartyRules:
    """A party that records or people of the log belong to: an existing one, or one of this title."""

    title: str = ""
    kind: str = ""
    reference: str = ""


@dataclass(frozen=True)
class LogMapping:
    """A whole mapping, checked against the declaration of its record type."""

    source: str
    record_type: RecordType
    file: FileRules
    ticket: TicketRules
    changes: ChangeRules | None
    status: StatusRules | None
    rules: tuple[Rule, ...]
    judgements: tuple[Judgement, ...]
    notes: tuple[Rule, ...]
    parties: Mapping[str, PartyRules]
    ignored: frozenset[str]
    digest: str

    @property
    def used_columns(self) -> set[str]:
        """Every column that the mapping names, ignored ones aside."""
        ticket = self.ticket
        named = {ticket.number, ticket.instant, *ticket.order, *ticket.created, *ticket.created_by}
        named |= {*ticket.updated_by, *COLUMN.findall(ticket.reason)}
        for rule in (*self.rules, *self.notes, *(judgement.rule for judgement in self.judgements)):
            named.update(rule.used_columns)
        if self.changes:
            named |= {self.changes.field, self.changes.new} | ({self.changes.old} - {""})
        return named | ({self.status.column} if self.status else set())

    @property
    def unfolded_columns(self) -> frozenset[str]:
        """The columns that the file has in its rows only: what its fields are called."""
        return self.changes.fields if self.changes else frozenset()


def load(name: str) -> LogMapping:
    """Read a mapping: the path of a TOML file, or the name of one that ships with Stellwerk."""
    return parse(_text_of(name))


def shipped() -> list[str]:
    """List the mappings that ship with Stellwerk."""
    folder = resources.files(__package__) / "mappings"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir())


def _text_of(name: str) -> str:
    path = Path(name)
    if path.is_file():
        return path.read_text(encoding="utf-8")
    if name.removesuffix(".toml") in shipped():
        entry = resources.files(__package__) / "mappings" / f"{name.removesuffix('.toml')}.toml"
        return entry.read_text(encoding="utf-8")
    raise ValidationError(
        _("There is no mapping “%(name)s”. Give the path of a TOML file, or one of: %(shipped)s.")
        % {"name": name, "shipped": ", ".join(shipped())}
    )


def parse(text: str) -> LogMapping:
    """Check a mapping's text; ValidationError names the table and what is wrong in it."""
    try:
        root = Table("mapping", tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ValidationError(_("The mapping isn't valid TOML: %s") % error) from None
    key = root.text("record_type", required=True)
    try:
        record_type = registry.get(key)
    except LookupError as error:
        raise ValidationError(str(error)) from None
    reader = _Reader(record_type)
    status = reader.status(root.table("status"))
    rules, judgements = reader.fields(root.table("fields"))
    mapping = LogMapping(
        source=root.text("source", required=True, longest=80),
        record_type=record_type,
        file=_file(root.table("file")),
        ticket=reader.ticket(root.table("ticket")),
        changes=_changes(root.table("changes")),
        status=status,
        rules=(*rules, *reader.custom(root.table("custom"))),
        judgements=judgements,
        notes=tuple(_note(name, table) for name, table in root.table("notes").tables()),
        parties={name: _party(table) for name, table in root.table("parties").tables()},
        ignored=frozenset(root.texts("ignored", empty=True)),
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )
    root.finish()
    _check_parties(mapping)
    return mapping


class Table:
    """A TOML table that knows where it stands and which of its keys were asked for."""

    def __init__(self, where: str, data: Mapping[str, object]) -> None:
        self.where, self._data, self._asked = where, data, set[str]()

    def fault(self, key: str, message: str) -> ValidationError:
        return ValidationError(f"[{self.where}] {key}: {message}")

    def text(self, key: str, default: str = "", *, required: bool = False, longest: int = 500) -> str:
        value = self._take(key, str, default)
        if required and not value:
            raise self.fault(key, _("is missing."))
        if len(value) > longest:
            raise self.fault(key, _("is longer than %d characters.") % longest)
        return str(value)

    def texts(self, key: str, *, empty: bool = False) -> tuple[str, ...]:
        """Read one text or a list of texts; `empty` ones only where they mean something."""
        value = self._take(key, (str, list), [])
        values = [value] if isinstance(value, str) else value
        if not all(isinstance(one, str) and (one or empty) for one in values):
            raise self.fault(key, _("give a text or a list of texts."))
        return tuple(values)

    def number(self, key: str) -> int:
        return int(self._take(key, int, 0))

    def flag(self, key: str) -> bool:
        return bool(self._take(key, bool, False))

    def table(self, key: str) -> "Table":
        return Table(f"{self.where}.{key}" if self.where != "mapping" else key, self._take(key, dict, {}))

    def tables(self) -> "Iterable[tuple[str, Table]]":
        return [(key, self.table(key)) for key in self._data]

    def values(self, key: str) -> dict[str, object]:
        return dict(self._take(key, dict, {}))

    def choice(self, key: str, allowed: Iterable[str], default: str) -> str:
        value = self.text(key, default)
        if value not in allowed:
            raise self.fault(key, _("choose one of: %s.") % ", ".join(allowed))
        return value

    def finish(self) -> None:
        """Refuse keys that nobody asked for: most are misspelt."""
        unknown = sorted(set(self._data) - self._asked)
        if unknown:
            raise self.fault(unknown[0], _("there is no such key."))

    def __bool__(self) -> bool:
        return bool(self._data)

    def _take(self, key: str, kind: type | tuple[type, ...], default: object) -> Any:
        self._asked.add(key)
        value = self._data.get(key, default)
        if not isinstance(value, kind):
            raise self.fault(key, _("has the wrong type."))
        return value


def _file(table: Table) -> FileRules:
    try:
        zone = ZoneInfo(table.text("time_zone", settings.TIME_ZONE))
    except (ZoneInfoNotFoundError, ValueError):
        raise table.fault("time_zone", _("there is no such time zone.")) from None
    stated = {name: table.text(name) for name in ("encoding", "delimiter", "sheet")}
    try:
        layout = Layout(**stated, header_line=table.number("header_line"))
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise table.fault(name, messages[0]) from None
    # Said by older mappings; the rows of a ticket are found wherever they stand.
    table.choice("rows", ("together", "scattered"), "scattered")
    rules = FileRules(
        layout=layout,
        empty=frozenset(("", *table.texts("empty"))),
        dates=table.texts("dates") or ("%Y-%m-%d %H:%M:%S",),
        zone=zone,
    )
    table.finish()
    return rules


def _changes(table: Table) -> ChangeRules | None:
    if not table:
        return None
    rules = ChangeRules(
        field=table.text("field", required=True),
        old=table.text("old"),
        new=table.text("new", required=True),
        fields=frozenset(table.texts("fields")),
    )
    if not rules.fields:
        raise table.fault("fields", _("is missing."))
    table.finish()
    return rules


def _party(table: Table) -> PartyRules:
    rules = PartyRules(
        title=table.text("title", longest=250),
        kind=table.choice("kind", Party.Kind.values, Party.Kind.ORGANISATION.value),
        reference=table.text("reference"),
    )
    if not rules.title and not rules.reference:
        raise table.fault("title", _("give the party's title, or the reference of an existing one."))
    table.finish()
    return rules


def _note(name: str, table: Table) -> Rule:
    rule = Rule(name=name, texts=table.texts("text"))
    if not rule.texts:
        raise table.fault("text", _("is missing."))
    table.finish()
    return rule


def _check_parties(mapping: LogMapping) -> None:
    asked = [mapping.ticket.party, *(rule.party for rule in mapping.rules)]
    for name in asked:
        if name and name not in mapping.parties:
            raise ValidationError(_("The mapping names a party “%s” that isn't in [parties].") % name)


class _Reader:
    """Reads the tables that speak of the record type's fields."""

    def __init__(self, record_type: RecordType) -> None:
        self.record_type = record_type

    def ticket(self, table: Table) -> TicketRules:
        instant = table.text("instant", required=True)
        rules = TicketRules(
            number=table.text("number", required=True),
            field=table.text("field", "external_reference"),
            instant=instant,
            order=table.texts("order") or (instant,),
            reason=table.text("reason", "Update"),
            created=table.texts("created"),
            created_by=table.texts("created_by"),
            updated_by=table.texts("updated_by"),
            party=table.text("party"),
        )
        self.known(table, "field", rules.field)
        table.finish()
        return rules

    def status(self, table: Table) -> StatusRules | None:
        if not table:
            return None
        if self.record_type.workflow is None:
            raise table.fault("column", _("%s has no states.") % self.record_type.label)
        values = {
            said: (dict(meant) if isinstance(meant, dict) else {"status": meant})
            for said, meant in table.values("values").items()
        }
        for said, meant in values.items():
            for name, value in ({"status": None} | meant).items():
                self.choice(table, f"values.{said}", name, value)
        rules = StatusRules(
            column=table.text("column", required=True),
            values=values,
            refuses_unknown=table.choice("unknown", ("keep", "refuse"), "keep") == "refuse",
            further=tuple(sorted({name for meant in values.values() for name in meant} - {"status"})),
        )
        table.finish()
        return rules

    def fields(self, table: Table) -> tuple[tuple[Rule, ...], tuple[Judgement, ...]]:
        rules, judgements = [], []
        for name, own in table.tables():
            self.known(own, "", name)
            rule = self._rule(name, own)
            if own.text("override"):
                judgements.append(self._judgement(name, rule, own))
            else:
                rules.append(rule)
            own.finish()
        return tuple(rules), tuple(judgements)

    def custom(self, table: Table) -> list[Rule]:
        """Read the custom fields; those that do not exist yet are made."""
        rules = []
        for name, own in table.tables():
            title = own.text("title", name.replace("_", " ").capitalize(), longest=250)
            kind = own.choice("type", CUSTOM_TYPES, CustomField.Type.TEXT.value)
            columns = own.texts("column")
            if len(columns) != 1:
                raise own.fault("column", _("name one column."))
            rules.append(
                Rule(f"custom.{name}", columns, values=own.values("values"), custom_type=kind, title=title)
            )
            own.finish()
        return rules

    def known(self, table: Table, key: str, name: str) -> None:
        try:
            self.record_type.field(name)
        except FieldDoesNotExist:
            fault = _("%(type)s has no field “%(name)s”.") % {"type": self.record_type.label, "name": name}
            raise table.fault(key, fault) from None

    def choice(self, table: Table, key: str, name: str, value: object) -> None:
        """Refuse a value that the field does not offer."""
        self.known(table, key, name)
        allowed = [choice for choice, _label in self.record_type.own_field(name).choices]
        if allowed and value not in allowed:
            raise table.fault(key, _("choose one of: %s.") % ", ".join(map(str, allowed)))

    def _rule(self, name: str, table: Table) -> Rule:
        rule = Rule(
            name=name,
            columns=table.texts("column"),
            texts=table.texts("text"),
            values=table.values("values"),
            default=table.text("default"),
            once=table.flag("once"),
            states=frozenset(table.texts("states")),
            cleared=table.flag("cleared"),
            never_later=table.flag("never_later"),
            otherwise_instant=table.text("otherwise") == "instant",
            party=table.text("party"),
            match=table.texts("match"),
            separator=table.text("separator", PATH),
        )
        if rule.default and not rule.columns and not rule.texts:
            rule = replace(rule, texts=(rule.default,))
        if bool(rule.columns) == bool(rule.texts):
            raise table.fault("column", _("give either column or text."))
        self._check_columns(table, rule)
        for value in rule.values.values():
            self.choice(table, "values", name, value)
        return rule

    def _check_columns(self, table: Table, rule: Rule) -> None:
        target = self.record_type.references.get(rule.name)
        if len(rule.columns) > 1 and (target is None or not hasattr(target, "parent")):
            raise table.fault("column", _("only a reference to a tree can take several columns."))
        for name in rule.match:
            if target is None or name not in {f.name for f in target._meta.get_fields()}:
                raise table.fault("match", _("%s isn't a field to find them by.") % name)

    def _judgement(self, name: str, rule: Rule, table: Table) -> Judgement:
        judgement = Judgement(
            name=name,
            rule=rule,
            follows=table.texts("follows"),
            override=table.text("override"),
            reason_field=table.text("reason_field", required=True),
            reason=table.text("reason", "As logged", longest=250),
        )
        for other in (judgement.override, judgement.reason_field, *judgement.follows):
            self.known(table, "override", other)
        return judgement
