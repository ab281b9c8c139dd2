"""My work: what waits for the reader's hands, over all record types."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from stellwerk.contexts import context_of
from stellwerk.kernel.activity.notifications import messages
from stellwerk.kernel.activity.notifications.services import notifications_of, still_visible
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.declaration import RecordType, View
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.query.selection import Selection
from stellwerk.signed_in import SignedInRequest
from stellwerk.web import components, shell
from stellwerk.web.lists.listing import bounded, shown_total
from stellwerk.web.lists.rows import fields_of_rows, row_of
from stellwerk.web.parts import Figure, Link, WorkRow, WorkSection

ROWS = 8
RECENT = 8


@dataclass(frozen=True)
class Share:
    """One type's part of a section: its first records in order, and how many there are."""

    record_type: RecordType
    view: View
    ordering: str
    records: list[Record]
    number: int
    exact: bool

    @property
    def url(self) -> str:
        return f"{reverse('list', args=[self.record_type])}?{self.view.query}"


@dataclass(frozen=True, slots=True)
class Worked:
    """A record on which the reader worked."""

    reference: str
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Home:
    figures: Sequence[Figure]
    sections: Sequence[WorkSection]
    recent: Sequence[Worked]


@login_required
@require_safe
def home_page(request: SignedInRequest) -> HttpResponse:
    """Show what waits for the reader; people without a staff role are at home in the portal."""
    person = request.user
    if not shell.works_here(person):
        return HttpResponseRedirect(reverse("portal"))
    sections = [_section(name, shares) for name, shares in work_of(person).items()]
    home = Home(
        figures=[Figure(section.title, section.number, section.url) for section in sections],
        sections=[*sections, _news(person)],
        recent=_recent(person),
    )
    return render(request, "stellwerk/home.html", context_of(home))


def work_of(person: Person) -> dict[str, list[Share]]:
    """Collect the declared work of all types, by the name of the view: views of one name flow together."""
    sections: dict[str, list[Share]] = {}
    for record_type in registry.all_types():
        for view in requestable(record_type).work:
            sections.setdefault(view.name, []).append(_share(record_type, view, person))
    return sections


def _share(record_type: RecordType, view: View, person: Person) -> Share:
    selection = Selection.parse(record_type, QueryDict(view.query), person)
    queryset = selection.narrow(record_type.model._default_manager.visible_to(person))
    names = {selection.ordering.lstrip("-")} & {f.name for f in record_type.journaled}
    wanted = queryset.only(*fields_of_rows(record_type), "created_at", *names)
    records = list(selection.order.apply(wanted)[: ROWS + 1])
    number, exact = (len(records), True) if len(records) <= ROWS else bounded(selection.order.apply(queryset))
    return Share(record_type, view, selection.ordering, records[:ROWS], number, exact)


def _section(name: str, shares: Sequence[Share]) -> WorkSection:
    view = shares[0].view
    items = sorted(
        ((record, share) for share in shares for record in share.records), key=lambda pair: _urgency(*pair)
    )
    number, exact = sum(share.number for share in shares), all(share.exact for share in shares)
    filled = [share for share in shares if share.number]
    return WorkSection(
        title=str(view.title),
        count=shown_total(number, exact) if number else "",
        number=number,
        url=filled[0].url if len(filled) == 1 else "",
        links=[
            Link(
                f"{shown_total(share.number, share.exact)} {capfirst(str(share.record_type.label_plural))}",
                share.url,
            )
            for share in filled
        ],
        items=[row_of(record, share.record_type) for record, share in items[:ROWS]],
        empty=str(view.empty),
        wide=True,
    )


def _urgency(record: Record, share: Share) -> tuple[bool, int, datetime]:
    """Sort by what the view is sorted by where that is a rank, the oldest first among equals."""
    value = getattr(record, share.ordering.lstrip("-"), None)
    rank = value if isinstance(value, int) else None
    return rank is None, rank or 0, record.created_at


def _news(person: Person) -> WorkSection:
    """Show what the reader was told and has not read."""
    unread = still_visible(person, notifications_of(person).filter(read_at=None)[:ROWS])
    return WorkSection(
        title=_("Notifications"),
        url=reverse("notifications"),
        count=str(len(unread) or ""),
        lit=bool(unread),
        items=[
            WorkRow(
                reference=note.entry.record.reference if note.entry else "",
                title=note.entry.record.title if note.entry else note.text,
                url=note.entry.record.get_absolute_url() if note.entry else note.address,
                status=messages.describe(note) if note.entry else "",
                meta=components.moment(note.created_at),
            )
            for note in unread
        ],
        empty=_(
            "No notifications. When someone answers you, assigns something to you or mentions you, it appears here."
        ),
    )


def _recent(person: Person) -> list[Worked]:
    """List the records on which the reader worked last."""
    entries = Entry.objects.filter(actor=person).order_by("-at").values_list("record", flat=True)[:60]
    ids = list(dict.fromkeys(entries))[:RECENT]
    records = Record.objects.visible_to(person).in_bulk(ids)
    found = [records[pk] for pk in ids if pk in records]
    return [Worked(record.reference, record.title, record.get_absolute_url()) for record in found]
