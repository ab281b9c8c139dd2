"""Filling the placeholders of reply templates from a ticket."""

import re
from typing import TYPE_CHECKING

from stellwerk.foundation.reply_template import ReplyTemplate as Template
from stellwerk.kernel.access.person import Person
from stellwerk.kernel.records.declaration import ReplyTemplate

if TYPE_CHECKING:
    from stellwerk.processes.incidents.ticket import Ticket

PLACEHOLDER = re.compile(r"\{(requester|reference|service|agent)\}")
MOST = 50


def replies_for(ticket: "Ticket", by: Person) -> list[ReplyTemplate]:
    """List the templates in use that `by` may see, filled for the ticket; unknown placeholders stay as they are."""
    found = (
        Template.objects.visible_to(by).filter(status=Template.Status.ACTIVE).order_by("title", "pk")[:MOST]
    )
    if not found:
        return []
    words = {
        "requester": ticket.requester.title if ticket.requester else "",
        "reference": ticket.reference,
        "service": ticket.service.title if ticket.service else "",
        "agent": by.title,
    }
    return [
        ReplyTemplate(t.title, PLACEHOLDER.sub(lambda match: words[match[1]], t.body), t.internal)
        for t in found
    ]
