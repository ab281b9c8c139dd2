import csv
import io
import json
import zipfile
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from stellwerk.exchange import cells, formats
from stellwerk.exchange.export import Export
from stellwerk.exchange.importing import RecordImport, keys_of
from stellwerk.exchange.models import ImportDraft
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.audit.verifier import verify
from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.query.selection import Selection
from stellwerk.kernel.search.index import find
from stellwerk.kernel.write import events
from stellwerk.kernel.write.events import Event
from stellwerk.kernel.write.services import change, create
from stellwerk.processes.incidents.incident import Incident, IncidentType

pytestmark = pytest.mark.django_db
every_format = pytest.mark.parametrize("form", formats.FORMATS.values(), ids=list(formats.FORMATS))
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=40)


@pytest.fixture
def incidents(maria: Person, gus: Person, desk: Team) -> list[Incident]:
    create(CustomField, {"title": "Room", "target": "incident", "name": "room", "type": "text"}, by=SYSTEM)
    given: list[dict[str, Any]] = [
        {"title": "=HYPERLINK(1)", "description": 'two\r\nlines, "quoted"; and _x000D_', "team": desk},
        {"title": "Slow disk", "assigned_to": maria, "impact": "high", "custom.room": "'+49"},
        {"title": "Ünïcode 漢字 🚂", "description": "\tindented", "channel": "phone"},
    ]
    return [
        create(Incident, {"requester": gus, "party": maria.party, **values}, by=SYSTEM) for values in given
    ]


def exported(
    person: Any, form: formats.Format, query: str = "ordering=reference", columns: Any = ()
) -> bytes:
    selection = Selection.parse(registry.get("incident"), QueryDict(query), person)
    return b"".join(Export(selection, columns).stream(form))


def rows_of(content: bytes, form: formats.Format) -> list[dict[str, Any]]:
    return [row for _number, row in form.read(io.BytesIO(content))]


def imported(content: bytes, form: formats.Format, by: Any, key: str = "reference") -> Any:
    return RecordImport(registry.get("incident"), by=by, key=key).run(form.read(io.BytesIO(content)))


@every_format
def test_export_import_export_is_identical(
    form: formats.Format, incidents: list[Incident], maria: Person
) -> None:
    first = exported(maria, form)
    outcome = imported(first, form, maria)
    assert (outcome.faults, dict(outcome.counts)) == ([], {"unchanged": 3})
    assert rows_of(exported(maria, form), form) == rows_of(first, form)


@every_format
def test_an_export_brings_records_back_to_what_they_were(
    form: formats.Format, incidents: list[Incident], maria: Person
) -> None:
    first = exported(maria, form)
    changed = {"title": "Other", "description": "", "team": None, "impact": "low", "custom.room": "1"}
    for incident in incidents:
        change(incident, changed, by=maria)
    outcome = imported(first, form, maria)
    assert (outcome.faults, dict(outcome.counts)) == ([], {"change": 3})
    assert [line.warnings[0] for line in outcome.lines] == ["It was changed after the file was written."] * 3
    follows = ["Ignored, because it follows from other fields: reassignments."]
    assert [line.warnings[1:] for line in outcome.lines] == [follows] * 3
    before, after = rows_of(first, form), rows_of(exported(maria, form), form)
    for row in (*before, *after):
        del row["updated_at"]
        row.pop("reassignments")
    assert after == before


def test_formulas_are_neutralised_in_csv_and_xlsx(incidents: list[Incident], maria: Person) -> None:
    table = list(csv.reader(io.StringIO(exported(maria, formats.FORMATS["csv"]).decode("utf-8-sig"))))
    assert table[1][table[0].index("title")] == "'=HYPERLINK(1)"
    assert table[2][table[0].index("custom.room")] == "''+49"
    sheet = load_workbook(io.BytesIO(exported(maria, formats.FORMATS["xlsx"]))).worksheets[0]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    assert sheet.cell(2, table[0].index("title") + 1).value == "'=HYPERLINK(1)"


@given(TEXTS)
def test_no_cell_begins_like_a_formula_and_every_text_comes_back(text: str) -> None:
    safe = cells.neutralised(text)
    assert safe[0] not in "=+-@\t\r\n"
    assert cells.restored(safe) == text
    assert cells.unescaped(cells.escaped(text)) == text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXTS, st.one_of(st.none(), st.integers(-(2**40), 2**40), TEXTS)), max_size=5))
