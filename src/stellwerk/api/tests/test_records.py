import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from stellwerk.api.tests.conftest import Program
from stellwerk.kernel.activity.links.services import link
from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Capacity
from stellwerk.kernel.testing.fixtures import make_person
from stellwerk.kernel.write.services import change, create, share
from stellwerk.processes.incidents.incident import Incident


def test_a_created_record_is_told_whole(ticket: dict[str, Any], desk: Team) -> None:
    assert ticket["reference"] == "INC-000001"
    assert ticket["status"] == "new"
    assert ticket["priority"] == 2
    assert ticket["requester"] == {"reference": "PER-000002", "title": "Gus Gordon"}
    assert ticket["team"] == {"reference": desk.reference, "title": "Service desk"}
    assert ticket["assigned_to"] is None
    assert ticket["version"] == 1


def test_creating_says_where_the_record_is(as_maria: Program, gus: Person) -> None:
    answer = as_maria.post("incidents", {"title": "Printer", "requester": gus.pk})
    assert answer.status_code == 201
    assert answer["Location"] == "/api/v1/incidents/INC-000001"
    assert re.fullmatch(r'"1-[0-9a-f]{16}"', answer["ETag"])
    assert as_maria.get("incidents/inc-000001").json() == answer.json()


def test_faults_are_told_by_field_and_nothing_is_written(as_maria: Program) -> None:
    answer = as_maria.post("incidents", {"title": 5, "requester": "PER-999999", "impact": "huge"})
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"] == {
        "title": ["Give a text."],
        "requester": ["Select a record from the list."],
        "impact": ["Choose one of: high, medium, low."],
    }
    assert not Incident.objects.exists()


def test_all_faults_of_a_body_are_told_together(as_maria: Program, nobody: Person) -> None:
    body = {
        "title": "",
        "nonsense": 1,
        "priority": 1,
        "impact": "huge",
        "requester": nobody.reference,
        "description": 5,
        "custom": {"room": "E 7"},
    }
    answer = as_maria.post("incidents", body)
    assert (answer.status_code, answer.json()["errors"]) == (
        422,
        {
            "impact": ["Choose one of: high, medium, low."],
            "description": ["Give a text."],
            "nonsense": ["This field can't be set here."],
            "priority": ["This field can't be set here."],
            "requester": ["Select a record from the list."],
            "title": ["This field cannot be blank."],
            "custom.room": ["incident has no such field."],
        },
    )
    assert not Incident.objects.exists()


def test_an_unknown_field_hides_neither_an_empty_title_nor_a_missing_reference(
    as_root: Program, as_maria: Program
) -> None:
    answer = as_maria.post("incidents", {"title": "", "nonsense": 1})
    assert answer.json()["errors"] == {
        "nonsense": ["This field can't be set here."],
        "title": ["This field cannot be blank."],
    }
    answer = as_root.post("team-memberships", {"nonsense": 1})
    assert answer.json()["errors"] == {
        "nonsense": ["This field can't be set here."],
        "team": ["Fill this in."],
        "person": ["Fill this in."],
    }
    assert not Incident.objects.exists()


def test_all_faults_of_a_change_and_of_a_step_are_told_together(
    as_maria: Program, ticket: dict[str, Any]
) -> None:
    changed = as_maria.patch(
        "incidents/INC-000001", {"title": "", "status": "closed", "impact": 1}, if_match="*"
    )
    assert changed.json()["errors"] == {
        "impact": ["Give a text."],
        "status": ["This field can't be set here."],
        "title": ["This field cannot be blank."],
    }
    as_maria.post("incidents/INC-000001/transitions/begin")
    step = "incidents/INC-000001/transitions/resolve"
    resolved = as_maria.post(step, {"title": "x", "resolution_code": "done", "resolution": ""})
    assert resolved.json()["errors"] == {
        "resolution_code": [
            "Choose one of: solved, workaround, fulfilled, explained, not_reproducible, outside_scope, "
            "duplicate, withdrawn, other."
        ],
        "title": ["This field can't be set here."],
        "resolution": ["Fill this in to continue."],
    }
    assert (Incident.objects.get().title, Incident.objects.get().version) == ("Mail is down", 2)


def test_gus_raises_a_ticket_for_nobody_else(as_gus: Program, maria: Person) -> None:
    answer = as_gus.post("incidents", {"title": "x", "requester": maria.reference})
    assert answer.json()["errors"] == {"requester": ["This field can't be set here."]}
    assert not Incident.objects.exists()


