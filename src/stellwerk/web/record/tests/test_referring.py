"""What refers to a record: on its page, counted and listed for who may see it."""

import re
from datetime import date
from typing import Any

import pytest
from django.test import Client

from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team, TeamMembership
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.roles import Capacity, Role
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.testing.fixtures import grant, make_person
from stellwerk.kernel.write.services import create, share, transition
from stellwerk.processes.incidents.incident import Incident
from stellwerk.processes.incidents.service_request import ServiceRequest
from stellwerk.web.record import referring
from stellwerk.web.record.tests.conftest import SignIn
from stellwerk.web.tests.conftest import text_of

QUERIES = 6
"""Session, person, mark of what is remembered; the record; all numbers; the rows of one group."""


def of_gus(gus: Person, centre: Party, number: int, **values: Any) -> list[Incident]:
    given = {"requester": gus, "party": centre, **values}
    return [create(Incident, {"title": f"Fault {n}", **given}, by=SYSTEM) for n in range(number)]


def part(client: Client, path: str, place: str = "referring") -> str:
    """Return what a reader reads of a part, as htmx asks for it."""
    return text_of(client.get(path, headers={"HX-Request": "true", "HX-Target": place}))


@pytest.fixture
def lena(agent: Person, globex: Party, centre: Party) -> Person:
    """An agent of the centre, to which Globex entrusts its people."""
    share(globex, centre, Capacity.PROVIDER, by=SYSTEM)
    return Person.objects.get(pk=agent.pk)


def test_a_persons_page_shows_their_tickets_the_newest_open_ones_first(
    lena: Person, gus: Person, centre: Party, sign_in: SignIn
) -> None:
    tickets = of_gus(gus, centre, 7)
    transition(tickets[6], "cancel", by=SYSTEM)
    create(ServiceRequest, {"title": "A disk", "requester": gus, "party": centre}, by=SYSTEM)
    client = sign_in(lena)
    page = client.get(f"/records/{gus.reference}/").text
    address = f"/records/{gus.reference}/referring/"
    assert f'id="referring" hx-get="{address}" hx-trigger="load"><a class="link" href="{address}">' in page
    shown = client.get(address, headers={"HX-Request": "true", "HX-Target": "referring"}).text
    assert re.findall(r'<h2><a href="([^"]*)">([^<]*)</a></h2><span class="count">([^<]*)<', shown) == [
        (f"/incidents/?requester={gus.reference}", "Incidents · requester", "6 open · 7"),
        (f"/service-requests/?requester={gus.reference}", "Service requests · requester", "1 open · 1"),
    ]
    assert re.findall(r'class="work-title" href="[^"]*">([^<]*)<', shown) == [
        *(f"Fault {n}" for n in (5, 4, 3, 2, 1)),
        "A disk",
    ]


def test_each_group_opens_a_list_of_as_many(
    lena: Person, gus: Person, centre: Party, sign_in: SignIn
) -> None:
    of_gus(gus, centre, 7)
    client = sign_in(lena)
    assert client.get(f"/incidents/?requester={gus.reference}").text.count("<tr data-url") == 7


def test_without_scripts_it_is_a_page(lena: Person, gus: Person, centre: Party, sign_in: SignIn) -> None:
    of_gus(gus, centre, 1)
    page = text_of(sign_in(lena).get(f"/records/{gus.reference}/referring/"))
    assert "Referred to by" in page
    assert "Incidents · requester 1 open · 1" in page


def test_a_teams_page_shows_its_members_and_its_tickets(
    desk: Team, maria: Person, gus: Person, centre: Party, sign_in: SignIn
) -> None:
    of_gus(gus, centre, 1, team=desk)
    create(TeamMembership, {"team": desk, "person": maria, "valid_until": date(2030, 3, 1)}, by=SYSTEM)
    shown = part(sign_in(maria), f"/records/{desk.reference}/referring/")
    assert "Incidents 1 open · 1" in shown
    assert "Team memberships 2 Show all" in shown
    assert "Maria Keller · Service desk until 1 Mar 2030" in shown
    assert "Arno Agent · Service desk" in shown


def test_a_customers_page_shows_its_people_and_its_tickets(
    lena: Person, gus: Person, globex: Party, centre: Party, sign_in: SignIn
) -> None:
    of_gus(gus, centre, 1)
    shown = part(sign_in(lena), f"/records/{globex.reference}/referring/")
    assert "Incidents · customer 1 open · 1" in shown
    assert "People 1 open · 1" in shown
    assert "Gus Gordon" in shown


def test_what_all_has_ended_is_counted_and_said(
    lena: Person, gus: Person, centre: Party, sign_in: SignIn
) -> None:
    (ticket,) = of_gus(gus, centre, 1)
    transition(ticket, "cancel", by=SYSTEM)
    shown = part(sign_in(lena), f"/records/{gus.reference}/referring/")
    assert "Incidents · requester 0 open · 1 None of them is open." in shown


