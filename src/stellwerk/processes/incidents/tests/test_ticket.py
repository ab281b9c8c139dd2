from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.history import History
from stellwerk.kernel.audit.verifier import verify
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.journal.replay import as_of
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.errors import StaleWrite
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.values import machine_values
from stellwerk.kernel.write.services import change, create, transition
from stellwerk.processes.incidents.incident import Incident


@pytest.fixture
def incident(maria: Person, gus: Person) -> Incident:
    return create(
        Incident, {"title": "Mail is down", "requester": gus, "impact": "high", "urgency": "high"}, by=SYSTEM
    )


def faults(record: Record) -> list[str]:
    entries = list(Entry.objects.filter(record=record.pk).order_by("id"))
    return [str(fault) for fault in verify(Record.objects.get(pk=record.pk), entries)]


def test_the_reason_for_a_priority_set_by_hand_goes_with_it(incident: Incident) -> None:
    incident = change(incident, {"priority_override": 4, "priority_reason": "The board meets."}, by=SYSTEM)
    assert incident.priority == 4
    incident = change(incident, {"priority_override": None}, by=SYSTEM)
    assert (incident.priority, incident.priority_reason) == (1, "")


def test_priority_follows_from_impact_and_urgency(incident: Incident) -> None:
    assert incident.priority == 1
    assert incident.priority_scheme is not None


def test_a_ticket_lives_from_new_to_closed(
    incident: Incident, centre: Party, agent: Person, gus: Person
) -> None:
    incident = change(incident, {"party": centre.pk}, by=SYSTEM)
    incident = transition(incident, "begin", by=agent)
    assert (incident.status, incident.assigned_to) == ("in_progress", agent)
    incident = transition(
        incident, "resolve", {"resolution_code": "solved", "resolution": "Restarted"}, by=agent
    )
    assert not incident.is_open
    incident = transition(incident, "confirm", by=gus)
    assert (incident.status, incident.confirmed) == ("closed", True)
    assert faults(incident) == []
    assert [e.verb for e in incident.entries.all()] == [
        "create",
        "change",
        "transition",
        "transition",
        "transition",
    ]


def test_gus_sees_his_own_ticket_and_nobody_does_not(incident: Incident, gus: Person, nobody: Person) -> None:
    assert list(Incident.objects.visible_to(gus)) == [incident]
    assert list(Record.objects.visible_to(gus).filter(kind="incident")) == [
        Record.objects.get(pk=incident.pk)
    ]
    assert list(Incident.objects.visible_to(nobody)) == []


def test_gus_may_not_change_his_ticket_but_may_reply(incident: Incident, gus: Person) -> None:
    with pytest.raises(PermissionDenied):
        change(incident, {"title": "Other"}, by=gus)
    comment(incident, "It still fails.", by=gus)
    with pytest.raises(PermissionDenied):
        comment(incident, "secret", by=gus, internal=True)
    incident.refresh_from_db()
    assert incident.title == "Mail is down"
    assert faults(incident) == []


def test_a_stale_write_is_refused_and_changes_nothing(incident: Incident) -> None:
    seen = incident.version
    incident = change(incident, {"title": "First"}, by=SYSTEM, version=seen)
    with pytest.raises(StaleWrite):
        change(incident, {"title": "Second"}, by=SYSTEM, version=seen)
    assert Incident.objects.get(pk=incident.pk).title == "First"


def test_a_step_sets_only_what_it_asks_for(incident: Incident) -> None:
    with pytest.raises(ValidationError):
        transition(incident, "wait", {"waiting_for": "user", "title": "Changed"}, by=SYSTEM)
    assert Incident.objects.get(pk=incident.pk).status == "new"


def test_the_past_is_rebuilt_from_the_journal(incident: Incident) -> None:
    before = timezone.now()
    change(incident, {"title": "Renamed", "impact": "low"}, by=SYSTEM)
    past = as_of(incident, before)
    assert past is not None
    assert machine_values(past) == machine_values(incident)
    assert as_of(incident, before - timedelta(days=1)) is None


def test_history_is_brought_in_bulk_and_verifies(root: Person, gus: Person, maria: Person) -> None:
    start = timezone.now() - timedelta(days=30)
    with History("old log", by=root) as history:
        for number in range(3):
            ticket = history.create(Incident, {"title": f"Old {number}", "requester": gus}, by=gus, at=start)
            history.change(
                ticket,
                {"status": "in_progress", "assigned_to": maria},
                by=maria,
                at=start + timedelta(hours=1),
            )
            history.comment(ticket, "Done", by=maria, at=start + timedelta(hours=2))
    tickets = list(Incident.objects.all())
    assert [t.title for t in tickets] == ["Old 0", "Old 1", "Old 2"]
    assert [faults(t) for t in tickets] == [[], [], []]
    assert tickets[0].comments.count() == 1
    assert Incident.objects.visible_to(gus).count() == 3
    assert as_of(tickets[0], start).status == "new"


def test_a_tampered_entry_is_found(incident: Incident) -> None:
    Entry.objects.filter(record=incident.pk, number=1).update(reason="forged")
    assert faults(incident) == [
        f"{incident.reference}, entry 1: its content was changed after it was written."
    ]


def test_an_open_ticket_has_no_instant_of_resolution(root: Person, gus: Person, maria: Person) -> None:
    """Lists of open tickets and the figures count on it; a mapping that states one too early is refused."""
    now = timezone.now()
    with History("log", by=root) as history:
        ticket = history.create(Incident, {"title": "No mail", "requester": gus}, by=gus, at=now)
        with pytest.raises(ValidationError) as refused:
            history.change(ticket, {"resolved_at": now}, by=maria, at=now)
        assert list(refused.value.message_dict) == ["resolved_at"]
        assert ticket.resolved_at is None
    assert not list(verify(ticket, ticket.entries.order_by("number")))
