"""Bringing many records with their past: the same verbs, written in bulk."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stellwerk.foundation.prioritisation import ensure_default
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.activity.history import History
from stellwerk.kernel.audit.verification import Verification
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.journal.replay import replay
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.shared_cache import remember, remembering
from stellwerk.kernel.model.values import machine_values
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.search import index
from stellwerk.kernel.write.services import change, create
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db
START = datetime(2020, 1, 1, 8, tzinfo=UTC)


def hours(number: int) -> datetime:
    return START + timedelta(hours=number)


def faults() -> list[str]:
    return [str(fault) for fault in Verification(Record.objects.all()).faults()]


@pytest.fixture(autouse=True)
def matrix(db: None) -> None:
    ensure_default()


def test_only_an_administrator_may_bring_history(maria: Person, root: Person) -> None:
    with pytest.raises(PermissionDenied):
        History("old tool", by=maria)
    History("old tool", by=root)


def test_history_reads_like_what_was_written_here(gus: Person, maria: Person) -> None:
    with History("old tool", by=SYSTEM) as history:
        values = {"title": "Old", "requester": gus, "party": maria.party}
        brought = history.create(Incident, values, by=gus, at=hours(0))
        history.transition(brought, "begin", by=maria, at=hours(1))
        history.comment(brought, "Restarted the spooler.", by=maria, at=hours(2), internal=True)
        history.change(brought, {"status": "closed"}, by=maria, at=hours(3), reason="Step 4")
    stored = Incident.objects.get()
    assert (stored.status, stored.assigned_to, stored.is_open, stored.version) == ("closed", maria, False, 4)
    assert [(e.verb, e.at, e.actor, e.brought_from) for e in stored.entries.order_by("number")] == [
        ("create", hours(0), gus, "old tool"),
        ("transition", hours(1), maria, "old tool"),
        ("comment", hours(2), maria, "old tool"),
        ("change", hours(3), maria, "old tool"),
    ]
    assert Comment.objects.get().at == hours(2)
    assert set(Share.objects.values_list("person", "party")) == {(gus.pk, None), (None, gus.party_id)}
    assert list(index.matching(Incident.objects.all(), "spooler", internal=True)) == [stored]
    assert list(index.matching(Incident.objects.all(), "spooler", internal=False)) == []
    assert faults() == []


def test_what_the_log_states_stands_over_what_would_follow(gus: Person, maria: Person, root: Person) -> None:
    with History("old tool", by=SYSTEM) as history:
        brought = history.create(
            Incident, {"title": "Old", "requester": gus, "assigned_to": maria}, by=gus, at=hours(0)
        )
        history.change(brought, {"assigned_to": root, "reassignments": 7}, by=gus, at=hours(1))
    assert Incident.objects.get().reassignments == 7


def test_an_update_that_changed_nothing_keeps_its_entry_when_it_has_a_word(gus: Person) -> None:
    with History("old tool", by=SYSTEM) as history:
        brought = history.create(Incident, {"title": "Old", "requester": gus}, by=gus, at=hours(0))
        history.change(brought, {"title": "Old"}, by=gus, at=hours(1), reason="Update 1")
        history.change(brought, {"title": "Old"}, by=gus, at=hours(2))
    assert [entry.reason for entry in Entry.objects.filter(record=brought.pk)] == ["", "Update 1"]
    assert faults() == []


def test_a_refused_update_leaves_the_record_as_it_was(gus: Person) -> None:
    with History("old tool", by=SYSTEM) as history:
        brought = history.create(Incident, {"title": "Old", "requester": gus}, by=gus, at=hours(0))
        with pytest.raises(ValidationError):
            history.change(brought, {"title": "New", "impact": "huge"}, by=gus, at=hours(1))
        with pytest.raises(ValidationError, match="Import history in ascending order"):
            history.change(brought, {"title": "New"}, by=gus, at=hours(-1))
        history.change(brought, {"urgency": "low"}, by=gus, at=hours(2))
    assert (Incident.objects.get().title, Incident.objects.get().urgency) == ("Old", "low")
    assert faults() == []


def test_known_records_are_continued_after_a_flush(gus: Person) -> None:
    with History("old tool", by=SYSTEM) as history:
        brought = history.create(Incident, {"title": "Old", "requester": gus}, by=gus, at=hours(0))
        history.flush()
        history.change(brought, {"title": "Older printer"}, by=gus, at=hours(1))
        history.comment(brought, "Paper jam.", by=gus, at=hours(2))
    stored = Incident.objects.get()
    assert (stored.title, stored.version) == ("Older printer", 3)
    assert list(index.matching(Incident.objects.all(), "jam", internal=False)) == [stored]
    assert faults() == []


def test_two_who_write_the_same_record_do_not_both_win(gus: Person) -> None:
    record = create(Incident, {"title": "Here", "requester": gus}, by=SYSTEM)
    history = History("old tool", by=SYSTEM)
    later = record.updated_at + timedelta(days=1)
    history.change(Incident.objects.get(), {"title": "From the log"}, by=gus, at=later)
    change(record, {"title": "From here"}, by=SYSTEM)
    with pytest.raises(IntegrityError):
        history.flush()


def test_unused_numbers_are_given_back(gus: Person) -> None:
    with History("old tool", by=SYSTEM) as history:
        history.create(Incident, {"title": "Old", "requester": gus}, by=gus, at=hours(0))
    fresh = create(Incident, {"title": "Next", "requester": gus}, by=SYSTEM)
    if connection.vendor == "sqlite":
        assert fresh.reference == "INC-000002"
    assert fresh.reference != Incident.objects.order_by("pk")[0].reference


def test_what_is_looked_up_is_remembered_within_the_block_only() -> None:
    asked: list[int] = []

    def look_up() -> int:
        asked.append(1)
        return len(asked)

    assert (remember("scheme", look_up), remember("scheme", look_up)) == (1, 2)
    with remembering():
        assert (remember("scheme", look_up), remember("scheme", look_up)) == (3, 3)
    assert remember("scheme", look_up) == 4


STEPS = st.lists(
    st.fixed_dictionaries(
        {"hours": st.integers(0, 50)},
        optional={
            "status": st.sampled_from(["new", "in_progress", "waiting", "resolved", "closed"]),
            "impact": st.sampled_from(["high", "medium", "low"]),
            "title": st.text(
                st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20
            ),
            "reopenings": st.integers(0, 9),
        },
    ),
    max_size=8,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, min_size=1, max_size=4), st.integers(0, 8))
def test_whatever_is_brought_replays_and_verifies(
    gus: Person, lives: list[list[dict[str, Any]]], flush_at: int
) -> None:
    before = set(Record.objects.values_list("pk", flat=True))
    with History("old tool", by=SYSTEM) as history:
        for life in lives:
            brought = history.create(Incident, {"title": "Old", "requester": gus}, by=gus, at=START)
            at = START
            for number, step in enumerate(life):
                values = {name: value for name, value in step.items() if name != "hours"}
                at += timedelta(hours=step["hours"])
                history.change(brought, values, by=gus, at=at, reason=f"Update {number}")
                if number == flush_at:
                    history.flush()
    for stored in Incident.objects.exclude(pk__in=before):
        assert replay(stored) == machine_values(stored)
    assert [str(f) for f in Verification(Record.objects.exclude(pk__in=before)).faults()] == []
    assert sorted(Incident.objects.exclude(pk__in=before).values_list("journal_count", flat=True)) == sorted(
        1 + len(life) for life in lives
    )
