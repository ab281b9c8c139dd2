"""Filters, order and free text of a list: one reading of query parameters for pages, API and export.

    selection = Selection.parse(record_type, request.GET, person)
    records = selection.apply(Incident.objects.visible_to(person))

Parameters: `FIELD=value` (repeated: any of them) for the declared filters; references as a reference, an
id, `me` or `none`; date fields with `__gte` and `__lt`, an instant or a day as the reader's clock has it;
`custom.NAME=value`; `open=yes|no`; `q=words`; `ordering=FIELD` or `-FIELD` for the declared columns.
Anything else is refused, so that no parameter reaches the database that was not meant to.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from stellwerk.kernel.custom_fields import values as custom
from stellwerk.kernel.fields.field import BOUNDS, Field
from stellwerk.kernel.fields.reference import small
from stellwerk.kernel.fields.yes_no import yes_or_no
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team, TeamMembership, valid_on
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.days import today
from stellwerk.kernel.model.declaration import CORE_DATES
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.reference_index import Pointer
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.query.sorting import Order, Place, order_by
from stellwerk.kernel.search import index

if TYPE_CHECKING:
    from stellwerk.kernel.model.declaration import RecordType

R = TypeVar("R", bound=Record)

CORE_FILTERS = ("status", "party", "open", "q", "ordering", *CORE_DATES)
_CORE_COLUMNS = ("reference", "title", "status", *CORE_DATES)
MOST_VALUES = 100


@dataclass(frozen=True)
class Chip:
    """One active filter as a person reads it, with the parameter it came from."""

    parameter: str
    value: str
    label: str
    text: str


@dataclass
class Selection:
    """What somebody wants to see of a list; made by `parse`."""

    record_type: "RecordType"
    person: Actor
    given: dict[str, list[str]]
    condition: Q = field(default_factory=Q)
    ordering: str = ""
    text: str = ""

    @classmethod
    def parse(
        cls,
        record_type: "RecordType",
        params: Mapping[str, str | list[str]],
        person: Actor,
        ignoring: tuple[str, ...] = (),
    ) -> "Selection":
        """Read query parameters; ValidationError by parameter name when one is unknown or does not fit.

        `ignoring` names parameters that mean something to the caller, such as a page or a format.
        """
        selection = cls(record_type, person, _lists(params, ignoring))
        faults: dict[str, list[str]] = {}
        for name, values in selection.given.items():
            try:
                selection._read(name, values)
            except ValidationError as error:
                faults[name] = error.messages
        if faults:
            raise ValidationError(faults)
        selection.ordering = selection.ordering or record_type.ordering
        return selection

    def apply(self, queryset: QuerySet[R]) -> QuerySet[R]:
        """Narrow and order the caller's queryset; the order is total."""
        return self.order.apply(self.narrow(queryset))

    def visible(self) -> QuerySet[Record]:
        """Select what the person sees of this, in no order."""
        model = self.record_type.model
        if self.text and self._found.whole:
            found: QuerySet[Record] = model._default_manager.filter(self._matches.among(self._found))
            return found
        visible = policy_of(self.person).visible(model, few=bool(self.text))
        return self.narrow(model._default_manager.filter(visible))

    def visible_beyond(self, place: Place | None, size: int, *, backwards: bool = False) -> QuerySet[Record]:
        """Select what the person sees of this beyond a place, in no order.

        Of thousands that a text found it is the next `size` only, so that the others are sorted by what is needed for
        it and not read whole.
        """
        order = self.order
        if self.text and self._found.whole and len(self._found.ids) > size:
            table: type[Record] = Record if order.path in _CORE_COLUMNS else self.record_type.model
            found = table._default_manager.filter(self._matches.among(self._found))
            beyond = found.filter(order.beyond(place, backwards=backwards)) if place else found
            ids = order.apply(beyond, backwards=backwards).values_list("pk", flat=True)
            first: QuerySet[Record] = self.record_type.model._default_manager.filter(pk__in=list(ids[:size]))
            return first
        rows = self.visible()
        return rows.filter(order.beyond(place, backwards=backwards)) if place else rows

    def counted(self, most: int) -> tuple[int, bool]:
        """Count what the person sees of this, up to `most`: the number, and whether it is exact."""
        if self.text and (self._found.whole or len(self._found.ids) > most):
            number = len(self._found.ids)
        else:
            number = self.countable()[: most + 1].count()
        return min(number, most), number <= most

    def narrow(self, queryset: QuerySet[R]) -> QuerySet[R]:
        """Narrow the caller's queryset. What guests may not read, they cannot select by either."""
        return self._narrow(queryset.filter(kind=self.record_type.key))

    def _narrow(self, queryset: QuerySet[R]) -> QuerySet[R]:
        queryset = self._narrow_without_text(queryset)
        return self._matches.narrow(queryset, internal=self._reads_notes) if self.text else queryset

    def _narrow_without_text(self, queryset: QuerySet[R]) -> QuerySet[R]:
        policy, model = policy_of(self.person), self.record_type.model
        queryset = queryset.filter(self.condition)
        if queryset.model is model and self._asks_own_table_for_open():
            queryset = queryset.filter(**requestable(self.record_type).open_implies)
        if policy.scope(self.record_type) is not None and not self._readable_by_guests():
            queryset = queryset.filter(policy.as_staff(model))
        return queryset

    @property
    def _reads_notes(self) -> Q:
        """The condition that the text may be looked for in a record's internal notes too."""
        return policy_of(self.person).as_staff(self.record_type.model, few=True)

    @cached_property
    def _matches(self) -> index.Matches:
        """What the text finds; looked up once for the rows and for their number."""
        return index.Matches(self.text, connection.alias)

    @cached_property
    def _found(self) -> index.Gathered:
        """The records that the text finds of what the person sees; looked up once for the page and its number."""
        table = self._table
        seen = table._default_manager.filter(policy_of(self.person).visible(self.record_type.model, few=True))
        narrowed = self._narrow_without_text(seen.filter(kind=self.record_type.key))
        return self._matches.gather(narrowed, internal=self._reads_notes)

    @property
    def _table(self) -> type[Record]:
        return Record if self.is_of_core else self.record_type.model

    @property
    def is_of_core(self) -> bool:
        """Whether only fields of the core table select, so that counting needs no other table."""
        used = {name.partition("__")[0] for name in self.given}
        return all(name in CORE_FILTERS or name.startswith("custom.") for name in used)

    def countable(self) -> QuerySet[Record]:
        """Select what the person sees of this, for counting: from the core table alone where nothing else selects."""
        policy, model, few = policy_of(self.person), self.record_type.model, bool(self.text)
        visible: QuerySet[Record] = self._table._default_manager.filter(policy.visible(model, few=few))
        if connection.vendor == "sqlite" and self._points:
            # Told the kind too, SQLite would walk through all records of it rather than look up those that point there.
            return self._narrow(visible).order_by()
        return self.narrow(visible).order_by()

    @property
    def _points(self) -> bool:
        """Whether own references select, each by what it points to."""
        used = [
            name for name in self.given if name in self.record_type.references and name not in CORE_FILTERS
        ]
        return bool(used) and not any("none" in self.given[name] for name in used)

    def _asks_own_table_for_open(self) -> bool:
        open_only = [yes_or_no(value) for value in self.given.get("open", [])[-1:]] == [True]
        ordered_by = self.ordering.lstrip("-")
        return open_only and (not self.is_of_core or not hasattr(Record, ordered_by))

    @property
    def order(self) -> Order:
        return order_by(self.record_type, self.ordering)

    def _readable_by_guests(self) -> bool:
        retired = custom.known_to(policy_of(self.person), self.record_type, retired=True)
        shown = {*self.record_type.readable_fields(internal=False), *retired, "open", "q", "ordering"}
        used = {name.partition("__")[0] for name in self.given}
        chosen = set() if self.ordering == self.record_type.ordering else {self.ordering.lstrip("-")}
        return used | chosen <= shown

    def query(self, **changes: object) -> str:
        """Return the query string with parameters replaced; None removes one, a list repeats it."""
        wanted: dict[str, object] = {**self.given, **changes}
        return urlencode(
            {name: value for name, value in wanted.items() if value not in (None, "", [])}, doseq=True
        )

    def chips(self) -> list[Chip]:
        """List the active filters, in the order they were given."""
        return list(self._chips())

    # -- reading ---------------------------------------------------------------------------------------

    def _read(self, name: str, values: list[str]) -> None:
        if len(values) > MOST_VALUES:
            raise ValidationError(_("Give at most %d values.") % MOST_VALUES)
        if name == "q":
            self.text = " ".join(values).strip()
        elif name == "ordering":
            self.ordering = self._order(values[-1])
        elif name == "open":
            # Not "= yes": written as a bare column, SQLite would not find it in an index.
            self.condition &= Q(is_open__in=[yes_or_no(values[-1])])
        elif "__" in name:
            base, _separator, bound = name.partition("__")
            self.condition &= self._bound(base, bound, values[-1])
        else:
            self.condition &= self._any_of(name, values)

    def _order(self, given: str) -> str:
        name = given.removeprefix("-")
        if name not in (
            *self.record_type.columns,
            *CORE_DATES,
            "reference",
            self.record_type.ordering.lstrip("-"),
        ):
            raise ValidationError(_("Can't sort by “%s”.") % name)
        return given

    def _any_of(self, name: str, values: list[str]) -> Q:
        field = self._filterable(name)
        if field is None:
            raise _unknown(name)
        return field.filter(values, self)

    def _bound(self, name: str, bound: str, value: str) -> Q:
        if name not in dated(self.record_type) or bound not in BOUNDS:
            raise _unknown(f"{name}__{bound}")
        return Q(**{f"{name}__{bound}": self.record_type.own_fields[name].bound(bound, value)})

    def _filterable(self, name: str) -> Field | None:
        """Return a field that the list can be filtered by; of an added one a guest must be shown it to know of it."""
        if not name.startswith("custom."):
            return self.record_type.own_fields[name] if name in self.record_type.filters else None
        policy = policy_of(self.person)
        in_use = custom.known_to(policy, self.record_type).get(name)
        return in_use or custom.known_to(policy, self.record_type, retired=True).get(name)

    # -- what fields ask of whoever filters --------------------------------------------------------------

    def visible_ids(self, model: type[models.Model], references: Collection[str]) -> set[int]:
        found = model._default_manager.filter(
            policy_of(self.person).visible(cast("type[Record]", model)), reference__in=references
        )
        return set(found.values_list("pk", flat=True))

    def pointing(self, name: str, ids: Collection[int]) -> Q:
        found = Pointer.objects.filter(target__in=ids, field=name)
        return Q(pk__in=found.values("record"))

    def mine(self, model: type[models.Model]) -> set[int]:
        """Say what `me` means for a reference: the reader's teams, organisation, or the reader."""
        if not isinstance(self.person, Person):
            return set()
        if model is Team:
            mine = TeamMembership.objects.filter(valid_on(today()), person=self.person.pk)
            return set(mine.values_list("team", flat=True))
        return {pk for pk in (self.person.party_id if model is Party else self.person.pk,) if pk}

    def title_of(self, model: type[models.Model], value: str) -> str | None:
        by = Q(pk=small(value)) if value.isascii() and value.isdigit() else Q(reference=value.upper())
        visible = policy_of(self.person).visible(cast("type[Record]", model))
        found = model._default_manager.filter(visible, by).first()
        return str(found) if found else None

    # -- showing ---------------------------------------------------------------------------------------

    def _chips(self) -> Iterator[Chip]:
        for name, values in self.given.items():
            if name in ("ordering", "q"):
                continue
            label = self._label(name)
            for value in values:
                yield Chip(name, value, label, self._shown(name, value))

    def _label(self, name: str) -> str:
        if name == "open":
            return _("open")
        base, _separator, bound = name.partition("__")
        label = str(self._described(base).label)
        return f"{label} {BOUNDS[bound]}" if bound else label

    def _shown(self, name: str, value: str) -> str:
        if name == "open":
            return _("Yes") if yes_or_no(value) else _("No")
        return self._described(name.partition("__")[0]).filter_text(value, self)

    def _described(self, name: str) -> Field:
        return self.record_type.fields.get(name) or self.record_type.retired_fields[name]


def dated(record_type: "RecordType") -> list[str]:
    """List the fields that hold a day or an instant, which a list can be narrowed to a span of."""
    own = [name for name, field in record_type.own_fields.items() if field.ranged and name not in CORE_DATES]
    return [*CORE_DATES, *own]


def _lists(params: Mapping[str, str | list[str]], ignoring: tuple[str, ...]) -> dict[str, list[str]]:
    read = getattr(params, "getlist", None)
    lists = {name: read(name) if read else params[name] for name in params if name not in ignoring}
    lists = {name: [value] if isinstance(value, str) else list(value) for name, value in lists.items()}
    return {name: [value for value in values if value != ""] for name, values in lists.items() if any(values)}


def _unknown(name: str) -> ValidationError:
    return ValidationError(_("Can't filter by “%s”.") % name)
