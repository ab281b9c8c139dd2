"""The disk is full, or the database busy for too long: a clear sentence, nothing half-written, and no state that stays."""

import errno
import json
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client

from stellwerk.kernel.activity.attachments.models import Attachment
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.tokens import issue_token
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db
FULL = "The server's disk is full. Nothing was saved. Tell whoever runs the server, then try again."
BUSY = "The database is busy. Nothing was saved. Try again."
every_trouble = pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ("database or disk is full", FULL),
        ('could not extend file "base/1/2": No space left on device', FULL),
        ("database is locked", BUSY),
    ],
)


@pytest.fixture
def incident(gus: Person, centre: Party) -> Incident:
    return create(Incident, {"title": "Mail is down", "requester": gus, "party": centre}, by=SYSTEM)


def fill_up(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    """Have the last insert of every write fail, as a disk does that has just become full."""

    def fail(self: Entry, **options: Any) -> None:
        raise OperationalError(told)

    monkeypatch.setattr(Entry, "save", fail)


@every_trouble
def test_a_page_says_that_nothing_was_written(
    incident: Incident,
    maria: Person,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    told: str,
    sentence: str,
) -> None:
    client.force_login(maria)
    fill_up(monkeypatch, told)
    sent = {"impact": "high", "version": incident.version}
    answer = client.post(f"/records/{incident.reference}/fields/impact/", sent)
    assert answer.status_code == 503
    assert sentence.replace("'", "&#x27;") in answer.content.decode()
    assert Incident.objects.get().impact == "medium"


@every_trouble
def test_the_api_says_that_nothing_was_written(
    maria: Person, client: Client, monkeypatch: pytest.MonkeyPatch, told: str, sentence: str
) -> None:
    _token, secret = issue_token(maria, "test", ["read", "write"])
    fill_up(monkeypatch, told)
    answer = client.post(
        "/api/v1/incidents",
        json.dumps({"title": "New", "requester": maria.reference}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert (answer.status_code, answer.json()["detail"]) == (503, sentence)
    assert not Incident.objects.exists()


def test_a_file_that_finds_no_room_leaves_nothing(
    incident: Incident, maria: Person, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str, content: Any, **options: Any) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    _token, secret = issue_token(maria, "test", ["read", "write"])
    client.force_login(maria)
    monkeypatch.setattr(default_storage, "save", fail)
    file = SimpleUploadedFile("log.txt", b"x" * 1000)
    answer = client.post(
        f"/records/{incident.reference}/say/", {"body": "See the log", "kind": "reply", "files": file}
    )
    assert answer.status_code == 503
    file.seek(0)
    answer = client.post(
        f"/api/v1/incidents/{incident.reference}/attachments",
        {"file": file},
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert (answer.status_code, answer.json()["detail"]) == (503, FULL)
    assert not Attachment.objects.exists()
    assert incident.comments.count() == 0
    assert incident.entries.count() == 1
