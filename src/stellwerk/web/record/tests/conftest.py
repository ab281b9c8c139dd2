"""A ticket of the desk with Gus as its requester, and browsers signed in as the people of the tests."""

from collections.abc import Callable

import pytest
from django.test import Client

from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident, IncidentType

SignIn = Callable[[Person], Client]


@pytest.fixture
def sign_in() -> SignIn:
    def signed_in(person: Person) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return signed_in


@pytest.fixture
def incident(maria: Person, gus: Person, centre: Party) -> Incident:
    given = {
        "title": "Mail is down",
        "description": "Since **this** morning.",
        "requester": gus,
        "party": centre,
    }
    return create(Incident, given, by=SYSTEM)


@pytest.fixture
def generic_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have guests read the generic page, not the portal's."""
    monkeypatch.setattr(IncidentType, "portal_page", "")


@pytest.fixture
def long_stream(incident: Incident, maria: Person) -> Incident:
    """The incident with sixty replies and notes."""
    for number in range(60):
        comment(incident, f"Word {number}", by=maria, internal=number % 3 == 0)
    return Incident.objects.get(pk=incident.pk)
