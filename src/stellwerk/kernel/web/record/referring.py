"""What refers to a record: the tickets of a person, the members of a team, whatever has a field that points to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import IntegerField, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from stellwerk.kernel.access.person import Person
from stellwerk.kernel.records import registry
from stellwerk.kernel.records.declaration import RecordType
from stellwerk.kernel.records.record import Record
from stellwerk.kernel.records.selection import Selection
from stellwerk.kernel.web import shell
from stellwerk.kernel.web.lists.lines import fields_of_lines, line
from stellwerk.kernel.web.lists.listing import MOST_COUNTED, shown_total
from stellwerk.kernel.web.record.finding import visible_record

ROWS = 5
PARTS = {"referring": "stellwerk/parts/referring.html", "others": "stellwerk/parts/others.html"}
"""The template of each place on a record's page that asks for what refers to a record."""


@login_required
@require_safe
def referring_page(request: HttpRequest, reference: str) -> HttpResponse:
    """Show what refers to a record: as a part of its page, asked for after it, or as a page of its own.

    `as` narrows to the fields of one name, `besides` leaves a record out.
    """
    person: Any = request.user
    record = visible_record(person, reference)
    found = Referring(record, person, request.GET.get("as", ""), request.GET.get("besides", ""))
    context = {
        "record": {"reference": record.reference, "title": record.title, "url": record.get_absolute_url()},
        "lanes": found.lanes(),
    }
    place: str = request.htmx.target or ""  # type: ignore[attr-defined]
    answer = render(request, PARTS.get(place, "stellwerk/record_referring.html"), context)
    patch_vary_headers(answer, ["HX-Request", "HX-Target"])
    return answer


def referrers(record: Record, person: Person) -> list[tuple[RecordType[Any], str]]:
    """List the types and fields that may refer to a record and whose list the person has, in the navigation's order."""
    places = shell.places()
    return sorted(
        (pair for pair in registry.referrers(type(record)) if shell.may_list(person, pair[0])),
        key=lambda pair: places[pair[0].key],
    )


class Bounded(Subquery):
    """How many rows a query finds, without walking through many more than MOST_COUNTED of them."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()

    def __init__(self, queryset: QuerySet[Any]) -> None:
        super().__init__(queryset.values("pk")[: MOST_COUNTED + 1])


@dataclass(frozen=True)
class Group:
    """The records of a type that refer to a record by one field: the open ones among them first."""

    record_type: RecordType[Any]
    field: str
    target: Record
    person: Person

    @property
    def ends(self) -> bool:
        """Whether such records are open or not."""
        return bool(self.record_type.workflow and self.record_type.workflow.ended)

    def selection(self, *, open_only: bool) -> Selection:
        asked = {self.field: str(self.target.pk), "ordering": "-created_at"}
        return Selection.parse(self.record_type, asked | ({"open": "yes"} if open_only else {}), self.person)

    @property
    def types(self) -> str:
        return capfirst(str(self.record_type.label_plural))

    @property
    def title(self) -> str:
        """Name the type, and the field unless it only says once more what is referred to."""
        field = str(self.record_type.field_label(self.field))
        if field == str(self.target.record_type.label):
            return self.types
        return _("%(types)s · %(field)s") % {"types": self.types, "field": field}

    @property
    def url(self) -> str:
        return f"{reverse('list', args=[self.record_type])}?{self.field}={self.target.reference}"


@dataclass(frozen=True)
class Referring:
    """What refers to a record as one person sees it: a query for all numbers, and one for the rows of each group."""

    record: Record
    person: Person
    field: str = ""
    besides: str = ""

    def lanes(self) -> list[dict[str, Any]]:
        """Draw the groups in which there is anything, each with its newest open records."""
        groups = [
            Group(record_type, name, self.record, self.person)
            for record_type, name in referrers(self.record, self.person)
            if name == self.field or not self.field
        ]
        return list(self._lanes(groups)) if groups else []

    def _lanes(self, groups: list[Group]) -> Iterator[dict[str, Any]]:
        numbers = self._numbers(groups)
        for at, group in enumerate(groups):
            total, current = numbers[2 * at : 2 * at + 2]
            if total:
                records = self._rows(group) if current else []
                yield {
                    "title": group.types if self.field else group.title,
                    "url": group.url,
                    "count": _counted(total, current) if group.ends else _shown(total),
                    "items": [line(record, group.record_type) for record in records],
                    "empty": _("None of them is open."),
                }

    def _numbers(self, groups: list[Group]) -> tuple[int, ...]:
        """Count all and the open records of each group, in one query."""
        counts = [
            Bounded(self._others(group.selection(open_only=open_only).countable()))
            for group in groups
            for open_only in (False, group.ends)
        ]
        numbers: tuple[int, ...] = Record.objects.filter(pk=self.record.pk).values_list(*counts).get()
        return numbers

    def _rows(self, group: Group) -> list[Any]:
        selection = group.selection(open_only=group.ends)
        rows = selection.narrow(group.record_type.model._default_manager.visible_to(self.person))
        wanted = self._others(rows).only(*fields_of_lines(group.record_type), "created_at")
        return list(selection.order.apply(wanted)[:ROWS])

    def _others(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.exclude(reference=self.besides.upper()) if self.besides else queryset


def _counted(total: int, current: int) -> str:
    return _("%(open)s open · %(total)s") % {"open": _shown(current), "total": _shown(total)}


def _shown(number: int) -> str:
    return shown_total(min(number, MOST_COUNTED), number <= MOST_COUNTED)
