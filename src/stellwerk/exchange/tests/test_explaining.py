"""Files whose columns are not called like fields are explained on the page, once."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from openpyxl import Workbook

from stellwerk.exchange.models import ColumnMapping, ImportDraft
from stellwerk.exchange.schedules import forget_drafts
from stellwerk.kernel.identity.person import Person
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db

FOREIGN = b"Betreff;Melder;Farbe\nx;maria@centre.example;red\n"
ANSWERS = {"column_0": "title", "column_1": "requester", "column_2": "-"}


@pytest.fixture
def as_maria(client: Client, maria: Person) -> Client:
    client.force_login(maria)
    return client


def upload(client: Client, content: bytes, name: str = "rows.csv") -> Any:
    return client.post("/incidents/import/", {"file": SimpleUploadedFile(name, content), "key": "reference"})


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_unknown_headings_are_asked_about_and_the_answer_is_kept(as_maria: Client, maria: Person) -> None:
    answer = upload(as_maria, FOREIGN)
    draft = ImportDraft.objects.get()
    assert (answer.status_code, answer["Location"], draft.state) == (302, draft.get_absolute_url(), "unclear")
    page = text(as_maria.get(draft.get_absolute_url()))
    assert all(heading in page for heading in ("How to read rows.csv", "Betreff", "Melder", "Farbe"))
    page = text(as_maria.post(draft.get_absolute_url(), ANSWERS))
    assert "1 to create" in page
    assert "Columns left out: Farbe." in page
    assert not Incident.objects.exists()
    as_maria.post(draft.get_absolute_url())
    assert (Incident.objects.get().title, Incident.objects.get().requester) == ("x", maria)
    kept = ColumnMapping.objects.get()
    assert (kept.person, kept.columns) == (maria, {"betreff": "title", "melder": "requester", "farbe": ""})
    again = text(upload(as_maria, FOREIGN.upper().replace(b"MARIA@CENTRE.EXAMPLE", b"maria@centre.example")))
    assert "1 to create" in again
    assert "Columns left out: FARBE." in again


def test_what_is_not_answered_is_asked_again(as_maria: Client) -> None:
    upload(as_maria, FOREIGN)
    draft = ImportDraft.objects.get()
    assert (
        as_maria.post(draft.get_absolute_url(), {"column_0": "title"})["Location"] == draft.get_absolute_url()
    )
    draft.refresh_from_db()
    assert (draft.state, Incident.objects.count()) == ("unclear", 0)
    twice = as_maria.post(draft.get_absolute_url(), {**ANSWERS, "column_1": "title"})
    assert twice.status_code == 422
    assert "both mean title" in text(twice)
    draft.refresh_from_db()
    assert (draft.state, ColumnMapping.objects.get().columns) == ("unclear", {"betreff": "title"})


def test_a_sheet_and_the_line_with_the_names_can_be_chosen(as_maria: Client) -> None:
    book = Workbook()
    book.worksheets[0].append(["Read me"])
    data = book.create_sheet("Data")
    for row in (["Report", "of May", "for us"], ["title", "requester"], ["x", "maria@centre.example"]):
        data.append(row)
    file = io.BytesIO()
    book.save(file)
    upload(as_maria, file.getvalue(), "two.xlsx")
    draft = ImportDraft.objects.get()
    page = text(as_maria.post(draft.get_absolute_url(), {"sheet": "Data", "header_line": "2"}))
    assert "1 to create" in page
    assert 'id="id_sheet"' in text(as_maria.get(draft.get_absolute_url() + "?explain"))


def test_an_encoding_can_be_named_after_looking(as_maria: Client) -> None:
    content = "title,requester\nŁódź,maria@centre.example\n".encode("cp1250")
    page = text(upload(as_maria, content))
    assert "was read as Windows-1252" in page
    draft = ImportDraft.objects.get()
    address = draft.get_absolute_url() + "?explain"
    assert "Read it differently" in page
    wrong = as_maria.post(address, {"encoding": "klingon"})
    assert (wrong.status_code, "There is no encoding “klingon”." in text(wrong)) == (422, True)
    assert "Łódź" in text(as_maria.post(address, {"encoding": "cp1250"}))
    as_maria.post(draft.get_absolute_url())
    assert Incident.objects.get().title == "Łódź"


def test_another_person_cannot_explain_it(as_maria: Client, gus: Person) -> None:
    upload(as_maria, FOREIGN)
    draft = ImportDraft.objects.get()
    other = Client()
    other.force_login(gus)
    assert other.post(draft.get_absolute_url(), ANSWERS).status_code == 404
    draft.refresh_from_db()
    assert (draft.state, ColumnMapping.objects.count()) == ("unclear", 0)


def test_a_file_that_nobody_explains_is_forgotten_after_a_day(as_maria: Client) -> None:
    upload(as_maria, FOREIGN)
    forget_drafts(timezone.now() + timedelta(hours=23))
    assert ImportDraft.objects.count() == 1
    forget_drafts(timezone.now() + timedelta(hours=25))
    assert not ImportDraft.objects.exists()
