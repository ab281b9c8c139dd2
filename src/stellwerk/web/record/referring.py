"""What refers to a record: the tickets of a person, the members of a team, whatever has a field that points to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.decorators import login_required
from django.db import connection
from django.db.models import Case, IntegerField, QuerySet, Subquery, Value, When
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from stellwerk.contexts import context_of
from stellwerk.kernel.fields.added import added_to
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import reference_index, registry
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.guest_view import updates
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.query.selection import Selection
from stellwerk.signed_in import SignedInRequest
from stellwerk.web import shell
from stellwerk.web.lists.listing import MOST_COUNTED, shown_total
from stellwerk.web.lists.rows import fields_of_rows, row_of
from stellwerk.web.parts import RecordHead, WorkSection
from stellwerk.web.record.lookup import visible_record

ROWS = 5
SMALL = 200
"""Up to so many records that point here by one field are counted together with those of others."""
FEW = 12
"""Up to so many fields are counted each by itself, in one query; of more, what points here is gathered first."""
FEW_WITH_ROWS = 5
"""Up to so many groups read their rows each with a query of its own."""
MOST_OWN = 3
"""Of so many types the rows are read with what only they tell in a line."""
PARTS = {"referring": "stellwerk/parts/referring.html", "others": "stellwerk/parts/others.html"}
"""The template of each place on a record's page that asks for what refers to a record."""


@login_required
@require_safe
def referring_page(request: SignedInRequest, reference: str) -> HttpResponse:
    """Show what refers to a record: as a part of its page, asked for after it, or as a page of its own.

    `as` narrows to the fields of one name, `besides` leaves a record out.
    """
    person = request.user
    record = visible_record(person, reference)
    found = Referring(record, person, request.GET.get("as", ""), request.GET.get("besides", ""))
    head = RecordHead(record.reference, record.title, record.get_absolute_url())
    context = context_of(ReferredTo(head, found.sections()))
    place: str = request.htmx.target or ""  # type: ignore[attr-defined]
    answer = render(request, PARTS.get(place, "stellwerk/record_referring.html"), context)
    patch_vary_headers(answer, ["HX-Request", "HX-Target"])
    return answer


def referrers(record: Record, person: Person) -> list[tuple[RecordType, str]]:
    """List the types and fields that may refer to a record and whose list the person has, in the navigation's order."""
    places = shell.places()
    pairs = [*registry.referrers(type(record)), *_added(record)]
    return sorted(
        (pair for pair in pairs if shell.may_list(person, pair[0])), key=lambda pair: places[pair[0].key]
    )


def _added(record: Record) -> Iterator[tuple[RecordType, str]]:
    """Yield the added fields that may point to a record."""
    for record_type in registry.all_types():
        for name, field in added_to(record_type.key).items():
            if field.points and field.definition and field.definition.references in ("", record.kind):
                yield record_type, name


