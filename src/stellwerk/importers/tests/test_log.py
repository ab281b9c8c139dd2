import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from stellwerk.foundation.prioritisation import ensure_default
from stellwerk.importers import importing
from stellwerk.importers.importing import LogImporter
from stellwerk.importers.mapping import load, parse, shipped
from stellwerk.importers.models import LogImport
from stellwerk.kernel.audit.verification import Verification
from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.journal.replay import as_of
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.testing.fixtures import make_person
from stellwerk.kernel.write.services import change
from stellwerk.processes.incidents.incident import Incident

HERE = Path(__file__).parent
LOG, MAPPING = HERE / "helpdesk.csv", HERE / "helpdesk.toml"
pytestmark = pytest.mark.django_db


def bring(path: Path = LOG, mapping: Path | str = MAPPING, **options: Any) -> LogImporter:
    importer = LogImporter(path, load(str(mapping)))
    importer.run(**options)
    return importer


def ticket(number: str) -> Incident:
    found: Incident = Incident.objects.get(external_reference=number)
    return found


def shortened(tmp_path: Path, lines: int) -> Path:
    """Keep the log's first `lines` rows."""
    path = tmp_path / "short.csv"
    path.write_text("".join(LOG.read_text().splitlines(keepends=True)[: lines + 1]))
    return path


@pytest.fixture(autouse=True)
def matrix(db: None) -> None:
    ensure_default()


def test_a_log_becomes_tickets_with_their_history() -> None:
    make_person("Arno Agent")
    bring()
    first = ticket("T1")
    assert (first.title, first.status, first.reopenings) == ("Mail is down", "closed", 1)
    assert (first.requester.title, first.assigned_to.title) == ("Ada Ash", "Arno Agent")
    assert (first.team.title, str(first.category)) == ("Mail team", "Mail › Outlook")
    assert (first.party.title, first.customer.title) == ("Old desk", "Old customer")
    assert first.custom == {"location": "A1"}
    assert (first.resolution_code, first.resolution) == ("solved", "Old code R1.")
    entries = first.entries.exclude(verb="comment").order_by("number")
    assert [entry.reason for entry in entries] == ["", *(f"Step {number}" for number in range(6))]
    assert [entry.actor.title for entry in entries[:3]] == ["Ada Ash", "Ben Birch", "Ben Birch"]


def test_the_instants_are_those_of_the_log() -> None:
    bring()
    first = ticket("T1")
    assert first.created_at == datetime(2021, 2, 1, 7, 55, tzinfo=UTC)
    assert first.updated_at == first.resolved_at == datetime(2021, 2, 1, 11, 0, tzinfo=UTC)
    states = [as_of(first, datetime(2021, 2, 1, hour, 15, tzinfo=UTC)) for hour in (8, 9, 10)]
    assert [past.status for past in states if past] == ["new", "in_progress", "resolved"]
    assert states[2] is not None
    assert states[2].resolved_at == datetime(2021, 2, 1, 10, 0, tzinfo=UTC)  # not the one of the row, 12:00


def test_a_priority_that_the_matrix_does_not_give_is_kept_with_its_reason() -> None:
    bring()
    second = ticket("T2")
    assert (second.impact, second.urgency) == ("high", "medium")
    assert (second.priority, second.priority_override) == (5, 5)
    assert second.priority_reason == "As in the old helpdesk"
    assert (ticket("T1").priority, ticket("T1").priority_override) == (3, None)


def test_a_column_becomes_an_internal_note_once() -> None:
    bring()
    said = ticket("T1").comments.get()
    assert (said.body, said.internal) == ("Supplier's number: V-77", True)


def test_what_is_unknown_is_reported_with_its_lines_and_nothing_else_is_lost() -> None:
    found = [str(finding) for finding in bring().findings]
    assert found == [
        "state “-100”: unknown status: the previous one stays (1 times, lines 6)",
        "impact “9”: the mapping doesn't know this value (1 times, lines 6)",
        "the row names no ticket and was left out (1 times, lines 10)",
        "when “yesterday”: not a date as the mapping describes them: the previous instant is used (1 times, lines 11)",
        "the row has 2 cells instead of 20 and was left out (1 times, lines 12)",
    ]
    second = ticket("T2")
    assert (second.status, second.waiting_for, second.impact) == ("waiting", "user", "high")
    assert second.journal_count == 4


def test_rows_in_an_unknown_state_are_left_out_where_the_mapping_says_so(tmp_path: Path) -> None:
    mapping = tmp_path / "strict.toml"
    mapping.write_text(
        MAPPING.read_text().replace('column = "state"', 'column = "state"\nunknown = "refuse"')
    )
    found = [str(finding) for finding in bring(LOG, mapping).findings]
    assert found[0] == "state “-100”: unknown status: the row was left out (1 times, lines 6)"
    assert ticket("T2").journal_count == 3


