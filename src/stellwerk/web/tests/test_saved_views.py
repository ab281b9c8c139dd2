import pytest
from django.test import Client

from stellwerk.kernel.identity.person import Person
from stellwerk.web.models import SavedView
from stellwerk.web.tests.conftest import RaiseMany, text_of


def save(client: Client, name: str, query: str, **values: str) -> SavedView:
    answer = client.post("/incidents/views/", {"name": name, "query": query, **values})
    assert answer.status_code == 302, text_of(answer)
    return SavedView.objects.get(name=name)


def test_a_list_is_kept_as_a_tab_with_its_columns_and_order(
    desk_client: Client, raise_many: RaiseMany
) -> None:
    raise_many(1, impact="high", urgency="high")
    view = save(desk_client, "Burning", "priority=1&ordering=title&columns=title,impact")
    page = desk_client.get(f"/incidents/?view=v{view.pk}")
    assert f'view=v{view.pk}" aria-current="page">Burning' in page.content.decode()
    assert "Title Impact" in text_of(page)
    assert "Burning 1" in text_of(desk_client.get(f"/incidents/tabs/?view=v{view.pk}"))


def test_the_same_name_replaces_the_view(desk_client: Client) -> None:
    first = save(desk_client, "Burning", "priority=1")
    second = save(desk_client, "Burning", "priority=2")
    assert (first.pk, second.query) == (second.pk, "priority=2")


def test_a_view_is_ones_own_until_it_is_shared(desk_client: Client, agent: Person) -> None:
    view = save(desk_client, "Burning", "priority=1")
    other = Client()
    other.force_login(agent)
    assert "Burning" not in text_of(other.get("/incidents/"))
    assert other.get(f"/incidents/?view=v{view.pk}").status_code == 400
    desk_client.post(f"/incidents/views/{view.pk}/", {"name": "Burning hot", "shared": "on"})
    assert "Burning hot" in text_of(other.get("/incidents/"))


def test_nobody_changes_the_view_of_another(desk_client: Client, agent: Person) -> None:
    view = save(desk_client, "Burning", "priority=1", shared="on")
    other = Client()
    other.force_login(agent)
    for action in ({"action": "delete"}, {"name": "Mine now"}):
        assert other.post(f"/incidents/views/{view.pk}/", action).status_code == 404
    assert SavedView.objects.get().name == "Burning"


def test_a_view_is_deleted(desk_client: Client) -> None:
    view = save(desk_client, "Burning", "priority=1")
    assert "Burning" in desk_client.get("/incidents/views/").content.decode()
    assert desk_client.post(f"/incidents/views/{view.pk}/", {"action": "delete"}).status_code == 302
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    ("name", "query", "sentence"),
    [
        ("", "priority=1", "a name of at most 80 characters"),
        ("x" * 81, "priority=1", "a name of at most 80 characters"),
        ("Bad", "password=1", "Can't filter by “password”"),
        ("Bad", "columns=password", "has no column “password”"),
        ("Long", "q=" + "x" * 4000, "too many filters"),
    ],
)
def test_what_cannot_be_kept_is_refused(name: str, query: str, sentence: str, desk_client: Client) -> None:
    answer = desk_client.post("/incidents/views/", {"name": name, "query": query})
    assert (answer.status_code, sentence in text_of(answer)) == (422, True)
    assert not SavedView.objects.exists()