def test_a_reference_to_what_one_may_not_see_reads_like_one_to_nothing(
    as_maria: Program, other_centre: Record, nobody: Person
) -> None:
    hidden = as_maria.post("incidents", {"title": "x", "requester": nobody.reference})
    missing = as_maria.post("incidents", {"title": "x", "requester": "PER-999999"})
    assert (hidden.status_code, hidden.content) == (422, missing.content)


@pytest.mark.parametrize(
    "name", ["status", "priority", "version", "is_open", "reference", "nonsense", "party_id"]
)
def test_what_may_not_be_set_is_refused(as_maria: Program, gus: Person, name: str) -> None:
    answer = as_maria.post("incidents", {"title": "x", "requester": gus.pk, name: 1})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [name]
    assert not Incident.objects.exists()


def test_gus_raises_an_incident_for_himself_and_reads_what_is_shown_to_him(as_gus: Program) -> None:
    answer = as_gus.post("incidents", {"title": "My mail is down", "description": "Since nine."})
    assert answer.status_code == 201
    told = answer.json()
    assert told["requester"]["title"] == "Gus Gordon"
    assert "team" not in told
    assert "assigned_to" not in told
    assert as_gus.post("incidents", {"title": "x", "impact": "high"}).status_code == 422


def test_the_hidden_and_the_missing_answer_alike(as_nobody: Program, ticket: dict[str, Any]) -> None:
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("GET", "/comments"),
        ("POST", "/transitions/begin"),
        ("GET", "/journal"),
        ("DELETE", "/watchers/me"),
    ):
        hidden = as_nobody.ask(method, f"incidents/{ticket['reference']}{path}", {})
        missing = as_nobody.ask(method, f"incidents/INC-999999{path}", {})
        assert (hidden.status_code, hidden.content) == (404, missing.content)


def test_gus_may_look_at_his_ticket_but_not_change_it(as_gus: Program, ticket: dict[str, Any]) -> None:
    answer = as_gus.patch("incidents/INC-000001", {"title": "Other"}, if_match='"1"')
    assert (answer.status_code, answer.json()["detail"]) == (
        403,
        "You can read INC-000001, but you don't have permission to change it.",
    )
    assert Incident.objects.get().title == "Mail is down"


def test_a_change_needs_the_version_that_was_seen(as_maria: Program, ticket: dict[str, Any]) -> None:
    assert as_maria.patch("incidents/INC-000001", {"title": "x"}).status_code == 428
    assert as_maria.patch("incidents/INC-000001", {"title": "First"}, if_match='"1"').json()["version"] == 2
    assert as_maria.patch("incidents/INC-000001", {"title": "Second", "version": 2}).json()["version"] == 3


@pytest.mark.parametrize("later", [1, 2**31, 2**63, 10**40])
def test_a_version_that_is_yet_to_come_is_stale(
    as_maria: Program, ticket: dict[str, Any], later: int
) -> None:
    path = f"incidents/{ticket['reference']}"
    answer = as_maria.patch(path, {"title": "From tomorrow", "version": ticket["version"] + later})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:stellwerk:problem:stale")
    now = as_maria.get(path).json()
    assert (now["title"], now["version"]) == (ticket["title"], ticket["version"])


def test_a_hidden_reference_and_a_missing_one_are_refused_alike_even_in_a_stale_change(
    as_maria: Program, ticket: dict[str, Any], nobody: Person
) -> None:
    as_maria.patch("incidents/INC-000001", {"title": "x"}, if_match="*")
    for version, status in ((2, 422), (1, 412)):
        told = [
            as_maria.patch(
                "incidents/INC-000001", {"requester": reference, "title": "y"}, if_match=f'"{version}"'
            )
            for reference in (nobody.reference, "PER-999999")
        ]
        assert [answer.status_code for answer in told] == [status, status]
        hidden, missing = ({**answer.json(), "yours": None} for answer in told)
        assert hidden == missing


def test_a_step_is_guarded_by_the_state_and_by_a_version_only_where_one_is_given(
    as_maria: Program, ticket: dict[str, Any]
) -> None:
    path = "incidents/INC-000001/transitions"
    assert as_maria.post(f"{path}/begin").json()["version"] == 2
    stale = as_maria.post(f"{path}/cancel", if_match='"1"')
    assert (stale.status_code, stale.json()["theirs"]["version"]) == (412, 2)
    again = as_maria.post(f"{path}/begin")
    assert (again.status_code, Incident.objects.get().version) == (422, 2)
    assert again.json() == {
        "type": "urn:stellwerk:problem:invalid",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "“Start work” isn't possible while INC-000001 is “In progress”.",
    }


