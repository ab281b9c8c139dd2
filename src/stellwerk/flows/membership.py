"""What belongs to a team goes with it."""

from django.utils.translation import gettext as _

from stellwerk.kernel.identity.team import Team, TeamMembership
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.events import Event
from stellwerk.kernel.write.services import change


def move_memberships(event: Event) -> None:
    """Put the memberships of a team that was moved to another party there too, so that its managers maintain them."""
    team = event.record
    if not isinstance(team, Team) or "party" not in event.entry.changes:
        return
    reason = _("%s was moved to another party.") % team
    for membership in TeamMembership.objects.filter(team=team.pk).order_by("pk"):
        change(membership, {}, by=SYSTEM, reason=reason)  # the party follows from the team
