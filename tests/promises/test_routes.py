"""Who gets what at every route: the live resolver against the table in routes.py."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from stellwerk.api.endpoint import Endpoint
from stellwerk.exchange.models import ImportDraft
from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.links.services import link
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.model.routes import allowed_methods, takes_get
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.testing.fixtures import grant, make_person
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident
from stellwerk.web.models import SavedView
from tests.promises.routes import ROLES, ROUTES, Row

pytestmark = pytest.mark.django_db


def all_routes(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Walk the live resolver: each route with its view."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from all_routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, pattern.callback


LIVE = dict(all_routes(get_resolver().url_patterns))


@dataclass
class World:
    """A ticket of Gus at Maria's centre with everything that can stand beside it, and a client for each role."""

    ticket: Incident
    places: dict[str, str]
    beside: dict[str, int]
    people: dict[str, Person]

    def path(self, route: str, *, missing: bool = False) -> str:
        """Fill in a route's places; `missing` names a record that does not exist."""
        places = {**self.places, **({"<str:reference>": "INC-999999"} if missing else {})}
        pk = next((pk for word, pk in self.beside.items() if word in route), 1)
        path = re.sub(r"<int:(pk|id)>", str(pk), route)
        for place, value in places.items():
            path = path.replace(place, value)
        return "/" + re.sub(r"[\^$]|\(\?P<\w+>.*?\)(?=[-/])", "", path)

    def client(self, role: str) -> Client:
        client = Client(raise_request_exception=False)
        if role in self.people:
            client.force_login(self.people[role])
        return client


@pytest.fixture
def world(
    maria: Person,
    agent: Person,
    gus: Person,
    nobody: Person,
    root: Person,
    other_centre: Party,
    centre: Party,
) -> World:
    viewer, outsider = make_person("Vera", centre), make_person("Otto", other_centre)
    grant(viewer, Role.VIEWER, centre)
    grant(outsider, Role.MANAGER, other_centre)
    ticket = create(Incident, {"title": "No mail", "requester": gus, "party": centre}, by=SYSTEM)
    other = create(Incident, {"title": "No web", "requester": gus, "party": centre}, by=SYSTEM)
    said = comment(ticket, "We are on it.", by=agent)
    file = attach(ticket, ContentFile(b"log", "a.txt"), "a.txt", by=agent)
    tied = link(ticket, "related", other, by=agent)
    view = SavedView.objects.create(kind="incident", name="Mine", owner=maria)
    draft = ImportDraft.objects.create(
        person=root, record_type="incident", name="roots.csv", key="reference", content=b"title\n"
    )
    places = {"<int:number>": "2", "<str:reference>": ticket.reference, "<type:record_type>": "incidents"}
    places |= {
        "<str:name>": "title",
        "<slug:name>": "reopen",
        "<slug:kind>": "incident",
        "<str:step>": "begin",
    }
    places |= {"<str:person>": agent.reference, "<str:place>": f"reply:{ticket.reference}"}
    beside = {
        "files": file.pk,
        "attachments": file.pk,
        "comments": said.pk,
        "links": tied.pk,
        "views": view.pk,
        "import": draft.pk,
        "shares": Share.objects.get(record=ticket.pk, person=gus).pk,
        "notifications": Notification.objects.filter(person=gus).earliest("pk").pk,
    }
    people = {"nobody": nobody, "outsider": outsider, "gus": gus, "viewer": viewer}
    people |= {"agent": agent, "maria": maria, "root": root}
    return World(ticket, places, beside, people)


def test_every_route_has_a_row() -> None:
    assert sorted(set(LIVE) - set(ROUTES)) == []
    assert sorted(set(ROUTES) - set(LIVE)) == []


def methods_of(view: Any) -> set[str]:
    """Return the methods that a view answers to, HEAD and OPTIONS aside; a view that does not ask has GET and POST."""
    if isinstance(view, Endpoint):
        return set(view.operations)
    allowed = allowed_methods(view)
    if allowed is None and (page := getattr(view, "view_class", None)):
        allowed = {name.upper() for name in page.http_method_names if hasattr(page, name)}
    return ({"GET", "POST"} if allowed is None else set(allowed)) - {"HEAD", "OPTIONS"}


def test_every_method_has_a_row() -> None:
    """PUT is POST by another name on pages that are classes, none of ours."""
    without = [
        (route, method)
        for route, view in LIVE.items()
        for method in methods_of(view)
        if method not in {row.method for row in ROUTES.get(route, ())}
        and not (method == "PUT" and "POST" in methods_of(view))
    ]
    assert without == []


