import re
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.test import Client

from stellwerk.accounts.passkeys import has_name
from stellwerk.kernel.identity.api_token import ApiToken
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.jobs.worker import Worker
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.testing.fixtures import make_person
from stellwerk.kernel.write.services import change, transition

PASSWORD = "correct horse battery staple"  # noqa: S105  # nosec B105 -- a test's


@pytest.fixture
def gus(gus: Person) -> Person:
    """Gus, with a password."""
    gus.set_password(PASSWORD)
    Person.objects.filter(pk=gus.pk).update(password=gus.password)
    return gus


def sign_in(client: Client, login: str, password: str = PASSWORD) -> Any:
    return client.post("/account/login/", {"login": login, "password": password})


def confirm(client: Client) -> None:
    """Say once more who it is, as is asked before something sensitive."""
    client.post("/account/reauthenticate/", {"password": PASSWORD})


@pytest.mark.parametrize("login", ["gus", "gus@globex.example", "GUS@globex.example"])
def test_gus_signs_in_by_name_or_address(client: Client, gus: Person, login: str) -> None:
    assert sign_in(client, login).status_code == 302
    assert client.get("/account/").status_code == 200


def test_a_wrong_password_is_refused_alike_for_known_and_unknown_names(client: Client, gus: Person) -> None:
    known = sign_in(client, "gus", "wrong")
    unknown = sign_in(client, "gis", "wrong")
    assert known.status_code == unknown.status_code == 200
    assert known.context["form"].errors == unknown.context["form"].errors
    assert "_auth_user_id" not in client.session


def test_guessing_is_throttled(client: Client, gus: Person) -> None:
    answers = [sign_in(client, "gus", f"wrong {number}") for number in range(20)]
    assert sign_in(client, "gus").status_code != 302
    assert "_auth_user_id" not in client.session
    assert answers[0].status_code == 200


def test_nobody_signs_up(client: Client, db: None) -> None:
    count = Person.objects.count()
    body = {"username": "eve", "email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
    client.post("/account/signup/", body)
    assert Person.objects.count() == count


def test_service_accounts_do_not_sign_in(client: Client, db: None) -> None:
    robot = make_person("Robot", is_service=True)
    robot.set_password(PASSWORD)
    Person.objects.filter(pk=robot.pk).update(password=robot.password)
    sign_in(client, "robot")
    assert "_auth_user_id" not in client.session


def test_who_left_is_signed_out_on_the_next_request(client: Client, gus: Person) -> None:
    sign_in(client, "gus")
    transition(gus, "leave", by=SYSTEM)
    assert client.get("/account/").status_code == 302


def test_changing_the_password_undoes_nothing_that_others_wrote(client: Client, gus: Person) -> None:
    sign_in(client, "gus")
    change(gus, {"telephone": "+49 30 1"}, by=SYSTEM)
    new = "another horse battery staple"
    body = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    client.post("/account/password/change/", body)
    now = Person.objects.get(pk=gus.pk)
    assert now.check_password(new)
    assert (now.telephone, now.version) == ("+49 30 1", 2)


def test_preferences_are_saved_and_leave_no_entry(client: Client, gus: Person) -> None:
    client.force_login(gus)
    body = {"language": "", "time_zone": "Europe/Berlin", "theme": "dark", "density": "compact"}
    assert client.post("/account/", body).status_code == 302
    now = Person.objects.get(pk=gus.pk)
    assert (now.time_zone, now.theme, now.density, now.version) == ("Europe/Berlin", "dark", "compact", 1)
    assert client.post("/account/", {**body, "time_zone": "Mars/Base"}).status_code == 422


def test_the_menu_sets_the_theme_and_goes_back(client: Client, gus: Person) -> None:
    client.force_login(gus)
    answer = client.post("/account/preferences/", {"theme": "dark", "next": "//evil.example/"})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert Person.objects.get(pk=gus.pk).theme == "dark"
    client.post("/account/preferences/", {"theme": "auto", "next": "/"})
    assert Person.objects.get(pk=gus.pk).theme == ""


def test_a_token_is_shown_once_and_revoked(client: Client, gus: Person) -> None:
    sign_in(client, "gus")
    confirm(client)
    made = client.post("/account/tokens/", {"name": "Script", "scopes": ["read"], "days": "30"})
    secret = made.context["secret"]
    assert secret.startswith("sw_")
    assert secret.encode() not in client.get("/account/tokens/").content
    token = ApiToken.objects.get(person=gus)
    client.post(f"/account/tokens/{token.pk}/revoke/")
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_only_administrators_make_tokens_for_service_accounts(
    client: Client, gus: Person, root: Person
) -> None:
    robot = make_person("Robot", is_service=True)
    client.force_login(gus)
    assert client.get(f"/account/tokens/?for={robot.reference}").status_code == 403
    client.force_login(root)
    assert client.get(f"/account/tokens/?for={robot.reference}").status_code == 200
    assert client.get(f"/account/tokens/?for={gus.reference}").status_code == 404


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("", "Account"),
        ("2fa/", "Second factor"),
        ("2fa/totp/activate/", "Set up an authenticator app"),
        ("2fa/webauthn/", "Passkeys and security keys"),
        ("2fa/webauthn/add/", "Add a key"),
        ("sessions/", "Sessions"),
        ("password/change/", "Change password"),
        ("reauthenticate/", "Confirm that it's you"),
        ("logout/", "Sign out?"),
        ("tokens/", "API tokens"),
    ],
)
def test_every_account_page_opens(client: Client, gus: Person, path: str, heading: str) -> None:
    sign_in(client, "gus")
    confirm(client)
    page = client.get(f"/account/{path}", follow=True)
    assert (page.status_code, f"<h1>{heading}</h1>" in page.content.decode()) == (200, True)


