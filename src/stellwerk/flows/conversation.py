"""A requester's reply moves the ticket on: what waits for the user waits no longer."""

from stellwerk.kernel.access.person import SYSTEM
from stellwerk.kernel.records.events import Event
from stellwerk.kernel.records.services import transition
from stellwerk.processes.incidents.ticket import Ticket


def resume_when_the_user_answers(event: Event) -> None:
    ticket = event.record
    if not isinstance(ticket, Ticket) or event.entry.internal:
        return
    waits = ticket.status == Ticket.Status.WAITING and ticket.waiting_for == Ticket.WaitingFor.USER
    if waits and event.by.pk in (ticket.requester_id, ticket.reported_by_id):
        transition(ticket, "resume", by=SYSTEM)
