"""The frame around every page is drawn once for each person, and never shown to another."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import set_script_prefix
from django.utils import translation
from django.utils.translation import gettext_lazy

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import shared_cache
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.fixtures import LONG_AGO, grant
from stellwerk.kernel.write.services import change
from stellwerk.web import shell

pytestmark = pytest.mark.django_db


def browser(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def navigation_of(client: Client, path: str = "/incidents/") -> list[str]:
    return re.findall(r'nav-text">([^<]*)<', client.get(path).text)


def creatable_by(client: Client) -> list[str]:
    page = client.get("/incidents/").text
    menu = re.search(r'<span class="button-text">New</span>.*?</details>', page, re.S)
    return re.findall(r'class="menu-item" href="([^"]*)"', menu[0]) if menu else []


def test_people_see_their_own_navigation_in_turn(maria: Person, agent: Person, root: Person) -> None:
    clients = [browser(each) for each in (maria, agent, root)]
    first = [(navigation_of(client), creatable_by(client)) for client in clients]
    assert first[2][0] != first[1][0]
    assert first[0][1] != first[1][1]
    assert [(navigation_of(client), creatable_by(client)) for client in clients] == first


def test_a_role_given_or_taken_away_shows_on_the_next_page(agent: Person, root: Person) -> None:
    client, full = browser(agent), navigation_of(browser(root))
    own, creatable = navigation_of(client), creatable_by(client)
    assert own != full
    role = grant(agent, Role.ADMINISTRATOR)
    assert navigation_of(client) == full
    assert len(creatable_by(client)) > len(creatable)
    change(role, {"valid_until": LONG_AGO}, by=SYSTEM)
    assert (navigation_of(client), creatable_by(client)) == (own, creatable)


def test_what_is_remembered_knows_where_one_is(agent: Person) -> None:
    client = browser(agent)
    for path, title in (
        ("/incidents/", "Incidents"),
        ("/services/", "Services"),
        ("/incidents/", "Incidents"),
    ):
        current = re.findall(r'aria-current="page">.*?nav-text">([^<]*)<', client.get(path).text, re.S)
        assert current == [title]


def test_what_is_remembered_is_of_one_language_and_address(
    agent: Person, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(lambda: set_script_prefix("/"))
    sunday = shell.Group("", [shell.Page("home", gettext_lazy("Sunday"), "house")])
    monkeypatch.setattr(shell, "groups", lambda: [sunday])
    shell._places.cache_clear()
    request.addfinalizer(shell._places.cache_clear)
    with shared_cache.remembering(across_requests=True):
        for language, word in (("en", "Sunday"), ("fr", "dimanche"), ("en", "Sunday")):
            with translation.override(language):
                assert word in shell.sidebar(agent, "/")
        set_script_prefix("/desk/")
        assert 'href="/desk/' in shell.sidebar(agent, "/desk/")


def test_the_frame_is_drawn_once(agent: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    client, drawn = browser(agent), []
    draw = shell.render_to_string

    def counted(template: str, context: Any) -> Any:
        drawn.append(template)
        return draw(template, context)

    monkeypatch.setattr(shell, "render_to_string", counted)
    for _ in range(3):
        client.get("/incidents/")
    assert drawn == ["stellwerk/parts/navigation.html", "stellwerk/parts/new_menu.html"]
