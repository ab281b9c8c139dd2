import re
from typing import Any

import pytest
from django.test import Client

from stellwerk.foundation.reply_template import ReplyTemplate
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import change, create, share, transition
from stellwerk.processes.incidents.incident import Incident


@pytest.fixture
def client(maria: Person) -> Client:
    client = Client()
    client.force_login(maria)
    return client


def new(title: str, gus: Person, centre: Party) -> Incident:
    return create(Incident, {"title": title, "requester": gus, "party": centre}, by=SYSTEM)


def test_a_duplicate_is_merged_and_taken_apart_again(client: Client, gus: Person, centre: Party) -> None:
    twin, main = new("Twin", gus, centre), new("Main", gus, centre)
    url = f"/tickets/{twin.reference}/merge/"
    assert client.get(url).status_code == 200
    page = client.post(url, {"into": main.reference}, follow=True).content.decode()
    assert Incident.objects.get(pk=twin.pk).status == "cancelled"
    notice = client.get(f"/records/{twin.reference}/").content.decode()
    assert f"Merged into {main.reference}, which continues there." in notice
    undo = re.search(r'action="(/tickets/[^"]*/unmerge/)"', page)
    assert undo is not None
    client.post(undo[1])
    assert Incident.objects.get(pk=twin.pk).status == "new"


def test_a_merged_ticket_is_taken_apart_from_its_own_page(client: Client, gus: Person, centre: Party) -> None:
    twin, main = new("Twin", gus, centre), new("Main", gus, centre)
    client.post(f"/tickets/{twin.reference}/merge/", {"into": main.reference})
    change(Incident.objects.get(pk=twin.pk), {"impact": "low"}, by=SYSTEM)
    page = client.get(f"/records/{twin.reference}/").content.decode()
    assert f'href="/tickets/{twin.reference}/unmerge/" data-dialog' in page
    assert f"Undo merge into {main.reference}" in page
    assert client.get(f"/tickets/{twin.reference}/unmerge/").status_code == 200
    client.post(f"/tickets/{twin.reference}/unmerge/")
    apart = Incident.objects.get(pk=twin.pk)
    assert (apart.status, apart.resolution_code, apart.impact) == ("new", "", "low")
    assert "Undo merge" not in client.get(f"/records/{twin.reference}/").content.decode()


def test_a_ticket_is_not_offered_to_be_merged_into_itself(client: Client, gus: Person, centre: Party) -> None:
    twin, main = new("Mail twin", gus, centre), new("Mail main", gus, centre)
    page = client.get(f"/tickets/{twin.reference}/merge/").content.decode()
    offered = re.search(r'data-suggest="([^"]+)"', page)
    assert offered is not None
    for text in ("", "mail", twin.reference):
        options = client.get(offered[1], {"without": twin.reference, "q": text}).content.decode()
        assert twin.reference not in options
    assert f"without={twin.reference}" in offered[1]
    assert main.reference in client.get(f"{offered[1]}&q=mail").content.decode()
    assert "Only open incidents are listed" in page


def test_a_refused_merge_is_told_in_the_dialog(client: Client, gus: Person, centre: Party) -> None:
    twin, done = new("Twin", gus, centre), new("Done", gus, centre)
    transition(done, "cancel", by=SYSTEM)
    headers = {"HX-Request": "true", "HX-Target": "dialog"}
    url = f"/tickets/{twin.reference}/merge/"
    answer = client.post(url, {"into": done.reference}, headers=headers)
    assert (answer.status_code, b"<html" in answer.content) == (422, False)
    assert b"is no longer open. Choose an open ticket." in answer.content
    apart = client.post(f"/tickets/{twin.reference}/unmerge/", headers=headers)
    assert (apart.status_code, b"<html" in apart.content) == (422, False)
    assert b"merged into another ticket." in apart.content


def test_what_cannot_be_merged_is_refused(client: Client, gus: Person, centre: Party) -> None:
    twin = new("Twin", gus, centre)
    for into in (twin.reference, "INC-999999", ""):
        assert client.post(f"/tickets/{twin.reference}/merge/", {"into": into}).status_code == 422
    assert client.post(f"/tickets/{twin.reference}/unmerge/").status_code == 422
    assert client.get(f"/tickets/{centre.reference}/merge/").status_code in (403, 404)
    assert Incident.objects.get(pk=twin.pk).status == "new"