def test_a_stale_change_shows_both_versions_and_changes_nothing(
    as_maria: Program, ticket: dict[str, Any]
) -> None:
    as_maria.patch("incidents/INC-000001", {"title": "First"}, if_match='"1"')
    by_tag = as_maria.patch("incidents/INC-000001", {"title": "Second"}, if_match='"1"')
    by_body = as_maria.patch("incidents/INC-000001", {"title": "Second", "version": 1})
    assert (by_tag.status_code, by_body.status_code) == (412, 409)
    assert by_tag["ETag"] == as_maria.get("incidents/INC-000001")["ETag"]
    assert by_tag["ETag"].startswith('"2-')
    assert by_tag.json()["yours"] == {"version": 1, "values": {"title": "Second"}}
    assert by_tag.json()["theirs"]["version"] == 2
    assert by_tag.json()["theirs"]["values"]["title"] == "First"
    assert Incident.objects.get().title == "First"


def test_both_versions_of_a_stale_change_tell_references_as_a_record_does(
    as_maria: Program, ticket: dict[str, Any], agent: Person, nobody: Person
) -> None:
    as_maria.patch("incidents/INC-000001", {"title": "First"}, if_match='"1"')
    mine = {"assigned_to": agent.reference, "reported_by": nobody.reference, "title": "Second"}
    with CaptureQueriesContext(connection) as queries:
        stale = as_maria.patch("incidents/INC-000001", mine, if_match='"1"')
    assert len(queries) == STALE_QUERIES, "\n".join(q["sql"][:100] for q in queries)
    assert stale.json()["yours"]["values"] == {
        "assigned_to": {"reference": agent.reference, "title": agent.title},
        "reported_by": nobody.reference,  # whom Maria may not see, told as she gave it
        "title": "Second",
    }
    assert stale.json()["theirs"]["values"] == as_maria.get("incidents/INC-000001").json()


STALE_QUERIES = 12  # eight to lock and compare; what yours refers to, what theirs does, and who sees either


def test_a_guest_who_may_change_nothing_is_not_told_what_changed(
    as_maria: Program, as_gus: Program, ticket: dict[str, Any]
) -> None:
    as_maria.patch("incidents/INC-000001", {"title": "First"}, if_match='"1"')
    alone = as_gus.patch("incidents/INC-000001", {"title": "Second"}, if_match='"1"')
    items = [{"reference": "INC-000001", "version": 1, "title": "Second"}]
    among = as_gus.patch("incidents/bulk", {"mode": "each", "items": items}).json()["results"][0]["problem"]
    assert (alone.status_code, among["status"]) == (403, 403)
    assert not {"yours", "theirs"} & {*alone.json(), *among}
    assert "ETag" not in alone
    assert Incident.objects.get().title == "First"


def test_the_journal_tells_references_as_a_record_does_in_so_many_queries(
    as_maria: Program, as_gus: Program, ticket: dict[str, Any], agent: Person, desk: Team
) -> None:
    as_maria.patch("incidents/INC-000001", {"assigned_to": agent.reference}, if_match="*")
    as_maria.patch("incidents/INC-000001", {"assigned_to": None}, if_match="*")
    other = as_maria.post("incidents", {"title": "Other", "requester": "PER-000002"}).json()
    as_maria.post("incidents/INC-000001/links", {"type": "parent", "target": other["reference"]})
    share(Incident.objects.get(title="Mail is down"), agent, Capacity.PROVIDER, by=SYSTEM)
    path = "incidents/INC-000001/journal"
    with CaptureQueriesContext(connection) as queries:
        created, assigned, freed, linked, shared = (
            entry["changes"] for entry in as_maria.get(path).json()["items"]
        )
    arno = {"reference": agent.reference, "title": agent.title}
    assert created["requester"] == [None, {"reference": "PER-000002", "title": "Gus Gordon"}]
    assert created["team"] == [None, {"reference": desk.reference, "title": "Service desk"}]
    assert (assigned, freed) == ({"assigned_to": [None, arno]}, {"assigned_to": [arno, None]})
    told = {"reference": other["reference"], "title": "Other"}
    assert linked["@link"][1]["with"] == told
    assert shared["@share"] == [None, {"with": arno, "capacity": "provider"}]
    assert len(queries) == JOURNAL_QUERIES, "\n".join(q["sql"][:100] for q in queries)
    guest = as_gus.get(path).json()["items"]
    assert guest[0]["changes"]["requester"] == created["requester"]
    assert [list(entry["changes"]) for entry in guest[1:]] == []


