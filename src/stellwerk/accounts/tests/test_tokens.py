"""Tokens: asked for again before one is made, short-lived by themselves, and never sent where others can read them."""

import re
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.apps import apps
from django.test import Client
from django.utils import timezone

from stellwerk.api.tests.conftest import Program
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.identity.api_token import ApiToken
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.tokens import issue_token
from stellwerk.kernel.testing.fixtures import make_person

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"  # noqa: S105  # nosec B105 -- a test's
WANTED = {"name": "Script", "scopes": ["read"], "days": "90"}


def with_password(person: Person) -> Person:
    person.set_password(PASSWORD)
    Person.objects.filter(pk=person.pk).update(password=person.password)
    return person


def sign_in(client: Client, person: Person) -> None:
    client.post("/account/login/", {"login": person.username, "password": PASSWORD})


def test_making_a_token_asks_the_password_and_goes_on_with_what_was_filled_in(
    client: Client, gus: Person
) -> None:
    sign_in(client, with_password(gus))
    asked = client.post("/account/tokens/", WANTED)
    assert (asked.status_code, asked["Location"]) == (302, "/account/reauthenticate/")
    assert not ApiToken.objects.exists()
    assert client.post("/account/reauthenticate/", {"password": "wrong"}).status_code == 200
    assert not ApiToken.objects.exists()
    made = client.post("/account/reauthenticate/", {"password": PASSWORD})
    assert made.context["secret"].startswith("sw_")
    assert ApiToken.objects.get().name == "Script"
    # What was asked for once is not made twice, and for some minutes nothing is asked again.
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    assert ApiToken.objects.count() == 1
    assert client.post("/account/tokens/", {**WANTED, "name": "Other"}).status_code == 200
    assert ApiToken.objects.count() == 2


def test_making_and_revoking_a_token_stands_in_the_journal_without_it(client: Client, gus: Person) -> None:
    sign_in(client, with_password(gus))
    client.post("/account/tokens/", WANTED)
    secret = client.post("/account/reauthenticate/", {"password": PASSWORD}).context["secret"]
    until = timezone.localdate() + timedelta(days=90)
    made = gus.entries.latest("number")
    assert (made.actor, made.changes) == (gus, {})
    assert made.reason == f"Made the API token “Script” (read), which works until {until.isoformat()}."
    token = ApiToken.objects.get()
    client.post(f"/account/tokens/{token.pk}/revoke/")
    assert gus.entries.latest("number").reason == "Revoked the API token “Script”."
    client.post(f"/account/tokens/{token.pk}/revoke/")
    assert gus.entries.count() == 3
    assert secret[:10] not in str(list(gus.entries.values_list()))


def test_a_token_for_a_service_account_names_who_made_it(client: Client, root: Person) -> None:
    robot = make_person("Robot", is_service=True)
    sign_in(client, with_password(root))
    client.post(f"/account/tokens/?for={robot.reference}", {**WANTED, "days": "0"})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    entry = robot.entries.latest("number")
    assert (entry.actor, ApiToken.objects.get().person) == (root, robot)


def test_a_second_factor_serves_as_well(client: Client, gus: Person) -> None:
    secret = "JBSWY3DPEHPK3PXP"  # noqa: S105  # nosec B105 -- a test's
    TOTP.activate(gus, secret)
    client.force_login(gus)
    assert client.post("/account/tokens/", WANTED)["Location"] == "/account/2fa/reauthenticate/"
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    client.post("/account/2fa/reauthenticate/", {"code": code})
    assert ApiToken.objects.get().person == gus


def test_an_administrator_is_asked_before_making_one_for_a_service_account(
    client: Client, root: Person
) -> None:
    robot = make_person("Robot", is_service=True)
    sign_in(client, with_password(root))
    asked = client.post(f"/account/tokens/?for={robot.reference}", WANTED)
    assert (asked["Location"], ApiToken.objects.count()) == ("/account/reauthenticate/", 0)
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    assert ApiToken.objects.get().person == robot


@pytest.mark.parametrize(("days", "expected"), [("30", 30), ("90", 90), ("365", 365), ("0", None)])
def test_a_token_lasts_as_long_as_was_chosen(
    days: str, expected: int | None, client: Client, gus: Person
) -> None:
    client.force_login(gus)
    client.post("/account/tokens/", {**WANTED, "days": days})
    token = ApiToken.objects.get()
    assert (token.expires_at and (token.expires_at - token.created_at).days + 1) in (
        expected,
        (expected or 0) + 1,
    )


def test_a_token_of_which_nothing_is_said_lasts_ninety_days(gus: Person, monkeypatch: Any) -> None:
    token, secret = issue_token(gus, "Sync")
    assert token.expires_at == token.created_at + timedelta(days=90)
    program = Program(gus)
    program.secret = secret
    assert program.get("me").status_code == 200
    late = timezone.now() + timedelta(days=90, seconds=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: late)
    assert program.get("me").status_code == 401
    assert issue_token(gus, "For good", endless=True)[0].expires_at is None


