"""Ways into somebody else's account: guessing, old and foreign links, half a sign-in, sessions that should have ended."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from stellwerk.accounts.forgotten import answer_forgotten, forget_reset_mails
from stellwerk.accounts.models import ResetMail
from stellwerk.api.tests.conftest import Program
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.jobs.worker import Worker
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import change, transition
from tests.promises.test_routes import TRIED, World, world

__all__ = ["world"]  # a fixture

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"  # noqa: S105  # nosec B105 -- a test's
NEW = "another horse battery staple"
OPEN_TO_ALL = {
    "alive",
    "account/login/",
    "account/signup/",
    "account/inactive/",
    "account/oidc/",
    "account/oidc/callback/",
}
"""Who is not signed in may ask for these, and for a new password; half a sign-in opens nothing else but its next step."""


@pytest.fixture
def gus(gus: Person) -> Person:
    return with_password(gus)


def with_password(person: Person) -> Person:
    person.set_password(PASSWORD)
    Person.objects.filter(pk=person.pk).update(password=person.password)
    return person


def sign_in(client: Client, login: str = "gus", password: str = PASSWORD) -> Any:
    return client.post("/account/login/", {"login": login, "password": password})


def signed_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def second_factor(client: Client) -> str:
    """Set up an app for codes, and return its secret."""
    sign_in(client)
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    secret: str = client.get("/account/2fa/totp/activate/").context["form"].secret
    client.post("/account/2fa/totp/activate/", {"code": code(secret)})
    cache.clear()  # a code counts once, and this was one
    return secret


def code(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))


# -- half a sign-in ----------------------------------------------------------------------------------------


def test_half_a_sign_in_opens_what_no_sign_in_opens(world: World) -> None:
    with_password(world.people["gus"])
    second_factor(Client())
    half, nobody = Client(raise_request_exception=False), Client(raise_request_exception=False)
    assert sign_in(half)["Location"].startswith("/account/2fa/authenticate/")
    assert not signed_in(half)
    for route, row in TRIED:
        if (
            route not in OPEN_TO_ALL
            and not route.startswith(("account/2fa/authenticate", "account/2fa/webauthn/login"))
            and "password/reset" not in route
        ):
            body = b"{}" if "api/" in route else b""
            answers = [
                c.generic(row.method, world.path(route), body, "application/json") for c in (half, nobody)
            ]
            assert [a.status_code for a in answers] == [int(row.answers.split()[0])] * 2, route
            assert answers[0].headers.get("Location") == answers[1].headers.get("Location"), route


def test_a_code_is_good_for_one_sign_in(gus: Person) -> None:
    secret = second_factor(Client())
    given, first, second = code(secret), Client(), Client()
    for client in (first, second):
        sign_in(client)
        client.post("/account/2fa/authenticate/", {"code": given})
    assert (signed_in(first), signed_in(second)) == (True, False)


def test_codes_cannot_be_guessed_one_after_the_other(gus: Person) -> None:
    secret = second_factor(Client())
    answers = []
    for attempt in range(15):
        client = Client(headers={"x-forwarded-for": f"10.0.0.{attempt}"})  # believed only behind a proxy
        sign_in(client)
        for guess in range(3):
            answers.append(client.post("/account/2fa/authenticate/", {"code": f"{attempt:03}{guess:03}"}))
    last = Client()
    sign_in(last)
    last.post("/account/2fa/authenticate/", {"code": code(secret)})
    assert not signed_in(last)


def test_a_new_password_by_mail_does_not_spare_the_second_factor(gus: Person, mailoutbox: Any) -> None:
    second_factor(Client())
    client = Client()
    choose(client, asked_for(client, gus, mailoutbox))
    assert not signed_in(client)
    assert sign_in(client, password=NEW)["Location"].startswith("/account/2fa/authenticate/")


# -- links for a new password ------------------------------------------------------------------------------


def asked_for(client: Client, person: Person, mailoutbox: Any) -> str:
    client.post("/account/password/reset/", {"email": person.email})
    Worker().drain()
    found = re.search(r"http://testserver(\S+)", mailoutbox[-1].body)
    assert found
    return found[1]


def choose(client: Client, link: str) -> None:
    """Follow a link to its form, and choose a password if it offers one."""
    page = client.get(link, follow=True)
    client.post(page.request["PATH_INFO"], {"password1": NEW, "password2": NEW}, follow=True)


def works(link: str, person: Person) -> bool:
    choose(Client(), link)
    return Person.objects.get(pk=person.pk).check_password(NEW)


def test_a_link_works_once(gus: Person, mailoutbox: Any) -> None:
    link = asked_for(Client(), gus, mailoutbox)
    assert works(link, gus)
    with_password(gus)
    assert not works(link, gus)


@pytest.mark.parametrize("then", ["password", "address", "left", "sign-in", "late"])
def test_a_link_ends_with_what_it_was_made_for(
    then: str, gus: Person, mailoutbox: Any, settings: Any, client: Client
) -> None:
    link = asked_for(client, gus, mailoutbox)
    if then == "password":
        with_password(gus)
    elif then == "address":
        change(gus, {"email": "gordon@globex.example"}, by=SYSTEM)
    elif then == "left":
        transition(gus, "leave", by=SYSTEM)
    elif then == "sign-in":
        sign_in(client)
    else:
        settings.PASSWORD_RESET_TIMEOUT = -1
    assert not works(link, gus)


def test_only_the_link_itself_works(gus: Person, maria: Person, mailoutbox: Any) -> None:
    link = asked_for(Client(), gus, mailoutbox)
    before = dict(Person.objects.values_list("pk", "password"))
    path, _slash, key = link.rstrip("/").rpartition("/")
    uid, stamp, digest = key.split("-")
    theirs = with_password(maria).pk
    before[theirs] = maria.password
    for wrong in (
        f"{uid}-{stamp}-%", f"{uid}-{stamp}-", f"{uid}-{stamp}-*", f"{uid}-{stamp}-{'0' * len(digest)}",
        f"{uid}-0-{digest}", f"{uid}-zzzzzz-{digest}", f"{uid}-set-password", f"{uid}-{stamp}-{digest[:-1]}",
        f"{uid}-{stamp}-{digest}0", f"{uid}-{stamp.upper()}-{digest.upper()}", f"{theirs}-{stamp}-{digest}",
        f"{uid}-{stamp}-{digest}-x", f"{uid}-%00{stamp}-{digest}", f"-{stamp}-{digest}", f"{uid}{uid}-{stamp}-{digest}",
        f"{'9' * 400}-{stamp}-{digest}", f"{'z' * 60}-{stamp}-{digest}",
    ):  # fmt: skip
        choose(Client(), f"{path}/{wrong}/")
        assert dict(Person.objects.values_list("pk", "password")) == before, wrong
    assert len(digest) * 4 >= 128
    assert works(link, gus)


def test_who_left_is_sent_no_link(gus: Person, mailoutbox: Any) -> None:
    transition(gus, "leave", by=SYSTEM)
    Client().post("/account/password/reset/", {"email": gus.email})
    Worker().drain()
    assert [sent for sent in mailoutbox if "/password/reset/key/" in sent.body] == []


@pytest.mark.parametrize(
    "email",
    [
        "%",
        "*",
        "",
        "gus@globex.example,eve@example.org",
        "gus@globex.example\neve@example.org",
        "GUS@GLOBEX.EXAMPLE",
        "ɢus@globex.example",
        "gus@globex.example\x00",
    ],
)
def test_a_link_goes_to_the_address_of_the_record_alone(email: str, gus: Person, mailoutbox: Any) -> None:
    Client().post("/account/password/reset/", {"email": email})
    Worker().drain()
    with_link = [sent for sent in mailoutbox if "/password/reset/key/" in sent.body]
    assert {address.lower() for sent in with_link for address in sent.to} <= {"gus@globex.example"}
    assert len(with_link) == (email == "GUS@GLOBEX.EXAMPLE")


# -- guessing names and passwords --------------------------------------------------------------------------


def test_known_and_unknown_names_answer_alike_to_the_byte(gus: Person, mailoutbox: Any) -> None:
    makes = (
        lambda login: sign_in(Client(), login, "wrong"),
        lambda login: Client().post(
            "/account/password/reset/", {"email": f"{login}@globex.example"}, follow=True
        ),
    )
    for make in makes:
        answers = [make(login) for login in ("gus", "gis")]
        texts = [
            re.sub(
                r'(csrf\w+" value=|X-CSRFToken": |nonce=|name="once" value=)"[^"]+"', "", a.content.decode()
            )
            for a in answers
        ]
        assert answers[0].status_code == answers[1].status_code
        assert texts[0].replace("gus", "gis") == texts[1]


def test_locking_out_tells_nothing_of_who_is_known(gus: Person) -> None:
    answers = {}
    for login in ("gus", "gis"):
        cache.clear()
        answers[login] = [sign_in(Client(), login, f"wrong {n}").status_code for n in range(12)]
    assert answers["gus"] == answers["gis"]


@pytest.mark.parametrize("header", ["x-forwarded-for", "x-real-ip", "forwarded", "client-ip", "x-client-ip"])
def test_no_header_makes_guessing_somebody_elses(header: str, gus: Person) -> None:
    for attempt in range(20):
        sign_in(Client(headers={header: f"10.0.0.{attempt}"}), "gus", f"wrong {attempt}")
    late = Client(headers={header: "10.0.1.1"})
    sign_in(late)
    assert not signed_in(late)


@pytest.mark.parametrize(
    "login", ["*)(uid=*", "gus' --", "%", "gus\x00", "", " ", "x" * 5000, "gus@globex.example\n"]
)
def test_odd_names_are_refused(login: str, gus: Person, client: Client) -> None:
    assert sign_in(client, login, "wrong").status_code == 200
    assert not signed_in(client)


# -- sessions ----------------------------------------------------------------------------------------------


def test_a_session_is_a_new_one_after_each_step_of_a_sign_in(gus: Person) -> None:
    secret = second_factor(Client())
    client = Client()
    client.cookies["stellwerk_session"] = "planted0planted0planted0planted0"
    seen = ["planted0planted0planted0planted0"]
    for step in (
        lambda: sign_in(client),
        lambda: client.post("/account/2fa/authenticate/", {"code": code(secret)}),
    ):
        step()
        seen.append(client.cookies["stellwerk_session"].value)
    assert signed_in(client)
    assert seen[0] not in seen[1:]
    assert seen[2] != seen[1]
    for old in seen[:2]:
        other = Client()
        other.cookies["stellwerk_session"] = old
        assert not signed_in(other)


@pytest.mark.parametrize("end", ["password", "leave", "sign-out"])
def test_a_session_ends_everywhere_at_once(end: str, gus: Person, client: Client) -> None:
    here, there, program = client, Client(), Program(gus)
    sign_in(here)
    sign_in(there)
    old = here.cookies["stellwerk_session"].value
    assert signed_in(here)
    assert signed_in(there)
    if end == "password":
        here.post("/account/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    elif end == "leave":
        transition(gus, "leave", by=SYSTEM)
    else:
        here.post("/account/logout/")
    replayed = Client()
    replayed.cookies["stellwerk_session"] = old
    assert not signed_in(replayed)
    assert signed_in(there) == (end == "sign-out")
    assert program.get("me").status_code == (200 if end in ("password", "sign-out") else 401)


def test_a_sensitive_step_asks_who_it_is_again(gus: Person, client: Client) -> None:
    client.force_login(gus)
    for path in ("2fa/totp/activate/", "2fa/webauthn/add/", "2fa/recovery-codes/generate/"):
        answer = client.get(f"/account/{path}")
        assert (answer.status_code, "reauthenticate" in answer.headers.get("Location", "")) == (302, True), (
            path
        )


# -- forgotten passwords -----------------------------------------------------------------------------------


def ask(*addresses: str) -> None:
    cache.clear()
    for address in addresses:
        Client().post("/account/password/reset/", {"email": address})
    Worker().drain()


def test_a_stranger_is_mailed_once_a_day_and_a_person_not_without_end(
    gus: Person, mailoutbox: Any, monkeypatch: Any
) -> None:
    began = timezone.now()
    for _hour in range(8):
        ask("eve@example.org", "Eve@example.org", "gus@globex.example")
    assert [sent.to for sent in mailoutbox].count(["eve@example.org"]) == 1
    assert [sent.to for sent in mailoutbox].count(["gus@globex.example"]) == 5
    for hours, number in ((23, 6), (25, 8)):
        monkeypatch.setattr("django.utils.timezone.now", lambda hours=hours: began + timedelta(hours=hours))
        ask("eve@example.org", "gus@globex.example")
        assert len(mailoutbox) == number
    forget_reset_mails(began + timedelta(hours=50))
    assert not ResetMail.objects.exists()


def test_what_is_asked_at_once_is_mailed_once(gus: Person, mailoutbox: Any) -> None:
    for _attempt in range(4):
        answer_forgotten.enqueue("eve@example.org")
    Worker().drain()
    assert [sent.to for sent in mailoutbox] == [["eve@example.org"]]


def test_a_service_account_is_sent_no_link(gus: Person, mailoutbox: Any) -> None:
    change(gus, {"is_service": True}, by=SYSTEM)
    ask("gus@globex.example")
    assert [sent for sent in mailoutbox if "/password/reset/key/" in sent.body] == []


@pytest.fixture
def hashed(settings: Any, monkeypatch: Any) -> list[str]:
    """Note each time that a password is hashed, with the hasher of an installation."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    noted: list[str] = []
    for way in ("encode", "verify"):
        real = getattr(Argon2PasswordHasher, way)
        monkeypatch.setattr(
            Argon2PasswordHasher, way, lambda *given, real=real, way=way: (noted.append(way), real(*given))[1]
        )
    return noted


@pytest.mark.parametrize("state", ["with a password", "without one", "left"])
@pytest.mark.parametrize("path", ["login", "password/reset"])
def test_known_and_unknown_names_cost_the_same_work(
    path: str, state: str, gus: Person, hashed: list[str]
) -> None:
    with_password(gus)
    if state == "without one":
        Person.objects.filter(pk=gus.pk).update(password="!")
    elif state == "left":
        transition(gus, "leave", by=SYSTEM)
    work = {}
    for name in ("gus@globex.example", "gis@globex.example", "gus", "gis"):
        cache.clear()
        hashed.clear()
        with CaptureQueriesContext(connection) as queries:
            Client().post(f"/account/{path}/", {"login": name, "email": name, "password": "wrong"})
        work[name] = len(hashed), len(queries)
    assert work["gus@globex.example"] == work["gis@globex.example"]
    assert work["gus"] == work["gis"]
    assert {hashes for hashes, _queries in work.values()} == {int(path == "login")}
