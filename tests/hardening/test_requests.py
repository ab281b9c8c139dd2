"""What browsers can be tricked into: forged posts, changing GETs, missing headers, poisoned hosts, open redirects."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.core import mail
from django.core.cache import cache
from django.test import Client

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.jobs.worker import Worker
from tests.promises.test_routes import TRIED, World, world

pytestmark = pytest.mark.django_db
__all__ = ["world"]  # a fixture

FORM = "application/x-www-form-urlencoded"
FORGERY_PROOF = {"alive"}
"""Routes that answer to POST without a token because they do nothing at all."""
NOTED_WHEN_READ = {"Session", "UserSession", "Notification", "SearchEntry"}
"""When a session was used, and that what was shown has been seen. Search entries follow from the records, and the
full-text index of SQLite counts in a column who reads them."""


@pytest.fixture(autouse=True)
def no_throttle() -> None:
    cache.clear()


def routes(method: str) -> list[str]:
    """List the routes that answer to a method; those that need a secret in the address are not there without."""
    return sorted({route for route, row in TRIED if row.method == method and set(row.answers) != set("40 ")})


def test_every_post_without_its_token_is_refused(world: World) -> None:
    clients = {name: Client(enforce_csrf_checks=True) for name in ("anonymous", "maria")}
    clients["maria"].force_login(world.people["maria"])
    before = database()
    for route in routes("POST"):
        for name, client in clients.items():
            refusal = 401 if "api/" in route and name == "anonymous" else 403
            answer = client.post(world.path(route), b"{}", "application/json" if "api/" in route else FORM)
            if route not in FORGERY_PROOF:
                assert (route, answer.status_code) == (route, refusal)
    assert database() == before


def test_a_post_from_another_site_is_refused_even_with_a_token(maria: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(maria)
    token = re.search(r'"X-CSRFToken": "([^"]+)"', client.get("/account/").content.decode())
    assert token
    for headers, status in (({}, 204), ({"origin": "https://evil.example"}, 403)):
        answer = client.post("/draft/x/", {"body": "x"}, headers={"x-csrftoken": token[1], **headers})
        assert answer.status_code == status


def test_reading_changes_nothing_and_every_answer_carries_its_headers(world: World) -> None:
    for role in ("anonymous", "gus", "maria", "root"):
        client = world.client(role)
        client.get("/portal/")
        before = database()
        for route in routes("GET"):
            response = client.get(world.path(route))
            assert faults_of(response) == [], (role, route)
            if response.wsgi_request.user.is_authenticated and route != "alive":
                assert "no-" in response.headers.get("Cache-Control", ""), (role, route)
        assert database() == before, role


def database() -> dict[str, list[Any]]:
    """Copy every table, what is noted of readers left out."""
    return {
        model.__name__: list(model._default_manager.order_by("pk").values_list())
        for model in apps.get_models(include_auto_created=True)
        if model.__name__ not in NOTED_WHEN_READ
    }


def faults_of(response: Any) -> list[str]:
    """List what is missing among the headers of an answer."""
    headers, faults = response.headers, []
    wanted = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
    }
    wanted |= {"Cross-Origin-Opener-Policy": "same-origin"}
    faults += [name for name, value in wanted.items() if headers.get(name) != value]
    policy = {part.split()[0]: part.split()[1:] for part in headers["Content-Security-Policy"].split(";")}
    if "sandbox" not in policy:  # as files are sent, which may do nothing at all
        for name in ("object-src", "base-uri", "frame-ancestors"):
            faults += [name] if policy.get(name) != ["'none'"] else []
    scripts = policy.get("script-src", policy["default-src"])
    faults += [
        word for word in scripts if "unsafe" in word or word in ("*", "http:", "https:", "data:", "blob:")
    ]
    for cookie in response.cookies.values():
        faults += [] if cookie["httponly"] and cookie["samesite"] == "Lax" else [cookie.key]
    if headers.get("Content-Type", "").startswith("text/") and "charset=utf-8" not in headers["Content-Type"]:
        faults.append(headers["Content-Type"])
    return faults


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"x-forwarded-host": "evil.example"},
        {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"},
        {"x-forwarded-proto": "gopher", "x-forwarded-port": "1"},
        {"host": "testserver:1@evil.example"},
        {"host": "testserver:8443"},
        {"host": "testserver."},
        {"host": "localhost:8443"},
    ],
)
def test_no_header_decides_where_the_link_of_a_password_reset_leads(
    headers: dict[str, str], client: Client, gus: Person
) -> None:
    gus.set_password("a long enough secret")
    gus.save()
    answer = client.post("/account/password/reset/", {"email": gus.email}, headers=headers)
    Worker().drain()
    links = re.findall(r"https?://[^\s]+", "".join(str(sent.body) for sent in mail.outbox))
    if answer.status_code == 400:
        assert links == []
    else:
        assert links != []
        assert [link for link in links if not re.match(r"http://testserver(/|$)", link)] == []
        assert [sent.subject for sent in mail.outbox] == ["Your new password"]


ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "javascript:alert(1)",
    "http:evil.example",
    "https://testserver@evil.example/",
    "/%09/evil.example",
    "\t//evil.example",
]


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_no_parameter_leads_to_another_site(elsewhere: str, client: Client, maria: Person) -> None:
    maria.set_password("a long enough secret")
    maria.save()
    credentials = {"login": "maria", "password": "a long enough secret", "next": elsewhere}
    answer = client.post(f"/account/login/?next={elsewhere}", credentials)
    assert answer.status_code == 302
    places = [answer["Location"]]
    for path in ("/account/preferences/", "/account/logout/"):
        answer = client.post(path, {"next": elsewhere, "theme": "dark"})
        places.append(answer.headers.get("Location", "/"))
        client.force_login(maria)
    for place in places:
        assert re.match(r"/(?![/\\\t])", place), place
        assert "\t" not in place