@pytest.mark.parametrize(
    ("proxies", "came", "status"),
    [
        (0, {"REMOTE_ADDR": "127.0.0.1"}, 200),
        (0, {"REMOTE_ADDR": "127.8.8.8"}, 200),
        (0, {"REMOTE_ADDR": "::1"}, 200),
        (0, {"REMOTE_ADDR": "::ffff:127.0.0.1"}, 200),
        (0, {"REMOTE_ADDR": "10.0.0.7"}, 403),
        (0, {"REMOTE_ADDR": "::ffff:10.0.0.7"}, 403),
        (0, {"REMOTE_ADDR": ""}, 403),
        (0, {"REMOTE_ADDR": "10.0.0.7", "wsgi.url_scheme": "https"}, 200),
        # Without a proxy in front, what a caller says of itself counts for nothing.
        (0, {"REMOTE_ADDR": "10.0.0.7", "HTTP_X_FORWARDED_PROTO": "https"}, 403),
        (0, {"REMOTE_ADDR": "10.0.0.7", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 403),
        (1, {"HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_FOR": "10.0.0.7"}, 200),
        (1, {"HTTP_X_FORWARDED_PROTO": "http", "HTTP_X_FORWARDED_FOR": "10.0.0.7"}, 403),
        (1, {"HTTP_X_FORWARDED_PROTO": "http", "HTTP_X_FORWARDED_FOR": "127.0.0.1, 10.0.0.7"}, 403),
        (1, {"HTTP_X_FORWARDED_PROTO": "http"}, 403),
        (2, {"HTTP_X_FORWARDED_PROTO": "http", "HTTP_X_FORWARDED_FOR": "10.0.0.7"}, 403),
        (1, {"REMOTE_ADDR": "127.0.0.1"}, 200),
    ],
)
def test_tokens_are_taken_over_https_or_on_this_machine_only(
    proxies: int, came: dict[str, str], status: int, gus: Person, settings: Any
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if proxies else None
    _token, secret = issue_token(gus, "Sync", ["read", "write"])
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    answer = client.get("/api/v1/me", **came)  # type: ignore[arg-type]
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["type"] == "urn:stellwerk:problem:https-required"
        wrong = Client(headers={"Authorization": "Bearer sw_wrong"}).get("/api/v1/me", **came)  # type: ignore[arg-type]
        assert wrong.content == answer.content  # says nothing of whether the token is a good one
        made = client.post("/api/v1/incidents", {"title": "x"}, "application/json", **came)  # type: ignore[arg-type]
        assert made.status_code == 403


def test_sessions_are_told_apart_from_tokens(client: Client, gus: Person) -> None:
    client.force_login(gus)
    assert client.get("/api/v1/me", REMOTE_ADDR="10.0.0.7").status_code == 200


def test_the_page_says_when_a_token_ends(client: Client, gus: Person) -> None:
    client.force_login(gus)
    page = client.get("/account/tokens/").content.decode()
    assert re.search(r'<option value="90" selected>\s*in 90 days', page)
    assert "never: it works until someone revokes it" in page


def test_tokens_without_an_end_get_one_with_the_upgrade_and_their_owners_are_told(
    gus: Person, root: Person, maria: Person
) -> None:
    robot = make_person("Robot", is_service=True)
    kept = issue_token(maria, "Short", expires_at=timezone.now() + timedelta(days=3))[0]
    issued = [issue_token(person, name, endless=True)[0] for person, name in ((gus, "Sync"), (gus, "Report"))]
    issued.append(issue_token(robot, "Monitoring", endless=True)[0])
    revoked = issue_token(maria, "Old", endless=True)[0]
    ApiToken.objects.filter(pk=revoked.pk).update(revoked_at=timezone.now())
    import_module("stellwerk.kernel.migrations.0010_sign_in").end_tokens(apps, None)
    for token in issued:
        token.refresh_from_db()
        assert token.expires_at is not None
        assert (token.expires_at - timezone.now()).days in (89, 90)
    before = kept.expires_at
    kept.refresh_from_db()
    revoked.refresh_from_db()
    assert (kept.expires_at, revoked.expires_at) == (before, None)
    day = (timezone.now() + timedelta(days=90)).date().isoformat()
    told = {(note.person, note.address, note.text) for note in Notification.objects.all()}
    sentence = (
        "API tokens now end by themselves: “%s” works until %s. "
        "Make a new one in time, or choose there that it never ends."
    )
    assert told == {
        (gus, "/account/tokens/", sentence % ("Sync”, “Report", day)),
        (root, f"/account/tokens/?for={robot.reference}", sentence % ("Monitoring", day)),
    }
