"""A small desk with people in front of real browsers; whatever a browser complains about fails the story."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page

from stellwerk.foundation.category import Category
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import create, transition
from stellwerk.processes.incidents.incident import Incident
from stellwerk.processes.services.service import Service

REFUSALS = (*(f"status of {number}" for number in (401, 403, 404, 409, 422)), "Error Code 401")
"""Refusals are part of some stories; browsers note them in their console."""


class Stage:
    """Opens pages of the live server for people, and collects what browsers complain about."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        self.address = address
        self.complaints: list[str] = []
        self._contexts: list[Any] = []

    def open_as(self, person: Person | None = None, path: str = "/", **options: Any) -> Page:
        """Open `path` in a browser of its own, signed in as `person`; options as of new_context."""
        context = self.browser.new_context(base_url=self.address, **options)
        context.set_default_timeout(30_000)
        self._contexts.append(context)
        if person:
            client = Client()
            client.force_login(person)
            session = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": self.address}]
            )
        page = context.new_page()
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(path)
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if not any(part in message.text for part in REFUSALS):
            self.complaints.append(message.text)


OpenAs = Callable[..., Page]


@pytest.fixture
def stage(browser: Browser, live_server: Any) -> Iterator[Stage]:
    opened = Stage(browser, str(live_server))
    yield opened
    opened.close()
    assert opened.complaints == []


@pytest.fixture
def open_as(stage: Stage) -> OpenAs:
    return stage.open_as


@pytest.fixture
def mail(live_server: Any, maria: Person, desk: Team, centre: Party) -> Service:
    """A live service of the catalogue that the desk looks after."""
    given = {"title": "Mail", "summary": "Send and receive", "owner": maria, "team": desk, "party": centre}
    service = create(Service, {**given, "in_catalogue": True}, by=SYSTEM)
    create(Category, {"title": "Outage", "party": centre}, by=SYSTEM)
    return transition(transition(service, "prepare", by=SYSTEM), "go_live", by=SYSTEM)


@pytest.fixture
def ticket(mail: Service, gus: Person) -> Incident:
    """What Gus reported this morning."""
    given = {"title": "No mail since nine", "description": "It says **denied**.", "service": mail}
    return create(Incident, {**given, "requester": gus}, by=SYSTEM)
