"""A requester's own tickets, of both kinds, as the portal shows them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, When
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry, Verb
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.guest_view import standings
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.search import index
from stellwerk.processes.incidents.closure import closure_rules
from stellwerk.processes.incidents.incident import Incident
from stellwerk.processes.incidents.portal.context import TicketRow
from stellwerk.processes.incidents.service_request import ServiceRequest
from stellwerk.processes.incidents.ticket import Ticket, resolved_elsewhere
from stellwerk.processes.services.service import Service
from stellwerk.vocabulary import Text
from stellwerk.web import components

KINDS: dict[str, type[Ticket]] = {"incident": Incident, "service_request": ServiceRequest}
MOST_FOUND = 25
MOST_WORDS = 200
TABS = (
    ("open", _("Open")),
    ("ended", _("Closed")),
    ("all", _("All")),
    ("organisation", _("My organisation")),
)
CANCELLED_AS: dict[str, Text] = {
    Ticket.ResolutionCode.WITHDRAWN: _("Withdrawn"),
    Ticket.ResolutionCode.DUPLICATE: _("Handled with others"),
}


@dataclass(frozen=True)
class FormerWords:
    """Something that a person wrote on a ticket that they no longer see."""

    reference: str
    at: datetime
    body: str


def own(person: Person) -> QuerySet[Record]:
    """Select the tickets that the person raised or that were raised for them, newest first."""
    mine = Share.objects.filter(person=person).values("record")
    return Record.objects.filter(kind__in=KINDS, pk__in=mine).order_by("-created_at", "-pk")


def of_either_kind(**condition: object) -> Q:
    """Return the condition, of the core table, that holds for the tickets of both kinds that fulfil another."""
    found = [Q(pk__in=model._default_manager.filter(**condition).values("pk")) for model in KINDS.values()]
    return reduce(or_, found)


def requesters_turn() -> Q:
    """Return the condition, of the core table, that nothing goes on without the requester: answer or confirm."""
    waiting = of_either_kind(status=Ticket.Status.WAITING, waiting_for=Ticket.WaitingFor.USER)
    return waiting | Q(status=Ticket.Status.RESOLVED) & ~over_and_done()


def over_and_done() -> Q:
    """Return the condition that a ticket came resolved from another tool, longer ago than requesters are asked for."""
    asked_since = timezone.now() - timedelta(days=closure_rules().confirmation_days)
    return resolved_elsewhere() & of_either_kind(resolved_at__lt=asked_since)


def turn_first(tickets: QuerySet[Record]) -> QuerySet[Record]:
    """Put what waits for the requester before everything else."""
    theirs = Case(When(requesters_turn(), then=0), default=1, output_field=IntegerField())
    return tickets.order_by(theirs, "-created_at", "-pk")


def about(person: Person, service: Service) -> QuerySet[Record]:
    """Select the person's open tickets about a service, first those that wait for them."""
    return in_tab(person, "open").filter(of_either_kind(service=service.pk))


def search(person: Person, text: str) -> list[Ticket]:
    """Find the person's own tickets by words or a number, the best first."""
    mine = own(person)
    ids = index.find(mine, text, internal=False).page(1, MOST_FOUND)
    found = mine.in_bulk(ids)
    return typed(found[pk] for pk in ids if pk in found)


def of_organisation(person: Person) -> QuerySet[Record]:
    """Select the tickets of the customers whom the person looks after, their own included."""
    guest = policy_of(person).as_guest(Record)
    return Record.objects.filter(guest, kind__in=KINDS).order_by("-created_at", "-pk")


def in_tab(person: Person, tab: str) -> QuerySet[Record]:
    """Select the tickets of a tab; LookupError for one that does not exist."""
    if tab == "organisation":
        return of_organisation(person)
    mine = turn_first(own(person)) if tab == "open" else own(person)
    narrowed = {
        "open": Q(is_open=True) | Q(status=Ticket.Status.RESOLVED) & ~over_and_done(),
        "ended": Q(is_open=False),
        "all": Q(),
    }
    return mine.filter(narrowed[tab])


def former_words(person: Person) -> list[FormerWords]:
    """List what the person wrote on tickets that were theirs and no longer are, newest first; only their own words."""
    theirs = Q(changes__requester__0=person.pk) | Q(changes__reported_by__0=person.pk)
    tickets = Record.objects.filter(kind__in=KINDS).exclude(policy_of(person).visible(Record))
    wrote = Comment.objects.filter(author=person, internal=False, record__in=tickets)
    said = wrote.filter(Exists(Entry.objects.filter(theirs, record=OuterRef("record"))))
    opened = Entry.objects.filter(actor=person, verb=Verb.CREATE, record__in=tickets)
    opened = opened.filter(Exists(Entry.objects.filter(theirs, record=OuterRef("record"))))
    found = [
        FormerWords(one.record.reference, one.at, one.body)
        for one in said.select_related("record").order_by("-at")[:MOST_WORDS]
    ]
    for entry in opened.select_related("record").order_by("-at")[:MOST_WORDS]:
        texts = [entry.changes.get(name, [None, ""])[1] for name in ("title", "description")]
        found.append(
            FormerWords(entry.record.reference, entry.at, "\n\n".join(text for text in texts if text))
        )
    return sorted(found, key=lambda words: words.at, reverse=True)[:MOST_WORDS]


def asks_to_confirm(tickets: Iterable[Ticket]) -> set[int]:
    """Return the ids of those of the tickets whose requester is asked whether they are solved."""
    resolved = [ticket.pk for ticket in tickets if ticket.status == Ticket.Status.RESOLVED]
    if not resolved:
        return set()
    return set(Record.objects.filter(pk__in=resolved).exclude(over_and_done()).values_list("pk", flat=True))


def typed(records: Iterable[Record]) -> list[Ticket]:
    """Load tickets of both kinds with their service, in the given order, in two queries."""
    wanted = list(records)
    found: dict[int, Ticket] = {}
    for kind, model in KINDS.items():
        ids = [record.pk for record in wanted if record.kind == kind]
        if ids:
            found.update(model.objects.select_related("service").in_bulk(ids))
    return [found[record.pk] for record in wanted]


def rows(tickets: Collection[Ticket]) -> list[TicketRow]:
    """Prepare tickets for ticket_row.html; all who use the portal read in it what guests do."""
    asked, seen = asks_to_confirm(tickets), standings(tickets)
    return [
        TicketRow(
            reference=ticket.reference,
            title=ticket.title,
            url=reverse("portal_ticket", args=[ticket.reference]),
            status=status(ticket, confirm=ticket.pk in asked),
            service=ticket.service.title if ticket.service else "",
            updated=components.moment(seen[ticket.pk].updated_at),
        )
        for ticket in tickets
    ]


def status(ticket: Ticket, *, confirm: bool) -> SafeString:
    """Show a state in the requester's words; `confirm` asks whether what is resolved is solved."""
    tone = ticket.record_type.tone_of(ticket.status)
    if ticket.status == Ticket.Status.WAITING and ticket.waiting_for == Ticket.WaitingFor.USER:
        return components.status(ticket.status, _("Waiting for you"), "lit", pill=True)
    if confirm:
        return components.status(ticket.status, _("Solved: please confirm"), tone, pill=True)
    if ticket.status == Ticket.Status.CANCELLED and ticket.resolution_code in CANCELLED_AS:
        return components.status(ticket.status, CANCELLED_AS[ticket.resolution_code], tone, pill=True)
    return components.status(ticket.status, ticket.get_status_display(), tone, pill=True)
