"""Large files: looked at and imported by jobs, which show how far they are and leave nothing half-done."""

import re
import subprocess
import threading
import time
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from stellwerk.exchange import drafts
from stellwerk.exchange.importing import Outcome
from stellwerk.exchange.models import ImportDraft
from stellwerk.exchange.schedules import forget_drafts
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.jobs.tests.test_jobs import start_worker
from stellwerk.kernel.jobs.worker import Worker
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.days import today
from stellwerk.kernel.write.services import change, create
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db

State = ImportDraft.State


def table(maria: Person, count: int, bad: int | None = None) -> bytes:
    lines = [
        f"Ticket {n},{maria.reference},{'enormous' if n == bad else 'high'}" for n in range(2, count + 2)
    ]
    return "\n".join(["title,requester,impact", *lines]).encode()


def upload(client: Client, content: bytes, name: str = "rows.csv") -> Any:
    file = SimpleUploadedFile(name, content)
    return client.post("/incidents/import/", {"file": file, "key": "reference"})


def work(most: int | None = None) -> int:
    """Do what is ready in the queue, as a worker does."""
    return Worker().drain(most=most)


def looked_at(client: Client, content: bytes) -> ImportDraft:
    """Upload a large file and have it looked at."""
    upload(client, content)
    work()
    return ImportDraft.objects.get()


@pytest.fixture
def as_maria(client: Client, maria: Person) -> Client:
    client.force_login(maria)
    return client


def test_a_large_file_is_looked_at_by_a_job_and_imported_by_another(as_maria: Client, maria: Person) -> None:
    answer = upload(as_maria, table(maria, 501))
    draft = ImportDraft.objects.get()
    address = draft.get_absolute_url()
    assert (answer.status_code, answer["Location"], draft.state) == (302, address, "checking")
    page = as_maria.get(address).content.decode()
    assert "rows.csv is being checked" in page
    assert "Queued" in page
    assert work() == 1
    page = as_maria.get(address).content.decode()
    assert "501 to create" in page
    assert "and 301 more" in page
    assert not Incident.objects.exists()
    assert as_maria.post(address)["Location"] == address
    page = as_maria.get(address).content.decode()
    assert "rows.csv is being imported" in page
    assert "501 rows are being saved: all of them, or none" in page
    assert not Incident.objects.exists()
    assert work() == 1
    page = as_maria.get(address).content.decode()
    assert "rows.csv was imported" in page
    assert "501 created" in page
    assert Incident.objects.count() == 501
    draft.refresh_from_db()
    assert (draft.state, draft.rows, bytes(draft.content)) == ("done", 501, b"")


def test_five_hundred_rows_stay_in_the_request(as_maria: Client, maria: Person) -> None:
    assert upload(as_maria, table(maria, 500)).status_code == 200
    draft = ImportDraft.objects.get()
    assert draft.state == "checked"
    as_maria.post(draft.get_absolute_url())
    assert Incident.objects.count() == 500
    assert not DBTaskResult.objects.exists()
    assert not Notification.objects.exists()


