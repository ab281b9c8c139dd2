from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import change, create, transition
from stellwerk.kernel.write.undo import undo
from stellwerk.processes.incidents.closure import ClosureScheme
from stellwerk.processes.incidents.incident import Incident
from stellwerk.processes.incidents.jobs import close_resolved
from stellwerk.processes.incidents.service_request import ServiceRequest
from stellwerk.processes.incidents.services import merge, unmerge
from stellwerk.web.record.page import RecordPage

SOLVED = {"resolution_code": "solved", "resolution": "Restarted the mail server."}


@pytest.fixture
def incident(maria: Person, gus: Person) -> Incident:
    return create(Incident, {"title": "Mail is down", "requester": gus, "party": maria.party}, by=SYSTEM)


@pytest.fixture
def duplicate(maria: Person, nobody: Person) -> Incident:
    given = {"title": "No mail", "description": "Nothing arrives.", "requester": nobody, "party": maria.party}
    return create(Incident, given, by=SYSTEM)


def test_merging_cancels_the_duplicate_and_keeps_its_text(
    incident: Incident, duplicate: Incident, agent: Person
) -> None:
    merged = merge(duplicate, incident, by=agent)
    assert (merged.status, merged.resolution_code) == ("cancelled", "duplicate")
    assert Link.objects.get(source=duplicate.pk).target_id == incident.pk
    assert "Nothing arrives." in Comment.objects.get(record=incident.pk, internal=True).body


def test_a_merge_can_be_undone(incident: Incident, duplicate: Incident, agent: Person) -> None:
    restored = unmerge(merge(duplicate, incident, by=agent), by=agent)
    assert (restored.status, restored.is_open) == ("new", True)
    assert restored.resolution == ""
    assert not Link.objects.exists()
    with pytest.raises(ValidationError):
        unmerge(duplicate, by=agent)


def test_requesters_do_not_merge(incident: Incident, duplicate: Incident, gus: Person) -> None:
    with pytest.raises((PermissionDenied, ValidationError)):
        merge(incident, duplicate, by=gus)
    assert Incident.objects.get(pk=incident.pk).status == "new"
    assert not Link.objects.exists()


def test_what_changed_since_is_not_thrown_away(incident: Incident, agent: Person) -> None:
    begun = transition(incident, "begin", by=agent)
    entry = begun.entries.get(name="begin")
    transition(begun, "resolve", SOLVED, by=agent)
    with pytest.raises(ValidationError, match="status has changed since"):
        undo(entry, by=agent)


def test_resolved_tickets_close_by_themselves_after_seven_days(incident: Incident, agent: Person) -> None:
    resolved = transition(incident, "resolve", SOLVED, by=agent)
    assert resolved.resolved_at is not None
    close_resolved(resolved.resolved_at + timedelta(days=7, seconds=-1))
    assert Incident.objects.get(pk=incident.pk).status == "resolved"
    close_resolved(resolved.resolved_at + timedelta(days=7))
    closed = Incident.objects.get(pk=incident.pk)
    assert (closed.status, closed.confirmed) == ("closed", False)
    assert closed.entries.last().reason == "Nobody reopened it for 7 days."


def test_the_closure_scheme_in_force_decides(gus: Person, maria: Person) -> None:
    scheme = create(ClosureScheme, {"title": "Slow", "confirmation_days": 30}, by=SYSTEM)
    transition(scheme, "enact", by=SYSTEM)
    request = create(ServiceRequest, {"title": "New disk", "requester": gus}, by=SYSTEM)
    transition(request, "resolve", SOLVED, by=SYSTEM)
    close_resolved(timezone.now() + timedelta(days=29))
    assert ServiceRequest.objects.get().status == "resolved"
    close_resolved(timezone.now() + timedelta(days=31))
    assert ServiceRequest.objects.get().status == "closed"


def test_a_ticket_can_be_reopened_for_fourteen_days(incident: Incident, gus: Person, agent: Person) -> None:
    closed = transition(transition(incident, "resolve", SOLVED, by=agent), "confirm", by=gus)
    reopened = transition(closed, "reopen", by=gus)
    assert (reopened.status, reopened.reopenings, reopened.resolved_at) == ("in_progress", 1, None)
    closed = transition(transition(reopened, "resolve", SOLVED, by=agent), "close", by=agent)
    assert [step.name for step in RecordPage(closed, agent).possible_steps] == ["reopen"]
    Incident.objects.filter(pk=closed.pk).update(closed_at=timezone.now() - timedelta(days=15))
    with pytest.raises(ValidationError, match="more than 14 days ago"):
        transition(closed, "reopen", by=gus)
    closed.refresh_from_db()
    assert RecordPage(closed, agent).possible_steps == []


def test_a_cancelled_ticket_can_be_reopened_as_long_as_a_closed_one(incident: Incident, gus: Person) -> None:
    why = {"resolution_code": "withdrawn", "resolution": "Not needed."}
    cancelled = transition(incident, "cancel", why, by=gus)
    reopened = transition(cancelled, "reopen", by=gus)
    assert (reopened.status, reopened.resolution, reopened.resolution_code) == ("in_progress", "", "")
    cancelled = transition(reopened, "cancel", by=gus)
    Incident.objects.filter(pk=cancelled.pk).update(closed_at=timezone.now() - timedelta(days=15))
    with pytest.raises(ValidationError, match="more than 14 days ago"):
        transition(cancelled, "reopen", by=gus)


def test_a_merged_ticket_is_taken_apart_rather_than_reopened(
    incident: Incident, duplicate: Incident, agent: Person
) -> None:
    merged = merge(duplicate, incident, by=agent)
    with pytest.raises(ValidationError, match=f"merged into {incident.reference}"):
        transition(merged, "reopen", by=agent)
    assert Incident.objects.get(pk=duplicate.pk).status == "cancelled"


def test_an_answer_of_the_user_ends_the_waiting(incident: Incident, gus: Person, agent: Person) -> None:
    transition(incident, "wait", {"waiting_for": "user"}, by=agent)
    comment(incident, "We are looking into it.", by=agent)
    assert Incident.objects.get(pk=incident.pk).status == "waiting"
    comment(incident, "Here is the log.", by=gus)
    answered = Incident.objects.get(pk=incident.pk)
    assert (answered.status, answered.waiting_for) == ("in_progress", "")


def test_a_scheme_in_force_is_not_changed(db: None) -> None:
    scheme = transition(create(ClosureScheme, {"title": "Fixed"}, by=SYSTEM), "enact", by=SYSTEM)
    with pytest.raises(ValidationError, match="can't be changed"):
        change(scheme, {"confirmation_days": 3}, by=SYSTEM)
