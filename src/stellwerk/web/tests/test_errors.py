"""Errors stay inside the frame of who is signed in, say what to do next, and need nothing that may be broken."""

import re
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db

DESK, PORTAL, ALONE = 'class="sidebar"', 'class="portal-head"', 'class="stage"'


@pytest.fixture
def ticket(maria: Person) -> Incident:
    return create(Incident, {"title": "Mail is down", "requester": maria}, by=maria)


def browser(person: Person | None = None) -> Client:
    client = Client(raise_request_exception=False)
    if person:
        client.force_login(person)
    return client


def frame(answer: Any) -> str:
    text = answer.content.decode()
    (found,) = [each for each in (DESK, PORTAL, ALONE) if each in text]
    assert "<h1>" in text
    assert "Traceback" not in text
    return str(found)


def answers(client: Client, ticket: Incident, settings: Any, monkeypatch: Any) -> dict[int, Any]:
    """One answer of each kind of error."""

    def broken(*given: Any) -> Any:
        raise RuntimeError("broken on purpose")

    path = f"/records/{ticket.reference}/"
    found = {
        404: client.get("/records/INC-999999/"),
        403: client.get("/access/"),
        405: client.get(f"{path}say/"),
        422: client.get("/incidents/?order=nonsense"),
    }
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    found[413] = client.post(f"{path}say/", "body=" + "x" * 2000, "application/x-www-form-urlencoded")
    monkeypatch.setattr("stellwerk.web.notifications.render", broken)
    found[500] = client.get("/notifications/")
    return found


def test_an_error_stays_within_the_desk(
    maria: Person, ticket: Incident, settings: Any, monkeypatch: Any
) -> None:
    found = answers(browser(maria), ticket, settings, monkeypatch)
    assert found.pop(422).status_code in (200, 400, 422)
    assert {number: answer.status_code for number, answer in found.items()} == {n: n for n in found}
    assert {frame(answer) for answer in found.values()} == {DESK}
    assert "this address only accepts" in found[405].content.decode().lower()
    assert f'href="/records/{ticket.reference}/">To the page above' in found[405].content.decode()
    assert found[405]["Allow"] == "POST"
    assert "This is too large" in found[413].content.decode()


def test_an_error_stays_within_the_portal(
    gus: Person, ticket: Incident, settings: Any, monkeypatch: Any
) -> None:
    found = answers(browser(gus), ticket, settings, monkeypatch)
    assert {frame(found[number]) for number in (403, 404, 405, 413, 500)} == {PORTAL}


def test_who_is_not_signed_in_sees_an_error_by_itself(db: Any) -> None:
    assert frame(browser().get("/nowhere/at/all/")) == ALONE


def test_an_error_of_the_database_is_told_without_it(maria: Person, monkeypatch: Any) -> None:
    client = browser(maria)
    client.get("/")

    def down(*given: Any) -> Any:
        raise OperationalError("the database is gone")

    with connection.execute_wrapper(down):
        answer = client.get("/incidents/")
    assert (answer.status_code, frame(answer)) == (500, ALONE)


def test_an_error_in_the_frame_itself_is_told_without_it(maria: Person, monkeypatch: Any) -> None:
    def broken(*given: Any) -> Any:
        raise RuntimeError("broken on purpose")

    client = browser(maria)
    monkeypatch.setattr("stellwerk.web.shell.navigation", broken)
    answer = client.get("/incidents/")
    assert (answer.status_code, frame(answer)) == (500, ALONE)


@pytest.mark.parametrize("below", ["", "history/", "edit/", "steps/resolve/"])
def test_the_sidebar_keeps_its_place_on_the_pages_of_a_record(
    below: str, maria: Person, ticket: Incident
) -> None:
    for path, title in (
        (f"/records/{ticket.reference}/{below}", "Incidents"),
        (f"/records/{maria.reference}/", "People"),
    ):
        page = browser(maria).get(path)
        items = re.findall(
            r'<a class="nav-item"[^>]*aria-current="page">.*?nav-text">([^<]*)<', page.text, re.S
        )
        assert items == [title]