@pytest.mark.parametrize("role", ["anonymous", "gus", "root"])
def test_other_methods_answer_nothing_more(role: str, world: World) -> None:
    client = world.client(role)
    entries = Entry.objects.count()
    for route, view in LIVE.items():
        path, rows = world.path(route), {row.method: row for row in ROUTES[route]}
        for method in METHODS - methods_of(view):
            cache.clear()
            mark = transaction.savepoint()
            got = answer(client, method, path).status_code
            if "GET" in rows and (method == "HEAD" or got < 300):
                # A page that asks for no method answers others as it answers GET.
                assert got == answer(client, "GET", path).status_code or method == "OPTIONS", (method, route)
            else:
                assert got in (302, 401, 403, 404, 405), (method, route)
            transaction.savepoint_rollback(mark)
    assert Entry.objects.count() == entries


METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


TRIED = [(route, row) for route in sorted(set(LIVE) & set(ROUTES)) for row in ROUTES[route]]
OF_RECORDS = [(route, row) for route, row in TRIED if "<str:reference>" in route]


def names(tried: list[tuple[str, Row]]) -> list[str]:
    return [f"{row.method} {route}" for route, row in tried]


@pytest.mark.parametrize(("route", "row"), TRIED, ids=names(TRIED))
def test_everyone_gets_what_the_table_says(route: str, row: Row, world: World) -> None:
    cache.clear()  # throttles of the sign-in would answer instead
    got = {}
    for role in ROLES:
        mark = transaction.savepoint()
        got[role] = answer(world.client(role), row.method, world.path(route)).status_code
        transaction.savepoint_rollback(mark)
    assert got == dict(zip(ROLES, map(int, row.answers.split()), strict=True))


@pytest.mark.parametrize(("route", "row"), OF_RECORDS, ids=names(OF_RECORDS))
def test_foreign_and_missing_are_told_apart_by_nothing(route: str, row: Row, world: World) -> None:
    for role in ("nobody", "outsider"):
        foreign = answer(world.client(role), row.method, world.path(route))
        missing = answer(world.client(role), row.method, world.path(route, missing=True))
        assert foreign.status_code == missing.status_code == 404
        assert told(foreign, world) == told(missing, world)


FORM = re.compile(r'<form\b[^>]*method="post".*?</form>', re.DOTALL)
UNMARKED = re.compile(
    r'action="(/account/(logout|login|reauthenticate|preferences|password|sessions|2fa|signup)/|/records/[^"]*/order/)'
)
"""Forms of the sign-in, which count by themselves, and those that set what is seen how, as often as one likes."""


@pytest.mark.parametrize("role", ["gus", "agent", "root"])
def test_every_form_on_a_page_carries_a_mark(role: str, world: World) -> None:
    client, forms = world.client(role), []
    for route, view in LIVE.items():
        if "GET" in methods_of(view) and not route.startswith(("api/", "account/2fa", "account/password")):
            page = client.get(world.path(route))
            if not page.streaming:
                forms += [(route, form) for form in FORM.findall(page.content.decode(errors="replace"))]
    without = [
        (route, form[:200])
        for route, form in forms
        if 'name="once" value="' not in form and not UNMARKED.search(form)
    ]
    assert without == []
    assert len([form for _route, form in forms if 'name="once"' in form]) >= (5 if role == "gus" else 20)


def answer(client: Client, method: str, path: str) -> Any:
    form = "application/json" if "/api/" in path else "application/x-www-form-urlencoded"
    return client.generic(method, path, b"{}" if method in ("POST", "PUT", "PATCH") else b"", form)


def told(response: Any, world: World) -> str:
    """The body without what differs from answer to answer: the address asked for, tokens and nonces."""
    chunks = response.streaming_content if response.streaming else [response.content]
    text = b"".join(chunks).decode().replace(world.ticket.reference, "INC-999999")
    return re.sub(r'(csrfmiddlewaretoken" value=|X-CSRFToken": |nonce=|name="once" value=)"[^"]+"', "", text)


def test_signing_in_leads_to_no_address_that_answers_no_browser(world: World) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(world.people["root"])
    for route in ROUTES:
        path = world.path(route)
        if takes_get(path) and "api/" not in route and "logout" not in route:
            assert client.get(path).status_code != 405, route
