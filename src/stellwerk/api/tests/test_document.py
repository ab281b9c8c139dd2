"""The OpenAPI document: committed, valid, and kept by the API itself, whoever asks."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as how
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from stellwerk.api import document, urls
from stellwerk.api.operation import OPERATIONS
from stellwerk.api.tests.conftest import Program
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.testing.families import for_crawls

DOCS = Path(__file__).resolve().parents[4] / "docs"


def test_the_committed_document_is_the_one_that_the_declarations_give() -> None:
    assert (DOCS / "openapi.json").read_text(encoding="utf-8") == document.text(), "run `make docs`"


def test_operation_ids_are_unique_and_stable() -> None:
    ids = [each["operationId"] for path in document.build()["paths"].values() for each in path.values()]
    assert len(ids) == len(set(ids))
    assert {"Incident_list", "Incident_create", "Incident_takeResolve", "getMe", "search"} <= set(ids)


def test_every_operation_of_every_type_is_in_the_document() -> None:
    paths = document.build()["paths"]
    for record_type in registry.all_types():
        for operation in OPERATIONS:
            if operation.of_a_type and not operation.per_step:
                path = "/api/v1/" + operation.path.replace("{type}", record_type.slug)
                assert operation.method.lower() in paths[path]
    assert len(urls.urlpatterns) < 25, "addresses must not grow with the number of types"


def test_choices_are_enumerations() -> None:
    schemas = document.build()["components"]["schemas"]
    assert schemas["IncidentImpact"]["enum"] == ["high", "medium", "low"]
    assert schemas["IncidentPriority"]["enum"] == [1, 2, 3, 4, 5]
    assert schemas["IncidentStatus"]["enum"] == [
        "new",
        "in_progress",
        "waiting",
        "resolved",
        "closed",
        "cancelled",
    ]


def test_the_served_document_knows_the_custom_fields(as_maria: Program) -> None:
    assert as_maria.get("openapi.json").json()["openapi"] == "3.1.0"


def test_creating_asks_so_many_queries(as_maria: Program, gus: Person, desk: Any) -> None:
    """The exact count guards the speed of the busiest write."""
    body = {"title": "Mail is down", "requester": gus.pk, "team": desk.pk, "description": "Since nine."}
    as_maria.post("incidents", body)
    with CaptureQueriesContext(connection) as queries:
        assert as_maria.post("incidents", body).status_code == 201
    assert len(queries) == CREATE_QUERIES[connection.vendor], "\n".join(q["sql"][:100] for q in queries)


CREATE_QUERIES = {"sqlite": 11, "postgresql": 11}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = int(os.environ.get("STELLWERK_FUZZ_EXAMPLES") or 5)
"""Requests per operation: three of five are valid. `make fuzz` takes more."""
SEED = os.environ.get("STELLWERK_FUZZ_SEED") or ""
# All types run the same code: who differs in access is asked on a few, Maria on all, which keeps this under a minute.
REPRESENTATIVE = ("incidents", "people", "general")
RULES = {"not-found", "forbidden", "stale", "version-required", "malformed"}
"""Problems of docs/api.md that name no field: rights, the version that a write is based on, half characters in a text."""


def seed_of_the_run() -> int:
    """Return a seed that is another with each commit, and can be given again; it is told where a request fails."""
    commit = (
        SEED
        or subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=DOCS, capture_output=True, text=True, check=False
        ).stdout.strip()
    )
    return int(commit[:12] or "0", 16)


@contextmanager
def within_the_transaction() -> Iterator[None]:
    """Keep the end of a request from closing the connection on which the test runs."""
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    yield
    for signal in ends:
        signal.connect(close_old_connections)


def on_this_machine(app: Any) -> Any:
    """Let requests come from this machine: tokens are taken over https or from here only, all else is 403."""
    return lambda environ, start: app({**environ, "REMOTE_ADDR": "127.0.0.1"}, start)


@schemathesis.check
def a_refusal_names_field_or_rule(_context: Any, response: Any, case: Any) -> None:
    """Let nothing be refused that the document allows, unless it is said which value or which rule is at fault."""
    if response.status_code < 400 and response.status_code != 207:
        return
    told = response.json()
    for problem in [each["problem"] for each in told.get("results", []) if "problem" in each] or [told]:
        rule = problem["type"].rpartition(":")[2]
        # Steps say from which state they lead.
        step = "/transitions/" in case.path and "isn't possible while" in problem["detail"]
        assert problem.get("errors") or rule in RULES or step, f"{case.method} {case.path}: {problem}"


@schemathesis.check
def what_does_not_fit_is_refused(context: Any, response: Any, case: Any) -> None:
    """Let nothing be taken that the document does not allow; one value where a list is meant is a list of one."""
    lists = {each.name for each in case.operation.query if each.definition["schema"].get("type") == "array"}
    alone = [
        name for name, value in (case.query or {}).items() if name in lists and not isinstance(value, list)
    ]
    if not 400 <= response.status_code < 500 and not alone:
        negative_data_rejection(context, response, case)


@pytest.mark.slow
@pytest.mark.parametrize("who", ["maria", "gus", "nobody"])
def test_whatever_is_sent_the_answer_is_as_documented(
    who: str, request: pytest.FixtureRequest, ticket: dict[str, Any]
) -> None:
    program: Program = request.getfixturevalue(f"as_{who}")
    api = schemathesis.openapi.from_dict(dict(document.build()))
    api.app = on_this_machine(get_wsgi_application())
    existing = dict(Record.objects.values_list("kind", "reference"))
    crawled = {"general", *(each.slug for each in for_crawls())}
    references = {each.slug: existing.get(each.key, f"{each.prefix}-999999") for each in registry.all_types()}
    for found in api.get_all_operations():
        operation: Any = found.ok()
        if operation.tags[0] not in (crawled if who == "maria" else REPRESENTATIVE):
            continue
        places = {"reference": references.get(operation.tags[0], ""), "id": 1, "person": "me"}
        with within_the_transaction():
            wrong = EXAMPLES * 2 // 5
            send_examples(operation, places, program, GenerationMode.POSITIVE, EXAMPLES - wrong)
            if operation.body or operation.query:
                send_examples(operation, places, program, GenerationMode.NEGATIVE, wrong)


def test_each_link_leads_to_what_was_made(as_maria: Program, gus: Person, ticket: dict[str, Any]) -> None:
    operations = {
        described["operationId"]: (method.upper(), path.removeprefix(document.ROOT), described)
        for path, methods in document.build()["paths"].items()
        for method, described in methods.items()
    }
    other = as_maria.post("incidents", {"title": "Mail is down", "requester": gus.pk}).json()
    bodies = {
        "create": {"title": "The printer is on fire", "requester": gus.pk},
        "addLink": {"type": "related", "target": other["reference"]},
        "addWatcher": {"person": "me"},
    }
    linked = {
        name.removeprefix("Incident_"): next(
            answer["links"] for answer in described["responses"].values() if "links" in answer
        )
        for name, (_method, _path, described) in operations.items()
        if name.startswith("Incident_") and any("links" in each for each in described["responses"].values())
    }
    followed = set()
    for name, links in linked.items():
        _method, path, _described = operations[f"Incident_{name}"]
        for link in links.values():
            where = path.format(reference=ticket["reference"])
            sent = (
                as_maria.upload(where, file=SimpleUploadedFile("a.txt", b"a"))
                if name == "addAttachment"
                else None
            )
            made = (sent or as_maria.post(where, bodies[name])).json()
            method, target, _described = operations[link["operationId"]]
            places = {
                place: ticket["reference"]
                if expression == "$request.path.reference"
                else made[expression[16:]]
                for place, expression in link["parameters"].items()
            }
            headers = {"If_Match": f'"{made["version"]}"'} if method == "PATCH" else {}
            answer = as_maria.ask(
                method, target.format(**places), {} if method == "PATCH" else None, **headers
            )
            assert answer.status_code in (200, 204), f"{link}: {answer.status_code}"
            followed.add(link["operationId"].removeprefix("Incident_"))
    assert followed == {
        "get",
        "change",
        "getAttachment",
        "removeAttachment",
        "removeLink",
        "removeWatcher",
    }


@pytest.mark.slow
@pytest.mark.parametrize("who", ["maria", "gus", "nobody"])
def test_what_was_made_is_there_where_the_document_says(
    who: str, request: pytest.FixtureRequest, ticket: dict[str, Any]
) -> None:
    """Follow the document's links from what was made to reading, changing and removing it, in sequences of requests."""
    program: Program = request.getfixturevalue(f"as_{who}")
    described = document.build()
    described["paths"] = {
        path: operations
        for path, operations in described["paths"].items()
        if path.startswith("/api/v1/incidents") and "/transitions/" not in path
    }
    api = schemathesis.openapi.from_dict(dict(described))
    api.app = on_this_machine(get_wsgi_application())
    reached: dict[str, set[int]] = {}

    @seed(seed_of_the_run())
    class Sequence(api.as_state_machine()):  # type: ignore[misc]
        def before_call(self, case: Any) -> None:
            # What no link has led to is asked of the ticket that is there.
            place = (case.path_parameters or {}).get("reference")
            if place and not Record.objects.filter(reference=place).exists():
                case.path_parameters["reference"] = ticket["reference"]

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": {"Authorization": f"Bearer {program.secret}"}}

        def validate_response(self, response: Any, case: Any, **_more: Any) -> None:
            operation = case.operation.definition.raw["operationId"]
            reached.setdefault(operation, set()).add(response.status_code)
            case.validate_response(response, checks=CHECKS)

    with within_the_transaction():
        Sequence.run(
            settings=how(
                max_examples=EXAMPLES,
                stateful_step_count=10,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
        )
    assert {"Incident_create", "Incident_addAttachment"} <= set(reached)


def send_examples(
    operation: Any, places: dict[str, Any], program: Program, mode: GenerationMode, many: int
) -> None:
    """Send what the document allows, or does not, to places that exist, and compare the answers with the document."""
    own = {each.name: places[each.name] for each in operation.path_parameters}
    judged = (
        a_refusal_names_field_or_rule if mode == GenerationMode.POSITIVE else what_does_not_fit_is_refused
    )

    @seed(seed_of_the_run())
    @given(operation.as_strategy(mode, path_parameters=own))
    @how(
        max_examples=many,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case: Any) -> None:
        case.call_and_validate(
            headers={"Authorization": f"Bearer {program.secret}"}, checks=[*CHECKS, judged]
        )

    send()
