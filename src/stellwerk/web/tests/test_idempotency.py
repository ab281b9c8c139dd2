"""Every form counts once by its mark, whatever it writes; the same mark with other contents is shown again."""

import re
from typing import Any

import pytest
from django.test import Client

from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.identity.api_token import ApiToken
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.idempotent_answer import IdempotentAnswer
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident
from stellwerk.web.models import SavedView

pytestmark = pytest.mark.django_db

MARK = re.compile(r'name="once" value="([^"]+)"')
REFUSED = "This form was already sent with a different text."


@pytest.fixture
def ticket(maria: Person, gus: Person, agent: Person, desk: Team) -> Incident:
    return create(Incident, {"title": "Mail is down", "requester": gus, "party": maria.party}, by=SYSTEM)


@pytest.fixture
def other(maria: Person, gus: Person) -> Incident:
    return create(Incident, {"title": "Web is down", "requester": gus, "party": maria.party}, by=SYSTEM)


def all_of(ticket: Incident, title: str) -> dict[str, Any]:
    """The fields that editing a whole ticket asks for."""
    about = {"requester": ticket.requester.reference, "party": ticket.party.reference}
    return about | {"title": title, "channel": "phone", "impact": "low", "urgency": "low"}


def writes(ticket: Incident, other: Incident) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Forms by their address: what is sent twice, and with what the mark is then sent once more."""
    page = f"/records/{ticket.reference}"
    return {
        f"{page}/edit/": (all_of(ticket, "No mail"), all_of(ticket, "No mail at all")),
        f"{page}/fields/title/": ({"title": "No mail"}, {"title": "No mail at all"}),
        f"{page}/steps/cancel/": (
            {"resolution_code": "withdrawn", "resolution": "Never mind."},
            {"resolution_code": "withdrawn", "resolution": "It works again."},
        ),
        f"{page}/links/": (
            {"relation": "related", "target": other.reference},
            {"relation": "blocks", "target": other.reference},
        ),
        f"{page}/watch/": ({"version": "1"}, {"note": "another"}),
        "/incidents/bulk/": (
            {"selected": [other.pk], "action": "step.begin", "apply": "1"},
            {"selected": [ticket.pk], "action": "step.begin", "apply": "1"},
        ),
        "/incidents/views/": (
            {"name": "Mine", "query": "open=yes"},
            {"name": "Yours", "query": "open=yes"},
        ),
    }


@pytest.mark.parametrize("at", range(7))
def test_the_same_form_writes_once_and_answers_alike(
    at: int, client: Client, maria: Person, ticket: Incident, other: Incident
) -> None:
    client.force_login(maria)
    address, (given, changed) = list(writes(ticket, other).items())[at]
    mark = {"once": "drawn"}
    first = client.post(address, given | mark)
    assert first.status_code == 302, address
    written = state(ticket, other)
    second = client.post(address, given | mark)
    assert (second.status_code, second["Location"]) == (302, first["Location"])
    assert state(ticket, other) == written
    third = client.post(address, changed | mark)
    assert (third.status_code, REFUSED in third.content.decode()) == (422, True)
    assert state(ticket, other) == written
    words = [value for value in changed.values() if isinstance(value, str) and " " in value]
    assert all(word in third.content.decode() for word in words)
    found = MARK.search(third.content.decode())
    assert found
    assert found[1] != "drawn"


def state(*records: Incident) -> list[Any]:
    """What these forms may write."""
    entries = Entry.objects.filter(record__in=[record.pk for record in records])
    return [
        list(entries.order_by("id").values_list("id", "verb")),
        list(Link.objects.values_list("type", "source", "target")),
        list(SavedView.objects.values_list("name", "query")),
        [sorted(record.watchers.values_list("person", flat=True)) for record in records],
    ]


def test_what_was_said_of_the_first_is_said_of_the_second(
    client: Client, maria: Person, ticket: Incident
) -> None:
    client.force_login(maria)
    address = f"/records/{ticket.reference}/steps/begin/"
    client.post(address, {"once": "drawn"})
    client.get("/")  # its message is read here
    client.post(address, {"once": "drawn"})
    assert f"{ticket.reference} is now" in client.get("/").content.decode()


def test_a_form_that_was_refused_keeps_its_mark(client: Client, maria: Person, ticket: Incident) -> None:
    client.force_login(maria)
    address = f"/records/{ticket.reference}/edit/"
    assert client.post(address, {"title": "", "once": "drawn"}).status_code == 422
    assert not IdempotentAnswer.objects.exists()
    assert client.post(address, all_of(ticket, "No mail") | {"once": "drawn"}).status_code == 302
    ticket.refresh_from_db()
    assert ticket.title == "No mail"


def test_asking_for_more_uses_no_mark_up(client: Client, maria: Person, ticket: Incident, desk: Team) -> None:
    client.force_login(maria)
    chosen = {"selected": [ticket.pk], "action": "field.team", "once": "drawn"}
    assert client.post("/incidents/bulk/", chosen).status_code == 200
    assert client.post("/incidents/bulk/", chosen | {"action": "step.begin", "apply": "1"}).status_code == 302
    ticket.refresh_from_db()
    assert ticket.status == "in_progress"


def test_a_secret_is_shown_once_and_kept_nowhere(client: Client, maria: Person) -> None:
    client.force_login(maria)
    given = {"name": "Sync", "scopes": ["read"], "days": "90", "once": "drawn"}
    first = client.post("/account/tokens/", given)
    assert first.status_code == 200, first.content
    secret = first.context["secret"]
    again = client.post("/account/tokens/", given)
    assert (again.status_code, ApiToken.objects.count()) == (409, 1)
    assert "This form was already sent." in again.content.decode()
    kept = IdempotentAnswer.objects.get()
    assert secret not in f"{kept.body}{kept.headers}"


def test_one_form_behind_several_buttons_counts_by_its_address(
    client: Client, maria: Person, ticket: Incident, other: Incident
) -> None:
    client.force_login(maria)
    for record in (ticket, other):
        assert client.post(f"/records/{record.reference}/steps/begin/", {"once": "drawn"}).status_code == 302
    other.refresh_from_db()
    assert other.status == "in_progress"


def test_in_a_dialog_the_text_comes_back_into_the_dialog(
    client: Client, maria: Person, ticket: Incident
) -> None:
    client.force_login(maria)
    address = f"/records/{ticket.reference}/steps/cancel/"
    given = {"resolution_code": "withdrawn", "resolution": "Never mind.", "once": "drawn"}
    headers = {"HX-Request": "true", "HX-Target": "dialog"}
    first = client.post(address, given, headers=headers)
    assert client.post(address, given, headers=headers)["HX-Redirect"] == first["HX-Redirect"]
    again = client.post(address, given | {"resolution": "It works again."}, headers=headers)
    text = again.content.decode()
    assert (again.status_code, "<html" in text) == (422, False)
    assert ">\nIt works again.</textarea>" in text
