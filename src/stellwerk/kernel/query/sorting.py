"""The order of a list, and the place in it from which a page goes on (keyset paging).

An order is total, because it ends in the id, and what is empty comes last whichever way it runs. A page
is found by the values of the row before it rather than by counting rows, so that the thousandth page costs
what the first does, and nothing is shown twice when somebody adds a record meanwhile.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.utils.translation import gettext as _

from stellwerk.kernel.fields.field import Column
from stellwerk.kernel.fields.machine import MachineValue, in_utc, to_machine

if TYPE_CHECKING:
    from stellwerk.kernel.model.declaration import RecordType

M = TypeVar("M", bound=models.Model)

VALUE = "sort_value"
"""The annotation that carries what a row was sorted by."""


@dataclass(frozen=True)
class Place:
    """A row's place in an order: what it was sorted by, its id, and its number in the list for showing."""

    value: MachineValue
    id: int
    number: int = 0

    def token(self) -> str:
        """Write the place for an address."""
        text = json.dumps([self.value, self.id, self.number], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, token: str) -> "Place":
        """Read a token; ValidationError when it is none."""
        try:
            value, pk, number = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        except (binascii.Error, ValueError, TypeError, RecursionError):
            raise _damaged() from None
        whole = isinstance(pk, int) and isinstance(number, int) and 0 <= pk < 2**63 and abs(number) < 2**53
        if not whole or isinstance(value, list | dict):
            raise _damaged()
        return cls(value, pk, number)


@dataclass(frozen=True)
class Order:
    """By which field a list is sorted. `path` reaches the value, `field` says how to read it."""

    path: str
    field: Column
    descending: bool = False
    empty: bool = False
    """Whether the value may be absent."""

    def apply(self, queryset: QuerySet[M], *, backwards: bool = False) -> QuerySet[M]:
        """Sort; `backwards` turns the whole order round, for the page before a place."""
        downwards = self.descending != backwards
        return queryset.order_by(self._expression(downwards, backwards), "-id" if downwards else "id")

    def beyond(self, place: Place, *, backwards: bool = False) -> Q:
        """Keep the rows that come after the place (before it, backwards)."""
        downwards = self.descending != backwards
        further = "lt" if downwards else "gt"
        next_id = Q(**{f"id__{further}": place.id})
        absent = Q(**{f"{self.path}__isnull": True})
        if place.value is None:
            return (~absent | (absent & next_id)) if backwards else absent & next_id
        value = self._value(place)
        past = Q(**{f"{self.path}__{further}": value})
        if not self.empty:
            return Q(**{f"{self.path}__{further}e": value}) & (past | next_id)
        after = past | (Q(**{self.path: value}) & next_id)
        return after if backwards else after | absent

    def marked(self, queryset: QuerySet[M]) -> QuerySet[M]:
        """Have each row carry what it is sorted by."""
        marked: QuerySet[M] = queryset.annotate(**{VALUE: F(self.path)})
        return marked

    def place_of(self, record: models.Model, number: int = 0) -> Place:
        """Return the place of a row of a marked queryset."""
        return Place(to_machine(getattr(record, VALUE)), record.pk, number)

    def _expression(self, downwards: bool, backwards: bool) -> OrderBy | str:
        """Say where absent values go only where there may be some: otherwise PostgreSQL would not use the index."""
        if not self.empty:
            return f"-{self.path}" if downwards else self.path
        value = F(self.path)
        last = {"nulls_first": True} if backwards else {"nulls_last": True}
        return value.desc(**last) if downwards else value.asc(**last)

    def _value(self, place: Place) -> object:
        try:
            value = self.field.to_python(place.value)
            if isinstance(value, datetime):
                value = in_utc(value)
        except (ValidationError, TypeError, ValueError):
            raise _damaged() from None
        if isinstance(value, str) and "\x00" in value:
            raise _damaged()
        return value


def order_by(record_type: "RecordType", name: str) -> Order:
    """Return the order by a field name, descending with a leading "-"; references go by their title."""
    plain = name.removeprefix("-")
    field = record_type.own_fields.get(plain) or record_type.own_field(plain)
    path, column = field.order()
    return Order(path, column, descending=name.startswith("-"), empty=field.nullable)


def _damaged() -> ValidationError:
    return ValidationError(_("The address of this page is incomplete. Start at the first page of the list."))
