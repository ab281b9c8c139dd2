"""The navigation beside every page: with many record types, it folds where the reader isn't."""

import pytest
from django.test import Client

from stellwerk.kernel.identity.person import Person
from stellwerk.web import shell

ORGANISATION = 3
"""The number of the group "Organisation"."""


def sign_in(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def groups(person: Person, path: str) -> dict[str, tuple[list[str], str]]:
    return {str(g.title): ([item.title for item in g.items], g.url) for g in shell.navigation(person, path)}


def test_few_items_are_all_shown(maria: Person) -> None:
    found = groups(maria, "/incidents/")
    assert found["Organisation"] == (["Parties", "People", "Teams"], "")
    assert not any(url for _items, url in found.values())


def test_many_items_are_folded_but_where_the_reader_is(
    maria: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "MOST_ITEMS", 5)
    found = groups(maria, "/incidents/")
    assert found[""] == (["My work", "Service desk"], "")
    assert found["Tickets"] == (["Incidents", "Service requests"], "")
    assert found["Organisation"] == ([], f"/navigation/{ORGANISATION}/?place=%2Fincidents%2F")


def test_of_a_long_group_only_the_place_of_the_reader_is_shown(
    maria: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "MOST_ITEMS", 5)
    monkeypatch.setattr(shell, "MOST_IN_GROUP", 2)
    items, url = groups(maria, "/people/")["Organisation"]
    assert (items, bool(url)) == (["People"], True)


def test_a_folded_group_is_a_link_that_brings_all_its_items(
    maria: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "MOST_ITEMS", 5)
    client, url = sign_in(maria), f"/navigation/{ORGANISATION}/?place=%2Fpeople%2F"
    home = client.get("/").content.decode()
    assert f'href="/navigation/{ORGANISATION}/?place=%2F"' in home
    assert "Show all 3" in home
    part = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div class="nav-group">')
    assert part.count('class="nav-item"') == 3
    assert 'href="/people/" aria-current="page"' in part
    page = client.get(url).content.decode()
    assert "<h1>Organisation</h1>" in page
    assert '<a class="link" href="/teams/">Teams</a>' in page


def test_the_command_palette_knows_every_item(maria: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "MOST_ITEMS", 5)
    assert 'href="/teams/"' in sign_in(maria).get("/palette/?q=teams").content.decode()


def test_who_works_nowhere_has_no_navigation_to_unfold(gus: Person, client: Client) -> None:
    assert sign_in(gus).get(f"/navigation/{ORGANISATION}/").status_code == 404
    assert client.get(f"/navigation/{ORGANISATION}/").status_code == 302