def test_foreign_records_neither_show_nor_count(
    desk: Team, gus: Person, maria: Person, root: Person, centre: Party, other_centre: Party, sign_in: SignIn
) -> None:
    of_gus(gus, centre, 2, team=desk)
    (foreign,) = of_gus(gus, other_centre, 1, team=desk)
    Share.objects.filter(record=foreign.pk, party=centre).delete()  # the team could see it otherwise
    address = f"/records/{desk.reference}/referring/"
    shown = part(sign_in(maria), address)
    assert "Incidents 2 open · 2" in shown
    assert foreign.reference not in shown
    assert "Incidents 3 open · 3" in part(sign_in(root), address)


def test_types_whose_list_the_reader_does_not_have_are_left_out(
    desk: Team, agent: Person, maria: Person, centre: Party, sign_in: SignIn
) -> None:
    address = f"/records/{agent.reference}/referring/"
    assert "Role assignments 1" in part(sign_in(maria), address)
    assert "Role assignments" not in part(sign_in(agent), address)
    clerk = make_person("Clara Clerk", centre)
    grant(clerk, Role.AGENT, centre, process="people")
    of_gus(agent, centre, 1)
    shown = part(sign_in(clerk), address)
    assert ("Team memberships 1" in shown, "Incidents" in shown) == (True, False)


def test_it_costs_the_same_however_many_there_are(
    desk: Team, lena: Person, gus: Person, centre: Party, sign_in: SignIn, django_assert_num_queries: Any
) -> None:
    client, address = sign_in(lena), f"/records/{gus.reference}/referring/"
    headers = {"HX-Request": "true", "HX-Target": "referring"}
    for number in (1, 8):
        of_gus(gus, centre, number)
        client.get(address, headers=headers)
        with django_assert_num_queries(QUERIES):
            client.get(address, headers=headers)


def test_no_more_are_counted_than_a_list_counts(
    lena: Person, gus: Person, centre: Party, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(referring, "MOST_COUNTED", 2)
    of_gus(gus, centre, 4)
    assert "requester 2+ open · 2+" in part(sign_in(lena), f"/records/{gus.reference}/referring/")


# -- on a ticket's page ------------------------------------------------------------------------------------


def test_a_ticket_shows_what_else_its_requester_has_open(
    lena: Person, gus: Person, centre: Party, sign_in: SignIn
) -> None:
    tickets = of_gus(gus, centre, 3)
    transition(tickets[2], "cancel", by=SYSTEM)
    client = sign_in(lena)
    page = client.get(f"/records/{tickets[0].reference}/").text
    address = f"/records/{gus.reference}/referring/?as=requester&amp;besides={tickets[0].reference}"
    assert f'<div id="others" hx-get="{address}" hx-trigger="load">' in page
    assert 'id="referring"' not in page
    shown = part(client, address.replace("&amp;", "&"), "others")
    assert "Also from Gus Gordon Incidents 1 open · 2" in shown
    assert ("Fault 1" in shown, "Fault 0" in shown) == (True, False)


def test_there_is_no_heading_over_nothing(lena: Person, gus: Person, centre: Party, sign_in: SignIn) -> None:
    (ticket,) = of_gus(gus, centre, 1)
    address = f"/records/{gus.reference}/referring/?as=requester&besides={ticket.reference}"
    assert part(sign_in(lena), address, "others").strip() == ""


def test_who_may_not_open_the_requesters_page_is_not_led_there(
    incident: Incident, agent: Person, gus: Person, sign_in: SignIn
) -> None:
    client = sign_in(agent)
    assert "Also from" not in client.get(f"/records/{incident.reference}/").text
    assert client.get(f"/records/{gus.reference}/referring/?as=requester").status_code == 404


def test_another_requester_brings_their_own(
    incident: Incident, lena: Person, gus: Person, globex: Party, sign_in: SignIn
) -> None:
    hanna = make_person("Hanna Globex", globex)
    client = sign_in(lena)
    answer = client.post(
        f"/records/{incident.reference}/fields/requester/",
        {"requester": hanna.reference},
        headers={"HX-Request": "true"},
    ).text
    assert f'<div id="others" hx-swap-oob="true" hx-get="/records/{hanna.reference}/referring/' in answer
    answer = client.post(
        f"/records/{incident.reference}/fields/impact/", {"impact": "high"}, headers={"HX-Request": "true"}
    ).text
    assert 'id="others"' not in answer


def test_nonsense_in_the_address_finds_nothing(
    lena: Person, gus: Person, centre: Party, sign_in: SignIn
) -> None:
    of_gus(gus, centre, 1)
    client = sign_in(lena)
    assert part(client, f"/records/{gus.reference}/referring/?as=password").strip() == ""
    assert "1 open · 1" in part(client, f"/records/{gus.reference}/referring/?besides=%F0%9F%98%80")
    assert client.get(f"/records/{gus.reference}/referring/?besides=%00").status_code == 422
