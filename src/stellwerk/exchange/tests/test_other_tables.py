"""Tables that nobody exported here: other headings, other encodings, rows that are not whole."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import Workbook

from stellwerk.exchange import formats
from stellwerk.exchange.importing import Outcome, RecordImport
from stellwerk.foundation.category import Category
from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db


def imported(content: bytes, by: Any, kind: str = "incident", **options: Any) -> Outcome:
    task = RecordImport(registry.get(kind), by=by, **options)
    table = formats.opened("a.csv", io.BytesIO(content), knows=task.headings.knows)
    return task.run(list(table.rows))


def rehearsed(content: bytes, by: Any, kind: str = "incident", **options: Any) -> Outcome:
    task = RecordImport(registry.get(kind), by=by, **options)
    return task.rehearse(formats.opened("a.csv", io.BytesIO(content), knows=task.headings.knows).rows)


def errors(outcome: Outcome) -> dict[int, list[str]]:
    return {line.number: line.errors for line in outcome.faults}


def command(path: Path, kind: str = "incident", **options: Any) -> str:
    out = io.StringIO()
    call_command("import_records", kind, path, stdout=out, stderr=out, **options)
    return out.getvalue()


def test_headings_in_the_words_of_the_pages_are_understood_in_any_case(maria: Person) -> None:
    create(
        CustomField, {"title": "Room no.", "target": "incident", "name": "room", "type": "text"}, by=SYSTEM
    )
    content = (
        b"TITLE,Requester,impact,URGENCY,Number  Elsewhere,room NO.\nx,maria@centre.example,High,Low,A-9,7\n"
    )
    assert errors(imported(content, maria)) == {}
    made = Incident.objects.get()
    assert (made.title, made.impact, made.urgency, made.external_reference, made.custom) == (
        "x",
        "high",
        "low",
        "A-9",
        {"room": "7"},
    )


def test_other_headings_are_mapped_or_left_out(maria: Person) -> None:
    content = b"Betreff,Melder,Farbe,,impact\nx,maria@centre.example,red,y,low\n"
    columns = {"betreff": "title", "Melder": "requester", "Farbe": "", "#4": "description"}
    assert dict(imported(content, maria, columns=columns).counts) == {"create": 1}
    made = Incident.objects.get()
    assert (made.title, made.description, made.requester) == ("x", "y", maria)
    with pytest.raises(ValidationError, match="incident has no field “subject”"):
        RecordImport(registry.get("incident"), by=maria, columns={"Betreff": "subject"})


@pytest.mark.parametrize("ending", ["txt", "TSV", "csv"])
def test_text_as_spreadsheets_save_it_is_read_whatever_its_ending(ending: str, maria: Person) -> None:
    content = "title\trequester\r\nMüller, x\tMaria Keller\r\n".encode("utf-16")
    (row,) = formats.opened(f"a.{ending}", io.BytesIO(content)).rows
    assert row == (2, {"title": "Müller, x", "requester": "Maria Keller"})


def test_a_way_through_a_tree_names_its_end(maria: Person) -> None:
    mail = create(Category, {"title": "Mail"}, by=SYSTEM)
    wanted = create(Category, {"title": "Rules", "parent": mail}, by=SYSTEM)
    create(Category, {"title": "Rules"}, by=SYSTEM)
    content = b"title,requester,category\nx,maria@centre.example,Mail > Rules\ny,maria@centre.example,Rules > Mail\n"
    assert list(errors(imported(content, SYSTEM))) == [3]
    assert errors(imported(content.partition(b"y,")[0], SYSTEM)) == {}
    assert Incident.objects.get().category == wanted


@pytest.mark.parametrize("heading", ["comments", "entries", "shares", "watchers"])
def test_what_stands_beside_a_record_is_no_column_of_it(heading: str, maria: Person) -> None:
    content = f"title,requester,{heading}\nx,maria@centre.example,y\n".encode()
    assert errors(imported(content, maria)) == {2: [f"{heading} “y”: There is no such column."]}
    assert not Incident.objects.exists()
    with pytest.raises(ValidationError) as refusal:
        create(Incident, {"title": "x", "requester": maria, heading: []}, by=SYSTEM)
    assert refusal.value.message_dict == {heading: ["incident has no such field."]}
    assert not Incident.objects.exists()


def test_two_columns_of_one_meaning_are_refused(maria: Person) -> None:
    with pytest.raises(ValidationError, match="“title” and “Title” both mean title"):
        imported(b"title,Title,requester\nx,y,maria@centre.example\n", maria)
    assert not Incident.objects.exists()


def test_nameless_columns_matter_only_where_they_hold_something(maria: Person) -> None:
    head = b"title,,requester,,impact\n"
    assert dict(imported(head + b"x,,maria@centre.example,,low\n", maria).counts) == {"create": 1}
    outcome = imported(head + b"y,z,maria@centre.example,,low\n", maria)
    assert errors(outcome) == {
        2: ["#2 “z”: This column has no heading. Give it one, or assign it by its position."]
    }
    assert Incident.objects.get().title == "x"
    mapped = imported(head + b"y,z,maria@centre.example,,low\n", maria, columns={"#2": "description"})
    assert dict(mapped.counts) == {"create": 1}
    assert Incident.objects.get(title="y").description == "z"


def test_repeated_columns_are_told_apart_by_their_place(maria: Person) -> None:
    content = b"title,x,x,requester\nt,1,2,maria@centre.example\n"
    assert dict(imported(content, maria, columns={"#2": "description", "#3": ""}).counts) == {"create": 1}
    assert Incident.objects.get().description == "1"


def test_white_space_at_the_ends_is_no_part_of_a_name(maria: Person) -> None:
    people = b'title,email\n"Arno Agent ", arno@centre.example\n'
    assert dict(imported(people, SYSTEM, "person").counts) == {"create": 1}
    assert Person.objects.get(email="arno@centre.example").title == "Arno Agent"
    tickets = 'title,requester\n"  Printer\u00a0"," Arno Agent  "\n'.encode()
    assert errors(imported(tickets, SYSTEM)) == {}
    assert Incident.objects.get().title == "Printer"


def test_looking_at_a_file_finds_doubles_inside_it(maria: Person) -> None:
    content = (
        b"title,email,username\nA,arno@centre.example,a1\nB,Arno@centre.example,b1\nC,c@centre.example,A1\n"
    )
    before = Record.objects.count()
    assert (
        errors(rehearsed(content, SYSTEM, "person")).keys()
        == errors(imported(content, SYSTEM, "person")).keys()
    )
    assert errors(rehearsed(content, SYSTEM, "person"))[3] == [
        "email “Arno@centre.example”: Line 2 of the file has the same value."
    ]
    assert Record.objects.count() == before


def test_a_short_row_leaves_the_other_fields_alone_and_is_counted(maria: Person) -> None:
    values = {"title": "Old", "requester": maria, "party": maria.party, "description": "stays"}
    made = create(Incident, values, by=SYSTEM)
    content = f"reference,title,impact,description\n{made.reference},New\n".encode()
    outcome = imported(content, maria)
    assert (dict(outcome.counts), outcome.left_out) == ({"change": 1}, 1)
    assert outcome.lines[0].warnings == [
        "The row has 2 cells instead of 4. The remaining fields stay as they are."
    ]
    made.refresh_from_db()
    assert (made.title, made.description) == ("New", "stays")


def test_dates_of_the_past_are_not_taken_and_it_is_said(maria: Person) -> None:
    content = b"title,requester,created_at\nx,maria@centre.example,2019-05-01T10:00:00+00:00\n"
    outcome = rehearsed(content, maria)
    assert (dict(outcome.counts), outcome.left_out) == ({"create": 1}, 1)
    assert outcome.lines[0].warnings == [
        "Ignored: created_at. A record starts when it's imported. "
        "To keep its past, import it as a log (stellwerk import log, docs/importing.md)."
    ]


def test_strict_refuses_what_would_be_left_out_and_ends_with_1(tmp_path: Path, maria: Person) -> None:
    path = tmp_path / "short.csv"
    path.write_text("title,requester,impact\nx,maria@centre.example\n")
    for dry_run in (True, False):
        with pytest.raises(SystemExit) as ended:
            command(path, strict=True, dry_run=dry_run)
        assert ended.value.code == 1
    assert not Incident.objects.exists()
    assert "Rows with something left out: 1." in command(path)
    assert Incident.objects.count() == 1


def test_an_import_of_nothing_is_never_done(tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("title,requester\n")
    with pytest.raises(CommandError, match="Nothing was imported: the file has no rows"):
        command(empty)
    book, path = Workbook(), tmp_path / "two.xlsx"
    book.worksheets[0].append(["title"])
    data = book.create_sheet("Data")
    data.append(["title", "requester"])
    data.append(["x", "root"])
    book.save(path)
    with pytest.raises(CommandError, match=r"Its sheets are: Sheet, Data. Choose one with --sheet"):
        command(path)


def test_the_command_names_unknown_headings_once(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("Betreff;Melder\nx;y\n")
    with pytest.raises(CommandError) as refused:
        command(path)
    assert str(refused.value) == (
        "There are no fields called “Betreff”, “Melder”. Assign them with --column “Betreff=FIELD”, "
        "or leave them out with --column “Betreff=”."
    )


def test_names_are_looked_up_together(maria: Person) -> None:
    rows = "".join(f"t{n},maria@centre.example\n" for n in range(150))
    few = b"title,requester\nt,maria@centre.example\n"
    rehearsed(few, maria)
    with CaptureQueriesContext(connection) as one:
        rehearsed(few, maria)
    with CaptureQueriesContext(connection) as many:
        rehearsed(b"title,requester\n" + rows.encode(), maria)
    assert len(many) == len(one)