@pytest.mark.parametrize(
    ("host", "named"),
    [("localhost:8765", True), ("desk.example.org", True), ("127.0.0.1:8765", False), ("[::1]:8765", False)],
)
def test_only_a_host_with_a_name_can_have_passkeys(host: str, named: bool) -> None:
    assert has_name(host) is named


def test_passkeys_are_offered_under_a_name_only(client: Client, gus: Person) -> None:
    assert "Sign in with a passkey" in client.get("/account/login/").content.decode()
    numbered = client.get("/account/login/", headers={"host": "127.0.0.1"}).content.decode()
    assert "passkey" not in numbered
    assert "webauthn" not in numbered


def test_an_address_without_a_name_says_why_it_takes_no_keys(client: Client, gus: Person) -> None:
    sign_in(client, "gus")
    confirm(client)
    for path in ("2fa/", "2fa/webauthn/", "2fa/webauthn/add/"):
        page = client.get(f"/account/{path}", headers={"host": "127.0.0.1"}).content.decode()
        assert "Browsers tie a key to a name, but 127.0.0.1 is a number." in page
        assert "Add a key</a>" not in page
        assert "mfa_webauthn_add" not in page


def test_a_second_factor_is_set_up_asked_for_and_removed(client: Client, gus: Person) -> None:
    sign_in(client, "gus")
    confirm(client)
    secret = client.get("/account/2fa/totp/activate/").context["form"].secret
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    shown = client.post("/account/2fa/totp/activate/", {"code": code}, follow=True).content.decode()
    assert "<h1>Recovery codes</h1>" in shown
    spare = client.get("/account/2fa/recovery-codes/").context["unused_codes"][0]
    assert "10 of 10 codes are unused" in client.get("/account/2fa/").content.decode()
    elsewhere = Client()
    asked = elsewhere.post("/account/login/", {"login": "gus", "password": PASSWORD}, follow=True)
    assert "<h1>Second factor</h1>" in asked.content.decode()
    elsewhere.post("/account/2fa/authenticate/", {"code": spare})
    assert "9 of 10 codes are unused" in elsewhere.get("/account/2fa/").content.decode()
    for path in ("2fa/recovery-codes/generate/", "2fa/totp/deactivate/"):
        assert client.get(f"/account/{path}").status_code == 200
    client.post("/account/2fa/totp/deactivate/")
    assert sign_in(Client(), "gus")["Location"] == "/"


def test_a_forgotten_password_is_set_anew_by_mail(client: Client, gus: Person, mailoutbox: Any) -> None:
    done = client.post("/account/password/reset/", {"email": gus.email}, follow=True).content.decode()
    Worker().drain()
    assert "<h1>Check your mail</h1>" in done
    link = re.search(r"https?://\S+(/account/password/reset/key/\S+)", mailoutbox[0].body)
    assert mailoutbox[0].subject.endswith("Your new password")
    form = client.get(link[1], follow=True)  # type: ignore[index]
    given = {"password1": "another long secret", "password2": "another long secret"}
    answer = client.post(form.request["PATH_INFO"], given, follow=True).content.decode()
    assert "<h1>Your password is set</h1>" in answer
    assert "<h1>This link no longer works</h1>" in client.get(link[1], follow=True).content.decode()  # type: ignore[index]


def test_a_forgotten_password_of_nobody_is_told_by_mail_alone(
    client: Client, gus: Person, mailoutbox: Any
) -> None:
    known = client.post("/account/password/reset/", {"email": gus.email})
    unknown = client.post("/account/password/reset/", {"email": "x@example.org"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    Worker().drain()
    assert "There is no account with this address." in mailoutbox[1].body


def test_another_session_can_be_ended(client: Client, gus: Person) -> None:
    elsewhere = Client()
    sign_in(client, "gus")
    sign_in(elsewhere, "gus")
    client.get("/account/sessions/")
    client.post("/account/sessions/")
    assert elsewhere.get("/account/").status_code == 302
    assert client.get("/account/").status_code == 200
