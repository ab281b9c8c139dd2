"""What the templates in templates/stellwerk/parts draw, on whatever page they stand."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html

from stellwerk.vocabulary import JsonObject, Text
from stellwerk.web.fields.renderer import Cell


@dataclass(frozen=True, slots=True)
class Link:
    title: Text
    url: str


@dataclass(frozen=True, slots=True)
class Tab:
    title: Text
    url: str
    active: bool
    count: str = ""


@dataclass(frozen=True, slots=True)
class TypeHead:
    """What names a type of record."""

    label: Text
    label_plural: Text
    list_url: str
    icon: str = ""


@dataclass(frozen=True, slots=True)
class RecordHead:
    """What names a record."""

    reference: str
    title: str
    url: str
    ended: bool = False
    edit_url: str = ""


@dataclass(frozen=True, slots=True)
class WorkRow:
    """A record in one line."""

    reference: str
    title: str
    url: str
    status: Cell
    rank: Cell = ""
    meta: Cell = ""


@dataclass(frozen=True, slots=True)
class WorkSection:
    """A titled group of lines; `links` where several lists are behind it."""

    title: str
    url: str
    count: str
    items: Sequence[WorkRow]
    empty: str
    links: Sequence[Link] = ()
    lit: bool = False
    """Whether it waits for the reader."""
    wide: bool = False
    number: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """A key figure; `late` and `lit` say how it looks when it is not 0."""

    label: Text
    value: int
    url: str = ""
    late: bool = False
    lit: bool = False
    trend: str = ""
    links: Sequence[Link] = ()


@dataclass(frozen=True, slots=True)
class Pager:
    """Where a page of rows stands among all of them."""

    total: int
    exact: bool
    first: int
    last: int
    previous_url: str
    next_url: str
    most: int = 0
    """Up to how many rows are counted."""


@dataclass(frozen=True, slots=True)
class Empty:
    """What stands where nothing is, and what to do about it."""

    title: str
    text: str
    url: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one line or group of a chart, each perhaps with the list behind it."""

    name: str
    values: Sequence[int]
    urls: Sequence[str] = ()
    hue: str = ""
    """The name of a colour; the next one free where it is empty."""

    def cell(self, at: int) -> Cell | int:
        """Draw one value for the table of figures."""
        value = self.values[at]
        return format_html('<a href="{}">{}</a>', self.urls[at], value) if self.urls and value else value

    def as_json(self) -> JsonObject:
        """Write it as the script reads it, which takes an empty list of addresses for one of them."""
        told: JsonObject = {"name": self.name, "values": [*self.values]}
        return told | ({"urls": [*self.urls]} if self.urls else {}) | ({"hue": self.hue} if self.hue else {})


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with its figures as a table."""

    id: str
    title: str
    note: str
    data: JsonObject
    head: Sequence[str]
    rows: Sequence[Sequence[Cell | int]]
    span: int = 6
    """How many of twelve columns it takes."""
    tall: bool = False
    url: str = ""
