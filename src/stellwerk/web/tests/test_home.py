from typing import Any

from django.test import Client

from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.fixtures import grant
from stellwerk.kernel.write.services import create, transition
from stellwerk.processes.incidents.incident import Incident
from stellwerk.processes.incidents.service_request import ServiceRequest
from stellwerk.web.tests.conftest import RaiseMany, text_of


def test_work_of_all_types_flows_together_by_urgency(
    client: Client, raise_many: RaiseMany, agent: Person, desk: Team, gus: Person, centre: Party
) -> None:
    raise_many(1, title="Printer jams", assigned_to=agent)
    urgent = {"impact": "high", "urgency": "high", "requester": gus, "party": centre, "assigned_to": agent}
    create(ServiceRequest, {"title": "Access for the auditor", **urgent}, by=SYSTEM)
    raise_many(1, title="Nobody has it", team=desk)
    client.force_login(agent)
    page = text_of(client.get("/"))
    assert page.index("Access for the auditor") < page.index("Printer jams") < page.index("Nobody has it")
    assert "2 Assigned to me 1 My teams', unassigned 0 Waiting for me" in page
    assert "1 Incidents 1 Service requests" in page


def test_what_waits_for_an_answer_of_the_reader_is_there(
    client: Client, raise_many: RaiseMany, agent: Person
) -> None:
    ticket = raise_many(1, title="My own laptop", requester=agent)[0]
    transition(ticket, "wait", {"waiting_for": "user"}, by=SYSTEM)
    client.force_login(agent)
    page = text_of(client.get("/"))
    assert "Waiting for me" in page
    assert "My own laptop" in page


def test_the_page_asks_as_many_queries_for_much_work_as_for_little(
    client: Client, raise_many: RaiseMany, agent: Person, desk: Team, django_assert_num_queries: Any
) -> None:
    raise_many(2, assigned_to=agent)
    client.force_login(agent)
    client.get("/")  # what seldom changes is remembered from here on
    for _round in range(2):
        with django_assert_num_queries(14):
            client.get("/")
        raise_many(4, assigned_to=agent)


def test_requesters_are_at_home_in_the_portal(client: Client, gus: Person, nobody: Person) -> None:
    for person in (gus, nobody):
        client.force_login(person)
        answer = client.get("/")
        assert (answer.status_code, answer["Location"]) == (302, "/portal/")


def test_navigation_shows_what_roles_reach(
    client: Client, maria: Person, root: Person, centre: Party
) -> None:
    client.force_login(maria)
    page = text_of(client.get("/"))
    assert "Incidents" in page
    assert "Who sees what" not in page
    client.force_login(root)
    assert "Who sees what" in text_of(client.get("/"))


def test_a_new_role_reaches_further_at_once(client: Client, nobody: Person, centre: Party) -> None:
    client.force_login(nobody)
    assert client.get("/").status_code == 302
    grant(nobody, Role.AGENT, centre)
    assert client.get("/").status_code == 200


def test_records_worked_on_are_at_hand_while_they_are_visible(
    client: Client, raise_many: RaiseMany, agent: Person, centre: Party
) -> None:
    ticket = raise_many(1, title="Once worked on")[0]
    transition(Incident.objects.get(pk=ticket.pk), "begin", by=agent)
    transition(Incident.objects.get(pk=ticket.pk), "cancel", by=SYSTEM)
    client.force_login(agent)
    assert "You worked on" in text_of(client.get("/"))
    Incident.objects.filter(pk=ticket.pk).update(party=None)
    assert "Once worked on" not in text_of(client.get("/"))
