from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections, transaction

from stellwerk.api.tests.conftest import Program
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.identity.api_token import ApiToken
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.model import shared_cache
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.days import today
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.write.idempotent_answer import IdempotentAnswer
from stellwerk.kernel.write.kept_answers import forget_answers
from stellwerk.kernel.write.services import change, transition
from stellwerk.processes.incidents.incident import Incident


def test_the_same_request_with_the_same_key_answers_the_same(as_maria: Program, gus: Person) -> None:
    body = {"title": "Once", "requester": gus.pk}
    first = as_maria.post("incidents", body, idempotency_key="k1")
    again = as_maria.post("incidents", body, idempotency_key="k1")
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert (first["Location"], first["ETag"]) == (again["Location"], again["ETag"])
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert Incident.objects.count() == 1


def test_a_key_belongs_to_one_request_and_one_person(as_maria: Program, as_gus: Program, gus: Person) -> None:
    as_maria.post("incidents", {"title": "Once", "requester": gus.pk}, idempotency_key="k1")
    other = as_maria.post("incidents", {"title": "Other", "requester": gus.pk}, idempotency_key="k1")
    assert (other.status_code, other.json()["type"]) == (422, "urn:stellwerk:problem:key-used")
    elsewhere = as_maria.post(
        "service-requests", {"title": "Once", "requester": gus.pk}, idempotency_key="k1"
    )
    assert elsewhere.status_code == 422
    assert as_gus.post("incidents", {"title": "Mine"}, idempotency_key="k1").status_code == 201
    assert Incident.objects.count() == 2


def test_a_refused_request_may_be_mended_under_the_same_key(as_maria: Program, gus: Person) -> None:
    assert as_maria.post("incidents", {"title": ""}, idempotency_key="k1").status_code == 422
    assert not IdempotentAnswer.objects.exists()
    assert (
        as_maria.post("incidents", {"title": "x", "requester": gus.pk}, idempotency_key="k1").status_code
        == 201
    )


@pytest.mark.parametrize("key", ["", "x" * 256, "t\tb"])
def test_a_key_that_is_none_is_refused(as_maria: Program, key: str) -> None:
    assert as_maria.post("incidents", {"title": "x"}, idempotency_key=key).status_code == 400


