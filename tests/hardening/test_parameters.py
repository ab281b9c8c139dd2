"""What stands in an address decides nothing that was not meant to be decided there: every parameter of every route."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.db import connection
from django.http import QueryDict
from django.test import Client

from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident
from tests.promises.test_routes import TRIED, World, world

__all__ = ["world"]  # a fixture

pytestmark = pytest.mark.django_db

HOSTILE = [
    "'",
    '" OR 1=1 --',
    "1) UNION SELECT password FROM kernel_person --",
    "'; DROP TABLE kernel_record; --",
    "%",
    "_%\\",
    "\x00",
    "\ud800",
    "9" * 400,
    "-9223372036854775809",
    "1e400",
    "nan",
    "٣",
    "²",
    "[]",
    '{"$gt": ""}',
    "password",
    "-owner__password",
    "__class__.__init__.__globals__",
    "../../../etc/passwd",
    "0000-00-00",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01",
    "0001-01-01T00:00:00+14:00",
    "me,none,me",
    " ",
    "é" * 3000,
    "\r\nSet-Cookie: x=1",
    "NaN:NaN",
    "1:2:3,4|5",
    "W1tb" * 1000,
]
NOT_FILTERS = [
    "requester__password__startswith",
    "requester__username__regex",
    "assigned_to__tokens__key_hash__gt",
    "title__regex",
    "title__contains",
    "status__in",
    "id__in",
    "pk",
    "record_ptr",
    "record_ptr__journal_head__startswith",
    "shares__person",
    "comments__body__contains",
    "entries__changes__contains",
    "custom",
    "custom__secret",
    "custom.secret",
    "custom.secret__contains",
    "custom.seen__contains",
    "custom.seen__0",
    "custom.seen' OR '1'='1",
    "created_at__year",
    "created_at__gte__lt",
    "__class__",
    "_connector",
    "_negated",
    "kind",
    "open_to_all",
    "journal_seal",
    'status"',
    "status) OR (1=1",
]
NOT_ORDERS = [
    "requester__password",
    "-requester__username",
    "password",
    "?",
    "--status",
    "pk",
    "journal_head",
    "custom.seen",
    "custom__seen",
    "status,title",
    "status)",
    "1",
    "random()",
    "title__len",
]


class Reading:
    """Notes which parameters of an address a page reads, and how many queries it asks."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.queries = 0

    @contextmanager
    def on(self) -> Iterator["Reading"]:
        real = {name: getattr(QueryDict, name) for name in ("get", "getlist", "__getitem__")}

        def noting(method: str) -> Any:
            def noted(params: QueryDict, name: str, *rest: Any) -> Any:
                if not params._mutable:  # type: ignore[attr-defined]  # forms read copies of what was posted
                    self.names.add(name)
                return real[method](params, name, *rest)

            return noted

        def count(execute: Any, *given: Any) -> Any:
            self.queries += 1
            return execute(*given)

        with pytest.MonkeyPatch.context() as patch, connection.execute_wrapper(count):
            for method in real:
                patch.setattr(QueryDict, method, noting(method))
            yield self


def asked(client: Client, path: str, **parameters: Any) -> tuple[Any, Reading]:
    query = "&".join(
        f"{quote(name)}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in parameters.items()
    )
    with Reading().on() as reading:
        answer = client.get(f"{path}?{query}")
        if answer.streaming:
            b"".join(answer.streaming_content)
    return answer, reading


def read_by(route: str, client: Client, path: str) -> list[str]:
    """List the parameters that a route reads; what selects records is declared by their type."""
    names = asked(client, path)[1].names - {"next"}
    if route in SELECTING:
        kind = registry.get("incident")
        names |= {*kind.filters, "q", "ordering", "open", "created_at__gte", "updated_at__lt", "custom.seen"}
    return sorted(names)


SELECTING = {
    "<type:record_type>/": "incidents/",
    "<type:record_type>/export/": "incidents/export/",
    "api/v1/<type:record_type>": "api/v1/incidents",
}
STEP = 6
"""A parameter of a page is given every sixth value, another sixth than the one before; all are tried at the API."""
MORE_QUERIES = 15
"""What a value may cause to be asked that is not without it, such as a search over all types."""


@pytest.mark.slow
@pytest.mark.parametrize("role", ["maria", "gus"])
def test_no_value_of_any_parameter_of_any_page_is_more_than_a_value(role: str, world: World) -> None:
    create(CustomField, {"title": "Seen", "target": "incident", "name": "seen", "type": "number"}, by=SYSTEM)
    client, tried = world.client(role), 0
    readable = {route for route, row in TRIED if row.method == "GET"} if role == "maria" else set()
    for route in sorted(readable | set(SELECTING)):
        path = world.path(route)
        cache.clear()
        plain = asked(client, path)[1].queries
        for name in read_by(route, client, path):
            for value in HOSTILE if "api/" in route and role == "maria" else HOSTILE[tried % STEP :: STEP]:
                answer, reading = asked(client, path, **{name: value})
                assert answer.status_code < 500, (route, name, value)
                assert reading.queries <= plain + MORE_QUERIES, (route, name, value)
                assert "Set-Cookie" not in answer.headers, (route, name, value)
                tried += 1
    assert tried > 150


@pytest.mark.parametrize("route", SELECTING)
@pytest.mark.parametrize("role", ["maria", "gus", "root"])
def test_a_list_is_selected_and_ordered_by_what_is_declared_alone(
    role: str, route: str, world: World
) -> None:
    client = world.client(role)
    # Lists are for staff: requesters are led to their own tickets, whatever they ask.
    refused = (302,) if (role, route) == ("gus", "<type:record_type>/") else (400, 422)
    for name in NOT_FILTERS:
        answer, _reading = asked(client, f"/{SELECTING[route]}", **{name: "x"})
        assert answer.status_code in refused, name
    for order in NOT_ORDERS:
        answer, _reading = asked(client, f"/{SELECTING[route]}", ordering=order)
        assert answer.status_code in refused, order


def test_a_parameter_given_twice_never_shows_more(world: World, other_centre: Party, maria: Person) -> None:
    create(Incident, {"title": "Theirs", "requester": maria, "party": other_centre}, by=SYSTEM)
    client = world.client("agent")
    plain = client.get("/api/v1/incidents").json()["items"]
    for query in (
        "party=none&party=PTY-000001",
        "open=no&open=yes",
        "q=x&q=",
        "limit=1&limit=100",
        "ordering=title&ordering=-title",
    ):
        answer = client.get(f"/api/v1/incidents?{query}")
        assert answer.status_code in (200, 422), query
        told = answer.json().get("items", [])
        assert {each["reference"] for each in told} <= {each["reference"] for each in plain}, query
