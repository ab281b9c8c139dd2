"""Where standing ends: what a role, a share or an entrusted party does not give as well."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.roles import Access, Capacity, Role
from stellwerk.kernel.permissions.policy import AccessPolicy
from stellwerk.kernel.testing.fixtures import grant, make_person
from stellwerk.kernel.write.services import create, share, transition
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db


def sees(viewer: Person, ticket: Incident) -> bool:
    """Ask the rows and the one record, which must agree, as a request that comes now would."""
    policy = AccessPolicy(viewer)
    found = Incident.objects.filter(policy.visible(Incident), pk=ticket.pk).exists()
    assert found == (policy.access_to(Incident.objects.get(pk=ticket.pk)) > Access.NONE)
    return found


@pytest.mark.parametrize(("role", "seen"), [(Role.MANAGER, True), (Role.VIEWER, True), (Role.AGENT, False)])
def test_managers_and_viewers_of_a_customer_look_after_its_tickets_and_agents_do_not(
    role: Role, seen: bool, gus: Person, globex: Party, centre: Party
) -> None:
    ticket = create(Incident, {"title": "No mail", "requester": gus, "party": centre}, by=SYSTEM)
    contact = make_person("Conny", globex)
    grant(contact, role, globex)
    assert ticket.customer == globex
    assert sees(contact, ticket) == seen


def test_what_is_shared_to_be_served_is_for_those_who_serve_it(
    maria: Person, centre: Party, other_centre: Party
) -> None:
    ticket = create(Incident, {"title": "No mail", "requester": maria, "party": centre}, by=SYSTEM)
    share(ticket, other_centre, Capacity.PROVIDER, by=SYSTEM)
    serving, elsewhere = make_person("Sven", other_centre), make_person("Elsa", other_centre)
    grant(serving, Role.VIEWER, other_centre)
    grant(elsewhere, Role.VIEWER, other_centre, process="services")
    assert (sees(serving, ticket), sees(elsewhere, ticket)) == (True, False)


def test_an_entrusted_party_entrusts_its_people_and_not_its_work(
    agent: Person, maria: Person, gus: Person, globex: Party, centre: Party
) -> None:
    theirs = create(Incident, {"title": "Ours alone", "requester": gus, "party": globex}, by=SYSTEM)
    share(globex, centre, Capacity.PROVIDER, by=SYSTEM)
    assert not sees(agent, theirs)
    local = make_person("Lars Local", centre)
    grant(local, Role.ADMINISTRATOR, centre)
    people = Person.objects.count()
    for staff in (agent, maria, local):
        assert not AccessPolicy(staff).may_create_as_staff(registry.for_model(Person), globex.pk)
        with pytest.raises((PermissionDenied, ValidationError)):
            create(Person, {"title": "Mole", "party": globex}, by=staff)
    assert Person.objects.count() == people


def test_a_party_s_own_manager_writes_nothing_that_belongs_to_all(maria: Person) -> None:
    without_party = [each for each in registry.all_types() if not each.scope]
    assert [each.key for each in without_party if AccessPolicy(maria).may_create_as_staff(each)] == []
    assert without_party != []


def test_who_left_asks_for_nothing_and_sees_nothing(gus: Person, centre: Party) -> None:
    ticket = create(Incident, {"title": "No mail", "requester": gus, "party": centre}, by=SYSTEM)
    grant(gus, Role.MANAGER, centre)
    assert sees(gus, ticket)
    left = transition(gus, "leave", by=SYSTEM)
    assert not AccessPolicy(left).may_request(registry.for_model(Incident))
    assert not Incident.objects.filter(AccessPolicy(left).visible(Incident)).exists()
    with pytest.raises(PermissionDenied):
        create(Incident, {"title": "Once more"}, by=left)
