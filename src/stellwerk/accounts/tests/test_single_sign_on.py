"""Single sign-on, driven through Stellwerk's own settings against a provider on the loopback."""

from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from stellwerk.accounts.tests.provider import CLIENT_ID, CLIENT_SECRET, Provider, running
from stellwerk.kernel.activity.comments.services import mentioned
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import change, transition
from stellwerk.site.configuration import read, sign_on_provider

pytestmark = pytest.mark.django_db

CALLBACK = "http://testserver/account/oidc/callback/"
ADA: dict[str, Any] = {
    "sub": "ada-1",
    "name": "Ada Lovelace",
    "preferred_username": "ada",
    "email": "Ada@globex.example",
    "email_verified": True,
}


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    with running(Provider(CALLBACK, claims=dict(ADA))) as serving:
        settings.SOCIALACCOUNT_PROVIDERS = sign_on_provider(read(told(serving)))
        yield serving


def told(provider: Provider, **more: str) -> dict[str, str]:
    """The environment of an installation that knows the provider."""
    return {
        "STELLWERK_OIDC_URL": provider.address,
        "STELLWERK_OIDC_CLIENT_ID": CLIENT_ID,
        "STELLWERK_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        **more,
    }


def sign_in(client: Client, path: str = "/account/oidc/") -> Any:
    """Follow the browser's way: to the provider, through it, and back."""
    begun = client.get(path)
    assert begun.status_code == 302
    passed = requests.get(begun["Location"], allow_redirects=False, timeout=5)
    return client.get(passed.headers["Location"])


def signed_in(client: Client) -> Person | None:
    key = client.session.get("_auth_user_id")
    return Person.objects.get(pk=key) if key else None


def test_the_page_to_sign_in_offers_it(client: Client, provider: Provider) -> None:
    assert 'href="/account/oidc/?next=%2Fservices%2F">' in client.get("/account/login/?next=/services/").text


def test_without_a_provider_nothing_is_offered(client: Client) -> None:
    assert "/account/oidc/" not in client.get("/account/login/").text
    assert client.get("/account/oidc/").status_code == 404


def test_an_unknown_person_becomes_one_without_any_role(client: Client, provider: Provider) -> None:
    answer = sign_in(client, "/account/oidc/?next=/services/")
    assert (answer.status_code, answer["Location"]) == (302, "/services/")
    ada = signed_in(client)
    assert (ada.title, ada.email, ada.username) == ("Ada Lovelace", "ada@globex.example", "ada")
    assert (ada.party, ada.has_usable_password()) == (None, False)
    entry = ada.entries.get()
    assert (entry.verb, entry.actor) == ("create", None)
    assert client.get("/portal/").status_code == 200


def again(client: Client) -> Any:
    client.logout()
    return sign_in(client)


def test_signing_in_again_finds_the_same_person_and_changes_nothing(
    client: Client, provider: Provider
) -> None:
    sign_in(client)
    ada = signed_in(client)
    again(client)
    assert signed_in(client) == ada
    assert Person.objects.get(pk=ada.pk).version == 1


def test_a_new_name_and_address_arrive_and_the_journal_says_from_where(
    client: Client, provider: Provider
) -> None:
    sign_in(client)
    ada = signed_in(client)
    provider.claims.update(name="Ada\nKing", email="Ada.King@globex.example")
    again(client)
    now = signed_in(client)
    assert now == ada
    assert (now.title, now.email, now.username) == ("Ada King", "ada.king@globex.example", "ada")
    entry = now.entries.order_by("number").last()
    assert (entry.verb, entry.actor, entry.reason) == ("change", None, "Updated by single sign-on.")
    assert entry.changes == {
        "title": ["Ada Lovelace", "Ada King"],
        "email": ["ada@globex.example", "ada.king@globex.example"],
    }


@pytest.mark.parametrize("verified", [False, "false", None, "no"])
def test_a_new_address_that_nobody_vouches_for_does_not_arrive(
    client: Client, provider: Provider, verified: Any
) -> None:
    sign_in(client)
    provider.claims |= {"name": "Ada King", "email": "root@example.org", "email_verified": verified}
    again(client)
    ada = signed_in(client)
    assert (ada.title, ada.email) == ("Ada King", "ada@globex.example")


