"""Giving a role, or changing how somebody signs in, asks who is signed in to say once more who they are."""

from typing import Any

import pytest
from django.test import Client

from stellwerk.accounts import confirming
from stellwerk.accounts.tests.provider import Provider
from stellwerk.accounts.tests.test_single_sign_on import provider, sign_in
from stellwerk.api.tests.conftest import Program
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.model.days import today
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.fixtures import grant
from stellwerk.kernel.write.services import change

__all__ = ["provider"]  # a fixture
PASSWORD = "correct horse battery staple"  # noqa: S105  # nosec B105 -- a test's


@pytest.fixture
def browser(root: Person) -> Client:
    """Root's, who signed in with a password."""
    root.set_password(PASSWORD)
    Person.objects.filter(pk=root.pk).update(password=root.password)
    client = Client()
    client.post("/account/login/", {"login": "root", "password": PASSWORD})
    return client


def appointment(person: Person) -> dict[str, Any]:
    return {"person": person.reference, "role": "agent", "valid_from": today().isoformat()}


def test_a_role_is_given_on_a_page_once_the_password_is_given_again(browser: Client, gus: Person) -> None:
    asked = browser.post("/role-assignments/new/", appointment(gus))
    assert (asked.status_code, asked["Location"].partition("?")[0]) == (302, "/account/reauthenticate/")
    assert not RoleAssignment.objects.filter(person=gus).exists()
    browser.post(asked["Location"], {"password": "wrong", "next": "/role-assignments/new/"})
    assert not RoleAssignment.objects.filter(person=gus).exists()
    done = browser.post(asked["Location"], {"password": PASSWORD, "next": "/role-assignments/new/"})
    assert done.status_code == 302
    assert RoleAssignment.objects.get(person=gus).role == "agent"
    assert browser.post("/role-assignments/new/", appointment(gus)).status_code == 302
    assert RoleAssignment.objects.filter(person=gus).count() == 2


def test_the_api_asks_who_comes_with_a_session_and_no_program(
    browser: Client, gus: Person, root: Person
) -> None:
    path, body = "/api/v1/role-assignments", appointment(gus)
    answer = browser.post(path, body, content_type="application/json")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:stellwerk:problem:confirmation-required")
    assert not RoleAssignment.objects.filter(person=gus).exists()
    assert Program(root).post("role-assignments", body).status_code == 201


@pytest.mark.parametrize("path", ["/account/sign-in-link/{}/", "/account/address/{}/"])
def test_links_for_passwords_and_addresses_ask_too(
    path: str, browser: Client, gus: Person, globex: Party
) -> None:
    before = Person.objects.get(pk=gus.pk).version
    answer = browser.post(path.format(gus.reference), {"email": "gus@new.example"})
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/account/reauthenticate/")
    assert Person.objects.get(pk=gus.pk).version == before


def test_what_gives_nothing_asks_nothing(browser: Client, gus: Person, root: Person) -> None:
    change(gus, {"telephone": "1"}, by=root)
    answer = browser.post(f"/records/{gus.reference}/fields/telephone/", {"telephone": "112", "version": 2})
    assert answer.status_code in (200, 302)
    assert Person.objects.get(pk=gus.pk).telephone == "112"


@pytest.fixture
def ada(provider: Provider, client: Client) -> Person:
    """An administrator who signs in at the provider only."""
    sign_in(client)
    person = Person.objects.get(email="ada@globex.example")
    grant(person, Role.ADMINISTRATOR)
    return person


def rest(client: Client) -> None:
    """Let the sign-in be longer ago than a confirmation lasts."""
    session = client.session
    session["account_authentication_methods"] = [
        {**method, "at": method["at"] - 600} for method in session["account_authentication_methods"]
    ]
    session.save()


def test_who_signs_in_at_a_provider_is_asked_there_and_the_form_goes_on(
    ada: Person, client: Client, gus: Person
) -> None:
    rest(client)
    asked = client.post("/role-assignments/new/", appointment(gus))
    assert (asked.status_code, asked["Location"]) == (
        302,
        "/account/oidc/?next=%2Faccount%2Fconfirmed%2F&prompt=login",
    )
    assert not RoleAssignment.objects.filter(person=gus).exists()
    assert client.get("/account/confirmed/").status_code == 302  # without having been there
    assert not RoleAssignment.objects.filter(person=gus).exists()
    asked = client.post("/role-assignments/new/", appointment(gus))
    assert "prompt=login" in client.get(asked["Location"])["Location"]
    back = sign_in(client, asked["Location"])
    assert back["Location"] == "/account/confirmed/"
    assert client.get("/account/confirmed/").status_code == 302
    assert RoleAssignment.objects.get(person=gus).role == "agent"
    assert client.get("/account/confirmed/")["Location"] == "/"
    assert RoleAssignment.objects.filter(person=gus).count() == 1


def test_a_form_that_waited_too_long_is_not_sent(
    ada: Person, client: Client, gus: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest(client)
    client.post("/role-assignments/new/", appointment(gus))
    session = client.session
    session[confirming.KEPT] = {**session[confirming.KEPT], "at": 0}
    session.save()
    sign_in(client)
    assert client.get("/account/confirmed/")["Location"] == "/"
    assert not RoleAssignment.objects.filter(person=gus).exists()


def test_a_form_waits_for_who_filled_it_in_alone(
    ada: Person, provider: Provider, client: Client, gus: Person, maria: Person
) -> None:
    rest(client)
    client.post("/role-assignments/new/", appointment(gus))
    provider.claims.update(sub="maria", email="maria@centre.example")
    sign_in(client, "/account/oidc/?next=/account/confirmed/")
    assert client.session["_auth_user_id"] == str(maria.pk)
    assert client.get("/account/confirmed/")["Location"] == "/"
    assert not RoleAssignment.objects.filter(person=gus).exists()


def test_links_for_passwords_are_made_after_signing_in_there_again(
    ada: Person, client: Client, gus: Person
) -> None:
    address = f"/account/sign-in-link/{gus.reference}/"
    rest(client)
    assert client.post(address)["Location"].startswith("/account/oidc/")
    sign_in(client, "/account/oidc/?next=/account/confirmed/")
    assert client.get("/account/confirmed/").context["link"].startswith("http")
