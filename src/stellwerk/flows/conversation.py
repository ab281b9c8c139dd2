"""A requester's words always reach somebody, whatever has become of the ticket; and those who were merged hear of it."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from stellwerk.kernel.activity.attachments.models import Attachment
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.activity.comments.services import KEEPS_STATUS, comment
from stellwerk.kernel.activity.links.services import link
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.link_types import RELATED
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.via import Via
from stellwerk.kernel.write.events import Event
from stellwerk.kernel.write.services import create, transition
from stellwerk.processes.incidents.services import merged_from, take_apart, tie_together
from stellwerk.processes.incidents.ticket import (
    Ticket,
    last_successor,
    may_still_be_reopened,
    speaks_for_the_requester,
)


def hear_the_requester(event: Event) -> None:
    """Move a ticket on when its requester writes: to work, to the one that goes on, or to a new one."""
    ticket = event.record
    if not isinstance(ticket, Ticket) or not _asks_for_something(event, ticket):
        return
    if into := last_successor(ticket):
        _pass_on(event, ticket, into)
    elif not ticket.is_open:
        _go_on(event, ticket)
    elif ticket.status == Ticket.Status.WAITING and ticket.waiting_for == Ticket.WaitingFor.USER:
        transition(ticket, "resume", by=SYSTEM)


def tie_the_merged(event: Event) -> None:
    """Let everything that belongs to a merge follow from its step."""
    if isinstance(event.record, Ticket):
        tie_together(event.record, by=event.by)


def take_the_merged_apart(event: Event) -> None:
    """Let everything that belongs to a merge go when its step is undone."""
    if isinstance(event.record, Ticket):
        take_apart(event.record, by=event.by)


def notify_requesters_of_merged(event: Event) -> None:
    """Let the requesters of merged tickets know when the one that goes on is solved, given up or open again."""
    ticket = event.record
    if not isinstance(ticket, Ticket):
        return
    texts = {
        Ticket.Status.RESOLVED: _(
            "What you reported is solved, together with other reports of the same problem."
        ),
        Ticket.Status.CANCELLED: _("We've stopped working on what you reported."),
        Ticket.Status.IN_PROGRESS: _("It wasn't solved after all. We're working on it again."),
    }
    text = texts[Ticket.Status(ticket.status)]
    for merged in merged_from(ticket):
        comment(merged, f"{text}\n\n{ticket.resolution}", by=SYSTEM)


def _asks_for_something(event: Event, ticket: Ticket) -> bool:
    """Whether a requester wrote or attached something that is not meant to leave everything as it is."""
    accompanies = isinstance(event.subject, Attachment) and event.subject.comment_id is not None
    if event.entry.internal or event.entry.name == KEEPS_STATUS or accompanies:
        return False
    return speaks_for_the_requester(ticket, event.by)


def _pass_on(event: Event, ticket: Ticket, into: Ticket) -> None:
    """Tell those who work on the ticket that goes on what the requester of a merged one wrote."""
    if not into.is_open:
        if not _can_be_reopened(into):
            return _open_another(event, ticket)
        about = {"reference": ticket.reference}
        into = transition(into, "reopen", by=SYSTEM, reason=_("Reply on %(reference)s.") % about)
    about = {"who": str(event.by), "reference": ticket.reference, "text": _written(event)}
    comment(
        into,
        _("%(who)s wrote on %(reference)s, which is merged into this ticket:\n\n%(text)s") % about,
        by=SYSTEM,
        internal=True,
    )
    text = _("We're handling this together with other reports of the same problem.")
    event.tell(text, ticket)
    return None


def _go_on(event: Event, ticket: Ticket) -> None:
    """Reopen a ticket that has ended, or open another one when it is too late for that."""
    if not _can_be_reopened(ticket):
        return _open_another(event, ticket)
    reopened = transition(ticket, "reopen", by=event.by)
    event.tell(_("%s is open again and we're working on it.") % ticket.reference, reopened)
    return None


def _open_another(event: Event, ticket: Ticket) -> None:
    about = {name: getattr(ticket, f"{name}_id") for name in ("service", "category")}
    seen = Record.objects.visible_to(event.by).filter(
        is_open=True, pk__in=[pk for pk in about.values() if pk]
    )
    known = set(seen.values_list("pk", flat=True))
    values = {
        "title": ticket.title,
        "description": _written(event),
        **{name: pk for name, pk in about.items() if pk in known},
    }
    made = create(
        type(ticket), values, by=event.by, via=Via.PORTAL, reason=_("Reply on %s.") % ticket.reference
    )
    link(made, RELATED.key, ticket, by=SYSTEM)
    text = _("%(reference)s ended too long ago to be reopened, so we opened %(new)s for you.")
    event.tell(text % {"reference": ticket.reference, "new": made.reference}, made)


def _can_be_reopened(ticket: Ticket) -> bool:
    try:
        may_still_be_reopened(ticket)
    except ValidationError:
        return False
    return True


def _written(event: Event) -> str:
    if isinstance(event.subject, Comment):
        return event.subject.body
    name = event.subject.name if isinstance(event.subject, Attachment) else ""
    return _("Attached the file “%(name)s” to %(reference)s.") % {
        "name": name,
        "reference": event.record.reference,
    }
