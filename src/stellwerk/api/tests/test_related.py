from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from stellwerk.api.tests.conftest import Program
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.identity.person import Person


def test_people_reply_and_staff_notes_stay_inside(
    as_maria: Program, as_gus: Program, ticket: dict[str, Any]
) -> None:
    path = f"incidents/{ticket['reference']}/comments"
    assert as_gus.post(path, {"body": "It still fails."}).json()["by"]["title"] == "Gus Gordon"
    assert as_maria.post(path, {"body": "Between us.", "internal": True}).status_code == 201
    assert as_gus.post(path, {"body": "x", "internal": True}).status_code == 403
    assert [said["body"] for said in as_maria.get(path).json()["items"]] == ["It still fails.", "Between us."]
    assert [said["body"] for said in as_gus.get(path).json()["items"]] == ["It still fails."]
    for wrong in ({}, {"body": 1}, {"body": " "}, {"body": "x", "internal": "no"}, {"body": "x", "more": 1}):
        assert as_gus.post(path, wrong).status_code == 422
    assert Comment.objects.count() == 2


def test_a_file_is_attached_and_comes_back_as_a_download(
    as_maria: Program, as_gus: Program, ticket: dict[str, Any]
) -> None:
    path = f"incidents/{ticket['reference']}/attachments"
    answer = as_gus.upload(path, file=SimpleUploadedFile("screen.txt", b"line one"))
    assert answer.status_code == 201
    assert (answer.json()["name"], answer.json()["size"]) == ("screen.txt", 8)
    secret = as_maria.upload(path, file=SimpleUploadedFile("x.html", b"<script>"), internal="true").json()
    assert [each["name"] for each in as_gus.get(path).json()["items"]] == ["screen.txt"]
    assert as_gus.get(f"{path}/{secret['id']}").status_code == 404
    down = as_maria.get(f"{path}/{secret['id']}")
    assert b"".join(down.streaming_content) == b"<script>"
    assert down["Content-Type"] == "application/octet-stream"
    assert down["Content-Disposition"] == 'attachment; filename="x.html"'
    assert down["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_a_file_is_removed_and_then_is_not_there(
    as_maria: Program, as_gus: Program, as_nobody: Program, ticket: dict[str, Any]
) -> None:
    path = f"incidents/{ticket['reference']}/attachments"
    made = as_maria.upload(path, file=SimpleUploadedFile("a.txt", b"a")).json()
    where = f"{path}/{made['id']}"
    answers = [who.ask("DELETE", where).status_code for who in (as_gus, as_nobody, as_maria, as_maria)]
    assert answers == [403, 404, 204, 404]
    assert as_maria.get(path).json() == {"items": []}


def test_a_wrong_upload_is_refused(as_gus: Program, ticket: dict[str, Any]) -> None:
    path = f"incidents/{ticket['reference']}/attachments"
    assert as_gus.post(path, {"file": "x"}).status_code == 415
    assert as_gus.upload(path).json()["errors"] == {"file": ["Send exactly one file, in the field “file”."]}
    assert as_gus.upload(path, file=BytesIO(b"")).status_code == 422
    assert as_gus.upload(path, file=BytesIO(b"x"), more="1").status_code == 422
    assert as_gus.upload(path, file=BytesIO(b"x"), internal="maybe").status_code == 422


def test_records_are_linked_and_parted(as_maria: Program, as_gus: Program, ticket: dict[str, Any]) -> None:
    other = as_maria.post("incidents", {"title": "Other", "requester": "PER-000002"}).json()["reference"]
    path = f"incidents/{ticket['reference']}/links"
    made = as_maria.post(path, {"type": "parent", "target": other})
    assert made.status_code == 201
    assert made.json()["record"] == {"reference": other, "title": "Other"}
    assert as_maria.get(f"incidents/{other}/links").json()["items"][0]["direction"] == "in"
    assert as_gus.get(path).json()["items"] == []
    assert as_maria.post(path, {"type": "cousin", "target": other}).json()["errors"].keys() == {"type"}
    assert as_maria.post(path, {"type": "parent", "target": "INC-999999"}).json()["errors"].keys() == {
        "target"
    }
    assert as_gus.ask("DELETE", f"{path}/{made.json()['id']}").status_code == 404
    assert as_maria.ask("DELETE", f"{path}/{made.json()['id']}").status_code == 204
    assert as_maria.get(path).json()["items"] == []


def test_people_watch_and_stop(
    as_maria: Program, as_gus: Program, ticket: dict[str, Any], gus: Person, nobody: Person
) -> None:
    path = f"incidents/{ticket['reference']}/watchers"
    assert as_maria.post(path, {}).json() == {"reference": "PER-000001", "title": "Maria Keller"}
    assert as_maria.post(path, {"person": gus.reference}).status_code == 201
    assert "Gus Gordon" in [person["title"] for person in as_maria.get(path).json()["items"]]
    assert as_maria.post(path, {"person": nobody.reference}).status_code == 422
    assert as_gus.post(path, {"person": "PER-000001"}).status_code == 422
    assert as_gus.ask("DELETE", f"{path}/me").status_code == 204
    assert [person["title"] for person in as_maria.get(path).json()["items"]] == ["Maria Keller"]
