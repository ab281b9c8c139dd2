import html
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.model import record, registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.fixtures import grant, make_person
from stellwerk.kernel.write.services import create, share, transition
from stellwerk.processes.incidents.incident import Incident
from stellwerk.web.tests.conftest import RaiseMany, text_of


def titles(response: Any) -> list[str]:
    return re.findall(r'<td class="col-title"><a href="[^"]*">([^<]*)</a>', response.content.decode())


def link(response: Any, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]*)"', response.content.decode())
    return html.unescape(found[1]) if found else ""


@pytest.mark.parametrize("record_type", registry.all_types(), ids=lambda t: t.key)
def test_every_type_has_a_list_with_filters_and_tabs(record_type: Any, client: Client, root: Person) -> None:
    client.force_login(root)
    for part in ("", "tabs/", "filters/", "views/"):
        assert client.get(f"/{record_type.slug}/{part}").status_code == 200


@pytest.mark.parametrize("record_type", registry.all_types(), ids=lambda t: t.key)
def test_every_column_of_every_type_can_be_shown_and_declared_ones_sorted(
    record_type: Any, client: Client, root: Person
) -> None:
    from stellwerk.web.lists.columns import choosable

    client.force_login(root)
    names = ",".join(choosable(record_type, root)[:30])
    assert client.get(f"/{record_type.slug}/?columns={names}&view=all").status_code == 200
    for name in record_type.columns:
        assert client.get(f"/{record_type.slug}/?ordering=-{name}").status_code == 200


def test_a_list_asks_eight_queries_however_many_rows_it_shows(
    raise_many: RaiseMany,
    desk_client: Client,
    gus: Person,
    centre: Party,
    desk: Team,
    django_assert_num_queries: Any,
) -> None:
    raise_many(52, team=desk)
    desk_client.get("/incidents/")  # roles and parties are remembered from here on
    with django_assert_num_queries(8):
        response = desk_client.get("/incidents/")
    assert len(titles(response)) == 50
    raise_many(30, requester=make_person("Hanna Other"), team=desk)
    desk_client.get("/incidents/")
    with django_assert_num_queries(8):
        desk_client.get("/incidents/")


