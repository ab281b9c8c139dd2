"""Verbs of the desk that write several records."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from stellwerk.kernel.access.person import Actor
from stellwerk.kernel.comments.services import comment
from stellwerk.kernel.links.models import Link
from stellwerk.kernel.links.services import link, unlink
from stellwerk.kernel.links.types import DUPLICATE
from stellwerk.kernel.records.entry import Entry, Verb
from stellwerk.kernel.records.record import Record
from stellwerk.kernel.records.services import transition
from stellwerk.kernel.records.undo import undo
from stellwerk.processes.incidents.ticket import Ticket


def merge(duplicate: Ticket, into: Ticket, *, by: Actor) -> Ticket:
    """Cancel a duplicate, link it to the ticket that goes on, and note there what it said; return the duplicate.

    What the requesters wrote stays on their own ticket: nobody sees another's.
    """
    if duplicate.pk == into.pk:
        raise ValidationError(_("A ticket cannot be merged into itself: choose the one that goes on."))
    if not into.is_open:
        raise ValidationError(
            _("%s is not open any more: choose a ticket that is worked on.") % into.reference
        )
    with transaction.atomic():
        link(duplicate, DUPLICATE.key, into, by=by)
        why = {
            "resolution_code": Ticket.ResolutionCode.DUPLICATE,
            "resolution": _("We handle this together with other reports of the same matter."),
        }
        merged = transition(duplicate, "cancel", why, by=by, reason=_("Merged into %s.") % into.reference)
        told = _("Merged from %(reference)s (%(title)s):\n\n%(text)s") % {
            "reference": duplicate.reference,
            "title": duplicate.title,
            "text": duplicate.description or _("no description"),
        }
        comment(into, told, by=by, internal=True)
    return merged


def unmerge(duplicate: Ticket, *, by: Actor) -> Record:
    """Undo a merge: the duplicate is again as it was before, and its link is gone."""
    merged = Link.objects.filter(source_id=duplicate.pk, type=DUPLICATE.key).select_related("target").first()
    cancelled = _cancelling_entry(duplicate)
    if merged is None or cancelled is None:
        raise ValidationError(_("%s is not merged into another ticket.") % duplicate.reference)
    with transaction.atomic():
        restored = undo(cancelled, by=by)
        unlink(merged, by=by)
        comment(
            merged.target,
            _("%s was taken apart from this ticket again.") % duplicate.reference,
            by=by,
            internal=True,
        )
    return restored


def _cancelling_entry(duplicate: Ticket) -> Entry | None:
    steps = Entry.objects.filter(record_id=duplicate.pk, verb=Verb.TRANSITION, name="cancel")
    return steps.order_by("-number").first()
