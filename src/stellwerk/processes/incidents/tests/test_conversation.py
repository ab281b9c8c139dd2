"""What a requester writes reaches somebody, whatever has become of the ticket."""

import json
from datetime import timedelta
from html import unescape

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.history import History
from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.activity.links.services import link
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.tokens import issue_token
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.fixtures import grant, make_person
from stellwerk.kernel.write.services import change, create, transition
from stellwerk.kernel.write.undo import undo
from stellwerk.processes.incidents.incident import Incident
from stellwerk.processes.incidents.jobs import close_resolved
from stellwerk.processes.incidents.services import merge, unmerge
from stellwerk.processes.incidents.ticket import Ticket, successor

SOLVED = {"resolution_code": "solved", "resolution": "Changed the cable."}


def make(title: str, requester: Person, agent: Person) -> Incident:
    given = {"title": title, "requester": requester, "party": agent.party, "assigned_to": agent}
    return create(Incident, given, by=SYSTEM)


@pytest.fixture
def incident(agent: Person, gus: Person) -> Incident:
    return make("The monitor flickers", gus, agent)


@pytest.fixture
def resolved(incident: Incident, agent: Person) -> Incident:
    return transition(incident, "resolve", SOLVED, by=agent)


@pytest.fixture
def portal(client: Client, gus: Person) -> Client:
    client.force_login(gus)
    return client


def now(ticket: Ticket) -> Incident:
    return Incident.objects.get(pk=ticket.pk)


def told(person: Person) -> list[tuple[str, str]]:
    """List the verbs and records that somebody was told of."""
    notes = Notification.objects.filter(person=person).order_by("pk")
    return list(notes.values_list("entry__verb", "entry__record__title"))


def ended_long_ago(ticket: Ticket) -> Ticket:
    Incident.objects.filter(pk=ticket.pk).update(closed_at=timezone.now() - timedelta(days=15))
    return now(ticket)


# -- after the end -----------------------------------------------------------------------------------------


def test_a_reply_reopens_what_is_resolved_and_its_agent_hears_of_it(
    portal: Client, resolved: Incident, agent: Person
) -> None:
    page = portal.get(f"/portal/tickets/{resolved.reference}/").content.decode()
    assert "Reopen with a reply" in page
    assert "Close with a reply" in page
    answer = portal.post(
        f"/portal/tickets/{resolved.reference}/reply/", {"body": "It still flickers!"}, follow=True
    )
    assert f"{resolved.reference} is open again and we're working on it." in unescape(answer.content.decode())
    assert (now(resolved).status, now(resolved).reopenings) == ("in_progress", 1)
    assert ("comment", "The monitor flickers") in told(agent)


def test_last_words_close_what_is_solved(portal: Client, resolved: Incident) -> None:
    portal.post(f"/portal/tickets/{resolved.reference}/reply/", {"body": "Thanks!", "kind": "solved"})
    assert (now(resolved).status, now(resolved).confirmed, now(resolved).reopenings) == ("closed", True, 0)
    assert Comment.objects.get().body == "Thanks!"


def test_last_words_need_not_be_said(portal: Client, resolved: Incident) -> None:
    portal.post(f"/portal/tickets/{resolved.reference}/reply/", {"body": "", "kind": "solved"})
    assert (now(resolved).status, Comment.objects.count()) == ("closed", 0)


def test_a_file_alone_reopens_too(portal: Client, resolved: Incident) -> None:
    files = [SimpleUploadedFile("flicker.txt", b"seen at 9")]
    portal.post(f"/portal/tickets/{resolved.reference}/reply/", {"body": "", "files": files})
    assert now(resolved).status == "in_progress"


@pytest.mark.parametrize("step", ["close", "cancel"])
def test_a_reply_reopens_what_ended_lately(incident: Incident, agent: Person, gus: Person, step: str) -> None:
    if step == "close":
        transition(incident, "resolve", SOLVED, by=agent)
    transition(incident, step, by=agent)
    said = comment(incident, "Call me.", by=gus)
    assert now(incident).status == "in_progress"
    assert said.outcome is not None
    assert said.outcome.record == incident


