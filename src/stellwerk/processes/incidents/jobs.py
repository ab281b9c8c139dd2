"""What the clock sets off at the desk."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from stellwerk.kernel.access.person import SYSTEM
from stellwerk.kernel.jobs.schedule import scheduled
from stellwerk.kernel.records.services import transition
from stellwerk.processes.incidents.closure import closure_rules
from stellwerk.processes.incidents.incident import Incident
from stellwerk.processes.incidents.service_request import ServiceRequest
from stellwerk.processes.incidents.ticket import Ticket

AT_ONCE = 500


@scheduled("incidents.close_resolved", cron="*/10 * * * *")
def close_resolved(now: datetime) -> None:
    """Close what was resolved long enough ago and neither confirmed nor reopened; the rest waits for the next run."""
    days = closure_rules().confirmation_days
    for ticket in _resolved_before(now - timedelta(days=days)):
        try:
            transition(ticket, "close", by=SYSTEM, reason=_("Nobody answered for %d days.") % days)
        except ValidationError:
            continue  # reopened or confirmed since the list was read


def _resolved_before(limit: datetime) -> Iterator[Ticket]:
    for model in (Incident, ServiceRequest):
        due = model.objects.filter(status=Ticket.Status.RESOLVED, resolved_at__lte=limit).order_by(
            "resolved_at"
        )
        yield from due[:AT_ONCE]