@every_format
def test_whatever_is_written_is_read_back(form: formats.Format, table: list[tuple[Any, Any]]) -> None:
    content = b"".join(form.write(["a", "b"], table))
    read = [(row["a"], row["b"]) for row in rows_of(content, form)]
    if form.name == "json":
        assert read == table
    else:
        assert [tuple(map(cells.as_text, row)) for row in read] == [
            tuple(map(cells.as_text, row)) for row in table
        ]


def test_gus_gets_his_own_records_and_what_is_shown_to_him_only(
    incidents: list[Incident], gus: Person, nobody: Person, maria: Person
) -> None:
    create(Incident, {"title": "Not his", "requester": nobody, "party": maria.party}, by=SYSTEM)
    (row, *_others) = rows_of(exported(gus, formats.FORMATS["json"]), formats.FORMATS["json"])
    assert len(_others) == 2
    assert set(row) == {
        "reference",
        *registry.get("incident").shown_to_requesters,
        "created_at",
    }
    with pytest.raises(ValidationError, match="The list has no column “team”"):
        exported(gus, formats.FORMATS["csv"], columns=["team"])
    assert (
        rows_of(exported(nobody, formats.FORMATS["json"]), formats.FORMATS["json"])[0]["title"] == "Not his"
    )


def test_an_export_is_filtered_like_the_list(
    incidents: list[Incident], maria: Person, client: Client
) -> None:
    client.force_login(maria)
    answer: Any = client.get("/incidents/export/?format=json&assigned_to=me&columns=title")
    assert answer["Content-Disposition"].endswith('.json"')
    assert json.loads(b"".join(answer.streaming_content)) == [
        {"reference": incidents[1].reference, "title": "Slow disk"}
    ]
    assert client.get("/incidents/export/?format=pdf").status_code == 400
    assert client.get("/incidents/export/?secret=1").status_code == 400


def test_the_queries_of_an_export_do_not_grow_with_its_rows(
    incidents: list[Incident], maria: Person, django_assert_num_queries: Any
) -> None:
    export = Export(Selection.parse(registry.get("incident"), QueryDict(""), maria))
    list(export.stream(formats.FORMATS["csv"]))
    # Custom fields in use and retired ones (a request asks for both once), the records, the names of what they refer to.
    with django_assert_num_queries(4):
        list(export.stream(formats.FORMATS["csv"]))


def test_rows_without_a_reference_create_records(maria: Person, centre: Party) -> None:
    content = b"title;requester;party;impact;reference\nNew one;Maria@centre.example;Centre North;High;\n"
    outcome = imported(content, formats.FORMATS["csv"], maria)
    assert (outcome.faults, dict(outcome.counts)) == ([], {"create": 1})
    made = Incident.objects.get()
    assert (made.title, made.requester, made.party, made.impact) == ("New one", maria, centre, "high")
    assert made.entries.get().actor == maria


def test_a_dry_run_tells_line_by_line_and_writes_nothing(incidents: list[Incident], maria: Person) -> None:
    before = (Record.objects.count(), Entry.objects.count())
    rows = [
        (2, {"reference": incidents[1].reference, "title": "Fast disk"}),
        (3, {"reference": incidents[2].reference, "title": incidents[2].title}),
        (4, {"title": "Fresh", "requester": "PER-000999"}),
        (5, {"reference": "INC-999999", "title": "x"}),
        (6, {"reference": incidents[2].reference}),
        (7, {"reference": incidents[0].reference, "status": "closed", "colour": "red", "impact": "huge"}),
    ]
    outcome = RecordImport(registry.get("incident"), by=maria).rehearse(rows)
    assert outcome.lines[0].changes == {"title": ["Slow disk", "Fast disk"]}
    assert {line.number: line.errors for line in outcome.faults} == {
        4: ["requester “PER-000999”: Select a record from the list."],
        5: ["reference “INC-999999”: There is no such record. Leave the cell empty to create one."],
        6: ["Line 3 is about the same record."],
        7: [
            "status “closed”: Status can't be imported. Change it on the record, "
            "or import its past as a log (stellwerk import log, docs/importing.md).",
            "colour “red”: There is no such column.",
            "impact “huge”: Choose one of: high, medium, low.",
        ],
    }
    assert (Record.objects.count(), Entry.objects.count()) == before


def test_all_faults_of_a_row_are_named(root: Person, gus: Person) -> None:
    wrong = {"title": "", "party": "PAR-999999", "email": "not-an-address", "colour": "red"}
    before = Entry.objects.count()
    rows = [(2, wrong), (3, {**wrong, "reference": gus.reference})]
    outcome = RecordImport(registry.get("person"), by=root).run(rows)
    faults = [
        "colour “red”: There is no such column.",
        "email “not-an-address”: Enter a valid email address.",
        "party “PAR-999999”: Select a record from the list.",
        "title: This field cannot be blank.",
    ]
    assert [(line.number, line.reference, sorted(line.errors)) for line in outcome.faults] == [
        (2, "", faults),
        (3, gus.reference, faults),
    ]
    assert Entry.objects.count() == before


