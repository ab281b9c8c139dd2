import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.test import Client
from django_tasks_db.models import DBTaskResult

from stellwerk.kernel.activity.attachments.models import Attachment, Blob
from stellwerk.kernel.activity.attachments.removal import KEPT, detach, forget_content
from stellwerk.kernel.activity.attachments.services import attach, stored
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.audit.verification import Verification
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry, Verb
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.fixtures import LONG_AGO, grant, make_person
from stellwerk.kernel.write.services import change, create
from stellwerk.processes.incidents.incident import Incident


@pytest.fixture
def incident(maria: Person, gus: Person) -> Incident:
    return create(Incident, {"title": "Mail is down", "requester": gus, "party": maria.party}, by=SYSTEM)


def put(incident: Incident, by: Person, content: bytes = b"a log", **values: Any) -> Attachment:
    return attach(incident, ContentFile(content), "server.log", by=by, **values)


def faults(incident: Incident) -> list[str]:
    return [str(fault) for fault in Verification(Record.objects.filter(pk=incident.pk)).faults()]


def test_a_removed_file_leaves_its_name_size_and_hash_in_the_journal(
    incident: Incident, maria: Person
) -> None:
    file = put(incident, maria)
    sha256, at = file.blob.sha256, file.at
    detach(file, by=maria)
    assert Attachment.objects.count() == 0
    entry = Entry.objects.filter(record=incident.pk).latest("number")
    about = {
        "name": "server.log",
        "size": 5,
        "sha256": sha256,
        "at": at.isoformat(),
        "by": maria.pk,
        "comment": None,
    }
    assert (entry.verb, entry.actor, entry.changes) == (Verb.DETACH, maria, {"@file": [about, None]})
    assert faults(incident) == []


def test_the_journal_finds_what_was_removed_or_put_back_without_it(incident: Incident, maria: Person) -> None:
    first, second = put(incident, maria), put(incident, maria)
    blob, at = first.blob, first.at
    detach(first, by=maria)
    Attachment.objects.filter(pk=second.pk).delete()
    assert len(faults(incident)) == 1
    assert f"the file of {second.at.isoformat()} was changed or removed" in faults(incident)[0]
    again = {"record_id": incident.pk, "blob": blob, "name": "server.log", "author": maria}
    Attachment.objects.create(**again, at=second.at)
    assert faults(incident) == []
    Attachment.objects.create(**again, at=at)
    assert len(faults(incident)) == 1
    assert f"the file of {at.isoformat()} isn't in the journal" in faults(incident)[0]


def test_removing_twice_is_once(incident: Incident, maria: Person) -> None:
    file = put(incident, maria)
    stale = Attachment.objects.get(pk=file.pk)
    detach(file, by=maria)
    detach(stale, by=maria)
    assert Entry.objects.filter(record=incident.pk, verb=Verb.DETACH).count() == 1


def test_who_put_it_there_and_staff_remove_it_others_do_not(
    incident: Incident, maria: Person, gus: Person, nobody: Person
) -> None:
    viewer = make_person("Vera", maria.party)
    grant(viewer, Role.VIEWER, maria.party)
    of_maria, of_gus = put(incident, maria), put(incident, gus)
    for other in (gus, viewer, nobody):
        with pytest.raises(PermissionDenied, match="only remove files that you added to INC-"):
            detach(of_maria, by=other)
    with pytest.raises(PermissionDenied):
        detach(of_gus, by=viewer)
    assert Attachment.objects.count() == 2
    detach(of_gus, by=gus)
    detach(of_maria, by=maria)
    assert Attachment.objects.count() == 0


def test_who_put_it_there_loses_that_with_the_record(incident: Incident, maria: Person) -> None:
    colleague = make_person("Cleo", maria.party)
    role = grant(colleague, Role.AGENT, maria.party)
    file = put(incident, colleague)
    change(role, {"valid_until": LONG_AGO}, by=SYSTEM)
    with pytest.raises(PermissionDenied):
        detach(file, by=Person.objects.get(pk=colleague.pk))
    assert Attachment.objects.count() == 1