class Bounded(Subquery):
    """How many rows a query finds, without walking through many more than MOST_COUNTED of them."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()

    def __init__(self, queryset: QuerySet[Record]) -> None:
        super().__init__(queryset.values("pk")[: MOST_COUNTED + 1])


@dataclass(frozen=True, slots=True)
class ReferredTo:
    """What refers to a record, for its page."""

    record: RecordHead
    sections: Sequence[WorkSection]


@dataclass(frozen=True)
class Group:
    """The records of a type that refer to a record by one field: the open ones among them first."""

    record_type: RecordType
    field: str
    target: Record
    person: Person

    @property
    def ends(self) -> bool:
        """Whether such records are open or not."""
        return bool(self.record_type.workflow and self.record_type.workflow.ended)

    def selection(self, *, open_only: bool) -> Selection:
        asked = {"ordering": "-created_at"} | ({"open": "yes"} if open_only else {})
        if not self.added:
            return Selection.parse(self.record_type, asked | {self.field: str(self.target.pk)}, self.person)
        selection = Selection.parse(self.record_type, asked, self.person)
        selection.condition &= selection.pointing(self.field, [self.target.pk])
        return selection

    @property
    def added(self) -> bool:
        return self.record_type.fields[self.field].column is None

    @property
    def candidates(self) -> tuple[str, tuple[int | str, ...]]:
        """The query, with its parameters, for the ids of records whose field points here, whoever may see them."""
        column: Any = self.record_type.fields[self.field].column
        if reference_index.indexed(self.record_type.fields[self.field]):
            sql, params = (
                "SELECT record_id FROM kernel_pointer WHERE target_id = %s AND field = %s",
                [self.field],
            )
        elif column.model is Record:
            sql = f"SELECT id FROM kernel_record WHERE {column.column} = %s AND kind = %s"  # nosec B608 -- names of ours
            params = [self.record_type.key]
        else:
            table, key = column.model._meta.db_table, column.model._meta.pk.column
            sql, params = f"SELECT {key} FROM {table} WHERE {column.column} = %s", []  # nosec B608 -- names of ours
        return f"{sql} LIMIT {SMALL + 1}", (self.target.pk, *params)

    @property
    def types(self) -> str:
        return capfirst(str(self.record_type.label_plural))

    @property
    def title(self) -> str:
        """Name the type, and the field unless it only says once more what is referred to."""
        field = str(self.record_type.fields[self.field].label)
        if field == str(self.target.record_type.label):
            return self.types
        return _("%(types)s · %(field)s") % {"types": self.types, "field": field}

    @property
    def url(self) -> str:
        return f"{reverse('list', args=[self.record_type])}?{self.field}={self.target.reference}"

    @property
    def drawn_from_core(self) -> bool:
        """Whether the core table knows all that a line of such a record tells."""
        core = {field.name for field in Record._meta.concrete_fields}
        return set(fields_of_rows(self.record_type)) <= core


Counted = tuple[Group, int, int, list[Record]]
"""A group, how many records are in it, how many of them count as current, and the newest of these."""


class Seen(NamedTuple):
    """What counts of a record that the person sees."""

    pk: int
    is_open: bool
    created_at: datetime
    staff: bool
    """Whether they see it as one who works on it."""


@dataclass(frozen=True)
class Referring:
    """What refers to a record as one person sees it: a query for all numbers, and one for the rows of each group."""

    record: Record
    person: Person
    field: str = ""
    besides: str = ""

    def sections(self) -> list[WorkSection]:
        """Draw the groups in which there is anything, each with its newest open records."""
        groups = [
            Group(record_type, name, self.record, self.person)
            for record_type, name in referrers(self.record, self.person)
            if name == self.field or not self.field
        ]
        counted = self._few(groups) if len(groups) <= FEW else self._many(groups)
        updated = updates([row for *_group, rows in counted for row in rows], self.person)
        return [_section(*each, updated, short=bool(self.field)) for each in counted]

    def _few(self, groups: list[Group]) -> list[Counted]:
        """Count all groups in one query; read the rows of each, or of all of them together."""
        if not groups:
            return []
        numbers = self._numbers(groups)
        counted = list(zip(groups, numbers[::2], numbers[1::2], strict=True))
        filled = [group for group, _total, current in counted if current]
        if len(filled) <= FEW_WITH_ROWS:
            rows = {group: list(self._rows(group).only(*_columns(group))) for group in filled}
        else:
            queries = [self._rows(group).values_list("pk").query.sql_with_params() for group in filled]
            rows = _read(
                [(filled[at], pk) for at, pk in _gathered([(sql, (*params,)) for sql, params in queries])]
            )
        return [(group, total, current, rows.get(group, [])) for group, total, current in counted if total]

    def _many(self, groups: list[Group]) -> list[Counted]:
        """Count many groups at the price of a few: what points here by any field is gathered, and then seen or not.

        Groups too large for that are counted one by one, as there can only be a few of them.
        """
        found: dict[Group, list[int]] = {}
        for at, pk in _gathered([group.candidates for group in groups]):
            found.setdefault(groups[at], []).append(pk)
        large = self._few([group for group in found if len(found[group]) > SMALL])
        small = {group: ids for group, ids in found.items() if len(ids) <= SMALL}
        seen = self._seen({pk for ids in small.values() for pk in ids})
        counted, newest = {each[0]: each for each in large}, []
        for group, ids in small.items():
            guests = group.record_type.fields[group.field].readable_by(internal=False)
            rows = [seen[pk] for pk in ids if pk in seen and (guests or seen[pk].staff)]
            current = [row for row in rows if row.is_open or not group.ends]
            if rows:
                counted[group] = (group, len(rows), len(current), [])
            current.sort(key=lambda row: (row.created_at, row.pk), reverse=True)
            newest += [(group, row.pk) for row in current[:ROWS]]
        read = _read(newest)
        every = [counted[group] for group in groups if group in counted]
        return [(group, total, current, rows or read.get(group, [])) for group, total, current, rows in every]

    def _seen(self, ids: set[int]) -> dict[int, Seen]:
        """Read what the person sees of the records, and whether as staff."""
        policy = policy_of(self.person)
        staff = Case(When(policy.as_staff(Record, few=True), then=Value(True)), default=Value(False))
        rows = self._others(Record.objects.filter(policy.visible(Record, few=True), pk__in=ids)).annotate(
            staff=staff
        )
        return {row[0]: Seen(*row) for row in rows.values_list("pk", "is_open", "created_at", "staff")}

    def _numbers(self, groups: list[Group]) -> tuple[int, ...]:
        """Count all and the open records of each group, in one query."""
        counts = [
            Bounded(self._others(group.selection(open_only=open_only).countable()))
            for group in groups
            for open_only in (False, group.ends)
        ]
        numbers: tuple[int, ...] = Record.objects.filter(pk=self.record.pk).values_list(*counts).get()
        return numbers

    def _rows(self, group: Group) -> QuerySet[Record]:
        selection = group.selection(open_only=group.ends)
        rows = selection.narrow(group.record_type.model._default_manager.visible_to(self.person))
        return selection.order.apply(self._others(rows))[:ROWS]

    def _others(self, queryset: QuerySet[Record]) -> QuerySet[Record]:
        return queryset.exclude(reference=self.besides.upper()) if self.besides else queryset


def _columns(group: Group) -> list[str]:
    return [*fields_of_rows(group.record_type), "created_at"]


def _read(ids: list[tuple[Group, int]]) -> dict[Group, list[Record]]:
    """Read the rows of many groups together, the newest first of each."""
    kept: dict[int, Record] = {}
    own = dict.fromkeys(group.record_type for group, _pk in ids if not group.drawn_from_core)
    for record_type in list(own)[:MOST_OWN]:
        wanted = [pk for group, pk in ids if group.record_type is record_type]
        rows = record_type.model._default_manager.filter(pk__in=wanted)
        kept |= {row.pk: row for row in rows.only(*fields_of_rows(record_type), "created_at")}
    missing = [pk for _group, pk in ids if pk not in kept]
    kept |= Record.objects.in_bulk(missing) if missing else {}
    found: dict[Group, list[Record]] = {}
    for group, pk in ids:
        found.setdefault(group, []).append(kept[pk])
    for of_group in found.values():
        of_group.sort(key=lambda row: (row.created_at, row.pk), reverse=True)
    return found


def _section(
    group: Group,
    total: int,
    current: int,
    rows: list[Record],
    updated: dict[int, datetime],
    *,
    short: bool,
) -> WorkSection:
    return WorkSection(
        title=group.types if short else group.title,
        url=group.url,
        count=_counted(total, current) if group.ends else _shown(total),
        items=[row_of(record, group.record_type, updated[record.pk]) for record in rows],
        empty=_("None of them is open."),
    )


def _gathered(queries: list[tuple[str, tuple[int | str, ...]]]) -> list[tuple[int, int]]:
    """Run queries of one column as one; each value with the number of the query that found it, in their order."""
    parts = [
        f"SELECT {at} AS part, found.* FROM ({sql}) AS found"  # nosec B608 -- queries of this module
        for at, (sql, _params) in enumerate(queries)
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), [value for _sql, params in queries for value in params])
        return sorted(cursor.fetchall())


def _counted(total: int, current: int) -> str:
    return _("%(open)s open · %(total)s") % {"open": _shown(current), "total": _shown(total)}


def _shown(number: int) -> str:
    return shown_total(min(number, MOST_COUNTED), number <= MOST_COUNTED)
