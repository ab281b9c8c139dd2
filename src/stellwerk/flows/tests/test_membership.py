"""What belongs to a team goes with it."""

import pytest

from stellwerk.kernel.audit.verifier import verify
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team, TeamMembership
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.permissions.policy import AccessPolicy
from stellwerk.kernel.write.services import change
from stellwerk.kernel.write.undo import undo

pytestmark = pytest.mark.django_db


def test_memberships_move_with_their_team_and_back(
    desk: Team, root: Person, maria: Person, centre: Party, other_centre: Party
) -> None:
    membership = TeamMembership.objects.get()
    assert AccessPolicy(maria).may_edit(membership)
    moved = change(desk, {"party": other_centre}, by=root)
    membership.refresh_from_db()
    assert membership.party == other_centre
    assert not AccessPolicy(maria).may_edit(TeamMembership.objects.get())
    entry = Entry.objects.filter(record=membership.pk).latest("number")
    assert (entry.actor, entry.reason) == (None, "Service desk was moved to another party.")
    assert entry.changes == {"party": [centre.pk, other_centre.pk]}
    assert list(verify(membership, membership.entries.order_by("number"))) == []
    undo(moved.entries.latest("number"), by=root)
    membership.refresh_from_db()
    assert membership.party == centre


def test_what_leaves_a_team_in_its_party_leaves_its_memberships(desk: Team, root: Person) -> None:
    change(desk, {"title": "Help desk"}, by=root)
    assert TeamMembership.objects.get().version == 1
