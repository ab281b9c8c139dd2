"""Nobody touches a journal unnoticed, and the journal rebuilds the record."""

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from stellwerk.kernel.activity.attachments.models import Blob
from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.audit.verification import Verification
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.journal.replay import as_of, replay
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.values import machine_values
from stellwerk.kernel.write import services
from stellwerk.kernel.write.services import change, create, transition
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db
on_one_database = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LENGTH = 6


@pytest.fixture
def incident(maria: Person, gus: Person) -> Incident:
    """An incident with six entries, one of them a comment and one a file."""
    made = create(Incident, {"title": "Mail is down", "requester": gus, "party": maria.party}, by=SYSTEM)
    made = transition(made, "begin", by=maria)
    made = change(made, {"impact": "high", "title": "Mail is slow"}, by=maria)
    comment(made, "We are on it.", by=maria)
    attach(made, ContentFile(b"log of the server"), "server.txt", by=maria, internal=True)
    return change(made, {"description": "Since Monday"}, by=maria)


def test_a_field_that_was_added_later_holds_its_default_and_is_no_fault(
    maria: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before_the_upgrade:
        before_the_upgrade.setattr(services, "machine_values", _without_first_line)
        team = create(Team, {"title": "Desk"}, by=SYSTEM)
    assert "first_line" not in team.entries.get().changes
    assert list(Verification(Record.objects.filter(pk=team.pk)).faults()) == []
    past = as_of(team, team.created_at)
    assert past is not None
    assert past.first_line is False
    assert machine_values(past) == machine_values(team)
    Team.objects.filter(pk=team.pk).update(first_line=True)
    assert [str(fault) for fault in Verification(Record.objects.filter(pk=team.pk)).faults()] == [
        f"{team.reference}, entry 1: “first_line” in the record doesn't match the journal."
    ]


def _without_first_line(record: Record) -> dict[str, Any]:
    return {name: value for name, value in machine_values(record).items() if name != "first_line"}


class Undo(Exception):
    """Ends the transaction of one example."""


@contextmanager
def undone() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
            raise Undo
    except Undo:
        pass


def faults(records: Any = None) -> list[str]:
    return [
        str(fault) for fault in Verification(Record.objects.all() if records is None else records).faults()
    ]


def entry(incident: Incident, number: int) -> Any:
    return Entry.objects.filter(record=incident.pk, number=number)


def flipped(text: str, position: int) -> str:
    place = position % len(text)
    return f"{text[:place]}{chr(ord(text[place]) ^ 1)}{text[place + 1 :]}"


def moved(moment: datetime, by: int) -> datetime:
    return moment + timedelta(microseconds=1 + by % 10**9)


def altered(changes: Any, position: int) -> Any:
    name = sorted(changes)[position % len(changes)]
    return {**changes, name: [changes[name][0], {"was": changes[name][1]}]}


MUTATIONS: dict[str, Callable[[Any, int], Any]] = {
    "number": lambda value, seed: value + 100 + seed % 100,
    "at": moved,
    "recorded_at": moved,
    "actor_id": lambda value, seed: None if value else Person.objects.values_list("pk", flat=True)[0],
    "verb": lambda value, seed: "link",
    "name": lambda value, seed: f"{value}x",
    "changes": altered,
    "reason": lambda value, seed: f"{value} ",
    "internal": lambda value, seed: not value,
    "brought_from": lambda value, seed: "elsewhere",
    "previous": flipped,
    "digest": flipped,
}


def test_an_untouched_journal_has_no_fault(incident: Incident) -> None:
    assert incident.journal_count == LENGTH
    assert faults() == []


@on_one_database
@given(st.integers(1, LENGTH), st.sampled_from(sorted(MUTATIONS)), st.integers(0, 10**6))
def test_any_change_to_any_entry_is_found(incident: Incident, number: int, column: str, seed: int) -> None:
    with undone():
        value = entry(incident, number).values_list(column, flat=True).get()
        if column == "changes":
            assume(value)
        mutated = MUTATIONS[column](value, seed)
        assert mutated != value
        entry(incident, number).update(**{column: mutated})
        found = faults(Record.objects.filter(pk=incident.pk))
        assert found
        assert any(f"{incident.reference}, entry {number}" in fault for fault in found)


@on_one_database
@given(st.integers(1, LENGTH))
def test_a_removed_entry_is_found(incident: Incident, number: int) -> None:
    with undone():
        entry(incident, number).delete()
        what = (
            "the journal was cut off here." if number == LENGTH else "is missing; the journal continues with"
        )
        assert any(f"entry {number}: {what}" in fault for fault in faults())


@on_one_database
@given(st.integers(1, LENGTH - 1))
def test_a_cut_tail_is_found(incident: Incident, kept: int) -> None:
    with undone():
        Entry.objects.filter(record=incident.pk, number__gt=kept).delete()
        assert f"{incident.reference}, entry {kept + 1}: the journal was cut off here." in faults()
        head = entry(incident, kept).get().digest
        Record.objects.filter(pk=incident.pk).update(journal_count=kept, journal_head=head)
        assert (
            f"{incident.reference}, entry {kept}: the record's seal over its journal is broken." in faults()
        )


@on_one_database
@given(st.lists(st.integers(1, LENGTH), min_size=2, max_size=2, unique=True))
def test_two_swapped_entries_are_found(incident: Incident, numbers: list[int]) -> None:
    with undone():
        first, second = numbers
        entry(incident, first).update(number=1_000)
        entry(incident, second).update(number=first)
        entry(incident, 1_000).update(number=second)
        found = faults()
        for number in numbers:
            assert any(f"entry {number}:" in fault for fault in found)


def test_an_inserted_entry_is_found(incident: Incident) -> None:
    forged = entry(incident, LENGTH).get()
    forged.pk, forged.number, forged.previous = None, LENGTH + 1, forged.digest
    forged.digest = hashlib.sha256(b"without the key").hexdigest()
    forged.save(force_insert=True)
    found = faults()
    assert f"{incident.reference}, entry 7: its content was changed after it was written." in found
    assert f"{incident.reference}, entry 7: isn't the last entry that the record knows of." in found


def test_a_record_changed_behind_the_journal_is_found(incident: Incident) -> None:
    Incident.objects.filter(pk=incident.pk).update(impact="low")
    assert faults() == [f"{incident.reference}, entry 6: “impact” in the record doesn't match the journal."]


def test_a_changed_removed_or_forged_comment_is_found(incident: Incident) -> None:
    said = Comment.objects.get()
    Comment.objects.update(body="We are not on it.")
    moment = said.at.isoformat()
    assert faults() == [
        f"{incident.reference}, entry 6: the comment of {moment} was changed or removed.",
        f"{incident.reference}, entry 6: the comment of {moment} isn't in the journal.",
    ]
    Comment.objects.update(body=said.body, internal=True)
    assert len(faults()) == 2
    Comment.objects.all().delete()
    assert faults() == [f"{incident.reference}, entry 6: the comment of {moment} was changed or removed."]


def test_a_changed_file_is_found(incident: Incident) -> None:
    blob = Blob.objects.get()
    with blob.file.storage.open(str(blob.file.name), "wb") as content:
        content.write(b"another log")
    (fault,) = faults()
    assert fault.endswith(f"the stored content of file {blob.sha256[:12]} isn't what was attached.")
    blob.file.storage.delete(str(blob.file.name))
    assert len(faults()) == 1
    blob.attachments.update(name="other.txt")
    assert any("the file of" in fault for fault in faults())


def test_the_command_says_which_entry_and_ends_with_one(incident: Incident, maria: Person) -> None:
    out = io.StringIO()
    call_command("journal", "verify", stdout=out)
    assert "1 files" in out.getvalue()
    assert "0 faults." in out.getvalue()
    entry(incident, 2).update(reason="forged")
    call_command("journal", "verify", maria.reference, stdout=out)
    with pytest.raises(SystemExit) as ended:
        call_command("journal", "verify", incident.reference.lower(), stdout=out)
    assert ended.value.code == 1
    assert f"{incident.reference}, entry 2: its content was changed after it was written." in out.getvalue()
    entry(incident, 3).update(reason="forged")
    with pytest.raises(SystemExit):
        call_command("journal", "verify", most=1, stdout=out)
    assert "entry 3" not in out.getvalue()
    assert "\nand 1 more\n" in out.getvalue()
    assert "2 faults." in out.getvalue()
    with pytest.raises(CommandError, match="There is no record INC-999999"):
        call_command("journal", "verify", "INC-999999")


def test_another_key_is_said_once_instead_of_a_fault_for_every_entry(
    incident: Incident, settings: Any
) -> None:
    out = io.StringIO()
    settings.STELLWERK_JOURNAL_KEY = b"another key"
    with pytest.raises(CommandError, match="Not one record bears a seal of this key: STELLWERK_SECRET_KEY"):
        call_command("journal", "verify", stdout=out)
    assert out.getvalue() == ""


def test_verifying_asks_no_query_per_record(
    incident: Incident, gus: Person, django_assert_num_queries: Any
) -> None:
    assert faults() == []
    records = Record.objects.filter(kind="incident")
    queries = 15 if connection.vendor == "sqlite" else 13  # dates and JSON are texts there, and looked at
    with django_assert_num_queries(queries):
        faults(records)
    for number in range(5):
        create(Incident, {"title": f"Further {number}", "requester": gus}, by=SYSTEM)
    with django_assert_num_queries(queries):
        faults(records)


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "title": st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30),
        "impact": st.sampled_from(["high", "medium", "low"]),
        "urgency": st.sampled_from(["high", "medium", "low"]),
        "description": st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30),
        "channel": st.sampled_from(["mail", "phone"]),
    },
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(VALUES, min_size=1, max_size=6))
def test_replay_to_now_equals_now_and_to_then_equals_then(gus: Person, changes: list[dict[str, Any]]) -> None:
    with undone():
        record = create(Incident, {"title": "Begins", "requester": gus}, by=SYSTEM)
        past = [(record.updated_at, machine_values(record))]
        for number, values in enumerate(changes):
            record = change(record, {"title": f"Change {number}", **values}, by=SYSTEM)
            past.append((record.updated_at, machine_values(record)))
        stored = Incident.objects.get(pk=record.pk)
        assert replay(stored) == machine_values(stored)
        latest = dict(past)
        for moment, then in latest.items():
            rebuilt = as_of(stored, moment)
            assert rebuilt is not None
            assert machine_values(rebuilt) == then
        assert faults(Record.objects.filter(pk=record.pk)) == []