def test_one_bad_row_among_many_writes_nothing_and_is_named(maria: Person) -> None:
    rows = [(number, {"title": f"Row {number}", "requester": maria.reference}) for number in range(2, 302)]
    rows[200][1]["title"] = ""
    outcome = RecordImport(registry.get("incident"), by=maria).run(rows)
    assert [(line.number, line.errors) for line in outcome.faults] == [
        (202, ["title: This field cannot be blank."])
    ]
    assert not Incident.objects.exists()


def test_a_foreign_record_looks_like_one_that_does_not_exist(
    incidents: list[Incident], other_centre: Party, nobody: Person, maria: Person
) -> None:
    foreign = create(Incident, {"title": "x", "requester": nobody, "party": other_centre}, by=SYSTEM)
    rows = [
        (2, {"reference": foreign.reference, "title": "y"}),
        (3, {"reference": "INC-777777", "title": "y"}),
    ]
    outcome = RecordImport(registry.get("incident"), by=maria).run(rows)
    theirs, nobodys = (line.errors[0] for line in outcome.faults)
    assert theirs.replace(foreign.reference, "INC-777777") == nobodys
    assert Incident.objects.get(pk=foreign.pk).title == "x"


def test_a_reference_to_a_foreign_record_looks_like_one_to_none(
    incidents: list[Incident], other_centre: Party, maria: Person
) -> None:
    foreign = create(Team, {"title": "Theirs", "party": other_centre}, by=SYSTEM)
    rows = [
        (2, {"reference": incidents[0].reference, "team": foreign.reference}),
        (3, {"reference": incidents[1].reference, "team": "TEA-999999"}),
    ]
    outcome = RecordImport(registry.get("incident"), by=maria).rehearse(rows)
    theirs, nobodys = (line.errors[0] for line in outcome.faults)
    assert theirs.replace(foreign.reference, "TEA-999999") == nobodys


def test_gus_may_not_import(gus: Person, client: Client) -> None:
    with pytest.raises(PermissionDenied):
        RecordImport(registry.get("incident"), by=gus)
    client.force_login(gus)
    assert client.get("/incidents/import/").status_code == 403


def test_an_import_leaves_no_gap_in_the_numbers(incidents: list[Incident], root: Person, gus: Person) -> None:
    change(incidents[0], {"external_reference": "OLD-1"}, by=SYSTEM)
    new = {"requester": gus.reference, "party": incidents[0].party.reference}
    rows = [(n, {"external_reference": f"OLD-{n}", "title": f"Ticket {n}", **new}) for n in range(1, 301)]
    outcome = RecordImport(registry.get("incident"), by=root, key="external_reference").run(rows)
    assert (outcome.faults, dict(outcome.counts)) == ([], {"create": 299, "change": 1})
    numbers = [int(reference[4:]) for reference in Incident.objects.values_list("reference", flat=True)]
    assert sorted(numbers) == list(range(min(numbers), min(numbers) + 302))


def test_the_queries_of_an_import_grow_with_its_batches_and_not_with_its_rows(
    maria: Person, django_assert_max_num_queries: Any
) -> None:
    rows = [(n, {"title": f"Ticket {n}", "requester": maria.reference}) for n in range(200)]
    with django_assert_max_num_queries(40):
        outcome = RecordImport(registry.get("incident"), by=maria).run(rows)
    assert dict(outcome.counts) == {"create": 200}
    numbers = [int(reference[4:]) for reference in Incident.objects.values_list("reference", flat=True)]
    assert sorted(numbers) == list(range(min(numbers), min(numbers) + 200))
    assert [
        fault for record in Incident.objects.all() for fault in verify(record, record.entries.all())
    ] == []
    found = find(Incident.objects.all(), "ticket", internal=False)
    assert len(found.ids) == 200