def test_the_address_of_a_record_is_looked_up_once_for_all_rows(
    raise_many: RaiseMany, desk_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    raise_many(20)
    asked: list[str] = []

    def counted(name: str, **parts: Any) -> str:
        asked.append(name)
        return reverse(name, **parts)

    monkeypatch.setattr(record, "reverse", counted)
    record._address.cache_clear()
    assert len(titles(desk_client.get("/incidents/"))) == 20
    assert len(asked) == 1


def test_pages_go_forth_and_back_and_count_what_they_show(
    raise_many: RaiseMany, desk_client: Client, gus: Person, centre: Party
) -> None:
    raise_many(120)
    first = desk_client.get("/incidents/?ordering=title&view=all")
    second = desk_client.get(link(first, "next"))
    third = desk_client.get(link(second, "next"))
    assert [titles(page)[0] for page in (first, second, third)] == ["Fault 000", "Fault 050", "Fault 100"]
    assert [len(titles(page)) for page in (first, second, third)] == [50, 50, 20]
    assert link(third, "next") == link(first, "prev") == ""
    assert "51–100 of 120" in text_of(second)
    back = desk_client.get(link(third, "prev"))
    assert titles(back) == titles(second)
    assert titles(desk_client.get(link(back, "prev"))) == titles(first)


def test_a_list_lands_on_what_is_open_and_its_tab_says_so(
    raise_many: RaiseMany, desk_client: Client, gus: Person, centre: Party
) -> None:
    raise_many(1)
    page = desk_client.get("/incidents/")
    assert 'href="/incidents/?open=yes&amp;view=open" aria-current="page"' in page.content.decode()
    assert "Open Yes" not in text_of(page)
    assert "Clear" not in text_of(page)
    assert "Open Yes" in text_of(desk_client.get("/incidents/?open=yes"))
    assert "Open No" in text_of(desk_client.get("/incidents/?open=no&view=open"))


def test_a_list_without_anything_in_use_says_what_would_be_there(desk_client: Client, centre: Party) -> None:
    transition(create(Team, {"title": "Former", "party": centre}, by=SYSTEM), "dissolve", by=SYSTEM)
    page = text_of(desk_client.get("/teams/"))
    assert "No current teams" in page
    assert "Records in use appear here. Retired ones are under “All”." in page
    assert "No matches" in text_of(desk_client.get("/teams/?open=yes&q=none"))


def test_taking_the_last_filter_away_shows_all(
    raise_many: RaiseMany, desk_client: Client, gus: Person, centre: Party
) -> None:
    raise_many(1)
    page = desk_client.get("/incidents/?open=yes").content.decode()
    assert 'class="chip-remove" href="/incidents/?view=all"' in page


def test_tabs_count_what_their_reader_sees(
    raise_many: RaiseMany,
    desk_client: Client,
    gus: Person,
    agent: Person,
    centre: Party,
    other_centre: Party,
    maria: Person,
) -> None:
    raise_many(2)
    raise_many(1, assigned_to=maria)
    raise_many(5, party=other_centre)
    tabs = text_of(desk_client.get("/incidents/tabs/")).strip()
    assert tabs == "All open 3 Unassigned 2 My open 1 My teams' open 0 Waiting 0 Resolved 0 All 3"


def test_more_than_a_thousand_are_not_counted_out(
    raise_many: RaiseMany, desk_client: Client, gus: Person, centre: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stellwerk.web.lists.listing.MOST_COUNTED", 60)
    raise_many(62)
    assert "1–50 of more than 60" in text_of(desk_client.get("/incidents/"))
    assert "All open 60+" in text_of(desk_client.get("/incidents/tabs/"))


def test_another_partys_records_are_neither_listed_nor_counted_nor_offered(
    desk_client: Client, gus: Person, centre: Party, other_centre: Party
) -> None:
    create(Team, {"title": "Night shift of the south", "party": other_centre}, by=SYSTEM)
    create(Incident, {"title": "Secret of the south", "requester": gus, "party": other_centre}, by=SYSTEM)
    for address in (
        "/incidents/?view=all",
        "/incidents/?q=secret",
        "/incidents/?party=" + other_centre.reference,
        "/incidents/filters/?find.team=night",
        "/options/incidents/?q=secret",
        "/options/teams/?q=night",
        "/options/teams/?name=team&q=night&as=boxes",
        "/search/?q=secret",
        "/palette/?q=secret",
        "/",
        "/desk/",
    ):
        answer = text_of(desk_client.get(address)).lower()
        assert "of the south" not in answer, address
        assert "1–1 of 1" not in answer, address


def test_a_guest_reads_only_what_requesters_are_shown(
    raise_many: RaiseMany, client: Client, gus: Person, other_centre: Party, desk: Team, maria: Person
) -> None:
    raise_many(1, team=desk, assigned_to=maria)
    grant(gus, Role.AGENT, other_centre, process="people")  # works here, but not on tickets
    client.force_login(gus)
    page = client.get("/incidents/?view=all")
    assert titles(page) == ["Fault 000"]
    assert "Service desk" not in text_of(page)
    assert "Maria Keller" not in text_of(page)
    refused = client.get("/incidents/?columns=team")
    assert (refused.status_code, "no column “team”" in text_of(refused)) == (400, True)
    assert titles(client.get(f"/incidents/?team={desk.reference}")) == []


def test_requesters_are_led_from_lists_to_their_own_tickets(
    raise_many: RaiseMany, client: Client, gus: Person, globex: Party, other_centre: Party
) -> None:
    raise_many(1)
    client.force_login(gus)
    for path in ("/incidents/", "/service-requests/?status=nonsense"):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (302, "/portal/tickets/")
    assert client.get("/people/")["Location"] == "/portal/"
    grant(gus, Role.VIEWER, globex)
    assert titles(client.get("/incidents/")) == ["Fault 000"]


def test_somebody_who_is_staff_here_and_guest_there_sees_each_row_as_who_they_are(
    raise_many: RaiseMany, desk_client: Client, maria: Person, centre: Party, other_centre: Party, desk: Team
) -> None:
    team = create(Team, {"title": "Night shift", "party": other_centre}, by=SYSTEM)
    raise_many(1, requester=maria, party=other_centre, team=team)
    raise_many(1, requester=maria, team=desk)
    page = desk_client.get("/incidents/?view=all")
    assert len(titles(page)) == 2
    assert "Night shift" not in text_of(page)
    assert "Service desk" in text_of(page)


def test_a_record_shared_with_a_member_appears_in_its_list(
    client: Client, gus: Person, centre: Party, other_centre: Party
) -> None:
    sven = make_person("Sven South", other_centre)
    grant(sven, Role.AGENT, other_centre)
    incident = create(Incident, {"title": "For both", "requester": gus, "party": centre}, by=SYSTEM)
    client.force_login(sven)
    assert titles(client.get("/incidents/")) == []
    share(incident, other_centre, "member", by=SYSTEM)
    assert titles(client.get("/incidents/")) == ["For both"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("colour=red", "Can't filter by “colour”"),
        ("requester__password__startswith=a", "Can't filter by"),
        ("ordering=requester__password", "Can't sort by"),
        ("status=boiling", "is not one of: new, in_progress"),
        ("columns=password", "The list has no column “password”"),
        ("view=nonsense", "There is no such view"),
        ("open=yes&after=rubbish", "Start at the first page"),
        ("created_at__gte=soon", "Give a date as year-month-day"),
    ],
)
def test_an_address_that_is_not_understood_is_refused_in_a_sentence(
    query: str, sentence: str, desk_client: Client
) -> None:
    response = desk_client.get(f"/incidents/?{query}")
    assert response.status_code == 400
    assert sentence in text_of(response)


def test_an_unknown_list_is_not_there(desk_client: Client) -> None:
    assert desk_client.get("/unicorns/").status_code == 404


def test_without_signing_in_there_is_no_list(client: Client, db: None) -> None:
    response = client.get("/incidents/")
    assert (response.status_code, response["Location"]) == (302, "/account/login/?next=/incidents/")


def test_a_request_for_the_list_alone_gets_the_list_alone(
    raise_many: RaiseMany, desk_client: Client, gus: Person, centre: Party
) -> None:
    raise_many(1)
    headers = {"HX-Request": "true", "HX-Target": "list"}
    answer = desk_client.get("/incidents/", headers=headers)
    part = answer.content.decode()
    assert "HX-Target" in answer["Vary"]
    assert "<html" not in part
    assert "Fault 000" in part


def test_filters_offer_boxes_records_and_days(desk_client: Client, desk: Team, maria: Person) -> None:
    field = {
        "title": "Building",
        "target": "incident",
        "name": "building",
        "type": "choice",
        "choices": ["A", "B"],
    }
    create(CustomField, field, by=SYSTEM)
    page = desk_client.get(
        f"/incidents/filters/?status=new&team={desk.reference}&find.service=x"
    ).content.decode()
    assert 'name="status" value="new" checked' in page
    assert f'name="team" value="{desk.reference}" checked' in page
    assert 'type="date" name="created_at__gte"' in page
    assert 'name="custom.building" value="B"' in page
    assert 'name="find.service" value="x"' in page


def test_custom_fields_are_columns_and_filters(
    raise_many: RaiseMany, desk_client: Client, gus: Person, centre: Party
) -> None:
    field = {
        "title": "Building",
        "target": "incident",
        "name": "building",
        "type": "choice",
        "choices": ["A", "B"],
    }
    create(CustomField, field, by=SYSTEM)
    raise_many(1, **{"custom.building": "B"})
    raise_many(1)
    page = desk_client.get("/incidents/?custom.building=B&columns=title,custom.building")
    assert titles(page) == ["Fault 000"]
    assert "Title Building" in text_of(page)


def test_empty_lists_teach(desk_client: Client, gus: Person, centre: Party) -> None:
    page = text_of(desk_client.get("/incidents/"))
    assert "No incidents yet" in page
    assert "Create the first one" in page
    done = create(Incident, {"title": "Mail is down", "requester": gus, "party": centre}, by=SYSTEM)
    transition(done, "resolve", {"resolution_code": "solved", "resolution": "Restarted"}, by=SYSTEM)
    assert "No open tickets." in text_of(desk_client.get("/incidents/"))
    assert "Remove a filter or show all." in text_of(desk_client.get("/incidents/?priority=1"))


def test_titles_are_shown_as_text(desk_client: Client, gus: Person, centre: Party) -> None:
    create(Incident, {"title": "<img src=x onerror=1>", "requester": gus, "party": centre}, by=SYSTEM)
    page = desk_client.get("/incidents/").content.decode()
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=1&gt;" in page


def test_options_are_visible_open_records(desk_client: Client, desk: Team, agent: Person) -> None:
    options = desk_client.get("/options/people/?q=arn").content.decode()
    assert f'<option value="{agent.reference}" label="Arno Agent">' in options
    boxes = desk_client.get("/options/teams/?as=boxes&name=team&q=serv").content.decode()
    assert f'name="team" value="{desk.reference}"' in boxes


def test_a_picker_names_what_it_offers_and_begins_with_what_was_picked_lately(
    desk_client: Client, desk: Team, agent: Person, maria: Person, gus: Person
) -> None:
    offered = desk_client.get("/options/people/?as=list&q=arn").content.decode()
    assert f'data-value="Arno Agent ({agent.reference})"' in offered
    assert f'<span class="option-about">{agent.reference} · Centre North</span>' in offered
    lately = f"/options/people/?as=list&q=&recent={maria.reference}&recent={gus.reference}&recent=PER-999999"
    found = re.findall(r'data-reference="([^"]+)"', desk_client.get(lately).content.decode())
    assert found == [maria.reference, agent.reference]


def test_a_picker_tells_no_name_of_a_party_that_the_reader_does_not_see(
    client: Client, nobody: Person, maria: Person, centre: Party
) -> None:
    ticket = create(Incident, {"title": "Ours", "requester": nobody, "party": centre}, by=SYSTEM)
    client.force_login(nobody)
    offered = client.get(f"/options/incidents/?as=list&q={ticket.reference}").content.decode()
    assert f'<span class="option-about">{ticket.reference}</span>' in offered
    assert "Centre North" not in offered


def test_a_form_full_of_empty_filters_leads_to_a_short_address(desk_client: Client) -> None:
    query = "find.team=night&status=new&priority=&created_at__gte=&q="
    answer = desk_client.get(f"/incidents/?{query}")
    assert (answer.status_code, answer["Location"]) == (302, "/incidents/?status=new")
    headers = {"HX-Request": "true", "HX-Target": "list"}
    assert desk_client.get(f"/incidents/?{query}", headers=headers)["HX-Push-Url"] == "/incidents/?status=new"


def test_what_says_little_alone_brings_its_label_for_phones(
    raise_many: RaiseMany, desk_client: Client
) -> None:
    raise_many(1)
    columns = "reference,title,requester,created_at,resolved_at,reopenings"
    page = desk_client.get(f"/incidents/?columns={columns}").content.decode()
    assert re.findall(r'<td[^>]* data-label="([^"]*)"', page) == ["Resolved", "Times reopened"]