def test_a_caller_whom_the_log_does_not_name_is_called_unknown() -> None:
    bring()
    assert ticket("T4").requester.title == "Unknown"
    assert ticket("T4").status == "in_progress"


def test_the_same_file_twice_changes_nothing() -> None:
    bring()
    before = (Record.objects.count(), Entry.objects.count(), LogImport.objects.get().digest)
    assert not LogImporter(LOG, load(str(MAPPING))).run()
    importer = bring(again=True)
    assert importer.figures.unchanged == 3
    assert importer.figures.known_updates == 10
    assert (Record.objects.count(), Entry.objects.count(), LogImport.objects.get().digest) == before


def test_the_command_says_of_the_same_file_that_nothing_is_new() -> None:
    out = io.StringIO()
    bring()
    call_command("import_log", str(LOG), mapping=str(MAPPING), stdout=out)
    told = out.getvalue()
    assert "This file was already imported completely. Use --again to check once more." in told
    assert "3 tickets: 0 new, 0 continued, 3 unchanged, 0 left out." in told
    assert "0 updates imported, 10 already known" in told
    assert "Made:" not in told


def test_a_longer_log_adds_only_what_it_has_more(tmp_path: Path) -> None:
    bring(shortened(tmp_path, 3))
    assert ticket("T1").journal_count == 4  # opened, two steps, one note
    people = Person.objects.count()
    importer = bring()
    assert (importer.figures.extended, importer.figures.new) == (2, 1)
    assert (importer.figures.known_updates, importer.figures.updates) == (3, 7)
    assert ticket("T1").status == "closed"
    assert Person.objects.count() == people + 2  # Dora Doe, and the unknown one
    assert Incident.objects.count() == 3


def test_an_import_that_was_cut_off_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "UPDATES_AT_ONCE", 1)

    class Cut(Exception):
        pass

    def cut(file: Any, figures: Any) -> None:
        if figures.tickets == 2:
            raise Cut

    with pytest.raises(Cut):
        bring(progress=cut)
    assert Incident.objects.count() == LogImport.objects.get().tickets == 2
    importer = bring()
    assert (importer.figures.new, importer.figures.updates) == (3, 10)
    assert len(importer.findings) == 5
    assert Incident.objects.count() == 3
    assert list(Verification(Record.objects.all()).faults()) == []


def test_a_failing_chunk_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogImporter, "_save_checkpoint", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bring()
    assert not Incident.objects.exists()
    assert not Person.objects.exists()


def test_updates_older_than_what_was_done_here_since_are_reported(tmp_path: Path) -> None:
    bring(shortened(tmp_path, 3))
    change(ticket("T1"), {"title": "Renamed here"}, by=SYSTEM)
    importer = bring()
    assert importer.figures.late_updates == 4
    assert ticket("T1").title == "Renamed here"
    assert list(Verification(Record.objects.all()).faults()) == []


def test_rows_that_stand_together_need_no_sorting(tmp_path: Path) -> None:
    lines = LOG.read_text().splitlines(keepends=True)
    path, mapping = tmp_path / "sorted.csv", tmp_path / "sorted.toml"
    path.write_text(lines[0] + "".join(sorted(lines[1:])))
    mapping.write_text(MAPPING.read_text().replace('rows = "scattered"', 'rows = "together"'))
    bring(path, mapping)
    assert (ticket("T1").journal_count, ticket("T1").status) == (8, "closed")


def test_a_dry_run_counts_and_writes_nothing() -> None:
    out = io.StringIO()
    before = Record.objects.count()
    call_command("import_log", str(LOG), mapping=str(MAPPING), dry_run=True, stdout=out)
    assert "3 tickets: 3 new, 0 continued, 0 unchanged, 0 left out." in out.getvalue()
    assert "10 updates imported" in out.getvalue()
    assert (Record.objects.count(), Entry.objects.filter(brought_from="Old helpdesk").count()) == (before, 0)
    assert not CustomField.objects.exists()
    assert not Party.objects.exists()


def test_the_command_reports_and_writes_every_finding(tmp_path: Path) -> None:
    out, report = io.StringIO(), tmp_path / "report.csv"
    call_command("import_log", str(LOG), mapping=str(MAPPING), report=report, stdout=out)
    assert "Created: 6 people, 4 categories, 2 teams." in out.getvalue()
    assert report.read_text().splitlines()[1:3] == [
        "10,,,the row names no ticket and was left out",
        "12,,,the row has 2 cells instead of 20 and was left out",
    ]