def test_an_address_that_somebody_else_has_here_stays_theirs(
    client: Client, provider: Provider, gus: Person, caplog: Any
) -> None:
    sign_in(client)
    ada = signed_in(client)
    provider.claims["email"] = "GUS@globex.example"
    again(client)
    assert signed_in(client) == ada
    assert (ada.version, Person.objects.get(pk=gus.pk).email) == (1, "gus@globex.example")
    assert Person.objects.get(pk=ada.pk).version == 1
    assert "which another person has here" in client.get("/account/").text
    assert f"Single sign-on names an address for {ada.reference} that another person has here." in caplog.text
    assert "gus@" not in caplog.text


@pytest.mark.parametrize("claims", [{"name": None}, {"name": ""}, {"email": ""}])
def test_what_the_provider_no_longer_says_stays_as_it_was(
    client: Client, provider: Provider, claims: dict[str, Any]
) -> None:
    sign_in(client)
    provider.claims |= claims
    again(client)
    ada = signed_in(client)
    assert (ada.title, ada.email, ada.version) == ("Ada Lovelace", "ada@globex.example", 1)


def test_who_is_named_by_an_address_can_be_mentioned(client: Client, provider: Provider, gus: Person) -> None:
    provider.claims["preferred_username"] = "Ada@globex.example"
    sign_in(client)
    ada = signed_in(client)
    assert ada.username == "ada"
    assert mentioned("Thanks, @ada!") == [ada]
    client.logout()
    provider.claims |= {
        "sub": "g",
        "email": "other@initech.example",
        "preferred_username": "gus@initech.example",
    }
    sign_in(client)
    assert signed_in(client).username == "gus2"


def test_who_came_without_a_name_to_be_mentioned_by_gets_one(client: Client, provider: Provider) -> None:
    sign_in(client)
    change(Person.objects.get(username="ada"), {"username": ""}, by=SYSTEM)
    provider.claims["preferred_username"] = "ada@globex.example"
    again(client)
    assert signed_in(client).username == "ada"


def test_who_is_known_by_a_verified_address_keeps_account_and_password(
    client: Client, provider: Provider, gus: Person
) -> None:
    gus.set_password("correct horse battery staple")
    gus.save(update_fields=["password"])
    provider.claims["email"] = "GUS@globex.example"
    sign_in(client)
    assert signed_in(client) == gus
    gus.refresh_from_db()
    assert gus.has_usable_password()
    assert gus.version == 1


@pytest.mark.parametrize("verified", [False, "false", None, "no"])
def test_an_unverified_address_takes_over_no_account(
    client: Client, provider: Provider, gus: Person, verified: Any
) -> None:
    provider.claims |= {"email": "gus@globex.example", "email_verified": verified}
    people = Person.objects.count()
    answer = sign_in(client)
    assert answer.status_code == 403
    assert "does not confirm that this address is yours" in answer.text
    assert (signed_in(client), Person.objects.count(), SocialAccount.objects.count()) == (None, people, 0)


def test_an_unverified_address_is_not_kept_so_that_its_owner_meets_no_stranger(
    client: Client, provider: Provider
) -> None:
    provider.claims["email_verified"] = False
    sign_in(client)
    stranger = signed_in(client)
    assert stranger.email is None
    client.logout()
    provider.claims |= {"sub": "ada-2", "email_verified": True}
    sign_in(client)
    assert signed_in(client) not in (None, stranger)


def test_a_domain_may_be_believed_by_setting(
    client: Client, provider: Provider, gus: Person, settings: Any
) -> None:
    domains = "initech.example, globex.example"
    environment = told(provider, STELLWERK_OIDC_VERIFIED_DOMAINS=domains)
    settings.SOCIALACCOUNT_PROVIDERS = sign_on_provider(read(environment))
    provider.claims = {"sub": "g", "email": "gus@globex.example"}
    sign_in(client)
    assert signed_in(client) == gus


def test_the_word_true_counts_as_true(client: Client, provider: Provider, gus: Person) -> None:
    provider.claims |= {"email": "gus@globex.example", "email_verified": "true"}
    sign_in(client)
    assert signed_in(client) == gus


@pytest.mark.parametrize(
    ("claims", "title", "username"),
    [
        ({"sub": "1"}, "1", None),
        ({"sub": "1", "preferred_username": "ada"}, "ada", "ada"),
        ({"sub": "1", "name": "Ada", "preferred_username": "gus"}, "Ada", None),
        ({"sub": "1", "name": "Ada", "preferred_username": "maria@centre.example"}, "Ada", "maria"),
        ({"sub": "1", "name": "A" * 300}, "A" * 250, None),
    ],
)
def test_odd_and_missing_names_are_no_obstacle(
    client: Client, provider: Provider, gus: Person, claims: Any, title: str, username: str | None
) -> None:
    provider.claims = claims
    sign_in(client)
    person = signed_in(client)
    assert (person.title, person.username) == (title, username)


