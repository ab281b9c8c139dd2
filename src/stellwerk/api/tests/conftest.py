"""Programs that act for Maria, Gus and Nobody."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from stellwerk.api import endpoint
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.identity.tokens import issue_token
from stellwerk.kernel.model import numbering, registry
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.fixtures import grant


class Program:
    """Another program with a token; speaks JSON."""

    def __init__(self, person: Person, *scopes: str) -> None:
        self.token, self.secret = issue_token(person, "a test", scopes or ("read", "write"))
        self._client = Client(raise_request_exception=False)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent: dict[str, Any] = {} if body is None else {"data": body, "content_type": "application/json"}
        return self._client.generic(
            method,
            f"/api/v1/{path}",
            headers={"authorization": f"Bearer {self.secret}", **given},
            **_encoded(sent),
        )

    def get(self, path: str, **headers: str) -> Any:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.ask("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.ask("PATCH", path, body, **headers)

    def upload(self, path: str, **form: Any) -> Any:
        return self._client.post(f"/api/v1/{path}", form, headers={"authorization": f"Bearer {self.secret}"})


def _encoded(sent: dict[str, Any]) -> dict[str, Any]:
    if "data" in sent and not isinstance(sent["data"], str | bytes):
        sent["data"] = json.dumps(sent["data"])
    return sent


@pytest.fixture(autouse=True)
def no_rate_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint.LIMIT, "per_minute", 0)


@pytest.fixture(autouse=True)
def numbers_begin_at_one(db: None) -> None:
    """Sequences of PostgreSQL are not rolled back after a test."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for record_type in registry.all_types():
                cursor.execute("SELECT setval(%s, 1, false)", [numbering.sequence_name(record_type.prefix)])
        numbering.prepare(
            [record_type.prefix for record_type in registry.all_types()]
        )  # some records are there


@pytest.fixture
def as_maria(maria: Person, gus: Person) -> Program:
    """Maria's program; she also looks after Globex's people."""
    grant(maria, Role.VIEWER, gus.party)
    return Program(maria)


@pytest.fixture
def as_gus(gus: Person) -> Program:
    return Program(gus)


@pytest.fixture
def as_root(root: Person) -> Program:
    return Program(root)


@pytest.fixture
def as_nobody(nobody: Person) -> Program:
    return Program(nobody)


@pytest.fixture
def ticket(as_maria: Program, gus: Person, desk: Team) -> dict[str, Any]:
    """Gus's incident, as the API tells it to Maria."""
    body = {"title": "Mail is down", "requester": gus.reference, "team": desk.reference, "impact": "high"}
    answer = as_maria.post("incidents", body)
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found
