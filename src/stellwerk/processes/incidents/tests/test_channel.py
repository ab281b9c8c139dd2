"""By which channel a ticket came, when nobody says so."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from stellwerk.exchange.importing import RecordImport
from stellwerk.kernel.activity.history import History
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.identity.tokens import issue_token
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.processes.incidents.incident import Incident


def channel() -> str:
    return Incident.objects.get().channel


@pytest.mark.parametrize(("given", "kept"), [({}, "api"), ({"channel": "monitoring"}, "monitoring")])
def test_a_ticket_made_by_a_program(maria: Person, given: dict[str, str], kept: str) -> None:
    _token, secret = issue_token(maria, "Sync", ["write"])
    answer = Client().post(
        "/api/v1/incidents",
        {"title": "Disk full", "requester": maria.reference, **given},
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert (answer.status_code, channel()) == (201, kept)


def test_a_ticket_that_an_agent_writes_down(client: Client, agent: Person, desk: Team) -> None:
    client.force_login(agent)
    form = client.get("/incidents/new/").context["form"]
    assert form["channel"].value() == "phone"
    sent = {name: form[name].value() or "" for name in form.fields}
    sent |= {"title": "Mail is down", "requester": agent.reference, "channel": "in_person"}
    assert client.post("/incidents/new/", sent).status_code == 302
    assert channel() == "in_person"


@pytest.mark.parametrize("who", ["gus", "maria"])
def test_a_ticket_from_the_portal_is_for_whoever_asks(
    client: Client, request: pytest.FixtureRequest, who: str
) -> None:
    client.force_login(request.getfixturevalue(who))
    answer = client.post("/portal/new/incident/", {"title": "Help", "description": "It stopped."})
    assert (answer.status_code, channel()) == (302, "portal")
    assert Incident.objects.get().requester == request.getfixturevalue(who)


@pytest.mark.parametrize(("row", "kept"), [({}, "api"), ({"channel": "mail"}, "mail")])
def test_a_ticket_from_a_file(maria: Person, row: dict[str, Any], kept: str) -> None:
    rows = [(2, {"title": "Old one", "requester": maria.reference, **row})]
    assert RecordImport(registry.for_model(Incident), by=maria).run(rows).acceptable
    assert channel() == kept


def test_a_ticket_from_another_tools_log(gus: Person) -> None:
    with History("the old desk", by=SYSTEM) as history:
        at = timezone.now() - timedelta(days=900)
        history.create(Incident, {"title": "Old one", "requester": gus}, by=gus, at=at)
    assert channel() == "api"
