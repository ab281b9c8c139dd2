"""Pages are compressed for browsers that take it, and nothing that must arrive to the letter is."""

import gzip

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db
BROWSER = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture
def ticket(agent: Person, centre: Party, gus: Person, client: Client) -> Incident:
    client.force_login(agent)
    return create(Incident, {"title": "No mail", "requester": gus, "party": centre}, by=SYSTEM)


def test_a_page_is_a_third_of_its_size_and_the_same_text(ticket: Incident, client: Client) -> None:
    page = client.get(f"/records/{ticket.reference}/", headers=BROWSER)
    assert page["Content-Encoding"] == "gzip"
    text = gzip.decompress(page.content)
    assert b"No mail" in text
    assert len(page.content) < len(text) / 3
    assert "Content-Encoding" not in client.get(f"/records/{ticket.reference}/")


def test_two_answers_share_no_secret_whose_length_could_be_measured(ticket: Incident, client: Client) -> None:
    pages = [client.get("/incidents/new/").text for _ in range(2)]
    for mark in ('csrfmiddlewaretoken" value="', 'nonce="', 'name="once" value="'):
        values = [page.partition(mark)[2].partition('"')[0] for page in pages]
        assert values[0] != values[1] or not values[0], mark


def test_what_is_compared_to_the_letter_is_sent_as_it_is(ticket: Incident, client: Client) -> None:
    file = attach(ticket, ContentFile(b"<p>log</p>" * 500, "log.html"), "log.html", by=SYSTEM)
    for path in (
        f"/api/v1/incidents/{ticket.reference}",
        f"/records/{ticket.reference}/files/{file.pk}/",
        "/incidents/export/?format=csv",
    ):
        answer = client.get(path, headers=BROWSER)
        assert answer.status_code == 200
        assert "Content-Encoding" not in answer, path
    assert client.get(f"/api/v1/incidents/{ticket.reference}", headers=BROWSER)["ETag"].startswith('"')