def test_who_left_is_turned_away(client: Client, provider: Provider) -> None:
    sign_in(client)
    transition(Person.objects.get(username="ada"), "leave", by=SYSTEM)
    client.logout()
    assert sign_in(client)["Location"] == "/account/inactive/"
    assert signed_in(client) is None


def test_service_accounts_do_not_come_this_way(client: Client, provider: Provider, gus: Person) -> None:
    change(gus, {"is_service": True}, by=SYSTEM)
    provider.claims["email"] = "gus@globex.example"
    sign_in(client)
    assert signed_in(client) is None


def test_a_second_factor_that_was_set_up_here_is_asked_for_all_the_same(
    client: Client, provider: Provider, gus: Person
) -> None:
    TOTP.activate(gus, "JBSWY3DPEHPK3PXP")
    provider.claims["email"] = "gus@globex.example"
    assert sign_in(client)["Location"] == "/account/2fa/authenticate/"
    assert signed_in(client) is None


def refused(client: Client, answer: Any, status: int, sentence: str) -> None:
    assert (answer.status_code, signed_in(client)) == (status, None)
    assert sentence in unescape(answer.text)
    assert 'href="/account/login/"' in answer.text
    assert not SocialAccount.objects.exists()


def test_a_refusal_is_told(client: Client, provider: Provider) -> None:
    provider.refuses = True
    refused(client, sign_in(client), 403, "cancelled, or the other service refused")


@pytest.mark.parametrize("state", ["", "invented"])
def test_a_wrong_state_is_refused(client: Client, provider: Provider, state: str) -> None:
    begun = client.get("/account/oidc/")
    assert parse_qs(urlsplit(begun["Location"]).query)["state"] != [state]
    refused(client, client.get(f"{CALLBACK}?code=code-0&state={state}"), 400, "started here")


def test_a_sign_in_that_another_browser_began_is_refused(client: Client, provider: Provider) -> None:
    begun = Client().get("/account/oidc/")
    passed = requests.get(begun["Location"], allow_redirects=False, timeout=5)
    refused(client, client.get(passed.headers["Location"]), 400, "started here")


def test_nothing_is_connected_to_who_is_signed_in(client: Client, provider: Provider, gus: Person) -> None:
    client.force_login(gus)
    sign_in(client, "/account/oidc/?process=connect")
    assert not SocialAccount.objects.filter(user=gus).exists()
    assert signed_in(client) != gus


def test_the_way_back_stays_in_the_house(client: Client, provider: Provider) -> None:
    assert sign_in(client, "/account/oidc/?next=https://evil.example/")["Location"] == "/"


def test_a_provider_that_is_down_before_is_a_sentence(
    client: Client, provider: Provider, settings: Any
) -> None:
    apps = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    apps[0]["settings"]["server_url"] = "http://127.0.0.1:9"
    refused(client, client.get("/account/oidc/"), 503, "isn't responding")


def test_a_provider_that_goes_down_between_is_a_sentence(
    client: Client, provider: Provider, settings: Any
) -> None:
    begun = client.get("/account/oidc/")
    passed = requests.get(begun["Location"], allow_redirects=False, timeout=5)
    apps = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    apps[0]["settings"]["server_url"] = "http://127.0.0.1:9"
    refused(client, client.get(passed.headers["Location"]), 503, "isn't responding")


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        ("audience", "another client"),
        ("userinfo", {"sub": "somebody else"}),
        ("discovery", {"issuer": "https://issuer.example"}),
        ("claims", {"name": "Nobody in particular"}),
        ("claims", {**ADA, "sub": ""}),
        ("claims", {**ADA, "name": ["Ada"]}),
    ],
    ids=[
        "for another client",
        "about two people",
        "of another issuer",
        "about nobody",
        "about an empty name",
        "with a list for a name",
    ],
)
def test_an_answer_that_does_not_hold_signs_nobody_in(
    client: Client, provider: Provider, part: str, wrong: Any
) -> None:
    setattr(provider, part, wrong)
    refused(client, sign_in(client), 502, "an invalid answer")


def test_a_provider_without_endpoints_is_a_sentence(client: Client, provider: Provider) -> None:
    provider.discovery = {"authorization_endpoint": None, "token_endpoint": None}
    provider.get = lambda path, query: (200, {})  # type: ignore[method-assign]
    refused(client, client.get("/account/oidc/"), 502, "an invalid answer")