def test_the_shipped_mapping_reads_the_shape_of_the_uci_log(tmp_path: Path) -> None:
    assert shipped() == ["uci-incident-log"]
    path = tmp_path / "uci.csv"
    columns = (
        "number,incident_state,active,reassignment_count,reopen_count,sys_mod_count,made_sla,caller_id,opened_by,"
        "opened_at,sys_created_by,sys_created_at,sys_updated_by,sys_updated_at,contact_type,location,category,"
        "subcategory,u_symptom,cmdb_ci,impact,urgency,priority,assignment_group,assigned_to,knowledge,"
        "u_priority_confirmation,notify,problem_id,rfc,vendor,caused_by,closed_code,resolved_by,resolved_at,closed_at"
    )
    rows = [
        "N1,New,TRUE,0,0,0,TRUE,Ada,Ben,29/2/2016 01:16,?,?,Ben,29/2/2016 01:23,Phone,Room 1,C,S,?,?,"
        "2 - Medium,2 - Medium,3 - Moderate,G1,?,TRUE,FALSE,Do Not Notify,?,?,?,?,code 5,Rob,1/3/2016 11:29,5/3/2016 12:00",
        "N1,Closed,FALSE,2,0,4,FALSE,Ada,Ben,29/2/2016 01:16,?,?,Ben,5/3/2016 12:00,Phone,Room 1,C,S,?,?,"
        "3 - Low,3 - Low,4 - Low,G2,Rob,TRUE,FALSE,Do Not Notify,P1,?,?,?,code 5,Rob,1/3/2016 11:29,5/3/2016 12:00",
    ]
    path.write_text("\n".join([columns, *rows]))
    assert not bring(path, "uci-incident-log").findings
    closed = ticket("N1")
    assert (closed.status, closed.reassignments, closed.priority, closed.priority_override) == (
        "closed",
        2,
        4,
        4,
    )
    assert closed.resolution == "Closed with code 5 by Rob."
    assert closed.resolved_at == datetime(2016, 3, 1, 11, 29, tzinfo=UTC)
    assert closed.custom == {"location": "Room 1", "within_sla": False, "problem": "P1"}


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ('"open" = "new"', '"open" = "fresh"', "[status] values.open: choose one of: new, in_progress"),
        ('column = "room"', 'column = "rooms"', "The file has no column rooms. Its columns are: id"),
        ('ignored = ["colour"]', "", "The mapping doesn't say what to do with colour"),
        ("[fields.team]", "[fields.crew]", "incident has no field “crew”."),
        ("once = true", "ones = true", "[fields.title] ones: there is no such key."),
        ('time_zone = "Europe/Berlin"', 'time_zone = "Mars"', "there is no such time zone."),
        ('party = "desk"', 'party = "moon"', "names a party “moon”"),
        ('"1" = "high"', '"1" = "huge"', "[fields.impact] values: choose one of: high, medium, low."),
        ('source = "Old helpdesk"', "source = ", "The mapping isn't valid TOML"),
    ],
)
def test_a_mapping_with_a_fault_says_where(tmp_path: Path, wrong: str, right: str, message: str) -> None:
    mapping = tmp_path / "wrong.toml"
    mapping.write_text(MAPPING.read_text().replace(wrong, right))
    before = Record.objects.count()
    with pytest.raises((ValidationError, CommandError)) as caught:
        call_command("import_log", str(LOG), mapping=str(mapping))
    assert message in str(caught.value)
    assert not Incident.objects.exists()
    assert Record.objects.filter(kind="person").count() == 0
    assert Record.objects.count() >= before


def test_a_file_in_another_encoding_is_read_and_it_is_said(tmp_path: Path) -> None:
    path, mapping = tmp_path / "latin.csv", tmp_path / "stated.toml"
    path.write_bytes(LOG.read_text().replace("Ada", "Adä").encode("latin-1"))
    assert str(next(iter(bring(path).findings))).startswith(
        "The file isn't UTF-8 and was read as Windows-1252"
    )
    assert ticket("T1").requester.title == "Adä Ash"
    mapping.write_text(MAPPING.read_text().replace("[file]", '[file]\nencoding = "utf-8"'))
    with pytest.raises(ValidationError, match=r"in utf-8-sig. Name its encoding"):
        bring(path, mapping)


def test_a_mapping_without_its_type_is_refused() -> None:
    with pytest.raises(ValidationError, match="No record type is called 'ticket'"):
        parse('source = "x"\nrecord_type = "ticket"')
