"""A party shared with a provider entrusts its people to the provider's staff: to read, not to change."""

import pytest

from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.roles import Access, Capacity, Role
from stellwerk.kernel.permissions.policy import AccessPolicy
from stellwerk.kernel.testing.fixtures import grant, make_person
from stellwerk.kernel.write.services import create, share, unshare
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db


@pytest.fixture
def department(globex: Party) -> Party:
    return create(Party, {"title": "Globex Research", "parent": globex}, by=SYSTEM)


def sees(viewer: Person, person: Person) -> bool:
    """Ask the rows and the one record, which must agree, as a request that comes now would."""
    policy = AccessPolicy(viewer)
    found = Person.objects.filter(policy.visible(Person), pk=person.pk).exists()
    assert found == (policy.access_to(person) > Access.NONE) == policy.sees_internal(person)
    return found


def test_staff_of_the_provider_read_the_people_of_the_customer(
    agent: Person, maria: Person, gus: Person, globex: Party, centre: Party, department: Party
) -> None:
    colleague = make_person("Hanna Globex", department)
    assert not sees(agent, gus)
    share(globex, centre, Capacity.PROVIDER, by=SYSTEM)
    assert sees(agent, gus)
    assert sees(agent, colleague)
    assert AccessPolicy(maria).access_to(gus) == Access.VIEW
    assert AccessPolicy(maria).access_to(Party.objects.get(pk=globex.pk)) == Access.VIEW
    unshare(globex, centre, by=SYSTEM)
    assert not sees(agent, gus)


def test_they_raise_tickets_for_them(agent: Person, gus: Person, globex: Party, centre: Party) -> None:
    share(globex, centre, Capacity.PROVIDER, by=SYSTEM)
    ticket = create(Incident, {"title": "No mail", "requester": gus.pk}, by=agent)
    assert ticket.customer == globex


def test_nobody_else_reads_them(
    nobody: Person, gus: Person, globex: Party, centre: Party, other_centre: Party
) -> None:
    share(globex, centre, Capacity.PROVIDER, by=SYSTEM)
    grant(nobody, Role.MANAGER, other_centre)
    assert not sees(nobody, gus)
    stranger = make_person("Sam Stranger", centre)
    assert not sees(stranger, gus)


@pytest.mark.parametrize("capacity", [Capacity.CUSTOMER, Capacity.SUPPLIER])
def test_a_customer_or_supplier_with_whom_a_party_is_shared_reads_its_people_not(
    capacity: Capacity, agent: Person, gus: Person, globex: Party, centre: Party
) -> None:
    share(globex, centre, capacity, by=SYSTEM)
    assert not sees(agent, gus)


@pytest.mark.parametrize("capacity", [Capacity.PROVIDER, Capacity.MEMBER])
def test_a_share_lets_work_on_tickets_and_see_everything_else(
    capacity: Capacity, maria: Person, gus: Person, other_centre: Party, centre: Party
) -> None:
    ticket = create(Incident, {"title": "No mail", "party": other_centre, "requester": gus}, by=SYSTEM)
    for record in (ticket, other_centre, gus):
        share(record, centre, capacity, by=SYSTEM)
    party, person = Party.objects.get(pk=other_centre.pk), Person.objects.get(pk=gus.pk)
    ticket = Incident.objects.get(pk=ticket.pk)
    policy = AccessPolicy(maria)
    assert policy.roles_on(ticket) == {Role.MANAGER}
    assert policy.roles_on(party) == policy.roles_on(person) == {Role.VIEWER}