JOURNAL_QUERIES = 6  # mark of what is remembered, record, shares, entries, what they refer to, ends of links


def test_the_journal_does_not_name_the_other_end_of_a_link_that_one_cannot_see(
    as_maria: Program, ticket: dict[str, Any], other_centre: Party
) -> None:
    south = create(Team, {"title": "South desk", "party": other_centre}, by=SYSTEM)
    olga = make_person("Olga", party=other_centre)
    hidden = create(Incident, {"title": "Secret", "requester": olga, "team": south}, by=SYSTEM)
    link(Incident.objects.get(title="Mail is down"), "parent", hidden, by=SYSTEM)
    linked = as_maria.get("incidents/INC-000001/journal").json()["items"][-1]["changes"]["@link"]
    assert linked[1]["with"] is None
    assert "Secret" not in as_maria.get("incidents/INC-000001/journal").text


def test_an_unchanged_record_is_not_sent_again(as_maria: Program, ticket: dict[str, Any]) -> None:
    path, tag = "incidents/INC-000001", as_maria.get("incidents/INC-000001")["ETag"]
    answer = as_maria.get(path, if_none_match=tag)
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag)
    assert as_maria.get(path, if_none_match=f'"7", W/{tag}').status_code == 304
    assert as_maria.get(path, if_none_match="*").status_code == 304
    for other in ('"1"', '"2-0123456789abcdef"', tag.replace("1-", "2-")):
        assert as_maria.get(path, if_none_match=other).status_code == 200


def test_a_record_is_sent_again_when_somebody_it_names_is_called_otherwise(
    as_maria: Program, ticket: dict[str, Any], gus: Person
) -> None:
    path = "incidents/INC-000001"
    tag, title_only = (as_maria.get(each)["ETag"] for each in (path, f"{path}?fields=title"))
    assert tag != title_only
    change(gus, {"title": "Gus Married"}, by=SYSTEM)
    answer = as_maria.get(path, if_none_match=tag)
    assert (answer.status_code, answer.json()["requester"]["title"]) == (200, "Gus Married")
    assert as_maria.get(f"{path}?fields=title", if_none_match=title_only).status_code == 304
    assert as_maria.patch(path, {"title": "Written"}, if_match=tag).status_code == 200


def test_who_may_see_less_is_told_less_whatever_they_have_kept(
    as_maria: Program, as_gus: Program, ticket: dict[str, Any]
) -> None:
    kept = as_maria.get("incidents/INC-000001")["ETag"]
    answer = as_gus.get("incidents/INC-000001", if_none_match=kept)
    assert (answer.status_code, "team" in answer.json()) == (200, False)


def test_what_was_said_and_changed_elsewhere_is_no_conflict(
    as_maria: Program, as_gus: Program, ticket: dict[str, Any]
) -> None:
    path, tag = "incidents/INC-000001", '"1"'
    as_gus.post(f"{path}/comments", {"body": "One more thing."})
    as_maria.patch(path, {"urgency": "high"}, if_match="*")
    assert as_maria.patch(path, {"title": "Mail again"}, if_match=tag).status_code == 200
    stale = as_maria.patch(path, {"urgency": "low", "title": "Third"}, if_match=tag)
    assert stale.status_code == 412
    now = Incident.objects.get()
    assert (now.title, now.urgency) == ("Mail again", "high")
    assert as_maria.patch(path, {"title": "Later"}, if_match='"99"').status_code == 412


def test_a_step_is_stale_once_another_was_taken_and_not_for_a_comment(
    as_maria: Program, as_gus: Program, ticket: dict[str, Any]
) -> None:
    path = "incidents/INC-000001"
    as_gus.post(f"{path}/comments", {"body": "One more thing."})
    assert as_maria.post(f"{path}/transitions/begin", {"version": 1}).status_code == 200
    assert as_maria.post(f"{path}/transitions/wait", {"version": 1, "waiting_for": "user"}).status_code == 409
    assert Incident.objects.get().status == "in_progress"


def test_only_the_wanted_fields_are_told(as_maria: Program, as_gus: Program, ticket: dict[str, Any]) -> None:
    path = "incidents/INC-000001?fields=title,team"
    assert list(as_maria.get(path).json()) == ["id", "reference", "type", "title", "team"]
    assert list(as_gus.get(path).json()) == ["id", "reference", "type", "title"]
    assert as_maria.get("incidents?fields=title,password").json()["errors"] == {
        "fields": ["incident has no field called “password”."]
    }


