"""Logs as other tools write them: rows apart, clocks changed, workbooks, one row per changed field."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from openpyxl import Workbook

from stellwerk.foundation.prioritisation import ensure_default
from stellwerk.importers.importing import LogImporter
from stellwerk.importers.mapping import parse
from stellwerk.importers.models import LogImport
from stellwerk.kernel.audit.verification import Verification
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.journal.replay import as_of
from stellwerk.kernel.model.record import Record
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db

MAPPING = """
source = "Small"
record_type = "incident"
[file]
dates = ["%Y-%m-%d %H:%M"]
time_zone = "Europe/Berlin"
[ticket]
number = "n"
instant = "at"
order = ["seq"]
reason = "Update {seq}"
[status]
column = "s"
[status.values]
"New" = "new"
"Open" = "in_progress"
"Done" = "resolved"
"Closed" = "closed"
[fields.title]
text = ["Ticket {n}"]
[fields.requester]
column = "who"
"""
HEAD = "n,seq,at,s,who\n"


@pytest.fixture(autouse=True)
def matrix(db: None) -> None:
    ensure_default()


def importer(tmp_path: Path, content: str, mapping: str = MAPPING) -> LogImporter:
    path = tmp_path / "log.csv"
    path.write_text(content)
    return LogImporter(path, parse(mapping))


def bring(tmp_path: Path, content: str, mapping: str = MAPPING) -> LogImporter:
    """Look first, then import: both say the same."""
    looked, brought = importer(tmp_path, content, mapping), importer(tmp_path, content, mapping)
    before = Record.objects.count()
    looked.rehearse()
    assert Record.objects.count() == before
    brought.run()
    assert looked.figures == brought.figures
    assert list(map(str, looked.findings)) == list(map(str, brought.findings))
    return brought


def ticket(number: str) -> Incident:
    found: Incident = Incident.objects.get(external_reference=number)
    return found


def instants(record: Incident) -> list[str]:
    return [f"{entry.at:%m-%d %H:%M}" for entry in record.entries.order_by("number")]


def told(findings: Any) -> list[str]:
    return [str(finding) for finding in findings]


@pytest.mark.parametrize("rows", ["", 'rows = "together"', 'rows = "scattered"'])
def test_the_rows_of_a_ticket_are_found_wherever_they_stand(tmp_path: Path, rows: str) -> None:
    content = HEAD + (
        "S1,1,2025-05-01 10:00,New,Ann\nS2,1,2025-05-01 10:05,New,Ann\nS1,2,2025-05-01 10:10,Open,Ann\n"
        "S2,2,2025-05-01 10:15,Done,Ann\nS1,3,2025-05-01 10:20,Done,Ann\n"
    )
    done = bring(tmp_path, content, MAPPING.replace("[file]", f"[file]\n{rows}"))
    assert (done.figures.tickets, done.figures.new, done.figures.updates) == (2, 2, 5)
    assert (ticket("S1").status, ticket("S1").journal_count) == ("resolved", 4)
    assert done.file.position == done.file.size


def test_rows_keep_their_order_where_the_clocks_were_changed(tmp_path: Path) -> None:
    content = HEAD + (
        "T1,1,2025-10-26 02:50,New,Ann\nT1,2,2025-10-26 02:10,Open,Ann\nT1,3,2025-10-26 03:30,Done,Ann\n"
        "T2,1,2025-03-30 01:50,New,Ann\nT2,2,2025-03-30 02:30,Open,Ann\nT2,3,2025-03-30 03:10,Done,Ann\n"
    )
    done = bring(tmp_path, content)
    assert (done.figures.updates, done.figures.late_updates) == (6, 0)
    assert instants(ticket("T1")) == ["10-26 00:50", "10-26 00:50", "10-26 01:10", "10-26 02:30"]
    assert instants(ticket("T2")) == ["03-30 00:50", "03-30 00:50", "03-30 00:50", "03-30 01:10"]
    assert told(done.findings)[1] == (
        "at “2025-10-26 02:10”: the clocks changed at that time: read as 2025-10-26T01:10:00Z, "
        "after the row before it (1 times, lines 3)"
    )
    assert done.findings.losses == 0


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_file_tells_the_order_where_only_instants_do(tmp_path: Path, newest_first: bool) -> None:
    rows = [
        "T1,1,2025-10-26 02:50,New,Ann",
        "T1,2,2025-10-26 02:10,Open,Ann",
        "T1,3,2025-10-26 03:30,Done,Ann",
    ]
    content = HEAD + "\n".join(rows[::-1] if newest_first else rows)
    bring(tmp_path, content, MAPPING.replace('order = ["seq"]', ""))
    assert instants(ticket("T1"))[1:] == ["10-26 00:50", "10-26 01:10", "10-26 02:30"]


def test_constants_and_defaults_stand_for_records(tmp_path: Path) -> None:
    content = HEAD + "T1,1,2025-05-01 10:00,New,\n"
    for said in ('text = ["Somebody"]', 'default = "Somebody"', 'column = "who"\ndefault = "Somebody"'):
        ignored = "" if "who" in said else 'ignored = ["who"]\n'
        done = bring(tmp_path, content, f"{ignored}{MAPPING}".replace('column = "who"', said))
        assert ticket("T1").requester.title == "Somebody"
        assert done.figures.made in ({"person": 1}, {})
        Entry.objects.filter(record__kind="incident").delete()
        Incident.objects.all().delete()
    assert Person.objects.filter(title="Somebody").count() == 1


def test_looking_promises_nothing_that_the_import_refuses(tmp_path: Path) -> None:
    mapping = 'ignored = ["who"]\n' + MAPPING.partition("[fields.requester]")[0]
    content = HEAD + "T1,1,2025-05-01 10:00,New,Ann\n"
    done = bring(tmp_path, content, mapping)
    assert (done.figures.new, done.figures.refused, done.figures.updates) == (0, 1, 0)
    assert not LogImport.objects.exists()
    path = tmp_path / "mapping.toml"
    path.write_text(mapping)
    for dry_run in (True, False):
        with pytest.raises(CommandError, match="Nothing was imported: every ticket was left out"):
            call_command(
                "import_log",
                str(tmp_path / "log.csv"),
                mapping=str(path),
                dry_run=dry_run,
                stdout=io.StringIO(),
            )


def test_a_log_without_rows_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="the file has no row that names a ticket"):
        importer(tmp_path, HEAD).run()
    with pytest.raises(ValidationError, match="the file has no row that names a ticket"):
        importer(tmp_path, HEAD).rehearse()
    assert not LogImport.objects.exists()


def test_nameless_and_repeated_columns_are_named_by_their_place(tmp_path: Path) -> None:
    head, row = "n,seq,at,s,who,,x,x,\n", "T1,1,2025-05-01 10:00,New,Ann,,a,b,\n"
    with pytest.raises(ValidationError, match="what to do with #7 “x”, #8 “x”"):
        importer(tmp_path, head + row).run()
    with pytest.raises(
        ValidationError, match=r"“x” appears more than once. Name it by its position, one of #7, #8"
    ):
        importer(tmp_path, head + row, MAPPING + '[fields.description]\ncolumn = "x"').run()
    mapping = 'ignored = ["#8"]\n' + MAPPING + '[fields.description]\ncolumn = "#7"'
    assert told(bring(tmp_path, head + row, mapping).findings) == []
    assert ticket("T1").description == "a"


def test_what_stands_under_no_heading_is_reported_unless_it_is_ignored(tmp_path: Path) -> None:
    content = "n;seq;at;s;who;\nT1;1;2025-05-01 10:00;New;Ann;\nT2;1;2025-05-01 10:00;New;Ann;lost\n"
    found = "#6 “lost”: the column has no heading, and the mapping doesn't name its position: ignored (1 times, lines 3)"
    assert told(bring(tmp_path, content).findings) == [found]
    Entry.objects.filter(record__kind="incident").delete()
    Incident.objects.all().delete()
    for ignored in ('""', '"#6"'):
        assert told(importer(tmp_path, content, f"ignored = [{ignored}]\n{MAPPING}").findings) == []


def test_what_is_left_out_is_counted_and_ends_strictly_with_1(tmp_path: Path) -> None:
    content = HEAD + (
        ",1,2025-05-01 10:00,New,Ann\nT1,1,2025-05-01 10:00,New,Ann\nT1,2,2025-05-02 10:00\nT2,1,,New,Ann\n"
    )
    assert bring(tmp_path, content).figures.rows_left_out == 3
    (tmp_path / "mapping.toml").write_text(MAPPING)
    out = io.StringIO()
    options = {"mapping": str(tmp_path / "mapping.toml"), "stdout": out, "again": True}
    call_command("import_log", str(tmp_path / "log.csv"), **options)
    assert "Rows of the file left out: 3." in out.getvalue()
    with pytest.raises(SystemExit) as ended:
        call_command("import_log", str(tmp_path / "log.csv"), strict=True, **options)
    assert ended.value.code == 1


def test_resolved_closed_and_reopened_follow_from_the_states(tmp_path: Path) -> None:
    states = ["New", "Open", "Done", "Open", "Done", "Closed"]
    rows = [f"T1,{number},2025-05-01 1{number}:00,{state},Ann\n" for number, state in enumerate(states)]
    bring(tmp_path, HEAD + "".join(rows))
    at = [datetime(2025, 5, 1, hour, tzinfo=UTC) for hour in range(8, 14)]
    one = ticket("T1")
    assert (one.status, one.resolved_at, one.closed_at, one.reopenings) == ("closed", at[4], at[5], 1)
    past = [as_of(one, moment) for moment in at]
    assert [(each.resolved_at, each.closed_at, each.reopenings) for each in past if each] == [
        (None, None, 0),
        (None, None, 0),
        (at[2], None, 0),
        (None, None, 1),
        (at[4], None, 1),
        (at[4], at[5], 1),
    ]
    assert {entry.brought_from for entry in one.entries.all()} == {"Small"}
    assert list(Verification(Record.objects.all()).faults()) == []


def test_a_workbook_is_a_log_too(tmp_path: Path) -> None:
    book = Workbook()
    book.worksheets[0].append(["Read me"])
    sheet = book.create_sheet("Data")
    for row in (
        ["Export of May"],
        ["n", "seq", "at", "s", "who"],
        [17, 1, datetime(2025, 5, 1, 10, 0, 30), "New", "Ann"],  # noqa: DTZ001 -- as workbooks hold it
        [17, 2.0, "2025-05-01 11:00", "Done", "Ann"],
    ):
        sheet.append(row)
    path = tmp_path / "log.xlsx"
    book.save(path)
    done = LogImporter(path, parse(MAPPING.replace("[file]", '[file]\nsheet = "Data"')))
    done.run()
    one = ticket("17")
    assert (one.status, one.created_at) == ("resolved", datetime(2025, 5, 1, 8, 0, 30, tzinfo=UTC))
    assert told(done.findings) == ["The headings are in line 2. (1 times, lines 2)"]


def test_one_row_for_each_changed_field_becomes_a_history(tmp_path: Path) -> None:
    mapping = MAPPING.replace('column = "s"', 'column = "State"').replace('"who"', '"Caller"')
    mapping = mapping.replace(
        "[status]",
        '[changes]\nfield = "field"\nold = "from"\nnew = "to"\nfields = ["State", "Caller"]\n\n[status]',
        1,
    ).replace('reason = "Update {seq}"', 'reason = "Update {seq}"\ncreated = ["opened"]')
    content = (
        "n,seq,at,opened,field,from,to\n"
        "T1,1,2025-05-01 10:00,2025-05-01 09:00,State,New,Open\n"
        "T1,2,2025-05-01 11:00,2025-05-01 09:00,Caller,Ann,Ben\n"
        "T1,3,2025-05-01 11:30,2025-05-01 09:00,Colour,red,blue\n"
        "T1,4,2025-05-01 12:00,2025-05-01 09:00,State,Open,Done\n"
    )
    done = bring(tmp_path, content, mapping)
    one = ticket("T1")
    assert (one.status, one.requester.title, one.created_at.hour) == ("resolved", "Ben", 7)
    past = as_of(one, datetime(2025, 5, 1, 8, 30, tzinfo=UTC))
    assert past is not None
    assert (past.status, past.requester.title) == ("in_progress", "Ann")
    assert told(done.findings) == [
        "field “Colour”: the mapping doesn't know this field: ignored (1 times, lines 4)"
    ]


def test_ways_through_a_tree_in_one_column_become_a_tree(tmp_path: Path) -> None:
    content = "n,seq,at,s,who,area\nT1,1,2025-05-01 10:00,New,Ann,Mail > Outlook > Rules\n"
    bring(tmp_path, content, MAPPING + '[fields.category]\ncolumn = "area"')
    assert str(ticket("T1").category) == "Mail › Outlook › Rules"
    content = content.replace("T1", "T2").replace(" > ", "/")
    done = bring(tmp_path, content, MAPPING + '[fields.category]\ncolumn = "area"\nseparator = "/"')
    assert ticket("T2").category == ticket("T1").category
    assert done.figures.made == {}