def test_changed_rows_are_written_together_and_found_by_their_new_words(
    root: Person, maria: Person, gus: Person
) -> None:
    rows = [
        (n, {"title": f"Ticket {n}", "requester": maria.reference, "party": maria.party.reference})
        for n in range(50)
    ]
    task = RecordImport(registry.get("incident"), by=root)
    task.run(rows)
    again = [
        (n, {"reference": one.reference, "title": f"Renamed {n}", "requester": gus.reference})
        for n, one in enumerate(Incident.objects.order_by("pk"))
    ]
    outcome = task.run(again)
    assert (outcome.faults, dict(outcome.counts)) == ([], {"change": 50})
    assert len(find(Incident.objects.all(), "renamed", internal=False).ids) == 50
    assert find(Incident.objects.all(), "ticket", internal=False).ids == ()
    assert Share.objects.filter(person=gus).count() == 50
    assert {(one.version, one.entries.count()) for one in Incident.objects.all()} == {(2, 2)}
    assert [
        fault for record in Incident.objects.all() for fault in verify(record, record.entries.all())
    ] == []


def test_a_rule_that_looks_into_the_database_finds_the_rows_before_its_own(
    maria: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def once(self: Any, record: Incident, before: Incident | None) -> None:
        if before is None and Incident.objects.filter(title=record.title).exists():
            raise ValidationError({"title": "There is one like it."})

    monkeypatch.setattr(IncidentType, "validate", once)
    rows = [(n, {"title": title, "requester": maria.reference}) for n, title in enumerate("ABCB")]
    outcome = RecordImport(registry.get("incident"), by=maria).run(rows)
    assert [(line.number, line.errors) for line in outcome.faults] == [
        (3, ["title “B”: There is one like it."])
    ]
    assert not Incident.objects.exists()


def test_what_was_changed_by_an_import_is_told_to_the_reactions_once_it_is_written(
    incidents: list[Incident], maria: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, int, int]] = []

    def hear(event: Event) -> None:
        heard.append((event.entry.verb, event.record.pk, event.record.entries.count()))

    monkeypatch.setattr(events, "_reactions", lambda: {"*": [hear]})
    rows = [
        (2, {"title": "New one", "requester": maria.reference}),
        (3, {"reference": incidents[1].reference, "title": "Fast disk"}),
    ]
    RecordImport(registry.get("incident"), by=maria).rehearse(rows)
    assert heard == []
    RecordImport(registry.get("incident"), by=maria).run(rows)
    made = Incident.objects.get(title="New one")
    assert heard == [("create", made.pk, 1), ("change", incidents[1].pk, 2)]


def test_a_rehearsal_writes_nothing_at_all(incidents: list[Incident], maria: Person) -> None:
    with CaptureQueriesContext(connection) as asked:
        RecordImport(registry.get("incident"), by=maria).rehearse(
            [
                (2, {"title": "x", "requester": maria.reference}),
                (3, {"reference": incidents[0].reference, "title": "y"}),
            ]
        )
        RecordImport(registry.get("person"), by=maria).rehearse(
            [(2, {"reference": maria.reference, "phone": "1"})]
        )
    assert {query["sql"].split()[0] for query in asked} == {"SELECT"}


def test_an_import_rings_nobodys_bell(
    incidents: list[Incident], maria: Person, gus: Person, root: Person
) -> None:
    Notification.objects.all().delete()
    rows = [
        (2, {"title": "Raised for Gus", "requester": gus.reference, "party": maria.party.reference}),
        (3, {"reference": incidents[1].reference, "title": "Fast disk"}),
    ]
    outcome = RecordImport(registry.get("incident"), by=root).run(rows)
    assert (outcome.faults, dict(outcome.counts)) == ([], {"create": 1, "change": 1})
    assert not Notification.objects.exists()
    create(Incident, {"title": "By hand", "requester": gus, "party": maria.party}, by=root)
    assert [note.person for note in Notification.objects.all()] == [gus]


def test_what_a_new_record_has_by_default_is_no_news(gus: Person, centre: Party) -> None:
    row = {"title": "New one", "requester": gus.reference, "party": centre.reference, "confirmed": "no"}
    changes = RecordImport(registry.get("incident"), by=SYSTEM).rehearse([(2, row)]).lines[0].changes
    assert changes["priority"] == [None, 3]
    assert changes["confirmed"] == [None, False]
    assert [name for name, (_before, after) in changes.items() if after in (None, "", False)] == ["confirmed"]


def test_only_what_names_a_record_is_offered_to_know_it_by() -> None:
    assert keys_of(registry.get("incident")) == ["reference", "title", "external_reference"]
    assert keys_of(registry.get("person")) == ["reference", "title", "email", "username"]
    assert keys_of(registry.get("service")) == ["reference", "title"]