def test_a_reply_that_comes_too_late_opens_a_linked_ticket(
    portal: Client, resolved: Incident, agent: Person, gus: Person
) -> None:
    old = ended_long_ago(transition(resolved, "close", by=agent))
    page = portal.get(f"/portal/tickets/{old.reference}/").content.decode()
    assert "Your reply opens a new ticket, linked to this one" in page
    files = [SimpleUploadedFile("flicker.txt", b"seen at 9")]
    answer = portal.post(
        f"/portal/tickets/{old.reference}/reply/", {"body": "It flickers again.", "files": files}
    )
    new = Incident.objects.get(status="new")
    assert (new.title, new.description, new.requester) == ("The monitor flickers", "It flickers again.", gus)
    assert answer["Location"] == f"/portal/tickets/{new.reference}/"
    assert Link.objects.get().target_id == old.pk
    assert now(old).status == "closed"
    assert Incident.objects.count() == 2


def test_what_staff_writes_reopens_nothing(resolved: Incident, agent: Person) -> None:
    comment(resolved, "We will order new cables.", by=agent)
    assert now(resolved).status == "resolved"


def test_the_words_of_a_step_do_not_take_it_back(client: Client, agent: Person) -> None:
    """Arno asks for himself, and resolves it himself with a reply."""
    own = make("My own chair", agent, agent)
    client.force_login(agent)
    given = {"kind": "reply", "body": "Mended.", "step": "resolve", "resolve-resolution_code": "solved"}
    assert client.post(f"/records/{own.reference}/say/", given).status_code == 302
    assert now(own).status == "resolved"


