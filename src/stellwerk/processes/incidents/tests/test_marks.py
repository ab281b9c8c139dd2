"""A form counts once by its mark; the same mark with another text is refused, and the text is kept."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from stellwerk.kernel.activity.attachments.models import Attachment
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident

REFUSED = "This form was already sent with a different text."
MARK = re.compile(r'name="once" value="([^"]+)"')


@pytest.fixture
def incident(agent: Person, gus: Person, centre: Party) -> Incident:
    return create(Incident, {"title": "Mail is down", "requester": gus, "party": centre}, by=SYSTEM)


def mark_of(page: Any) -> str:
    found = MARK.search(page.content.decode())
    assert found is not None
    return found[1]


@pytest.mark.parametrize("where", ["desk", "portal"])
def test_another_reply_with_the_same_mark_is_refused_and_kept(
    client: Client, incident: Incident, agent: Person, gus: Person, where: str
) -> None:
    client.force_login(agent if where == "desk" else gus)
    page = f"/records/{incident.reference}/" if where == "desk" else f"/portal/tickets/{incident.reference}/"
    address = page + ("say/" if where == "desk" else "reply/")
    form = {"kind": "reply", "once": mark_of(client.get(page))}
    for _time in range(2):
        assert client.post(address, form | {"body": "Restart it."}).status_code == 302
    assert Comment.objects.count() == 1
    again = client.post(address, form | {"body": "That is not enough, call 4711."})
    assert again.status_code == 422
    assert REFUSED in again.content.decode()
    assert "That is not enough, call 4711." in again.content.decode()
    assert Comment.objects.count() == 1
    assert client.post(address, form | {"body": "Call 4711.", "once": mark_of(again)}).status_code == 302
    assert Comment.objects.count() == 2


@pytest.mark.parametrize("address", ["/portal/new/incident/", "/incidents/new/"])
def test_another_report_with_the_same_mark_is_refused_and_kept(
    client: Client, gus: Person, agent: Person, address: str
) -> None:
    client.force_login(gus if "portal" in address else agent)
    page = client.get(address)
    about = {} if "portal" in address else {"requester": agent.reference, "impact": "low", "urgency": "low"}
    form = {"once": mark_of(page), "channel": "phone", **about}
    assert client.post(address, form | {"title": "The printer is out of toner"}).status_code == 302
    again = client.post(address, form | {"title": "I cannot sign in to the wiki"})
    assert again.status_code == 422
    assert REFUSED in again.content.decode()
    assert "I cannot sign in to the wiki" in again.content.decode()
    assert Incident.objects.count() == 1
    form |= {"title": "I cannot sign in to the wiki", "once": mark_of(again)}
    assert client.post(address, form).status_code == 302
    assert Incident.objects.count() == 2


def test_the_same_text_with_another_file_is_not_the_same(
    client: Client, incident: Incident, gus: Person
) -> None:
    client.force_login(gus)
    mark = mark_of(client.get(f"/portal/tickets/{incident.reference}/"))
    statuses = [
        client.post(
            f"/portal/tickets/{incident.reference}/reply/",
            {"body": "See the log.", "once": mark, "files": [SimpleUploadedFile("log.txt", content)]},
        ).status_code
        for content in (b"one", b"one", b"two")
    ]
    assert statuses == [302, 302, 422]
    assert Attachment.objects.count() == 1