def test_rows_may_be_known_by_another_field(incidents: list[Incident], maria: Person) -> None:
    change(incidents[0], {"external_reference": "OLD-1"}, by=SYSTEM)
    rows = [(2, {"external_reference": "OLD-1", "title": "Found"}), (3, {"external_reference": "OLD-2"})]
    outcome = RecordImport(registry.get("incident"), by=maria, key="external_reference").rehearse(rows)
    assert (outcome.lines[0].reference, outcome.lines[0].action) == (incidents[0].reference, "change")
    assert outcome.faults[0].errors[0].startswith("title: ")
    with pytest.raises(ValidationError):
        RecordImport(registry.get("incident"), by=maria, key="description")


def upload(client: Client, content: bytes, name: str = "rows.csv", key: str = "reference") -> Any:
    return client.post("/incidents/import/", {"file": SimpleUploadedFile(name, content), "key": key})


def test_maria_uploads_looks_and_confirms(incidents: list[Incident], maria: Person, client: Client) -> None:
    client.force_login(maria)
    assert client.get("/incidents/import/").status_code == 200
    content = f"reference,title,team\n{incidents[1].reference},Fast disk,\n".encode()
    answer = upload(client, content)
    assert answer.status_code == 200
    assert "Fast disk" in answer.content.decode()
    assert Incident.objects.get(pk=incidents[1].pk).title == "Slow disk"
    address = f"/incidents/import/{ImportDraft.objects.get().pk}/"
    assert "What importing rows.csv would do" in client.get(address).content.decode()
    assert client.post(address)["Location"] == address
    assert Incident.objects.get(pk=incidents[1].pk).title == "Fast disk"
    assert "rows.csv was imported" in client.get(address).content.decode()
    assert client.post(address)["Location"] == address
    assert Incident.objects.get(pk=incidents[1].pk).version == 2


def test_a_file_with_a_fault_cannot_be_confirmed(
    incidents: list[Incident], maria: Person, client: Client
) -> None:
    client.force_login(maria)
    answer = upload(client, f"reference,impact\n{incidents[1].reference},huge\n".encode())
    assert answer.status_code == 422
    assert "impact “huge”: Choose one of: high, medium, low." in answer.content.decode()
    assert not ImportDraft.objects.exists()


def test_another_person_cannot_confirm_it(
    incidents: list[Incident], maria: Person, root: Person, client: Client
) -> None:
    client.force_login(maria)
    upload(client, f"reference,title\n{incidents[1].reference},Fast disk\n".encode())
    client.force_login(root)
    assert client.post(f"/incidents/import/{ImportDraft.objects.get().pk}/").status_code == 404
    assert Incident.objects.get(pk=incidents[1].pk).title == "Slow disk"


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 50_000_000)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", bomb(), "is too large when unpacked"),
        ("a.xlsx", b"no workbook", "isn't a workbook"),
        ("a.csv", b"\xff\xfe\x00", "isn't in utf-16"),
        ("a.csv", b"", "The submitted file is empty."),
        ("a.csv", b"title,title\n1,2\n", "This column has no heading"),
        ("a.csv", b"title\n1,2\n", "This column has no heading"),
        ("a.json", b'{"title": 1}', "must contain a list of objects"),
        ("a.json", b"[" * 100_000, "is not JSON"),
        ("a.json", b'[{"title": "a", "title": "b"}]', "“title” is given twice in one object"),
        ("a.pdf", b"%PDF", "Choose one of these formats: csv, xlsx, json."),
        ("a.csv", b"title\n", "The file has no rows"),
    ],
    ids=lambda value: value if isinstance(value, str) else "content",  # a packed file differs each second
)
def test_a_file_that_cannot_be_read_says_why(
    name: str, content: bytes, message: str, maria: Person, client: Client
) -> None:
    client.force_login(maria)
    answer = upload(client, content, name)
    assert message in unescape(answer.content.decode())
    assert answer.status_code in (200, 422)
    assert not ImportDraft.objects.exists()


def test_the_commands_write_a_file_and_read_it_back(
    tmp_path: Path, incidents: list[Incident], maria: Person
) -> None:
    path, out = tmp_path / "some.xlsx", io.StringIO()
    call_command("export_records", "incident", str(path), query="q=disk", by="maria", stdout=out)
    call_command("import_records", "incident", str(path), by="maria", dry_run=True, stdout=out)
    assert "0 to create, 0 to change, 1 unchanged, 0 with errors." in out.getvalue()
    bad = tmp_path / "bad.csv"
    bad.write_text("reference,title\n,Only a title\nINC-999999,x\n")
    with pytest.raises(CommandError, match="Nothing was saved"):
        call_command("import_records", "incident", str(bad), stdout=out)
    assert "Line 3 (INC-999999" not in out.getvalue()
    assert "Line 3 (x): reference “INC-999999”: There is no such record" in out.getvalue()
    assert Incident.objects.count() == 3