def test_the_api_reopens_and_tells_so_unless_it_says_otherwise(
    client: Client, resolved: Incident, gus: Person
) -> None:
    token = issue_token(gus, "test", ["read", "write"])[1]
    url = f"/api/v1/incidents/{resolved.reference}/comments"

    def say(**given: object) -> dict[str, object]:
        answer = client.post(
            url,
            json.dumps(given),
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 201
        found: dict[str, object] = answer.json()
        return found

    assert say(body="Thanks", keep_status=True)["outcome"] is None
    assert now(resolved).status == "resolved"
    outcome = say(body="It still flickers!")["outcome"]
    assert outcome == {
        "text": f"{resolved.reference} is open again and we're working on it.",
        "record": {"reference": resolved.reference, "title": "The monitor flickers"},
    }
    assert now(resolved).status == "in_progress"


# -- the clock ---------------------------------------------------------------------------------------------


def test_the_clock_reopens_what_was_answered_under_version_0_1(resolved: Incident, gus: Person) -> None:
    """There, a reply left the ticket resolved; it is told apart from one that was meant to."""
    comment(resolved, "It still flickers!", by=gus, keep_status=True)
    late = timezone.now() + timedelta(seconds=30)
    Entry.objects.filter(record=resolved.pk, verb="comment").update(name="", at=late)
    close_resolved(timezone.now() + timedelta(days=8))
    assert now(resolved).status == "in_progress"
    assert now(resolved).entries.last().reason == "The requester wrote after it was resolved."


def test_the_clock_closes_what_was_answered_without_asking_for_more(resolved: Incident, gus: Person) -> None:
    comment(resolved, "Thanks", by=gus, keep_status=True)
    Entry.objects.filter(record=resolved.pk, verb="comment").update(at=timezone.now() + timedelta(seconds=30))
    close_resolved(timezone.now() + timedelta(days=8))
    assert now(resolved).status == "closed"
    assert now(resolved).entries.last().reason == "Nobody reopened it for 7 days."


def test_a_log_that_says_itself_when_it_was_resolved_is_left_alone_too(
    root: Person, agent: Person, gus: Person
) -> None:
    then = timezone.now() - timedelta(days=900)
    with History("old desk", by=root) as history:
        given = {"title": "Old matter", "requester": gus, "party": agent.party}
        old = history.create(Incident, given, by=gus, at=then)
        later = {**SOLVED, "resolved_at": then + timedelta(days=3)}
        history.transition(old, "resolve", later, by=agent, at=then)
    close_resolved(timezone.now())
    assert (now(old).status, told(gus)) == ("resolved", [])


def test_what_came_resolved_from_another_tool_is_left_alone(
    root: Person, agent: Person, gus: Person, resolved: Incident
) -> None:
    then = timezone.now() - timedelta(days=900)
    with History("old desk", by=root) as history:
        given = {"title": "Old matter", "requester": gus, "party": agent.party}
        old = history.create(Incident, given, by=gus, at=then)
        history.transition(old, "resolve", SOLVED, by=agent, at=then + timedelta(days=1))
        history.comment(old, "Thanks", by=gus, at=then + timedelta(days=2))
    before = told(gus)
    close_resolved(timezone.now() + timedelta(days=8))
    assert (now(old).status, now(old).journal_count) == ("resolved", 3)
    assert told(gus) == [*before, ("transition", "The monitor flickers")]
    again = transition(transition(now(old), "reopen", by=gus), "resolve", SOLVED, by=agent)
    close_resolved(timezone.now() + timedelta(days=8))
    assert now(again).status == "closed"


# -- merged ------------------------------------------------------------------------------------------------


@pytest.fixture
def main(agent: Person, nobody: Person) -> Incident:
    return make("Outage", nobody, agent)


def test_a_reply_on_a_merged_ticket_reaches_the_one_that_goes_on(
    portal: Client, incident: Incident, main: Incident, agent: Person
) -> None:
    merge(incident, main, by=agent)
    page = portal.get(f"/portal/tickets/{incident.reference}/").content.decode()
    assert "We pass it on to the people handling this together with other reports" in page
    answer = portal.post(
        f"/portal/tickets/{incident.reference}/reply/", {"body": "It is worse now."}, follow=True
    )
    assert "We're handling this together" in answer.content.decode()
    assert main.reference not in answer.content.decode()
    note = Comment.objects.filter(record=main.pk).latest("pk")
    wrote = f"Gus Gordon wrote on {incident.reference}, which is merged into this ticket:"
    assert (note.body, note.internal) == (f"{wrote}\n\nIt is worse now.", True)
    assert ("comment", "Outage") in told(agent)
    assert now(incident).status == "cancelled"


def test_a_reply_on_a_merged_ticket_reopens_the_one_that_went_on(
    incident: Incident, main: Incident, agent: Person, gus: Person
) -> None:
    merge(incident, main, by=agent)
    transition(main, "resolve", SOLVED, by=agent)
    comment(incident, "Still out.", by=gus)
    assert now(main).status == "in_progress"


def test_a_reply_on_what_was_merged_long_ago_opens_a_new_ticket(
    incident: Incident, main: Incident, agent: Person, gus: Person
) -> None:
    merge(incident, main, by=agent)
    ended_long_ago(transition(transition(main, "resolve", SOLVED, by=agent), "close", by=agent))
    comment(incident, "Out again.", by=gus)
    new = Incident.objects.get(status="new")
    assert (new.description, new.requester) == ("Out again.", gus)
    assert Link.objects.get(source=new.pk).target_id == incident.pk


def test_the_requesters_of_merged_tickets_hear_of_the_solution(
    portal: Client, incident: Incident, main: Incident, agent: Person, gus: Person, maria: Person
) -> None:
    last = make("The line is cut", maria, agent)
    merge(incident, main, by=agent)
    merge(main, last, by=agent)
    Notification.objects.all().delete()
    transition(last, "resolve", {**SOLVED, "resolution": "Power is back."}, by=agent)
    assert told(gus) == [("comment", "The monitor flickers")]
    page = portal.get(f"/portal/tickets/{incident.reference}/").content.decode()
    assert "Power is back." in page
    transition(last, "reopen", by=agent)
    assert Comment.objects.filter(record=incident.pk).latest("pk").body == (
        "It wasn't solved after all. We're working on it again."
    )


def test_a_merge_knows_its_own_link(
    incident: Incident, main: Incident, agent: Person, nobody: Person
) -> None:
    other = make("Old outage", nobody, agent)
    link(incident, "duplicate", other, by=agent)
    merged = merge(incident, main, by=agent)
    assert successor(merged) == main
    unmerge(merged, by=agent)
    assert [tie.target_id for tie in Link.objects.all()] == [other.pk]
    assert not Comment.objects.filter(record=other.pk).exists()
    assert Comment.objects.filter(record=main.pk, body__contains="undone").count() == 1


def test_a_link_that_was_there_before_the_merge_stays(
    incident: Incident, main: Incident, agent: Person
) -> None:
    link(incident, "duplicate", main, by=agent)
    unmerge(merge(incident, main, by=agent), by=agent)
    assert [tie.target_id for tie in Link.objects.all()] == [main.pk]


def test_a_merge_that_is_undone_in_the_history_is_taken_apart(
    incident: Incident, main: Incident, agent: Person
) -> None:
    merged = merge(incident, main, by=agent)
    undo(merged.entries.get(name="merge"), by=agent)
    assert (now(incident).status, now(incident).merged_into) == ("new", None)
    assert not Link.objects.exists()


def test_a_merge_of_version_0_1_is_still_known(
    incident: Incident, main: Incident, agent: Person, gus: Person
) -> None:
    link(incident, "duplicate", main, by=agent)
    why = {"resolution_code": "duplicate", "resolution": "Together with others."}
    merged = transition(incident, "cancel", why, by=agent, reason=f"Merged into {main.reference}.")
    assert successor(merged) == main
    comment(merged, "It is worse now.", by=gus)
    assert Comment.objects.filter(record=main.pk, internal=True).count() == 1
    transition(main, "resolve", SOLVED, by=agent)
    assert Comment.objects.filter(record=incident.pk, author=None).count() == 1
    restored = unmerge(now(incident), by=agent)
    assert restored.status == "new"
    assert not Link.objects.exists()


def test_programs_read_into_what_version_0_1_merged(
    incident: Incident, main: Incident, maria: Person, client: Client
) -> None:
    why = {"resolution_code": "duplicate", "resolution": "Together with others."}
    transition(incident, "cancel", why, by=maria, reason=f"Merged into {main.reference}.")
    by_hand = create(Incident, {"title": "By hand", "party": maria.party, "requester": maria}, by=SYSTEM)
    transition(by_hand, "cancel", why, by=maria)
    client.force_login(maria)
    told = client.get(f"/api/v1/incidents/{incident.reference}").json()
    assert told["merged_into"] == {"reference": main.reference, "title": main.title}
    listed = {one["reference"]: one for one in client.get("/api/v1/incidents").json()["items"]}
    assert listed[incident.reference]["merged_into"]["reference"] == main.reference
    assert listed[by_hand.reference]["merged_into"] is None
    assert now(incident).merged_into is None  # read, not written


def test_a_ticket_that_was_cancelled_as_a_duplicate_by_hand_is_not_merged(
    incident: Incident, main: Incident, agent: Person, gus: Person
) -> None:
    link(incident, "duplicate", main, by=agent)
    cancelled = transition(incident, "cancel", {"resolution_code": "duplicate"}, by=agent)
    assert successor(cancelled) is None
    comment(cancelled, "Not the same!", by=gus)
    assert now(incident).status == "in_progress"


def test_a_representative_is_heard_like_the_requester(
    resolved: Incident, globex: Party, agent: Person
) -> None:
    looks_after = make_person("Nobody Rep", globex, username="rep")
    grant(looks_after, Role.VIEWER, globex)
    comment(resolved, "Our monitors still flicker.", by=looks_after)
    assert now(resolved).status == "in_progress"


def test_a_merge_by_the_api_is_whole(
    client: Client, incident: Incident, main: Incident, agent: Person
) -> None:
    token = issue_token(agent, "test", ["read", "write"])[1]
    url = f"/api/v1/incidents/{incident.reference}/transitions/merge"
    for given, status in (
        ({"merged_into": incident.reference}, 422),
        ({"merged_into": main.reference}, 200),
    ):
        answer = client.post(
            url,
            json.dumps(given),
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == status
        assert Link.objects.count() == (status == 200)
    assert (now(incident).resolution_code, now(incident).merged_into) == ("duplicate", main)
    change(main, {"impact": "high"}, by=agent)


def test_a_file_for_a_merged_ticket_is_told_at_the_one_that_goes_on(
    incident: Incident, main: Incident, agent: Person, gus: Person
) -> None:
    merge(incident, main, by=agent)
    attach(incident, ContentFile(b"log"), "log.txt", by=gus)
    assert "Attached the file “log.txt” to" in Comment.objects.filter(record=main.pk).latest("pk").body
