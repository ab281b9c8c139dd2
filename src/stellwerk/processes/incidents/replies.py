"""Filling the placeholders of reply templates from a ticket."""

import re
from typing import TYPE_CHECKING

from stellwerk.foundation.reply_template import ReplyTemplate as Template
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.days import today
from stellwerk.kernel.model.requestable import ReplyTemplate
from stellwerk.kernel.model.shared_cache import remember
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.search import index

if TYPE_CHECKING:
    from stellwerk.processes.incidents.ticket import Ticket

PLACEHOLDER = re.compile(r"\{(requester|reference|service|agent)\}")
MOST = 100
"""So many are offered at once; a search finds any other."""


def replies_for(ticket: "Ticket", by: Actor, text: str = "") -> list[ReplyTemplate]:
    """List the templates in use that `by` may see, filled for the ticket; unknown placeholders stay as they are.

    They are the first ones by title, or the best matches for `text`.
    """
    usable = Template.objects.visible_to(by).filter(status=Template.Status.ACTIVE)
    if text.strip():
        ids = index.find(usable, text, internal=policy_of(by).as_staff(Template)).page(1, MOST)
        known = usable.in_bulk(ids)
        found = [known[pk] for pk in ids if pk in known]
    else:
        # They seldom change, and so do the rights to them: both put a new mark, under which this is remembered.
        key = (Template, "usable by", by.pk, by.is_active, today())
        found = remember(key, lambda: list(usable.order_by("title", "pk")[:MOST]))
    if not found:
        return []
    words = {
        "requester": ticket.requester.title if ticket.requester else "",
        "reference": ticket.reference,
        "service": ticket.service.title if ticket.service else "",
        "agent": str(by),
    }
    return [
        ReplyTemplate(t.title, PLACEHOLDER.sub(lambda match: words[match[1]], t.body), t.internal)
        for t in found
    ]
