from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.search import postgresql
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.service_request import ServiceRequest
from stellwerk.web.tests.conftest import RaiseMany, text_of


def test_one_box_finds_over_all_types_and_says_how_many(
    desk_client: Client, raise_many: RaiseMany, gus: Person, centre: Party
) -> None:
    raise_many(2, description="The beamer shows snow")
    create(ServiceRequest, {"title": "A beamer please", "requester": gus, "party": centre}, by=SYSTEM)
    page = desk_client.get("/search/?q=beamer")
    assert "All 3" in text_of(page)
    assert "Incidents 2" in text_of(page)
    assert "Service requests 1" in text_of(page)
    assert "<mark>beamer</mark> shows snow" in page.content.decode()
    assert "Fault" not in text_of(desk_client.get("/search/?q=beamer&kind=service_request"))


@pytest.mark.parametrize("typed", ["INC-{:06d}", "inc {}", "inc{}", " inc-{} "])
def test_a_reference_opens_its_record(typed: str, desk_client: Client, raise_many: RaiseMany) -> None:
    ticket = raise_many(1)[0]
    answer = desk_client.get("/search/", {"q": typed.format(int(ticket.reference[4:]))})
    assert (answer.status_code, answer["Location"]) == (302, f"/records/{ticket.reference}/")


def test_a_foreign_reference_answers_like_one_that_does_not_exist(
    desk_client: Client, raise_many: RaiseMany, other_centre: Party
) -> None:
    foreign = raise_many(1, party=other_centre)[0].reference
    found, missing = (desk_client.get("/search/", {"q": ref}) for ref in (foreign, "INC-999999"))
    assert found.status_code == missing.status_code == 200
    assert text_of(found).replace(foreign, "") == text_of(missing).replace("INC-999999", "")


def test_internal_notes_are_found_by_staff_only(
    client: Client, raise_many: RaiseMany, agent: Person, gus: Person
) -> None:
    ticket = raise_many(1)[0]
    comment(ticket, "Suspect: the zeppelin", by=agent, internal=True)
    client.force_login(agent)
    assert "zeppelin" in text_of(client.get("/search/?q=zeppelin")).split("Results")[1]
    client.force_login(gus)
    assert "Nothing found" in text_of(client.get("/search/?q=zeppelin"))


def test_a_search_asks_as_many_queries_however_much_it_finds(
    desk_client: Client,
    raise_many: RaiseMany,
    django_assert_num_queries: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Ids go on from test to test on PostgreSQL, and with many of them it searches in steps.
    monkeypatch.setattr(postgresql, "_WALKED", 10**9)
    raise_many(3)
    desk_client.get("/search/?q=fault")  # what seldom changes is remembered from here on
    # One for the parts of long conversations, one for their snippets; PostgreSQL is asked how common the words are.
    expected = 12 if connection.vendor == "postgresql" else 11
    for _round in range(2):
        with django_assert_num_queries(expected):
            desk_client.get("/search/?q=fault")
        raise_many(20)


@pytest.mark.parametrize("address", ["/search/?q=fault", "/palette/?q=fault"])
def test_a_search_asks_for_the_shares_of_what_it_finds_only(
    address: str, desk_client: Client, raise_many: RaiseMany
) -> None:
    """SQLite does as it is told, and would read every share that the reader's party has."""
    raise_many(3)
    with CaptureQueriesContext(connection) as queries:
        assert "Fault" in desk_client.get(address).text
    assert [each["sql"] for each in queries if 'IN (SELECT U0."record_id"' in each["sql"]] == []


def test_hits_come_in_pages(desk_client: Client, raise_many: RaiseMany) -> None:
    raise_many(25)
    assert "1–20 of 25" in text_of(desk_client.get("/search/?q=fault"))
    assert "21–25 of 25" in text_of(desk_client.get("/search/?q=fault&page=2"))
    assert desk_client.get("/search/?q=fault&page=99999999999999").status_code == 200


@pytest.mark.parametrize("text", ["", "   ", "(((", '"', "%", "' OR 1=1 --", "ä" * 3000, "\x01", "🦄"])
def test_whatever_is_typed_gets_an_answer(text: str, desk_client: Client) -> None:
    assert desk_client.get("/search/", {"q": text}).status_code == 200


def test_what_is_found_is_shown_as_text(desk_client: Client, raise_many: RaiseMany) -> None:
    raise_many(1, title="<b onclick=x>bold</b> fault", description="<script>bold()</script>")
    page = desk_client.get("/search/?q=bold").content.decode()
    assert "<b onclick" not in page
    assert "<script>bold" not in page


def test_the_palette_goes_creates_finds_and_acts(
    desk_client: Client, raise_many: RaiseMany, maria: Person
) -> None:
    ticket = raise_many(1)[0]
    assert "Incidents" in text_of(desk_client.get("/palette/?q=inc"))
    assert "New: Service request" in text_of(desk_client.get("/palette/?q=new service"))
    assert f"Fault 000 {ticket.reference}" in text_of(desk_client.get("/palette/?q=fault"))
    for here in (f"here=/records/{ticket.reference}/", f"record={ticket.reference}"):
        acting = desk_client.get(f"/palette/?q=start&{here}").content.decode()
        assert f'href="/records/{ticket.reference}/steps/begin/"' in acting
    assert "Nothing found" in text_of(desk_client.get("/palette/?q=qqqqqq"))


def test_the_palette_finds_what_else_can_be_done_to_a_record(
    desk_client: Client, raise_many: RaiseMany
) -> None:
    ticket = raise_many(1)[0]
    for typed, path in (
        ("assign", f"/records/{ticket.reference}/fields/assigned_to/"),
        ("merge", f"/tickets/{ticket.reference}/merge/"),
        ("edit", f"/records/{ticket.reference}/edit/"),
        ("share", f"/records/{ticket.reference}/shares/"),
    ):
        found = desk_client.get(f"/palette/?q={typed}&record={ticket.reference}").content.decode()
        assert f'href="{path}"' in found
    headers = {"HX-Request": "true", "HX-Target": "dialog"}
    form = desk_client.get(f"/records/{ticket.reference}/fields/assigned_to/", headers=headers)
    assert b"dialog-foot" in form.content


def test_the_palette_offers_gus_no_step_of_the_staff(
    client: Client, raise_many: RaiseMany, gus: Person
) -> None:
    ticket = raise_many(1)[0]
    client.force_login(gus)
    steps = text_of(client.get(f"/palette/?record={ticket.reference}"))
    assert "Cancel the ticket" in steps
    for staffs in ("Start work", "Merge", "Edit", "Assigned to", "Full history"):
        assert staffs not in steps
    assert "Incidents" not in steps
