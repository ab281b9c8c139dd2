import html
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import formats, timezone

from stellwerk.kernel.activity.history import History
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import change, create, transition
from stellwerk.processes.incidents.incident import Incident
from stellwerk.processes.incidents.service_request import ServiceRequest


def text_of(response: Any) -> str:
    plain = re.sub(r"(?s)<script.*?</script>|<[^>]*>", " ", response.content.decode())
    return html.unescape(re.sub(r"\s+", " ", plain))


def headlines(response: Any) -> str:
    """Return the figures at the top with what they are called."""
    figures = re.findall(
        r'figure-value">([^<]*)</span><span class="figure-label">([^<]*)<', response.content.decode()
    )
    return " ".join(f"{number} {label}" for number, label in figures)


@pytest.fixture
def desk_client(client: Client, maria: Person) -> Client:
    client.force_login(maria)
    return client


@pytest.fixture
def tickets(gus: Person, centre: Party, other_centre: Party, desk: Team, agent: Person) -> None:
    """Three open incidents, one resolved, one request; and one of the south, which Maria does not see."""
    given: dict[str, Any] = {"requester": gus, "party": centre}
    new = create(Incident, {"title": "New", **given}, by=SYSTEM)
    change(new, {"team": None}, by=SYSTEM)
    create(Incident, {"title": "Assigned", "team": desk, "assigned_to": agent, **given}, by=SYSTEM)
    waiting = create(Incident, {"title": "Waiting", "team": desk, **given}, by=SYSTEM)
    transition(waiting, "wait", {"waiting_for": "user"}, by=SYSTEM)
    done = create(Incident, {"title": "Done", **given}, by=SYSTEM)
    transition(done, "resolve", {"resolution": "Done", "resolution_code": "solved"}, by=SYSTEM)
    create(ServiceRequest, {"title": "Please", "impact": "high", "urgency": "high", **given}, by=SYSTEM)
    create(Incident, {"title": "Of the south", "requester": gus, "party": other_centre}, by=SYSTEM)


@pytest.mark.usefixtures("tickets")
def test_the_figures_count_what_the_reader_sees(desk_client: Client) -> None:
    desk = desk_client.get("/desk/")
    page = text_of(desk)
    assert headlines(desk) == "4 open 3 unassigned 1 waiting 5 created in 30 days 1 resolved in 30 days"
    assert "Critical 0 1" in page
    assert "Service desk 2 1" in page


@pytest.mark.usefixtures("tickets")
def test_each_figure_opens_the_list_behind_it(desk_client: Client) -> None:
    page = desk_client.get("/desk/?kind=incident").content.decode()
    links = [html.unescape(url) for url in re.findall(r'<td class="align-end"><a href="([^"]*)">', page)]
    assert len(links) == 7
    for url in links:
        shown = int(re.search(rf'{re.escape(html.escape(url))}">(\d+)</a>', page)[1])  # type: ignore[index]
        listed = desk_client.get(url).content.decode()
        assert listed.count("<tr data-url") == shown, url


def test_old_tickets_are_counted_by_age_and_day(
    desk_client: Client, gus: Person, centre: Party, root: Person
) -> None:
    now = timezone.now()
    with History("log", by=root) as history:
        for days in (0, 2, 40, 200):
            given = {"title": f"{days} days", "requester": gus, "party": centre}
            history.create(Incident, given, by=gus, at=now - timedelta(days=days))
    desk = desk_client.get("/desk/?days=90")
    page = text_of(desk)
    assert headlines(desk).startswith("4 open 4 unassigned 0 waiting 3 created in 90 days")
    assert "0–1 1 0 1–3 1 0 3–7 0 0 7–14 0 0 14–30 0 0 30–90 1 0" in page
    assert "over 90 1 0" in page


def test_an_old_log_is_shown_in_its_own_time(
    desk_client: Client, gus: Person, centre: Party, root: Person
) -> None:
    with History("log", by=root) as history:
        for day in (1, 3):
            given = {"title": f"March {day}", "requester": gus, "party": centre}
            history.create(Incident, given, by=gus, at=datetime(2016, 3, day, 12, tzinfo=UTC))
    today = desk_client.get("/desk/")
    assert "No tickets were created on these days." in text_of(today)
    assert "?days=30&amp;until=2016-03-03" in today.text
    desk = desk_client.get("/desk/?days=30&until=2016-03-02")
    then = text_of(desk)
    assert headlines(desk).startswith("2 open today 2 unassigned today 0 waiting today 1 created in 30 days")
    assert "2 Mar 2016 0 0" in then
    assert "1 Mar 2016 1 0" in then
    assert "No tickets were created" not in then