def test_a_file_sent_twice_is_attached_once(as_gus: Program, ticket: dict[str, Any]) -> None:
    path = f"/api/v1/incidents/{ticket['reference']}/attachments"
    answers = [
        as_gus._client.post(
            path,
            {"file": SimpleUploadedFile("a.txt", b"content")},
            headers={"authorization": f"Bearer {as_gus.secret}", "idempotency-key": "f"},
        )
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert Incident.objects.get().attachments.count() == 1


@pytest.mark.django_db(transaction=True)
def test_ten_repeats_at_once_make_one_record(maria: Person) -> None:
    program = Program(maria)

    def post(number: int) -> tuple[int, bytes]:
        try:
            answer = program.post("incidents", {"title": "Once", "requester": maria.pk}, idempotency_key="k")
            return answer.status_code, answer.content
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as threads:
        answers = set(threads.map(post, range(10)))
    assert [status for status, _content in answers] == [201]
    assert Incident.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_parallel_changes_each_is_made_or_refused_and_none_is_lost(maria: Person) -> None:
    program = Program(maria)
    path = program.post("incidents", {"title": "0", "requester": maria.pk})["Location"].removeprefix(
        "/api/v1/"
    )

    def work(worker: int) -> int:
        accepted = 0
        try:
            for number in range(5):
                tag = program.get(path)["ETag"]
                answer = program.patch(path, {"title": f"{worker}.{number}"}, if_match=tag)
                assert answer.status_code in (200, 412), answer.content
                accepted += answer.status_code == 200
        finally:
            connections.close_all()
        return accepted

    with ThreadPoolExecutor(4) as threads:
        accepted = sum(threads.map(work, range(4)))
    incident = Incident.objects.get()
    assert incident.version == incident.entries.count() == accepted + 1
    assert accepted >= 5


def test_answers_are_forgotten_after_a_day(as_gus: Program) -> None:
    as_gus.post("incidents", {"title": "Once"}, idempotency_key="k")
    kept = IdempotentAnswer.objects.get()
    forget_answers(kept.created_at + timedelta(hours=23))
    assert IdempotentAnswer.objects.exists()
    forget_answers(kept.created_at + timedelta(hours=25))
    assert not IdempotentAnswer.objects.exists()


def test_comments_are_not_doubled_either(as_gus: Program, ticket: dict[str, Any]) -> None:
    for _ in range(3):
        path = f"incidents/{ticket['reference']}/comments"
        assert as_gus.post(path, {"body": "Once."}, idempotency_key="c").status_code == 201
    assert Comment.objects.count() == 1


# -- only while the right holds ------------------------------------------------------------------------------


def repeated(program: Program, path: str, body: Any) -> Any:
    return program.post(path, body, idempotency_key="k")


def lose_every_role(person: Person) -> None:
    yesterday = today() - timedelta(days=1)
    for role in RoleAssignment.objects.filter(person=person):
        change(role, {"valid_from": yesterday, "valid_until": yesterday}, by=SYSTEM)


@pytest.fixture
def other(as_maria: Program) -> dict[str, Any]:
    return dict(as_maria.post("incidents", {"title": "Other", "requester": as_maria.token.person.pk}).json())


WRITES: dict[str, Any] = {
    "incidents": lambda ticket, other: {"title": "Secret", "requester": ticket["requester"]["reference"]},
    "incidents/bulk": lambda ticket, other: {
        "items": [{"title": "Secret", "requester": ticket["requester"]["reference"]}]
    },
    "incidents/{}/comments": lambda ticket, other: {"body": "Secret", "internal": True},
    "incidents/{}/links": lambda ticket, other: {"type": "related", "target": other["reference"]},
    "incidents/{}/watchers": lambda ticket, other: {"person": ticket["requester"]["reference"]},
    "incidents/{}/transitions/begin": lambda ticket, other: {},
}


@pytest.mark.parametrize("path", WRITES)
def test_a_kept_answer_is_given_only_while_the_right_holds(
    path: str, as_maria: Program, ticket: dict[str, Any], other: dict[str, Any], maria: Person
) -> None:
    body = WRITES[path](ticket, other)
    path = path.format(ticket["reference"])
    first = repeated(as_maria, path, body)
    assert first.status_code in (200, 201), first.content
    again = repeated(as_maria, path, body)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again["Idempotent-Replayed"] == "true"
    lose_every_role(maria)
    refused = repeated(as_maria, path, body)
    assert refused.status_code in (403, 404)
    assert b"Secret" not in refused.content
    assert "Idempotent-Replayed" not in refused


def test_who_reads_as_a_guest_today_is_not_given_what_staff_was_told(
    as_maria: Program, maria: Person
) -> None:
    body = {"title": "Mine", "requester": maria.pk, "impact": "high"}
    assert "impact" in repeated(as_maria, "incidents", body).json()
    lose_every_role(maria)
    reference = Incident.objects.get().reference
    assert "impact" not in as_maria.get(f"incidents/{reference}").json()  # she asked for it herself
    assert repeated(as_maria, "incidents", body).status_code == 404


def test_a_link_to_what_is_no_longer_shown_is_not_told_again(
    as_maria: Program, ticket: dict[str, Any], other: dict[str, Any], other_centre: Any
) -> None:
    path, body = f"incidents/{ticket['reference']}/links", {"type": "related", "target": other["reference"]}
    assert repeated(as_maria, path, body).status_code == 201
    far = Incident.objects.get(reference=other["reference"])
    Incident.objects.filter(pk=far.pk).update(party=other_centre, requester=None)
    Share.objects.filter(record_id=far.pk).delete()
    assert as_maria.get(f"incidents/{far.reference}").status_code == 404
    assert repeated(as_maria, path, body).status_code == 404


def set_scopes(program: Program, scopes: list[str]) -> None:
    with transaction.atomic():
        shared_cache.invalidate()
        ApiToken.objects.filter(pk=program.token.pk).update(scopes=scopes)


def test_a_token_that_lost_its_scope_or_its_person_is_given_nothing(as_maria: Program, maria: Person) -> None:
    body = {"title": "Mine", "requester": maria.pk}
    assert repeated(as_maria, "incidents", body).status_code == 201
    set_scopes(as_maria, ["read"])
    assert repeated(as_maria, "incidents", body).status_code == 403
    set_scopes(as_maria, ["read", "write"])
    transition(maria, "leave", by=SYSTEM)
    assert repeated(as_maria, "incidents", body).status_code == 401
    assert Incident.objects.count() == 1
