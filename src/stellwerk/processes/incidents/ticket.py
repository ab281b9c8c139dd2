"""What incidents and service requests share: fields, states, steps and rules."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from stellwerk.foundation.prioritisation import Level, Priority, PriorityScheme
from stellwerk.kernel.declare import (
    Access,
    Requestable,
    Role,
    Section,
    Transition,
    TypedRecord,
    ValidationError,
    View,
    Workflow,
    _,
    models,
)
from stellwerk.kernel.fields.columns import RankField
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.journal.entry import Entry, Verb
from stellwerk.kernel.model import shared_cache
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.declaration import RecordCommand
from stellwerk.kernel.model.references import prefetch
from stellwerk.kernel.model.requestable import ReplyTemplate
from stellwerk.kernel.model.via import Via
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.permissions.workers import parties_to_share_with
from stellwerk.processes.incidents.closure import closure_rules
from stellwerk.processes.incidents.first_line import first_line_for
from stellwerk.processes.incidents.replies import replies_for

T = TypeVar("T", bound="Ticket")
REFERENCE = re.compile(r"\b[A-Z]{2,4}-\d{6,12}\b")


class Ticket(TypedRecord):
    """What incidents and service requests share. `priority` follows from impact and urgency by the scheme kept with it."""

    STATUS_FIELDS = ("status", "waiting_for")

    class Status(models.TextChoices):
        NEW = "new", _("New")
        IN_PROGRESS = "in_progress", _("In progress")
        WAITING = "waiting", _("Waiting")
        RESOLVED = "resolved", _("Resolved")
        CLOSED = "closed", _("Closed")
        CANCELLED = "cancelled", _("Cancelled")

    class Channel(models.TextChoices):
        PORTAL = "portal", _("Portal")
        MAIL = "mail", _("Mail")
        PHONE = "phone", _("Phone")
        IN_PERSON = "in_person", _("In person")
        MONITORING = "monitoring", _("Monitoring")
        API = "api", _("Another program")

    class WaitingFor(models.TextChoices):
        USER = "user", _("the user")
        SUPPLIER = "supplier", _("a supplier")
        CHANGE = "change", _("a change")

    class ResolutionCode(models.TextChoices):
        SOLVED = "solved", _("Solved")
        WORKAROUND = "workaround", _("Workaround given")
        FULFILLED = "fulfilled", _("Fulfilled")
        EXPLAINED = "explained", _("Explained")
        NOT_REPRODUCIBLE = "not_reproducible", _("Could not be reproduced")
        OUTSIDE_SCOPE = "outside_scope", _("Outside our services")
        DUPLICATE = "duplicate", _("Duplicate")
        WITHDRAWN = "withdrawn", _("Withdrawn by the user")
        OTHER = "other", _("Other")

    description = models.TextField(_("description"), blank=True)
    channel = models.CharField(_("channel"), max_length=12, choices=Channel, default=Channel.PORTAL)
    requester = models.ForeignKey(
        "kernel.Person",
        models.PROTECT,
        verbose_name=_("requester"),
        null=True,
        related_name="%(class)ss_requested",
    )
    reported_by = models.ForeignKey(
        "kernel.Person",
        models.PROTECT,
        verbose_name=_("reported by"),
        null=True,
        blank=True,
        related_name="%(class)ss_reported",
        db_index=False,  # %(class)s_reported has those of whom it is said
        help_text=_("Who reported it, if not the requester."),
    )
    customer = models.ForeignKey(
        "kernel.Party",
        models.PROTECT,
        verbose_name=_("customer"),
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    service = models.ForeignKey(
        "services.Service",
        models.PROTECT,
        verbose_name=_("service"),
        null=True,
        blank=True,
        related_name="%(class)ss",
    )
    category = models.ForeignKey(
        "foundation.Category",
        models.PROTECT,
        verbose_name=_("category"),
        null=True,
        blank=True,
        related_name="%(class)ss",
    )
    impact = models.CharField(_("impact"), max_length=6, choices=Level, default=Level.MEDIUM)
    urgency = models.CharField(_("urgency"), max_length=6, choices=Level, default=Level.MEDIUM)
    priority = RankField(_("priority"), choices=Priority, default=Priority.MODERATE, editable=False)
    priority_scheme = models.ForeignKey(
        "foundation.PriorityScheme",
        models.PROTECT,
        verbose_name=_("priority scheme"),
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    priority_override = models.PositiveSmallIntegerField(
        _("priority set by hand"), choices=Priority, null=True, blank=True
    )
    priority_reason = models.CharField(_("why this priority"), max_length=250, blank=True)
    team = models.ForeignKey(
        "kernel.Team",
        models.PROTECT,
        verbose_name=_("team"),
        null=True,
        blank=True,
        related_name="%(class)ss",
    )
    assigned_to = models.ForeignKey(
        "kernel.Person",
        models.PROTECT,
        verbose_name=_("assigned to"),
        null=True,
        blank=True,
        related_name="%(class)ss_assigned",
    )
    waiting_for = models.CharField(
        _("waiting for"), max_length=10, choices=WaitingFor, blank=True, editable=False
    )
    resolution = models.TextField(_("resolution"), blank=True, editable=False)
    resolution_code = models.CharField(
        _("resolution code"), max_length=20, choices=ResolutionCode, blank=True, editable=False
    )
    merged_into = models.ForeignKey(
        "self",
        models.PROTECT,
        verbose_name=_("merged into"),
        null=True,
        blank=True,
        editable=False,
        related_name="merged_from",
        db_index=False,  # %(class)s_merged has those that are
    )
    confirmed = models.BooleanField(_("confirmed by the requester"), default=False, editable=False)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True, editable=False)
    reassignments = models.PositiveSmallIntegerField(_("times handed over"), default=0, editable=False)
    reopenings = models.PositiveSmallIntegerField(_("times reopened"), default=0, editable=False)
    external_reference = models.CharField(
        _("number elsewhere"), max_length=60, blank=True, help_text=_("Its number in the tool it came from.")
    )

    class Meta:
        abstract = True
        indexes = (
            # Everything that the desk's figures count of open tickets, so that the table itself is not read.
            models.Index(
                "team",
                "service",
                "priority",
                "assigned_to",
                "waiting_for",
                "record_ptr",
                name="%(class)s_open",
                condition=models.Q(resolved_at=None),
            ),
            # Without those that are open: SQLite takes them for as few as were resolved in the same instant.
            models.Index(
                "resolved_at", name="%(class)s_resolved", condition=models.Q(resolved_at__isnull=False)
            ),
            models.Index(
                "reported_by", name="%(class)s_reported", condition=models.Q(reported_by__isnull=False)
            ),
            models.Index(
                "merged_into", name="%(class)s_merged", condition=models.Q(merged_into__isnull=False)
            ),
            models.Index("external_reference", name="%(class)s_external"),
        )

    def get_status_display(self) -> str:
        """Name the state, and whom or what it waits for."""
        if self.status != self.Status.WAITING or not self.waiting_for:
            return super().get_status_display()
        return gettext("Waiting for %(whom)s") % {"whom": self.WaitingFor(self.waiting_for).label}

    def get_status_in_brief(self) -> str:
        if self.status != self.Status.WAITING or not self.waiting_for:
            return super().get_status_in_brief()
        return str(WAITING_IN_BRIEF[self.WaitingFor(self.waiting_for)])


WAITING_IN_BRIEF = {
    Ticket.WaitingFor.USER: _("Waiting · user"),
    Ticket.WaitingFor.SUPPLIER: _("Waiting · supplier"),
    Ticket.WaitingFor.CHANGE: _("Waiting · change"),
}


WAITING_PHRASES = {
    Ticket.WaitingFor.USER.value: _("set it waiting for the user"),
    Ticket.WaitingFor.SUPPLIER.value: _("set it waiting for a supplier"),
    Ticket.WaitingFor.CHANGE.value: _("set it waiting for a change"),
}


def waiting_phrase(after: Mapping[str, object]) -> str:
    """Say for whom the ticket was set waiting, from the values after the step."""
    return str(WAITING_PHRASES.get(str(after.get("waiting_for")), gettext("set it waiting")))


# -- steps -----------------------------------------------------------------------------------------------


def begin(ticket: Ticket, moment: datetime, by: Actor) -> None:
    """Work on it falls to whoever begins, unless somebody has it already."""
    if ticket.assigned_to_id is None and isinstance(by, Person):
        ticket.assigned_to = by
    ticket.waiting_for = ""


def resolve(ticket: Ticket, moment: datetime, by: Actor) -> None:
    ticket.resolved_at = moment
    ticket.waiting_for = ""
    if ticket.assigned_to_id is None and isinstance(by, Person):
        ticket.assigned_to = by


def confirm(ticket: Ticket, moment: datetime, by: Actor) -> None:
    ticket.confirmed = True
    close(ticket, moment, by)


def close(ticket: Ticket, moment: datetime, by: Actor) -> None:
    ticket.closed_at = moment
    ticket.waiting_for = ""


def merge(ticket: Ticket, moment: datetime, by: Actor) -> None:
    ticket.resolution_code = Ticket.ResolutionCode.DUPLICATE
    ticket.resolution = ticket.resolution or gettext(
        "We're handling this together with other reports of the same problem."
    )
    close(ticket, moment, by)


def may_be_merged(ticket: Ticket) -> None:
    """Refuse to merge into what is not worked on, or into itself."""
    into = ticket.merged_into
    if into is None:
        return
    if into.pk == ticket.pk:
        raise ValidationError({"merged_into": _("A ticket can't be merged into itself. Choose another one.")})
    if not into.is_open:
        raise ValidationError(
            {"merged_into": _("%s is no longer open. Choose an open ticket.") % into.reference}
        )


def reopen(ticket: Ticket, moment: datetime, by: Actor) -> None:
    """What had been found no longer holds; the journal keeps it."""
    ticket.reopenings += 1
    ticket.confirmed = False
    ticket.resolution = ticket.resolution_code = ""
    if ticket.assigned_to and not ticket.assigned_to.is_open:
        ticket.assigned_to = None
    if ticket.team and not ticket.team.is_open:
        ticket.team = _team_for(ticket, ticket.requester.party_id if ticket.requester else None)
    ticket.merged_into = ticket.resolved_at = ticket.closed_at = None


def may_still_be_reopened(ticket: Ticket) -> None:
    """Refuse once the time to reopen has passed, and while another ticket goes on with it."""
    if into := successor(ticket):
        raise ValidationError(
            _("It's merged into %(reference)s. Undo the merge there instead.") % {"reference": into.reference}
        )
    days = closure_rules().reopening_days
    if ticket.closed_at and timezone.now() > ticket.closed_at + timedelta(days=days):
        raise ValidationError(
            _(
                "It was closed more than %(days)d days ago and can no longer be reopened. Open a new one and "
                "link it."
            )
            % {"days": days}
        )


def successor(ticket: Ticket) -> Ticket | None:
    """Return the ticket that goes on with what this one asked for; None when it was not merged."""
    into: Ticket | None = ticket.merged_into
    if into is not None:
        return into
    merged = ticket.status == Ticket.Status.CANCELLED and ticket.resolution_code == "duplicate"
    return _named_when_cancelled(ticket) if merged else None


def last_successor(ticket: Ticket) -> Ticket | None:
    """Return the ticket at the end of all merges, which is worked on; None when this one was not merged."""
    last, seen = successor(ticket), {ticket.pk}
    while last and last.pk not in seen and (following := successor(last)):
        seen.add(last.pk)
        last = following
    return last


def resolved_elsewhere() -> models.Q:
    """Return the condition, of any table of tickets, that a log from another tool says that one was resolved there."""
    entries = Entry.objects.filter(record=models.OuterRef("pk"))
    brought = models.Exists(entries.filter(number=1).exclude(brought_from=""))
    here = models.Exists(entries.filter(verb=Verb.TRANSITION, name="resolve", brought_from=""))
    return models.Q(brought, ~here, status=Ticket.Status.RESOLVED)


def _named_when_cancelled(ticket: Ticket) -> Ticket | None:
    """Find the ticket that the reason of the cancellation names: version 0.1 kept it nowhere else."""
    steps = Entry.objects.filter(record_id=ticket.pk, verb=Verb.TRANSITION, name="cancel")
    reason = steps.order_by("-number").values_list("reason", flat=True).first()
    return named_in(reason or "", type(ticket))


def named_in(text: str, model: type[T]) -> T | None:
    """Return the first ticket of this kind whose reference a text holds."""
    return models.QuerySet(model).filter(reference__in=REFERENCE.findall(text)).first()


def speaks_for_the_requester(ticket: Ticket, person: Actor) -> bool:
    """Whether somebody writes as one who asks: as requester, as reporter or as their organisation, not as staff."""
    if not isinstance(person, Person):
        return False
    asking = person.pk in (ticket.requester_id, ticket.reported_by_id)
    return asking or not policy_of(person).sees_internal(ticket)


_OPEN = (Ticket.Status.NEW, Ticket.Status.IN_PROGRESS, Ticket.Status.WAITING)
_ANYONE = (Role.MANAGER, Role.AGENT, Role.REQUESTER)

TICKET_WORKFLOW = Workflow(
    Ticket.Status,
    Ticket.Status.NEW,
    [
        Transition(
            "begin",
            _("Start work"),
            [Ticket.Status.NEW],
            Ticket.Status.IN_PROGRESS,
            effect=begin,
            natural=True,
            icon="play",
            done=_("started work"),
        ),
        Transition(
            "resume",
            _("Resume"),
            [Ticket.Status.WAITING],
            Ticket.Status.IN_PROGRESS,
            effect=begin,
            natural=True,
            icon="play",
            done=_("resumed work"),
        ),
        Transition(
            "resolve",
            _("Resolve"),
            _OPEN,
            Ticket.Status.RESOLVED,
            asks=["resolution_code", "resolution"],
            effect=resolve,
            natural=True,
            icon="check",
            done=_("resolved it"),
        ),
        Transition(
            "wait",
            _("Wait"),
            [Ticket.Status.NEW, Ticket.Status.IN_PROGRESS],
            Ticket.Status.WAITING,
            asks=["waiting_for"],
            icon="pause",
            done=waiting_phrase,
        ),
        Transition(
            "confirm",
            _("Confirm the solution"),
            [Ticket.Status.RESOLVED],
            Ticket.Status.CLOSED,
            by=[Role.REQUESTER],
            effect=confirm,
            natural=True,
            icon="thumbs-up",
            done=_("confirmed the solution"),
        ),
        Transition(
            "close",
            _("Close"),
            [Ticket.Status.RESOLVED],
            Ticket.Status.CLOSED,
            effect=close,
            icon="archive",
            done=_("closed it"),
        ),
        Transition(
            "reopen",
            _("Reopen"),
            [Ticket.Status.RESOLVED, Ticket.Status.CLOSED, Ticket.Status.CANCELLED],
            Ticket.Status.IN_PROGRESS,
            by=_ANYONE,
            guard=may_still_be_reopened,
            effect=reopen,
            icon="rotate-ccw",
            done=_("reopened it"),
        ),
        Transition(
            "cancel",
            _("Cancel the ticket"),
            _OPEN,
            Ticket.Status.CANCELLED,
            by=_ANYONE,
            offers=["resolution_code", "resolution"],
            effect=close,
            icon="x",
            done=_("cancelled it"),
        ),
        Transition(
            "merge",
            _("Merge into another ticket"),
            _OPEN,
            Ticket.Status.CANCELLED,
            asks=["merged_into"],
            guard=may_be_merged,
            effect=merge,
            page="ticket_merge",
            icon="merge",
            done=_("merged it into another ticket"),
        ),
    ],
    ended=[Ticket.Status.RESOLVED, Ticket.Status.CLOSED, Ticket.Status.CANCELLED],
    tones={
        Ticket.Status.NEW: "new",
        Ticket.Status.IN_PROGRESS: "active",
        Ticket.Status.WAITING: "waiting",
        Ticket.Status.RESOLVED: "done",
        Ticket.Status.CANCELLED: "cancelled",
    },
)


VIEWS = [
    View("open", _("All open"), "open=yes", _("No open tickets.")),
    View(
        "unassigned",
        _("Unassigned"),
        "open=yes&assigned_to=none",
        _("All open tickets are assigned."),
    ),
    View(
        "mine",
        _("My open"),
        "open=yes&assigned_to=me&ordering=priority",
        _("No open tickets are assigned to you. Take one from “Unassigned”."),
    ),
    View("teams", _("My teams' open"), "open=yes&team=me", _("Your teams have no open tickets.")),
    View(
        "waiting",
        _("Waiting"),
        "status=waiting",
        _("No tickets are waiting for a user, a supplier or a change."),
    ),
    View(
        "resolved",
        _("Resolved"),
        "status=resolved&ordering=-updated_at",
        _("No resolved tickets are waiting to be confirmed."),
    ),
]

WORK = [
    View(
        "mine",
        _("Assigned to me"),
        "open=yes&assigned_to=me&ordering=priority",
        _("Nothing is assigned to you. Your teams' unassigned tickets are below."),
    ),
    View(
        "teams-unassigned",
        _("My teams', unassigned"),
        "open=yes&team=me&assigned_to=none&ordering=priority",
        _("All of your teams' open tickets are assigned."),
    ),
    View(
        "waiting-for-me",
        _("Waiting for me"),
        "status=waiting&waiting_for=user&requester=me",
        _("Nobody is waiting for an answer from you."),
    ),
]


CHANNELS = {
    Via.DESK: Ticket.Channel.PHONE,
    Via.PORTAL: Ticket.Channel.PORTAL,
    Via.API: Ticket.Channel.API,
    Via.FILE: Ticket.Channel.API,
}
"""How a ticket came when nobody says so: staff writes down what it is told, and a file comes from another program."""


class TicketType(Requestable[T]):
    """What the declarations of incidents and service requests share."""

    process = "incidents"
    access = {
        Role.MANAGER: Access.FULL,
        Role.AGENT: Access.EDIT,
        Role.VIEWER: Access.VIEW,
        Role.REQUESTER: Access.CONTRIBUTE,
    }
    columns = [
        "reference",
        "title",
        "status",
        "priority",
        "service",
        "requester",
        "assigned_to",
        "created_at",
    ]
    filters = [
        "status",
        "priority",
        "service",
        "category",
        "team",
        "assigned_to",
        "requester",
        "reported_by",
        "customer",
        "channel",
        "waiting_for",
        "impact",
        "urgency",
        "resolution_code",
        "party",
    ]
    views = VIEWS
    work = WORK
    search = ["reference", "title", "description", "resolution", "external_reference"]
    sections = [
        Section(_("Request"), ["title", "description"]),
        Section(_("People"), ["requester", "reported_by", "channel"]),
        Section(
            _("Classification"),
            ["service", "category", "impact", "urgency", "priority_override", "priority_reason"],
        ),
        Section(_("Work"), ["team", "assigned_to", "party", "external_reference"]),
    ]
    shown_to_requesters = [
        "title",
        "status",
        "description",
        "channel",
        "requester",
        "reported_by",
        "service",
        "category",
        "priority",
        "waiting_for",
        "resolution",
        "resolution_code",
        "resolved_at",
        "closed_at",
    ]
    asked_of_requesters = ["title", "description", "service", "category"]
    open_implies = {"resolved_at": None}
    participants = ["requester", "reported_by", "customer"]
    workers = ["team", "assigned_to", "service"]
    assignee = "assigned_to"
    portal_page = "portal_ticket"
    workflow = TICKET_WORKFLOW

    def defaults(self, by: Actor, via: Via) -> dict[str, object]:
        channel = {"channel": CHANNELS[via]} if via in CHANNELS else {}
        return {**super().defaults(by, via), **channel}

    def derive(self, record: T, before: T | None) -> None:
        if before is None:
            _place(record)
        if before is None or record.requester_id != before.requester_id:
            record.customer = _customer_of(record)
        if before is None or _judged(record) != _judged(before):
            _prioritise(record)
        if before is not None and _handed_over(record, before):
            record.reassignments += 1
        if before is not None and before.priority_override and not record.priority_override:
            record.priority_reason = ""

    def complete(self, records: Sequence[T]) -> None:
        """Name the ticket that goes on with one that version 0.1 merged: it said so in the reason of the step alone."""
        merged = {
            record.pk: record
            for record in records
            if record.status == Ticket.Status.CANCELLED
            and record.resolution_code == Ticket.ResolutionCode.DUPLICATE
            and self.own_fields["merged_into"].get(record) is None
        }
        if not merged:
            return
        steps = Entry.objects.filter(record__in=merged, verb=Verb.TRANSITION, name="cancel")
        reasons = dict(steps.order_by("number").values_list("record", "reason"))
        named = {pk: found[0] for pk, reason in reasons.items() if (found := REFERENCE.findall(reason))}
        into = self.model._default_manager.filter(reference__in=named.values())
        known = {one.reference: one for one in into}
        for pk, reference in named.items():
            merged[pk].merged_into = known.get(reference)

    def follows_from_state(self, record: T, status: str, at: datetime) -> dict[str, object]:
        if status == Ticket.Status.RESOLVED:
            return {"resolved_at": at, "closed_at": None}
        if status == Ticket.Status.CLOSED:
            return {"closed_at": at}
        if record.status not in (Ticket.Status.RESOLVED, Ticket.Status.CLOSED):
            return {}
        found = ("resolution", "resolution_code")
        return {
            **dict.fromkeys(found, ""),
            "confirmed": False,
            "resolved_at": None,
            "closed_at": None,
            "reopenings": record.reopenings + 1,
        }

    def validate(self, record: T, before: T | None) -> None:
        if record.priority_override and not record.priority_reason:
            raise ValidationError(
                {
                    "priority_reason": _(
                        "Say why the priority differs from the one that impact and urgency give."
                    )
                }
            )

    def reply_templates(self, record: T, by: Actor, text: str = "") -> list[ReplyTemplate]:
        return replies_for(record, by, text)

    def commands(self, record: T, by: Actor) -> list[RecordCommand]:
        if not policy_of(by).may_edit(record):
            return []
        if into := successor(record):
            address = reverse("ticket_unmerge", args=[record.reference])
            return [
                RecordCommand(gettext("Undo merge into %s") % into.reference, address, "split", dialog=True)
            ]
        return []

    def notice(self, record: T, by: Actor) -> str:
        into = successor(record)
        if into is None:
            return ""
        return gettext("Merged into %(reference)s, which continues there.") % {"reference": into.reference}


def _place(ticket: Ticket) -> None:
    """A new ticket goes to the team named for its category or service, else to the first line.

    It belongs to the party that provides the service, and without one not to those who ask but to the team's. A team
    that is the first line only for want of a marked one does not get another party's tickets.
    """
    asking = ticket.requester.party_id if ticket.requester else None
    by_chance = None
    if ticket.team_id is None:
        named = _named_team(ticket)
        by_chance = None if named else first_line_for(asking)
        ticket.team = named or by_chance
    if ticket.service:
        ticket.party_id = ticket.service.party_id or ticket.party_id
    elif ticket.team and ticket.party_id == asking:
        ticket.party_id = ticket.team.party_id or ticket.party_id
    if by_chance and not by_chance.first_line and parties_to_share_with(ticket, None):
        ticket.team = None


def _team_for(ticket: Ticket, asking: int | None) -> Team | None:
    """Return the team that its category or its service names and that still works, else the first line."""
    return _named_team(ticket) or first_line_for(asking)


def _named_team(ticket: Ticket) -> Team | None:
    for names in (ticket.category, ticket.service):
        team = shared_cache.record(Team, names.team_id) if names and names.team_id else None
        if team and team.is_open:
            return team
    return None


def _customer_of(ticket: Ticket) -> Party | None:
    """Return the requester's organisation if it is a customer."""
    if ticket.requester is None:
        return None
    prefetch(ticket.requester.record_type, ticket.requester)
    party = ticket.requester.party
    return party if party and party.party_kind == Party.Kind.CUSTOMER else None


def _judged(ticket: Ticket) -> tuple[object, ...]:
    return ticket.impact, ticket.urgency, ticket.priority_override


def _prioritise(ticket: Ticket) -> None:
    scheme = PriorityScheme.in_force()
    ticket.priority_scheme = scheme
    if ticket.priority_override:
        ticket.priority = ticket.priority_override
    elif scheme and ticket.impact in Level.values and ticket.urgency in Level.values:
        ticket.priority = scheme.priority(ticket.impact, ticket.urgency)


def _handed_over(ticket: Ticket, before: Ticket) -> bool:
    moved_team = before.team_id is not None and ticket.team_id != before.team_id
    moved_person = before.assigned_to_id is not None and ticket.assigned_to_id not in (
        None,
        before.assigned_to_id,
    )
    return moved_team or moved_person