@pytest.mark.usefixtures("tickets")
def test_the_party_narrows_and_a_foreign_one_is_refused(
    desk_client: Client, centre: Party, other_centre: Party
) -> None:
    assert "4 open" in text_of(desk_client.get("/desk/", {"party": centre.reference}))
    refused = desk_client.get("/desk/", {"party": other_centre.reference})
    missing = desk_client.get("/desk/", {"party": "PTY-999999"})
    assert refused.status_code == missing.status_code == 400
    assert text_of(refused) == text_of(missing)


@pytest.mark.parametrize(
    "query", ["kind=person", "days=7", "days=x", "party=x", "until=x", "until=0001-01-01", "until=9999-12-31"]
)
def test_what_is_not_offered_is_refused(query: str, desk_client: Client) -> None:
    assert desk_client.get(f"/desk/?{query}").status_code == 400


def test_the_figures_are_for_those_who_work_on_tickets(client: Client, gus: Person) -> None:
    client.force_login(gus)
    assert client.get("/desk/").status_code == 403


def test_the_page_asks_as_many_queries_for_many_tickets_as_for_few(
    desk_client: Client, gus: Person, centre: Party, desk: Team, django_assert_num_queries: Any
) -> None:
    create(Incident, {"title": "First", "requester": gus, "party": centre, "team": desk}, by=SYSTEM)
    desk_client.get("/desk/")  # what seldom changes is remembered from here on
    for _round in range(2):
        with django_assert_num_queries(12):
            desk_client.get("/desk/")
        for number in range(5):
            create(
                Incident, {"title": f"{number}", "requester": gus, "party": centre, "team": desk}, by=SYSTEM
            )


FIGURES = r'<span class="figure-value">(\d+)</span>'
LINKS = r'<a class="figure-link" href="([^"]*)">(\d+) ([^<]*)<span class="visually-hidden"> ([^<]*)</span>'


@pytest.mark.usefixtures("tickets")
def test_each_headline_opens_the_lists_behind_it(desk_client: Client) -> None:
    page = desk_client.get("/desk/").content.decode()
    links = re.findall(LINKS, page)
    assert [(number, types, label) for _url, number, types, label in links] == [
        ("3", "Incidents", "open"),
        ("1", "Service requests", "open"),
        ("2", "Incidents", "unassigned"),
        ("1", "Service requests", "unassigned"),
        ("1", "Incidents", "waiting"),
        ("4", "Incidents", "created in 30 days"),
        ("1", "Service requests", "created in 30 days"),
        ("1", "Incidents", "resolved in 30 days"),
    ]
    for url, number, _types, label in links:
        assert desk_client.get(html.unescape(url)).text.count("<tr data-url") == int(number), label


@pytest.mark.usefixtures("tickets")
def test_the_headlines_of_one_kind_are_links_themselves(desk_client: Client, centre: Party) -> None:
    page = desk_client.get(f"/desk/?kind=incident&party={centre.reference}").content.decode()
    figures = re.findall(rf'<a href="([^"]*)" class="figure[^"]*">{FIGURES}', page)
    assert [int(number) for _url, number in figures] == [3, 2, 1, 4, 1]
    for url, number in figures:
        assert f"party={centre.reference}" in url
        assert desk_client.get(html.unescape(url)).text.count("<tr data-url") == int(number)


def test_the_printed_page_says_period_party_and_when(desk_client: Client, centre: Party) -> None:
    path = f"/desk/?days=90&until=2026-03-31&party={centre.reference}"
    printed = re.findall(r'd-print-only">([^<]*)<', desk_client.get(path).content.decode())
    today = formats.date_format(timezone.localtime())
    assert printed[0].startswith(
        f"90 days up to {formats.date_format(date(2026, 3, 31))} · Centre North · Figures of {today}"
    )
    assert " · All parties · " in desk_client.get("/desk/").content.decode()