def test_the_page_shows_how_many_rows_were_looked_at_and_reloads_itself_when_it_is_done(
    as_maria: Client, maria: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(as_maria, table(maria, 600))
    address = ImportDraft.objects.get().get_absolute_url()
    seen = []
    show = drafts._show_progress

    def look(draft: ImportDraft, count: int) -> None:
        show(draft, count)
        answer = as_maria.get(address, headers={"HX-Request": "true"})
        seen.append([line for line in answer.content.decode().split("<") if "rows checked" in line])

    monkeypatch.setattr(drafts, "_show_progress", look)
    work()
    assert seen == [[f'label for="import-progress">{n} of 600 rows checked'] for n in (200, 400, 600)]
    assert as_maria.get(address, headers={"HX-Request": "true"})["HX-Refresh"] == "true"


def test_the_outcome_is_told_with_a_link_and_read_once_it_was_seen(as_maria: Client, maria: Person) -> None:
    draft = looked_at(as_maria, table(maria, 501))
    note = Notification.objects.get()
    assert (note.person, note.text) == (maria, "rows.csv was checked and can be imported: 501 to create")
    assert "rows.csv was checked" in as_maria.get("/notifications/").content.decode()
    assert "rows.csv was checked" in as_maria.get("/").content.decode()
    assert as_maria.get(f"/notifications/{note.pk}/")["Location"] == draft.get_absolute_url()
    as_maria.post(draft.get_absolute_url())
    work()
    done = Notification.objects.latest("pk")
    assert (done.text, done.read_at) == ("rows.csv was imported: 501 created", None)
    as_maria.get(draft.get_absolute_url())
    done.refresh_from_db()
    assert done.read_at is not None


def test_pressing_twice_imports_once(as_maria: Client, maria: Person) -> None:
    draft = looked_at(as_maria, table(maria, 501))
    for _ in range(2):
        assert as_maria.post(draft.get_absolute_url()).status_code == 302
    assert DBTaskResult.objects.filter(task_path__endswith="run_draft").count() == 1
    work()
    as_maria.post(draft.get_absolute_url())
    assert work() == 0
    assert Incident.objects.count() == 501


def test_a_job_that_is_run_again_does_nothing_twice(as_maria: Client, maria: Person) -> None:
    draft = looked_at(as_maria, table(maria, 501))
    assert drafts.check_draft.call(draft.pk) == "nothing to do"
    as_maria.post(draft.get_absolute_url())
    assert drafts.run_draft.call(draft.pk) == "done"
    assert drafts.run_draft.call(draft.pk) == "nothing to do"
    assert Incident.objects.count() == 501
    assert Notification.objects.count() == 2


def test_one_bad_row_of_a_large_file_is_named_and_nothing_is_written(as_maria: Client, maria: Person) -> None:
    draft = looked_at(as_maria, table(maria, 700, bad=650))
    before = Entry.objects.count()
    assert (draft.state, Outcome.from_json(draft.outcome).counts["error"]) == ("refused", 1)
    page = as_maria.get(draft.get_absolute_url()).content.decode()
    assert "rows.csv can't be imported as it is" in page
    assert "Line 650" in page
    assert "impact “enormous”: Choose one of: high, medium, low." in page
    assert "Import it" not in page
    as_maria.post(draft.get_absolute_url())
    assert (work(), Incident.objects.count(), Entry.objects.count()) == (0, 0, before)
    assert Notification.objects.get().text == (
        "rows.csv can't be imported as it is: 699 to create, 1 with errors"
    )


@pytest.mark.slow
def test_ten_thousand_rows_with_one_bad_row_leave_nothing_and_mended_all_of_them(
    as_maria: Client, maria: Person
) -> None:
    draft = looked_at(as_maria, table(maria, 10_000, bad=9_000))
    assert [line.number for line in Outcome.from_json(draft.outcome).faults] == [9_000]
    assert not Incident.objects.exists()
    draft.delete()
    draft = looked_at(as_maria, table(maria, 10_000))
    as_maria.post(draft.get_absolute_url())
    work()
    assert Incident.objects.values("title").distinct().count() == Incident.objects.count() == 10_000


def test_what_became_wrong_meanwhile_refuses_all_of_it(as_maria: Client, maria: Person) -> None:
    rows = table(maria, 501).replace(b"title,", b"team,title,").replace(b"Ticket", b"TEA-000777,Ticket")
    draft = looked_at(as_maria, table(maria, 501))
    draft.content = rows  # stands for a record that was there when the file was looked at
    draft.save()
    as_maria.post(draft.get_absolute_url())
    work()
    draft.refresh_from_db()
    assert (draft.state, Incident.objects.count()) == ("refused", 0)
    assert "Select a record from the list" in as_maria.get(draft.get_absolute_url()).content.decode()


@pytest.mark.parametrize("when", ["checking", "running"])
def test_a_role_that_ended_meanwhile_is_a_clear_sentence(when: str, as_maria: Client, maria: Person) -> None:
    upload(as_maria, table(maria, 501))
    draft = ImportDraft.objects.get()
    if when == "running":
        work()
        as_maria.post(draft.get_absolute_url())
    for role in RoleAssignment.objects.all():
        change(role, {"valid_until": today() - timedelta(days=1)}, by=SYSTEM)
    work()
    draft.refresh_from_db()
    sentence = "You no longer have permission to import this: your role has ended. Nothing was saved."
    assert (draft.state, draft.refusal) == ("refused", sentence)
    assert Notification.objects.latest("pk").text == f"rows.csv can't be imported as it is: {sentence}"
    page = as_maria.get(draft.get_absolute_url()).content.decode()
    assert sentence in page
    assert "Import it" not in page
    assert not Incident.objects.exists()


def test_a_large_file_that_cannot_be_read_to_its_end_says_why(as_maria: Client, maria: Person) -> None:
    draft = looked_at(as_maria, table(maria, 502) + b'\n"no end')
    assert (draft.state, draft.refusal) == ("refused", "Line 504 isn't valid CSV: unexpected end of data.")
    assert draft.refusal in unescape(as_maria.get(draft.get_absolute_url()).content.decode())


def test_one_import_of_a_person_at_a_time(as_maria: Client, maria: Person, root: Person) -> None:
    upload(as_maria, table(maria, 501))
    draft = ImportDraft.objects.get()
    assert (
        f'href="{draft.get_absolute_url()}">rows.csv</a>'
        in as_maria.get("/incidents/import/").content.decode()
    )
    for rows in (1, 501):
        answer = upload(as_maria, table(maria, rows), "other.csv")
        assert answer.status_code == 422
        assert "Another import of yours is running. Wait until it's finished." in unescape(
            answer.content.decode()
        )
    assert ImportDraft.objects.get() == draft
    as_root = Client()
    as_root.force_login(root)
    assert upload(as_root, table(maria, 501)).status_code == 302
    work()
    assert upload(as_maria, table(maria, 501), "other.csv").status_code == 302
    assert list(ImportDraft.objects.filter(person=maria).values_list("name", flat=True)) == ["other.csv"]


def test_a_foreign_draft_is_not_there(as_maria: Client, maria: Person, root: Person, client: Client) -> None:
    draft = looked_at(as_maria, table(maria, 501))
    as_root = Client()
    as_root.force_login(root)
    for method in (as_root.get, as_root.post):
        foreign, missing = method(draft.get_absolute_url()), method("/incidents/import/999/")
        assert (foreign.status_code, missing.status_code) == (404, 404)
    assert as_maria.get(draft.get_absolute_url().replace("incidents", "people")).status_code == 404
    draft.refresh_from_db()
    assert draft.state == "checked"


def test_an_import_whose_job_failed_for_good_says_so_and_blocks_nothing(
    as_maria: Client, maria: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(drafts, "_end", fail)
    upload(as_maria, table(maria, 501))
    for _ in range(4):
        DBTaskResult.objects.update(run_after=timezone.now() - timedelta(seconds=1))
        work()
    draft = ImportDraft.objects.get()
    page = as_maria.get(draft.get_absolute_url()).content.decode()
    assert "This import stopped because of a fault in the system. Nothing was saved." in page
    assert "every 2s" not in page
    assert upload(as_maria, table(maria, 501)).status_code == 302
    assert ImportDraft.objects.get().pk != draft.pk


def test_files_are_forgotten_after_a_day_and_outcomes_after_a_month(as_maria: Client, maria: Person) -> None:
    now = timezone.now()
    made = {"person": maria, "record_type": "incident", "key": "reference", "content": b""}
    for state in State:
        for days in (0, 2, 31):
            ImportDraft.objects.create(
                **made, name=f"{days}", state=state, changed_at=now - timedelta(days=days)
            )
    forget_drafts(now)
    left = {state: sorted(d.name for d in ImportDraft.objects.filter(state=state)) for state in State}
    assert left == {state: ["0"] if state in ("checked", "unclear") else ["0", "2"] for state in State}


@pytest.mark.django_db(transaction=True)
def test_others_write_while_a_large_file_is_looked_at(
    as_maria: Client, maria: Person, gus: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(as_maria, table(maria, 501))
    written: list[str] = []

    def write_elsewhere() -> None:
        try:
            with connection.cursor() as cursor:
                if connection.vendor == "sqlite":
                    cursor.execute("PRAGMA busy_timeout = 0")
            change(Person.objects.get(pk=gus.pk), {"title": f"Gus {len(written)}"}, by=SYSTEM)
            written.append(Person.objects.get(pk=gus.pk).title)
        finally:
            connections.close_all()

    def progress(draft: ImportDraft, count: int) -> None:
        other = threading.Thread(target=write_elsewhere)
        other.start()
        other.join()

    monkeypatch.setattr(drafts, "_show_progress", progress)
    work()
    assert written == ["Gus 0", "Gus 1", "Gus 2"]
    assert ImportDraft.objects.get().state == "checked"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_leaves_nothing_and_another_imports_once(as_maria: Client, maria: Person) -> None:
    draft = looked_at(as_maria, table(maria, 3_000))
    as_maria.post(draft.get_absolute_url())
    before = Entry.objects.count()
    for _ in range(2):
        worker = start_worker()
        wait_until(lambda: DBTaskResult.objects.filter(status="RUNNING").exists())
        time.sleep(0.5)
        kill(worker)
        if ImportDraft.objects.get().state == "running":
            assert (Incident.objects.count(), Entry.objects.count()) == (0, before)
    worker = start_worker()
    wait_until(lambda: ImportDraft.objects.get().state == "done")
    wait_until(lambda: not DBTaskResult.objects.filter(status__in=["READY", "RUNNING"]).exists())
    kill(worker)
    assert Incident.objects.values("title").distinct().count() == Incident.objects.count() == 3_000
    assert Notification.objects.filter(text="rows.csv was imported: 3000 created").count() == 1


def wait_until(reached: Any) -> None:
    deadline = time.monotonic() + 90
    while not reached():
        assert time.monotonic() < deadline, "nothing happens"
        time.sleep(0.05)


def kill(worker: "subprocess.Popen[bytes]") -> None:
    worker.kill()
    worker.wait()


def test_the_preview_says_values_as_pages_do(as_maria: Client, maria: Person) -> None:
    since = {"title": "Since", "target": "incident", "name": "since", "type": "date"}
    several = {"title": "Rooms", "target": "incident", "name": "rooms", "type": "several_choices"}
    create(CustomField, since, by=SYSTEM)
    create(CustomField, several | {"choices": ["E 1", "E 2"]}, by=SYSTEM)
    head = "title,requester,impact,custom.since,custom.rooms"
    answer = upload(as_maria, f"{head}\nx,{maria.reference},high,2026-03-31,e 2; E 1\n".encode())
    ((line,),) = [answer.context["lines"]]
    assert (line.line.number, line.new) == (2, True)
    said = {label: cell[1] for label, cell in zip(answer.context["columns"], line.cells, strict=True)}
    assert {name: said[name] for name in ("Requester", "Impact", "Since", "Rooms", "Status")} == {
        "Requester": "Maria Keller",
        "Impact": "High",
        "Since": "31 Mar 2026",
        "Rooms": "E 1, E 2",
        "Status": "New",
    }


def test_the_preview_is_a_table_with_what_was_and_what_becomes(as_maria: Client, maria: Person) -> None:
    first = create(Incident, {"title": "One", "requester": maria, "party": maria.party}, by=SYSTEM)
    head = "reference,title,requester"
    file = f"{head}\n{first.reference},One and only,{maria.reference}\n,Two,{maria.reference}\n"
    answer = upload(as_maria, file.encode())
    assert not answer.context["outcome"].faults, answer.context["outcome"].faults
    text = re.sub(r"\s+", " ", answer.content.decode())
    assert '<th scope="col">Title</th>' in text
    assert '<span class="before">One</span> <span aria-hidden="true">→</span>' in text
    assert '<span class="after">One and only</span>' in text
    columns = answer.context["columns"]
    changed, new = answer.context["lines"]
    assert (changed.new, changed.cells[columns.index("Title")]) == (False, ["One", "One and only"])
    assert changed.cells[columns.index("Requester")] == []  # stays as it is
    assert (new.new, new.cells[columns.index("Title")]) == (True, ["", "Two"])
