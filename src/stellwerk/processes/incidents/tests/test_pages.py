import re

import pytest
from django.test import Client

from stellwerk.foundation.reply_template import ReplyTemplate
from stellwerk.kernel.access.party import Party
from stellwerk.kernel.access.person import SYSTEM, Person
from stellwerk.kernel.records.services import create
from stellwerk.processes.incidents.incident import Incident


@pytest.fixture
def client(maria: Person) -> Client:
    client = Client()
    client.force_login(maria, backend="django.contrib.auth.backends.ModelBackend")
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
    assert f"Merged into {main.reference}, which goes on with it." in notice
    undo = re.search(r'action="(/tickets/[^"]*/unmerge/)"', page)
    assert undo is not None
    client.post(undo[1])
    assert Incident.objects.get(pk=twin.pk).status == "new"


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