def test_the_past_is_told_as_of_a_moment(as_maria: Program, ticket: dict[str, Any]) -> None:
    before = timezone.now().isoformat()
    change(Incident.objects.get(), {"title": "Renamed"}, by=SYSTEM)
    path = "incidents/INC-000001"
    assert as_maria.get(path).json()["title"] == "Renamed"
    assert as_maria.get(f"{path}?as_of={before}").json()["title"] == "Mail is down"
    assert as_maria.get(f"{path}?as_of=2020-01-01T00:00:00Z").status_code == 404
    assert as_maria.get(f"{path}?as_of=yesterday").json()["errors"] == {
        "as_of": ["Give a date and time with a UTC offset, such as 2026-03-31T09:00:00Z."]
    }


def test_steps_are_listed_and_taken(as_maria: Program, as_gus: Program, ticket: dict[str, Any]) -> None:
    path = "incidents/INC-000001/transitions"
    assert [step["name"] for step in as_maria.get(path).json()["items"]] == [
        "begin",
        "resolve",
        "wait",
        "cancel",
        "merge",
    ]
    assert [step["name"] for step in as_gus.get(path).json()["items"]] == ["cancel"]
    assert as_maria.post(f"{path}/begin").json()["status"] == "in_progress"
    unfilled = as_maria.post(f"{path}/resolve", {"resolution": "Restarted"})
    assert (unfilled.status_code, unfilled.json()["errors"]) == (
        422,
        {"resolution_code": ["Fill this in to continue."]},
    )
    stale = as_maria.post(f"{path}/resolve", {"resolution": "x", "resolution_code": "solved", "version": 1})
    assert stale.status_code == 409
    done = as_maria.post(f"{path}/resolve", {"resolution": "Restarted", "resolution_code": "solved"})
    assert (done.status_code, done.json()["status"]) == (200, "resolved")
    assert as_gus.post(f"{path}/close").status_code == 403
    assert as_maria.post(f"{path}/fly").status_code == 404
    assert as_gus.post(f"{path}/confirm").json()["status"] == "closed"


def test_the_journal_shows_guests_only_what_is_theirs(
    as_maria: Program, as_gus: Program, ticket: dict[str, Any], agent: Person
) -> None:
    as_maria.patch("incidents/INC-000001", {"assigned_to": agent.reference}, if_match="*")
    as_maria.post("incidents/INC-000001/comments", {"body": "Between us.", "internal": True})
    as_maria.patch("incidents/INC-000001", {"title": "Mail is slow"}, if_match="*")
    staff = as_maria.get("incidents/INC-000001/journal").json()["items"]
    guest = as_gus.get("incidents/INC-000001/journal").json()["items"]
    assert [entry["verb"] for entry in staff] == ["create", "change", "comment", "change"]
    assert [(entry["number"], list(entry["changes"])) for entry in guest][1:] == [(2, ["title"])]
    assert "team" not in guest[0]["changes"]
    assert guest[0]["by"] == {"reference": "PER-000001", "title": "Maria Keller"}
    first = as_maria.get("incidents/INC-000001/journal?limit=2").json()
    assert [entry["number"] for entry in first["items"]] == [1, 2]
    second = as_maria.get(f"incidents/INC-000001/journal?limit=2&cursor={first['next']}").json()
    assert ([entry["number"] for entry in second["items"]], second["next"]) == ([3, 4], None)


def test_custom_fields_stand_under_custom(as_maria: Program, as_gus: Program, ticket: dict[str, Any]) -> None:
    values = {"title": "Room", "target": "incident", "name": "room"}
    create(CustomField, values, by=SYSTEM)
    answer = as_maria.patch("incidents/INC-000001", {"custom": {"room": "E 7"}}, if_match="*")
    assert (answer.status_code, answer.json()["custom"]) == (200, {"room": "E 7"})
    assert as_gus.get("incidents/INC-000001").json()["custom"] == {}
    assert [row["reference"] for row in as_maria.get("incidents?custom.room=E 7").json()["items"]] == [
        "INC-000001"
    ]
    wrong = as_maria.patch("incidents/INC-000001", {"custom": {"floor": "7"}}, if_match="*")
    assert wrong.json()["errors"] == {"custom.floor": ["incident has no such field."]}
