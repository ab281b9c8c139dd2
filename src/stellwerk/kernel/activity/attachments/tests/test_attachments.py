import threading
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import ContentFile
from django.test import override_settings

from stellwerk.kernel.activity.attachments.content import UNKNOWN, proven_type, safe_name, served_type
from stellwerk.kernel.activity.attachments.models import Attachment, Blob
from stellwerk.kernel.activity.attachments.services import attach, attachments_of
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.fixture
def incident(maria: Person, gus: Person) -> Incident:
    return create(Incident, {"title": "Mail is down", "requester": gus, "party": maria.party}, by=SYSTEM)


def test_a_file_is_stored_under_its_hash_and_noted_in_the_journal(incident: Incident, maria: Person) -> None:
    file = attach(incident, ContentFile(PNG), "screen.png", by=maria)
    assert file.blob.file.name == f"blobs/{file.blob.sha256[:2]}/{file.blob.sha256}"
    assert file.blob.file.read() == PNG
    entry = Entry.objects.filter(record=incident.pk).latest("number")
    about = {
        "name": "screen.png",
        "size": 28,
        "sha256": file.blob.sha256,
        "type": "image/png",
        "comment": None,
    }
    assert entry.changes == {"@file": [None, about]}
    assert file.at == entry.at


def test_the_same_content_is_stored_once(incident: Incident, maria: Person, gus: Person) -> None:
    first = attach(incident, ContentFile(PNG), "screen.png", by=maria)
    second = attach(incident, ContentFile(PNG), "again.png", by=gus)
    assert first.blob == second.blob
    assert Blob.objects.count() == 1


def test_a_write_that_was_broken_off_is_written_again(incident: Incident, maria: Person) -> None:
    file = attach(incident, ContentFile(b"whole content"), "a.txt", by=maria)
    path = Path(file.blob.file.path)
    Attachment.objects.all().delete()
    Blob.objects.all().delete()
    path.write_bytes(b"half")
    again = attach(incident, ContentFile(b"whole content"), "a.txt", by=maria)
    assert again.blob.file.read() == b"whole content"


def test_internal_files_are_for_staff(incident: Incident, maria: Person, gus: Person) -> None:
    public = attach(incident, ContentFile(b"a"), "a.txt", by=maria)
    internal = attach(incident, ContentFile(b"b"), "b.txt", by=maria, internal=True)
    assert list(attachments_of(incident, gus)) == [public]
    assert list(attachments_of(incident, maria)) == [public, internal]
    with pytest.raises(PermissionDenied):
        attach(incident, ContentFile(b"c"), "c.txt", by=gus, internal=True)
    assert Attachment.objects.count() == 2


def test_who_does_not_see_the_record_adds_nothing(incident: Incident, nobody: Person) -> None:
    with pytest.raises(PermissionDenied):
        attach(incident, ContentFile(b"a"), "a.txt", by=nobody)
    assert (Attachment.objects.count(), Blob.objects.count()) == (0, 0)


@override_settings(UPLOAD_LIMIT=10)
def test_size_is_limited_to_the_byte(incident: Incident, maria: Person) -> None:
    attach(incident, ContentFile(bytes(10)), "ten", by=maria)
    for size in (0, 11):
        with pytest.raises(ValidationError):
            attach(incident, ContentFile(bytes(size)), "other", by=maria)
    assert Record.objects.get(pk=incident.pk).journal_count == 2


@pytest.mark.django_db(transaction=True)
def test_the_same_content_at_the_same_time_is_stored_once(incident: Incident, maria: Person) -> None:
    from django.db import connection

    def write() -> None:
        try:
            attach(incident, ContentFile(PNG), "screen.png", by=maria)
        finally:
            connection.close()

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert (Attachment.objects.count(), Blob.objects.count()) == (4, 1)


@pytest.mark.parametrize(
    ("name", "beginning", "served"),
    [
        ("screen.png", PNG, "image/png"),
        ("screen.PNG", PNG, "image/png"),
        ("screen.png", b"<script>", UNKNOWN),
        ("page.html", b"<html>", UNKNOWN),
        ("picture.svg", b"<svg onload=alert(1)>", UNKNOWN),
        ("script.js", b"alert(1)", UNKNOWN),
        ("notes.txt", "Größe".encode(), "text/plain; charset=utf-8"),
        ("notes.txt", b"\xff\xfe\x00", UNKNOWN),
        ("table.xlsx", b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("no extension", b"text", UNKNOWN),
        ("polyglot.pdf", b"GIF89a%PDF-", UNKNOWN),
    ],
)
def test_the_type_is_believed_only_when_the_content_agrees(name: str, beginning: bytes, served: str) -> None:
    assert served_type(name, proven_type(beginning)) == served


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\gus\\screen.png", "screen.png"),
        ("invoice\u202egnp.exe", "invoicegnp.exe"),
        ("a\r\nSet-Cookie: x.txt", "aSet-Cookie x.txt"),
        ("\x00", "file"),
        ("...", "file"),
        ("تقرير.pdf", "تقرير.pdf"),
        ("half\ud800.txt", "half.txt"),
        ("n" * 10_000 + ".png", "n" * 196 + ".png"),
    ],
)
def test_names_are_made_harmless(given: str, kept: str) -> None:
    assert safe_name(given) == kept
