"""A role limited to one process reaches what the records of that process refer to, and no further."""

import pytest

from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Access, Role
from stellwerk.kernel.permissions.policy import AccessPolicy
from stellwerk.kernel.testing.fixtures import grant
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db


@pytest.fixture
def limited(nobody: Person, centre: Party) -> Person:
    grant(nobody, Role.MANAGER, centre, "incidents")
    return nobody


def test_the_people_and_teams_of_tickets_are_read_but_not_changed(
    limited: Person, maria: Person, desk: Team, gus: Person
) -> None:
    policy = AccessPolicy(limited)
    for record in (maria, desk):
        assert policy.access_to(record) == Access.VIEW
        assert Record.objects.filter(policy.visible(Record), pk=record.pk).exists()
    assert policy.access_to(gus) == Access.NONE
    assert not Person.objects.filter(policy.visible(Person), pk=gus.pk).exists()


def test_a_ticket_can_be_raised_with_a_role_for_incidents_alone(
    limited: Person, maria: Person, centre: Party, desk: Team
) -> None:
    values = {"title": "No mail", "requester": maria.pk, "party": centre.pk, "team": desk.pk}
    assert create(Incident, values, by=limited).team == desk


def test_what_tickets_do_not_refer_to_stays_hidden(limited: Person) -> None:
    assert AccessPolicy(limited).scope(RoleAssignment.objects.first().record_type) == frozenset()


def test_an_administrator_of_one_process_does_not_administer_the_installation(nobody: Person) -> None:
    grant(nobody, Role.ADMINISTRATOR, process="incidents")
    assert not AccessPolicy(nobody).is_administrator
