"""Everything that is wrong with a request before its content: who asks, how often, in what form."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from stellwerk.api import endpoint
from stellwerk.api.rates import RateLimit
from stellwerk.api.tests.conftest import Program
from stellwerk.kernel.identity import tokens
from stellwerk.kernel.identity.api_token import ApiToken
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import shared_cache
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write import services
from stellwerk.processes.incidents.incident import Incident


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer sw_wrong", "Basic bWFyaWE6eA==", "Token x", "Bearer \u00e9"]
)
@pytest.mark.parametrize(
    "path", ["me", "incidents", "incidents/INC-000001", "nothing/here", "", "openapi.json"]
)
def test_without_a_valid_token_everything_is_401(db: None, header: str | None, path: str) -> None:
    answer = Client().get(f"/api/v1/{path}", headers={} if header is None else {"authorization": header})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json()["type"] == "urn:stellwerk:problem:not-signed-in"


def test_only_the_hash_of_a_token_is_kept(maria: Person) -> None:
    token, secret = tokens.issue_token(maria, "Sync", ["read"])
    assert secret.startswith("sw_")
    assert len(secret) == 46
    kept = ApiToken.objects.values_list().get(pk=token.pk)
    assert secret not in map(str, kept)
    assert token.hint == secret[:10]


@pytest.mark.parametrize(
    ("name", "scopes", "days", "fault"),
    [
        ("", ["read"], 1, "name"),
        ("x", [], 1, "scopes"),
        ("x", ["admin"], 1, "scopes"),
        ("x", ["read"], -1, "expires_at"),
    ],
)
def test_a_token_that_makes_no_sense_is_not_issued(
    maria: Person, name: str, scopes: list[str], days: int, fault: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        tokens.issue_token(maria, name, scopes, expires_at=timezone.now() + timedelta(days=days))
    assert list(refused.value.message_dict) == [fault]
    assert not ApiToken.objects.exists()


def past_the_verbs(**values: Any) -> None:
    """Change the tokens in a way of which no process is told."""
    ApiToken.objects.update(**values)
    shared_cache.SHARED.clear()


def test_a_revoked_or_expired_token_and_one_of_a_former_person_are_refused(maria: Person) -> None:
    program = Program(maria)
    assert program.get("me").status_code == 200
    past_the_verbs(expires_at=timezone.now())
    assert program.get("me").status_code == 401
    past_the_verbs(expires_at=None)
    tokens.revoke(program.token)
    assert program.get("me").status_code == 401
    past_the_verbs(revoked_at=None)
    services.transition(maria, "leave", by=SYSTEM)
    assert program.get("me").status_code == 401


def test_the_use_of_a_token_is_noted_once_a_minute(maria: Person) -> None:
    program = Program(maria)
    program.get("me")
    first = ApiToken.objects.get().last_used_at
    program.get("me")
    assert ApiToken.objects.get().last_used_at == first
    past_the_verbs(last_used_at=timezone.now() - timedelta(seconds=61))
    program.get("me")
    assert ApiToken.objects.filter(last_used_at__gt=first).exists()


def test_a_token_does_what_its_scopes_allow(maria: Person, ticket: dict[str, Any]) -> None:
    reads, writes = Program(maria, "read"), Program(maria, "write")
    assert reads.get("incidents").status_code == 200
    refused = reads.post("incidents/INC-000001/comments", {"body": "x"})
    assert (refused.status_code, refused.json()["detail"]) == (
        403,
        "This token doesn't have the scope “write”. Use one that does.",
    )
    assert writes.get("incidents").status_code == 403
    assert writes.post("incidents/INC-000001/comments", {"body": "x"}).status_code == 201


def test_a_session_reads_and_writes_only_with_its_csrf_token(maria: Person, ticket: dict[str, Any]) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(maria)
    assert browser.get("/api/v1/me").json()["username"] == "maria"
    path = "/api/v1/incidents/INC-000001/comments"
    refused = browser.post(path, {"body": "x"}, content_type="application/json")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:stellwerk:problem:csrf")
    secret = "a" * 32
    browser.cookies["stellwerk_csrf"] = secret
    answer = browser.post(
        path, {"body": "x"}, content_type="application/json", headers={"x-csrftoken": secret}
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'"x"', "application/json", 400),
        (b"", "application/json", 415),
        (b"\xff\xfe", "application/json", 400),
        (b'{"title": NaN}', "application/json", 400),
        (b'{"title": "\\u0000"}', "application/json", 400),
        (b'{"title": "a", "title": "b"}', "application/json", 400),
        (b'{"title": "a", "custom": {"x": 1, "\\u0078": 2}}', "application/json", 400),
        (b'{"title": "\\ud800"}', "application/json", 400),
        (b'{"\\u0000": 1}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"9" * 5000, "application/json", 400),
        (b"title=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(maria: Person, body: bytes, kind: str, status: int) -> None:
    program = Program(maria)
    answer = Client().generic(
        "POST",
        "/api/v1/incidents",
        body,
        content_type=kind,
        headers={"authorization": f"Bearer {program.secret}"},
    )
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert not Incident.objects.exists()


def test_a_key_that_is_given_twice_is_named(maria: Person) -> None:
    answer = Client().generic(
        "POST",
        "/api/v1/incidents",
        b'{"title": "a", "title": "b"}',
        content_type="application/json",
        headers={"authorization": f"Bearer {Program(maria).secret}"},
    )
    assert answer.json()["detail"] == "The body isn't valid JSON: “title” is given twice in one object."


def test_too_large_a_body_is_refused(as_maria: Program, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = as_maria.post("incidents", {"title": "x" * 1000})
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:stellwerk:problem:too-large")


def test_a_text_of_a_megabyte_is_kept_whole(as_maria: Program, gus: Person) -> None:
    text = "ü€" * 500_000
    answer = as_maria.post("incidents", {"title": "Long", "requester": gus.pk, "description": text})
    assert answer.status_code == 201
    assert Incident.objects.get().description == text


def test_other_methods_are_told_which_there_are(as_maria: Program) -> None:
    answer = as_maria.ask("DELETE", "incidents")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, POST")
    assert as_maria.ask("HEAD", "incidents").status_code == 200


def test_nothing_is_redirected_and_no_header_changes_the_method_or_the_host(
    as_maria: Program, ticket: dict[str, Any]
) -> None:
    with_a_slash = as_maria.get("incidents/")
    assert (with_a_slash.status_code, with_a_slash.json()["detail"]) == (
        404,
        "API addresses don't end with a slash. Remove it.",
    )
    assert as_maria.get("/incidents").status_code == 404
    overridden = as_maria.post(
        "incidents/INC-000001", {"title": "x"}, x_http_method_override="PATCH", if_match="*"
    )
    assert overridden.status_code == 405
    made = as_maria.post(
        "incidents", {"title": "x", "requester": "PER-000002"}, x_forwarded_host="evil.example"
    )
    assert made["Location"] == "/api/v1/incidents/INC-000002"
    assert as_maria.get("me", x_forwarded_proto="https").status_code == 200


def test_answers_are_not_stored_by_caches(as_maria: Program) -> None:
    assert as_maria.get("me")["Cache-Control"] == "no-store"
    assert as_maria.get("nothing")["Cache-Control"] == "no-store"


def test_an_unforeseen_error_tells_nothing_of_its_cause(
    as_maria: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: Any, **named: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(services, "create", fail)
    answer = as_maria.post("incidents", {"title": "x"})
    assert answer.status_code == 500
    assert b"secret" not in answer.content
    assert answer.json()["type"] == "urn:stellwerk:problem:unforeseen"


def test_too_many_requests_are_told_when_to_go_on(
    as_maria: Program, maria: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(endpoint, "LIMIT", RateLimit(2, lambda: now[0]))
    assert [as_maria.get("me").status_code for _ in range(3)] == [200, 200, 429]
    refused = as_maria.get("me")
    assert (refused["Retry-After"], refused.json()["detail"]) == (
        "30",
        "Too many requests. Try again in 30 seconds.",
    )
    assert Program(maria).get("me").status_code == 200
    now[0] += 30
    assert as_maria.get("me").status_code == 200
