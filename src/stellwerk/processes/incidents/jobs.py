"""What the clock sets off at the desk."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from stellwerk.kernel.activity.comments.services import KEEPS_STATUS
from stellwerk.kernel.jobs.schedule import scheduled
from stellwerk.kernel.journal.entry import Entry, Verb
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import transition
from stellwerk.processes.incidents.closure import closure_rules
from stellwerk.processes.incidents.incident import Incident
from stellwerk.processes.incidents.service_request import ServiceRequest
from stellwerk.processes.incidents.ticket import Ticket, resolved_elsewhere, speaks_for_the_requester

AT_ONCE = 500
WITH_THE_STEP = timedelta(seconds=5)
"""So soon after a step came the words that explained it, before they were marked as such."""


@scheduled("incidents.close_resolved", cron="*/10 * * * *")
def close_resolved(now: datetime) -> None:
    """Close what was resolved long enough ago and neither confirmed nor reopened; the rest waits for the next run."""
    days = closure_rules().confirmation_days
    for ticket in _resolved_before(now - timedelta(days=days)):
        try:
            if _was_answered(ticket):
                transition(
                    ticket, "reopen", by=SYSTEM, reason=_("The requester wrote after it was resolved.")
                )
            else:
                transition(ticket, "close", by=SYSTEM, reason=_("Nobody reopened it for %d days.") % days)
        except ValidationError:
            continue  # reopened or confirmed since the list was read


def _resolved_before(limit: datetime) -> Iterator[Ticket]:
    """Yield what was resolved here; what came resolved from another tool was over and done with there."""
    for model in (Incident, ServiceRequest):
        resolved = model.objects.filter(status=Ticket.Status.RESOLVED, resolved_at__lte=limit)
        due = resolved.exclude(resolved_elsewhere())
        yield from due.order_by("resolved_at")[:AT_ONCE]


def _was_answered(ticket: Ticket) -> bool:
    """Whether a requester wrote since it was resolved: version 0.1 left the ticket resolved then."""
    if ticket.resolved_at is None:
        return False  # reopened meanwhile
    said = Entry.objects.filter(
        record_id=ticket.pk,
        verb__in=(Verb.COMMENT, Verb.ATTACH),
        internal=False,
        at__gt=ticket.resolved_at + WITH_THE_STEP,
    ).exclude(name=KEEPS_STATUS)
    return any(
        speaks_for_the_requester(ticket, entry.actor) for entry in said.select_related("actor") if entry.actor
    )
