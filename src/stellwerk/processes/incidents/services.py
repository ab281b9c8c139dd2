"""Verbs of the desk that write several records."""

from collections.abc import Iterator

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.activity.links.services import link, unlink
from stellwerk.kernel.journal.entry import Entry, Verb
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.link_types import DUPLICATE
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.write.services import transition
from stellwerk.kernel.write.undo import undo
from stellwerk.kernel.write.writer import locked
from stellwerk.processes.incidents.ticket import Ticket, may_be_merged, named_in, successor


def merge(duplicate: Ticket, into: Ticket, *, by: Actor) -> Ticket:
    """Cancel a duplicate in favour of the ticket that goes on; return the duplicate.

    What the requesters wrote stays on their own ticket: nobody sees another's. What else belongs to a merge follows
    from the step, however it is taken: see `tie_together`.
    """
    return transition(duplicate, "merge", {"merged_into": into}, by=by)


def tie_together(duplicate: Ticket, *, by: Actor) -> None:
    """Link a ticket that was just merged to the one that goes on, and note there what it said."""
    into = duplicate.merged_into
    assert into is not None  # the step asks for it  # nosec B101
    link(duplicate, DUPLICATE.key, into, by=by)
    duplicate.merged_into = into = locked(into)
    may_be_merged(duplicate)  # once more, now that nobody else can end it meanwhile
    told = _("Merged from %(reference)s (%(title)s):\n\n%(text)s") % {
        "reference": duplicate.reference,
        "title": duplicate.title,
        "text": duplicate.description or _("no description"),
    }
    comment(into, told, by=by, internal=True)


def unmerge(duplicate: Ticket, *, by: Actor) -> Record:
    """Undo a merge: the duplicate is again as it was before, and the link that came with the merge is gone."""
    entry = _merging_entry(duplicate)
    if successor(duplicate) is None or entry is None:
        raise ValidationError(_("%s isn't merged into another ticket.") % duplicate.reference)
    return undo(entry, by=by)


def take_apart(duplicate: Ticket, *, by: Actor) -> None:
    """Remove what tied a ticket to another one, once its merge was undone; a link older than the merge stays."""
    entry = _merging_entry(duplicate)
    into = _merged_by(entry, duplicate) if entry else None
    if entry is None or into is None:
        return
    # The link was noted right after the step; by version 0.1 right before it.
    number = entry.number + (1 if entry.name == "merge" else -1)
    tied = Entry.objects.filter(record_id=duplicate.pk, number=number, verb=Verb.LINK).first()
    about = tied.changes["@link"][1] if tied else None
    if about and (about["type"], about["with"]) == (DUPLICATE.key, into.pk):
        for tie in Link.objects.filter(source=duplicate.pk, target=into.pk, type=DUPLICATE.key):
            unlink(tie, by=by)
    comment(
        into, _("The merge of %s into this ticket was undone.") % duplicate.reference, by=by, internal=True
    )


def merged_from(ticket: Ticket) -> Iterator[Ticket]:
    """Yield the tickets that were merged into this one, and those merged into them."""
    linked = Link.objects.filter(target=ticket.pk, type=DUPLICATE.key).values("source")
    candidates = type(ticket)._default_manager.filter(Q(merged_into=ticket.pk) | Q(pk__in=linked))
    for merged in candidates.filter(status=Ticket.Status.CANCELLED).order_by("pk"):
        if (into := successor(merged)) and into.pk == ticket.pk:
            yield merged
            yield from merged_from(merged)


def _merging_entry(duplicate: Ticket) -> Entry | None:
    """Find the step by which a ticket was merged; version 0.1 cancelled it and named the other one in the reason."""
    steps = Entry.objects.filter(record_id=duplicate.pk, verb=Verb.TRANSITION, name__in=("merge", "cancel"))
    return steps.order_by("-number").first()


def _merged_by(entry: Entry, duplicate: Ticket) -> Ticket | None:
    if entry.name == "cancel":
        return named_in(entry.reason, type(duplicate))
    return type(duplicate)._default_manager.filter(pk=entry.changes["merged_into"][1]).first()
