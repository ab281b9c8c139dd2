"""What a renderer does for a kind of value, and what most of them have in common."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import ClassVar, Protocol, TypedDict, TypeVar

from django import forms
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from stellwerk.kernel.fields.field import Field
from stellwerk.kernel.fields.machine import to_machine
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.values import MachineValue
from stellwerk.web import components

Cell = SafeString | str
R = TypeVar("R", bound="type[Renderer]")
LONGEST = 160
"""Characters of a value that a property or a line of the history shows."""

RENDERERS: "dict[str, Renderer]" = {}


def renders(*kinds: type[Field]) -> Callable[[R], R]:
    """Register a renderer for kinds (class decorator); a kind that has one already fails at once."""

    def register(renderer: R) -> R:
        for each in kinds:
            if each.kind in RENDERERS:
                raise ValueError(
                    f"{renderer.__name__} and {type(RENDERERS[each.kind]).__name__} both render {each.kind}."
                )
            RENDERERS[each.kind] = renderer()
        return renderer

    return register


def renderer_of(field: Field) -> "Renderer":
    return RENDERERS[field.kind]


@dataclass
class CellPage:
    """What the cells of one page of rows share: everything that they would else look up one by one."""

    record_type: RecordType
    titles: Mapping[int | str, str]
    """Titles of the records that the rows point to, by id."""
    now: datetime = field(default_factory=timezone.now)


@dataclass(frozen=True)
class Name:
    """How another record is called, and its address where the reader may open it."""

    title: str
    reference: str
    kind: str
    status: str
    url: str


class Names(Protocol):
    """The names of the records that a page refers to."""

    def want(self, ids: Iterable[object]) -> None: ...

    def get(self, pk: int) -> Name | None: ...


@dataclass(frozen=True)
class Choice:
    """A record in a form."""

    pk: int
    reference: str
    label: str

    @property
    def shown(self) -> str:
        return f"{self.label} ({self.reference})"


@dataclass(frozen=True)
class Offered:
    """The records that a field offers: all of them when they are few, else only those chosen already."""

    choices: Sequence[Choice]
    few: bool


@dataclass(frozen=True)
class Asked:
    """In what a form field is asked for: by whom, with which records offered, and what it begins with."""

    person: Person
    offered: Offered | None = None
    current: object = None


@dataclass(frozen=True)
class Box:
    """A box to tick."""

    value: str
    label: str
    ticked: bool = False


@dataclass
class FilterGroup:
    """One filter: boxes to tick, a search for records to tick (`finds`), a range of days, or a text."""

    name: str
    label: str
    choices: list[Box] = field(default_factory=list)
    finds: str = ""
    """The key of the record type that is searched."""
    find: str = ""
    """What was searched for, when the page was asked without scripts."""
    bounds: tuple[str, str] | None = None
    text: str | None = None
    numeric: bool = False

    @property
    def active(self) -> bool:
        return bool(any(c.ticked for c in self.choices) or self.text or (self.bounds and any(self.bounds)))


@dataclass(frozen=True)
class Filtering:
    """What a filter's control is drawn from: who filters, what the address gives, and what is searched for."""

    person: Person
    given: Mapping[str, list[str]]
    find: Mapping[str, str]

    def boxes(
        self, name: str, label: str, choices: Iterable[tuple[str, str]], finds: str = "", find: str = ""
    ) -> FilterGroup:
        given = self.given.get(name, [])
        return FilterGroup(
            name, label, [Box(value, text, value in given) for value, text in choices], finds, find
        )


class Renderer:
    """Draws the values of one kind as text."""

    alike: ClassVar[bool] = False
    """Whether equal values look alike in every row, so that one of a page need be drawn once."""

    # -- cells -----------------------------------------------------------------------------------------

    def drawer(self, field: Field, page: CellPage) -> Callable[[Record], Cell]:
        """Return what draws the field's cell of a record."""

        def draw(record: Record) -> Cell:
            value = field.get(record)
            return components.nothing() if field.is_empty(value) else self.cell(field, value, page)

        attribute = field.column.attname if field.column is not None else ""
        return once_per_value([attribute], draw) if self.alike and attribute else draw

    def cell(self, field: Field, value: object, page: CellPage) -> Cell:
        """Draw a stored value that is not empty."""
        return field.text(value, page.titles.get)

    # -- pages -----------------------------------------------------------------------------------------

    def shown(self, field: Field, value: object, names: Names) -> Cell:
        """Draw a machine value that is not empty."""
        return Truncator(field.text(value, titles_of(names))).chars(LONGEST)

    # -- forms -----------------------------------------------------------------------------------------

    def form_field(self, field: Field, asked: Asked) -> forms.Field:
        """Make the form field; its label, help and whether it must be filled are the field's."""
        if field.column is None:
            return forms.CharField(max_length=10_000, **about(field))
        made = field.column.formfield()
        if made is None:
            raise TypeError(f"{field} has no form field.")
        made.label = field.title
        return made

    def initial(self, field: Field, value: object, offered: Offered | None) -> object:
        """Return what the form begins with for a stored value."""
        return value

    def entered(self, field: Field, value: object) -> MachineValue:
        """Return what was entered as a machine value; None for nothing."""
        if value in (None, "", []):
            return None
        return to_machine(field.read(value) if field.column is None else value)

    # -- filters ---------------------------------------------------------------------------------------

    def control(self, field: Field, filtering: Filtering) -> FilterGroup:
        choices = field.filter_choices()
        if choices:
            known = dict(choices)
            given = filtering.given.get(field.name, [])
            choices += [(value, no_longer_offered(value)) for value in given if value not in known]
            return filtering.boxes(field.name, field.title, choices)
        text = " ".join(filtering.given.get(field.name, []))
        typed = field.numeric and field.column is None
        return FilterGroup(field.name, field.title, text=text, numeric=typed)


def no_longer_offered(value: object) -> str:
    return _("%s (no longer offered)") % value


class About(TypedDict):
    """What every form field is told of the field it asks for."""

    label: str
    help_text: str
    required: bool


def about(field: Field) -> About:
    return {"label": field.title, "help_text": str(field.help), "required": field.required}


def titles_of(names: Names) -> Callable[[object], str | None]:
    def title(key: object) -> str | None:
        found = names.get(key) if isinstance(key, int) else None
        return found.title if found else None

    return title


def once_per_value(attributes: Iterable[str], draw: Callable[[Record], Cell]) -> Callable[[Record], Cell]:
    """Draw a cell once for all rows of a page that have the same values."""
    known: dict[object, Cell] = {}
    value_of = attrgetter(*attributes)

    def cell(record: Record) -> Cell:
        value = value_of(record)
        if value not in known:
            known[value] = draw(record)
        return known[value]

    return cell
