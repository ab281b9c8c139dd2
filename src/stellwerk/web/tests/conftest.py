"""What tests of pages share: how a reader sees a page, and many records at once."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident

RaiseMany = Callable[..., list[Incident]]


def text_of(response: Any) -> str:
    """Return what a reader reads of a page."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.content.decode())))


@pytest.fixture
def desk_client(client: Client, maria: Person) -> Client:
    """A browser in which Maria is signed in."""
    client.force_login(maria)
    return client


@pytest.fixture
def raise_many(gus: Person, centre: Party) -> RaiseMany:
    """Raise incidents of Gus at Centre North, called "Fault 000" and so on."""

    def raise_some(number: int, **values: Any) -> list[Incident]:
        given = [
            {"title": f"Fault {n:03d}", "requester": gus, "party": centre, **values} for n in range(number)
        ]
        return [create(Incident, one, by=SYSTEM) for one in given]

    return raise_some