def test_the_content_goes_a_day_later_when_nothing_uses_it(incident: Incident, maria: Person) -> None:
    first, second = put(incident, maria), put(incident, maria)
    path = Path(first.blob.file.path)
    sha256 = first.blob.sha256
    detach(first, by=maria)
    waiting = DBTaskResult.objects.get(task_path=forget_content.module_path)
    entry = Entry.objects.filter(record=incident.pk).latest("number")
    assert abs(waiting.run_after - entry.at - KEPT).total_seconds() < 60
    assert forget_content.func(sha256) == "still used"
    assert path.exists()
    detach(second, by=maria)
    assert path.exists()
    assert forget_content.func(sha256) == "removed"
    assert (path.exists(), Blob.objects.count()) == (False, 0)
    assert forget_content.func(sha256) == "gone already"
    assert put(incident, maria).blob.file.read() == b"a log"
    assert faults(incident) == []


def test_content_whose_removal_broke_off_is_written_again(incident: Incident, maria: Person) -> None:
    file = put(incident, maria)
    Path(file.blob.file.path).unlink()
    with transaction.atomic():
        assert stored(ContentFile(b"a log")).file.read() == b"a log"


def test_a_page_asks_first_and_then_removes(client: Client, incident: Incident, maria: Person) -> None:
    file = attach(incident, ContentFile(b"a"), "Größe.txt", by=maria)
    url = f"/records/{incident.reference}/files/{file.pk}/remove/"
    client.force_login(maria)
    assert f'href="{url}"' in client.get(f"/records/{incident.reference}/").text
    asked = client.get(url)
    assert "Remove “Größe.txt”?" in asked.text
    assert f'action="{url}"' in asked.text
    assert Attachment.objects.count() == 1
    answer = client.post(url, follow=True)
    assert "“Größe.txt” was removed." in answer.text
    assert "removed a file" in answer.text
    assert client.post(url).status_code == client.get(url).status_code == 404


def test_the_portal_offers_who_put_it_there_to_remove_it(
    client: Client, incident: Incident, maria: Person, gus: Person
) -> None:
    said = comment(incident, "Here it is.", by=gus)
    own = put(incident, gus, comment=said)
    other = put(incident, maria)
    client.force_login(gus)
    page = client.get(f"/portal/tickets/{incident.reference}/").text
    assert f"/files/{own.pk}/remove/" in page
    assert f"/files/{other.pk}/remove/" not in page
    assert client.get(f"/records/{incident.reference}/files/{own.pk}/remove/").status_code == 200
    client.post(f"/records/{incident.reference}/files/{own.pk}/remove/")
    assert list(Attachment.objects.all()) == [other]


def test_nothing_of_an_internal_file_or_its_removal_reaches_a_guest(
    client: Client, incident: Incident, maria: Person, gus: Person
) -> None:
    file = attach(incident, ContentFile(b"a"), "canary.txt", by=maria, internal=True)
    client.force_login(gus)
    url = f"/records/{incident.reference}/files/{file.pk}/remove/"
    assert client.get(url).status_code == client.post(url).status_code == 404
    detach(file, by=maria)
    assert "canary" not in client.get(f"/portal/tickets/{incident.reference}/").text


@pytest.mark.django_db(transaction=True)
def test_content_that_is_attached_again_while_it_goes_is_there_afterwards(
    incident: Incident, maria: Person
) -> None:
    def at_once(*deeds: Callable[[], object]) -> None:
        ready = threading.Barrier(len(deeds))

        def do(deed: Callable[[], object]) -> None:
            try:
                ready.wait()
                deed()
            finally:
                connection.close()

        threads = [threading.Thread(target=do, args=(deed,)) for deed in deeds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    same = b"the same again"
    file = put(incident, maria, content=same)
    sha256 = file.blob.sha256
    for number in range(8):
        detach(file, by=maria)
        at_once(lambda: forget_content.func(sha256), lambda: put(incident, maria, content=same))
        file = Attachment.objects.get()
        assert file.blob.file.read() == same, number
    assert faults(incident) == []


def test_a_file_that_came_with_a_comment_leaves_it_in_the_journal(incident: Incident, maria: Person) -> None:
    said = comment(incident, "See the log.", by=maria)
    file = put(incident, maria, comment=said)
    about = {"at": said.at.isoformat(), "sha256": sha256(b"See the log.").hexdigest()}
    assert incident.entries.latest("number").changes["@file"][1]["comment"] == about
    assert faults(incident) == []
    Attachment.objects.update(comment=None)
    assert [fault.partition(": ")[2] for fault in faults(incident)] == [
        f"the file of {file.at.isoformat()} stands at another comment than it came with."
    ]
    Attachment.objects.update(comment=said)
    detach(file, by=maria)
    assert faults(incident) == []