def test_reply_templates_are_offered_with_their_placeholders_filled(
    client: Client, gus: Person, centre: Party
) -> None:
    body = "Dear {requester}, about {reference}{service}: {unknown} {0.__class__}. {agent}"
    create(ReplyTemplate, {"title": "Thanks", "body": body, "party": centre}, by=SYSTEM)
    ticket = new("Mail", gus, centre)
    html = client.get(f"/records/{ticket.reference}/").content.decode()
    filled = f"Dear Gus Gordon, about {ticket.reference}: {{unknown}} {{0.__class__}}. Maria Keller"
    assert f'data-insert="{filled}"' in html


def test_reply_templates_are_remembered_until_one_changes(
    client: Client, gus: Person, maria: Person, centre: Party, other_centre: Party
) -> None:
    ticket = create(Incident, {"title": "No mail", "requester": gus, "party": centre}, by=SYSTEM)
    client.force_login(maria)
    url = f"/records/{ticket.reference}/"
    assert "Zzz" not in client.get(url).text
    theirs = create(ReplyTemplate, {"title": "Theirs", "body": "Zzz A.", "party": other_centre}, by=SYSTEM)
    ours = create(ReplyTemplate, {"title": "Ours", "body": "Zzz B.", "party": centre}, by=SYSTEM)
    page = client.get(url).text
    assert ("Zzz A." in page, "Zzz B." in page) == (False, True)
    share(theirs, centre, "provider", by=SYSTEM)
    transition(ours, "retire", by=SYSTEM)
    page = client.get(url).text
    assert ("Zzz A." in page, "Zzz B." in page) == (True, False)


def test_any_number_of_reply_templates_can_be_reached(client: Client, gus: Person, centre: Party) -> None:
    for number in range(120):
        create(ReplyTemplate, {"title": f"Answer {number:03d}", "body": "Zzz.", "party": centre}, by=SYSTEM)
    retired = create(ReplyTemplate, {"title": "Answer 900", "body": "Zzz.", "party": centre}, by=SYSTEM)
    transition(retired, "retire", by=SYSTEM)
    ticket = new("Mail", gus, centre)
    page = client.get(f"/records/{ticket.reference}/").text
    assert page.count("data-insert=") == 100
    url = f"/records/{ticket.reference}/templates/"
    assert f'data-suggest="{url}"' in page
    assert client.get(url).text.count("data-insert=") == 100
    assert client.get(f"{url}?q=answer 119").text.count("data-insert=") == 1
    assert "Answer 119" in client.get(f"{url}?q=119").text
    assert "No template matches." in client.get(f"{url}?q=900").text
    client.force_login(gus)
    assert client.get(url).status_code == 404


def test_staff_reads_for_whom_a_ticket_waits(
    client: Client, gus: Person, centre: Party, maria: Person, django_assert_num_queries: Any
) -> None:
    tickets = [new(f"Fault {n}", gus, centre) for n in range(3)]
    for ticket, whom in zip(tickets[:2], ("user", "supplier"), strict=True):
        change(ticket, {"assigned_to": maria}, by=SYSTEM)
        transition(ticket, "wait", {"waiting_for": whom}, by=SYSTEM)
    client.get("/incidents/")
    with django_assert_num_queries(8):
        listed = client.get("/incidents/").text
    assert listed.count("<i></i>Waiting · user</span>") == 1
    assert listed.count("<i></i>Waiting · supplier</span>") == 1
    assert listed.count("<i></i>New</span>") == 1
    assert "<i></i>Waiting · supplier</span>" in client.get("/").text
    assert "<i></i>Waiting for a supplier</span>" in client.get(f"/records/{tickets[1].reference}/").text


def test_a_ticket_of_which_nobody_said_for_whom_it_waits_only_waits() -> None:
    assert Incident(kind="incident", status="waiting").get_status_display() == "Waiting"
    assert Incident(kind="incident", status="new", waiting_for="user").get_status_display() == "New"
