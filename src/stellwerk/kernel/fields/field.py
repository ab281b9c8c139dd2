"""What every field of a record type answers, whatever kind of value it holds.

A field lies in a column of the type's table or, added by an installation, under its name in `Record.custom`. Whoever
shows, reads, filters or writes a value asks the field and never its kind. The classes of kinds are in the modules
beside this one; a page's renderer and a file's reader of each are registered in `web/fields` and `exchange`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, ClassVar, Never, Protocol, TypeAlias, TypedDict, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stellwerk.kernel.fields.machine import MachineValue, to_machine
from stellwerk.kernel.fields.schema import Schema
from stellwerk.vocabulary import JsonValue, Text

if TYPE_CHECKING:
    Column: TypeAlias = models.Field[Never, object]
    """A column of a table, whatever its values are."""
else:
    Column = models.Field  # Django's own class takes no parameters
Choices: TypeAlias = Sequence[tuple[str | int, Text]]
"""What may be chosen, each value with its label."""
F = TypeVar("F", bound="type[Field]")
V = TypeVar("V")

LONGEST_TEXT = 2_000_000
"""Characters that a text may have; a megabyte of any language fits."""
BOUNDS = {"gte": gettext_lazy("from"), "lt": gettext_lazy("before")}

KINDS: "dict[str, type[Field]]" = {}
"""Every kind of value, by its name."""


def kind(field_class: F) -> F:
    """Make a kind known (class decorator); a name used twice fails at once."""
    if field_class.kind in KINDS:
        raise ValueError(f"{field_class.__name__} and {KINDS[field_class.kind].__name__} have one name.")
    KINDS[field_class.kind] = field_class
    return field_class


class Definition(Protocol):
    """What a field added by an installation says of itself."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def help(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def required(self) -> bool: ...
    @property
    def shown_to_requesters(self) -> bool: ...
    @property
    def choices(self) -> list[str]: ...
    @property
    def references(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def is_open(self) -> bool: ...


class Holder(Protocol):
    """What fields lie on: a record, whose columns are attributes of it."""

    custom: dict[str, object]


class Reader(Protocol):
    """What a filter asks of whoever filters."""

    def visible_ids(self, model: type[models.Model], references: Collection[str]) -> set[int]:
        """Return the ids of those of the references that the reader sees."""

    def mine(self, model: type[models.Model]) -> set[int]:
        """Return the ids of what `me` means for references to the model."""

    def pointing(self, name: str, ids: Collection[int]) -> Q:
        """Keep the records whose field `name` points to one of the ids, by the reference index."""

    def title_of(self, model: type[models.Model], value: str) -> str | None:
        """Return the title of the visible record with this reference or id."""


class ReferenceOutput(TypedDict):
    """How an answer names another record."""

    reference: str
    title: str


Titles: TypeAlias = Callable[[int | str], str | None]
"""Gives the title of the record with an id, or with a reference; None when there is none."""


class Field:
    """One field of one record type."""

    kind: ClassVar[str] = ""
    listed: ClassVar[bool] = True
    """Whether its values are short enough for a column of a list, and one value fits several records."""
    leads: ClassVar[bool] = False
    """Whether people look for it first, so that it stands at the head of a record and in its line."""
    never_empty: ClassVar[bool] = False
    """Whether every value says something, so that no form need insist on one."""
    is_text: ClassVar[bool] = False
    """Whether it is a text of several lines, which needs room."""
    is_line: ClassVar[bool] = False
    """Whether it is one line of text, by which people may know a record."""
    numeric: ClassVar[bool] = False
    """Whether its values stand at the end of a column, and are typed as numbers."""
    says_little: ClassVar[bool] = False
    """Whether a value alone, such as a mere yes, needs its label beside it."""
    ranged: ClassVar[bool] = False
    """Whether a list can be narrowed to a span of its values."""
    target: "type[models.Model] | None" = None
    """The model that its values point to; None for all kinds but references in columns."""
    points: ClassVar[bool] = False
    """Whether its values are other records."""
    many: ClassVar[bool] = False
    """Whether it holds several values."""

    def __init__(
        self,
        name: str,
        label: Text,
        *,
        help: Text = "",
        column: Column | None = None,
        definition: Definition | None = None,
        shown_to_guests: bool = False,
        retired: bool = False,
    ) -> None:
        self.name, self.label, self.help = name, label, help
        self.column, self.definition = column, definition
        self.shown_to_guests = shown_to_guests
        self.retired = retired
        self.tones: Mapping[str, str] = {}
        self.choices: Choices = self.choices_of(column, definition)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def choices_of(self, column: Column | None, definition: Definition | None) -> Choices:
        """List the values that it may hold, with their labels; empty for all kinds but choices."""
        return ()

    @property
    def title(self) -> str:
        """Its label as it begins a line; an installation's own words stay as they are."""
        return str(self.label) if self.column is None else capfirst(str(self.label))

    @property
    def required(self) -> bool:
        return not self.column.blank if self.column is not None else bool(self._defined.required)

    @property
    def nullable(self) -> bool:
        return self.column.null if self.column is not None else not self._defined.required

    @property
    def is_unique(self) -> bool:
        return self.column is not None and self.column.unique

    @property
    def has_default(self) -> bool:
        return self.column is not None and self.column.has_default()

    @property
    def is_editable(self) -> bool:
        """Whether people may set it; what the record keeps count of itself is not."""
        return self.column is None or self.column.editable

    @property
    def may_be_left_out(self) -> bool:
        """Whether a new record needs no value of it where none is given: there is a default, or nothing is kept."""
        return self.column is None or self.column.has_default()

    @property
    def loads(self) -> str:
        """The column of the record's row in which it lies."""
        return self.name if self.column is not None else "custom"

    @property
    def _defined(self) -> Definition:
        assert self.definition is not None  # noqa: S101 -- what has no column was defined
        return self.definition

    # -- on a record -----------------------------------------------------------------------------------

    def get(self, record: Holder) -> object:
        """Return what the record holds: references as ids, custom values as they are stored."""
        if self.column is None:
            return record.custom.get(self.name[7:])
        held: object = getattr(record, self.column.attname)
        return held

    def put(self, record: Holder, value: object) -> None:
        """Set a Python or machine value; ValidationError, TypeError or ValueError when it does not fit the column."""
        if self.column is None:
            record.custom = {**record.custom, self.name[7:]: storable(value)}
            return
        if value is None and not self.column.null and self.column.empty_strings_allowed:
            value = ""
        setattr(record, self.column.attname, self.column.to_python(storable(value)))

    def machine(self, record: Holder) -> MachineValue:
        return to_machine(self.get(record))

    def is_empty(self, value: object) -> bool:
        return value is None or value == ""

    def readable_by(self, *, internal: bool) -> bool:
        """Whether somebody may read it on a record: who works on it all fields, a guest those shown to requesters."""
        return internal or self.shown_to_guests

    # -- values of custom fields -----------------------------------------------------------------------

    def read(self, value: object) -> object:
        """Turn what a form, file or program gives into a machine value; what cannot be read is left to `fault`."""
        return value

    def fault(self, value: object) -> str:
        """Say in a sentence why a machine value does not fit; "" when it does."""
        return ""

    def is_outdated(self, value: object) -> bool:
        """Whether a stored value of a field in use no longer fits its definition, such as a choice taken away."""
        in_use = self.definition is not None and not self.retired
        return in_use and not self.is_empty(value) and bool(self.fault(value))

    def cleaned(self, value: object) -> object:
        """Read a value and refuse it when it does not fit."""
        value = None if value in (None, "") else self.read(value)
        if value is None and self.required:
            raise ValidationError(_("Fill this in."))
        if value is not None and (why := self.fault(value)):
            raise ValidationError(why)
        return value

    # -- JSON ------------------------------------------------------------------------------------------

    def schema(self) -> Schema:
        """Describe its machine values as JSON Schema, none aside."""
        return {"type": "string"}

    def output_schema(self) -> Schema:
        """Describe how the API tells its values."""
        return self.schema()

    def given_schema(self) -> Schema:
        """Describe how the API takes its values."""
        return self.schema()

    def to_json(self, value: object, referred: Mapping[int, ReferenceOutput]) -> object:
        """Tell a stored value; `told` maps the ids that it refers to, to how such records are told."""
        return to_machine(value)

    def from_json(self, value: JsonValue) -> object:
        """Read a value that a program gives; ValidationError when JSON's type is another. Never called with null."""
        if not isinstance(value, str):
            raise ValidationError(_("Give a text."))
        return value

    # -- references ------------------------------------------------------------------------------------

    def refers(self, value: object) -> Iterable[int]:
        """Yield the ids of the records that a stored value points to."""
        return ()

    def named(self, value: object) -> Iterable[str]:
        """Yield the references, such as PER-000001, that a value names records by."""
        return ()

    def with_ids(self, value: object, ids: Mapping[str, int]) -> object:
        """Put ids in the place of references that a program gave."""
        return value

    # -- text ------------------------------------------------------------------------------------------

    def text(self, value: object, titles: Titles) -> str:
        """Say a machine value in plain words: in comparisons, files and the search."""
        return str(value)

    def description(self) -> str:
        """Name the kind of value for the documents."""
        return self.kind.replace("_", " ")

    # -- lists -----------------------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """The way to the value in a query."""
        return self.name if self.column is not None else f"custom__{self.name[7:]}"

    def filter(self, values: Sequence[str], reader: Reader) -> Q:
        """Keep the records that hold any of the values, as an address gives them."""
        if self.column is None:
            condition = Q(pk__in=[])
            for value in values:
                condition |= self.holding(self.filter_value(value))
            return condition
        return Q(**{f"{self.path}__in": [self.filter_value(value) for value in values]})

    def filter_value(self, text: str) -> object:
        """Read one value of a filter; ValidationError when it does not fit."""
        if self.column is None:
            return self.cleaned(text)
        value: object = self.column.to_python(text)
        return value

    def holding(self, value: object) -> Q:
        return Q(**{self.path: value})

    def bound(self, end: str, text: str) -> date:
        """Read one end of a span; ValidationError when it does not fit."""
        raise NotImplementedError

    def filter_choices(self) -> list[tuple[str, str]]:
        """List the values that a filter offers, with their labels; empty where it is typed or searched for."""
        return [(str(value), str(label)) for value, label in self.choices]

    def filter_text(self, text: str, reader: Reader) -> str:
        """Say a value of a filter as a person reads it."""
        return dict(self.filter_choices()).get(text, text)

    def filter_schema(self) -> tuple[Schema, str]:
        """Describe one value of its filter, and say in words what it may be."""
        choices = self.filter_choices()
        return (
            {"type": "string", "enum": [value for value, _label in choices]}
            if choices
            else {"type": "string"}
        ), ""

    def order(self) -> tuple[str, Column]:
        """Return the way to what a list is sorted by, and the column that reads it."""
        assert self.column is not None  # noqa: S101 -- custom fields are not sorted by
        return self.name, self.column


def storable(value: object) -> object:
    """Refuse text that no database takes, before one of them answers with an error of its own."""
    if isinstance(value, str):
        if "\x00" in value:
            raise ValidationError(_("The text contains a null character. Remove it."))
        if len(value) > LONGEST_TEXT:
            raise ValidationError(_("The text is too long. The limit is %d characters.") % LONGEST_TEXT)
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValidationError(_("The text contains an invalid character.")) from None
    return value


def chosen(values: Iterable[str], choices: Mapping[str, V]) -> list[V]:
    """Look up values among choices; ValidationError names those there are."""
    for value in values:
        if value not in choices:
            raise ValidationError(
                _("“%(value)s” is not one of: %(choices)s.") % {"value": value, "choices": ", ".join(choices)}
            )
    return [choices[value] for value in values]
