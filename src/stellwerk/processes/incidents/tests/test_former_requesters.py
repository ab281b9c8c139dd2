"""Whoever lost a ticket, because it was somebody else's, sees nothing of it but their own words."""

import json
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client

from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.history import History
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.activity.watching.services import watch
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.tokens import issue_token
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Access, Capacity, Role
from stellwerk.kernel.permissions.policy import AccessPolicy
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.testing.fixtures import grant, make_person
from stellwerk.kernel.write.services import change, create, share, transition
from stellwerk.kernel.write.undo import undo
from stellwerk.processes.incidents.incident import Incident

SECRET = "For the new requester only: salary 4711."


@pytest.fixture
def initech(centre: Party, globex: Party) -> Party:
    """Another customer; the centre serves both."""
    made = create(Party, {"title": "Initech", "party_kind": Party.Kind.CUSTOMER}, by=SYSTEM)
    for customer in (globex, made):
        share(customer, centre, Capacity.PROVIDER, by=SYSTEM)
    return made


@pytest.fixture
def right(initech: Party) -> Person:
    return make_person("Nobody Else", initech, username="else")


@pytest.fixture
def representative(globex: Party) -> Person:
    person = make_person("Nobody Rep", globex, username="rep")
    grant(person, Role.VIEWER, globex)
    return person


@pytest.fixture
def ticket(gus: Person, agent: Person) -> Incident:
    given = {"title": "A letter", "description": "Please print it.", "party": agent.party, "requester": gus}
    return create(Incident, given, by=SYSTEM)


def sees(person: Person, ticket: Record) -> bool:
    policy = AccessPolicy(person)
    found = Incident.objects.filter(policy.visible(Incident), pk=ticket.pk).exists()
    assert found == (policy.access_to(Incident.objects.get(pk=ticket.pk)) > Access.NONE)
    return found


def fresh(person: Person) -> Person:
    found: Person = Person.objects.get(pk=person.pk)
    return found


def test_a_corrected_requester_and_their_organisation_lose_the_ticket(
    client: Client, ticket: Incident, gus: Person, right: Person, representative: Person, agent: Person
) -> None:
    watch(ticket, gus, by=gus)
    comment(ticket, "Is it done?", by=gus)
    change(ticket, {"requester": right}, by=agent)
    told = Notification.objects.filter(person=gus).count()
    comment(ticket, SECRET, by=agent)
    attach(ticket, ContentFile(b"4711"), "salary.txt", by=agent)
    assert [sees(person, ticket) for person in (gus, representative, right)] == [False, False, True]
    assert Notification.objects.filter(person=gus).count() == told
    with pytest.raises(PermissionDenied):
        comment(ticket, "Hello?", by=fresh(gus))
    with pytest.raises(PermissionDenied):
        transition(ticket, "cancel", by=fresh(gus))
    client.force_login(gus)
    for address in (f"/portal/tickets/{ticket.reference}/", f"/records/{ticket.reference}/"):
        assert client.get(address).status_code == 404
    assert "A letter" not in client.get("/portal/tickets/?show=all").content.decode()
    found = client.get("/search/", {"q": "salary"}).content.decode()
    assert (ticket.reference in found, "4711" in found) == (False, False)
    assert client.post(f"/portal/tickets/{ticket.reference}/reply/", {"body": "x"}).status_code == 404


def test_what_they_wrote_stays_theirs(
    client: Client, ticket: Incident, gus: Person, right: Person, agent: Person
) -> None:
    own = create(
        Incident, {"title": "My own report", "description": "It hums."}, by=gus
    )  # opened by Gus, then found to be for another
    change(own, {"party": agent.party}, by=SYSTEM)
    comment(ticket, "Is it done?", by=gus)
    for one in (ticket, own):
        change(one, {"requester": right, "title": "Renamed"}, by=SYSTEM)
        comment(one, SECRET, by=agent)
    client.force_login(gus)
    page = client.get("/portal/words/").content.decode()
    assert "Is it done?" in page
    assert "It hums." in page
    assert ticket.reference in page
    for theirs in ("4711", "Renamed", "Please print it."):
        assert theirs not in page
    assert "/portal/words/" in client.get("/portal/tickets/?show=all").content.decode()
    client.force_login(right)
    assert "Is it done?" not in client.get("/portal/words/").content.decode()


def test_a_corrected_reporter_loses_it_too(ticket: Incident, right: Person, agent: Person) -> None:
    change(ticket, {"reported_by": right}, by=agent)
    assert sees(right, ticket)
    change(ticket, {"reported_by": None}, by=agent)
    assert not sees(right, ticket)


def test_who_still_takes_part_still_sees_it(
    ticket: Incident, gus: Person, right: Person, agent: Person
) -> None:
    change(ticket, {"reported_by": gus}, by=agent)
    change(ticket, {"requester": right}, by=agent)
    assert sees(gus, ticket)


def test_a_share_made_by_hand_stays(ticket: Incident, gus: Person, right: Person, agent: Person) -> None:
    share(ticket, gus, Capacity.REQUESTER, by=agent)
    change(ticket, {"requester": right}, by=agent)
    assert sees(gus, ticket)


def test_undoing_the_correction_gives_the_ticket_back(
    ticket: Incident, gus: Person, right: Person, agent: Person
) -> None:
    changed = change(ticket, {"requester": right}, by=agent)
    undo(changed.entries.get(verb="change"), by=agent)
    assert [sees(gus, ticket), sees(right, ticket)] == [True, False]


def test_a_correction_in_a_brought_history_counts_too(
    root: Person, agent: Person, gus: Person, right: Person
) -> None:
    with History("old desk", by=root) as history:
        given = {"title": "Old", "requester": gus, "party": agent.party}
        old = history.create(Incident, given, by=agent, at=datetime(2020, 1, 1, tzinfo=UTC))
        history.change(old, {"requester": right}, by=agent, at=datetime(2020, 1, 2, tzinfo=UTC))
    assert [sees(gus, old), sees(right, old)] == [False, True]


def test_the_agent_is_told_what_a_correction_takes_away(
    client: Client, ticket: Incident, gus: Person, right: Person, agent: Person
) -> None:
    client.force_login(agent)
    address = f"/records/{ticket.reference}/fields/requester/"
    before = f"People who are no longer involved lose access to {ticket.reference}: Gus Gordon · Globex."
    assert before in client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert before in client.get(f"/records/{ticket.reference}/edit/").content.decode()
    given = {"requester": right.reference, "version": ticket.version}
    answer = client.post(address, given, headers={"HX-Request": "true"}).content.decode()
    assert f"Globex · Gus Gordon no longer have access to {ticket.reference}." in answer
    answer = client.post(address, {"requester": gus.reference}, follow=True).content.decode()
    assert f"Initech · Nobody Else no longer have access to {ticket.reference}." in answer


def test_the_api_answers_as_if_it_did_not_exist(
    client: Client, ticket: Incident, gus: Person, right: Person, agent: Person
) -> None:
    token = issue_token(gus, "test", ["read", "write"])[1]
    headers = {"Authorization": f"Bearer {token}"}
    url = f"/api/v1/incidents/{ticket.reference}"
    assert client.get(url, headers=headers).status_code == 200
    change(ticket, {"requester": right}, by=agent)
    for path in ("", "/comments", "/attachments", "/journal", "/links", "/watchers"):
        assert client.get(url + path, headers=headers).status_code == 404
    body = json.dumps({"body": "Hello?"})
    answer = client.post(f"{url}/comments", body, content_type="application/json", headers=headers)
    assert answer.status_code == 404


def test_the_migration_ends_what_version_0_1_left(
    ticket: Incident, gus: Person, globex: Party, right: Person, initech: Party, agent: Person
) -> None:
    by_hand = make_person("Nobody Third", username="third")
    share(ticket, by_hand, Capacity.REQUESTER, by=agent)
    change(ticket, {"requester": right}, by=agent)
    Share.objects.create(record_id=ticket.pk, person=gus, capacity="requester")
    Share.objects.create(record_id=ticket.pk, party=globex, capacity="customer")
    migration: Any = import_module(
        "stellwerk.processes.incidents.migrations.0005_shares_of_former_requesters"
    )
    migration.end_shares(apps, connection.schema_editor())
    left = Share.objects.filter(record=ticket.pk).values_list("person", "party")
    assert sorted(pk for pair in left for pk in pair if pk) == sorted([by_hand.pk, right.pk, initech.pk])


LOST = "Globex · Gus Gordon no longer have access to {}."


def test_a_program_is_told_who_loses_the_ticket(
    client: Client, ticket: Incident, right: Person, agent: Person
) -> None:
    _token, secret = issue_token(agent, "Sync", ["read", "write"])
    headers = {"Authorization": f"Bearer {secret}", "If-Match": "*"}
    path = f"/api/v1/incidents/{ticket.reference}"
    given = {"requester": right.reference}
    told = client.patch(path, given, content_type="application/json", headers=headers)
    assert told.status_code == 200, told.content
    about = {"reference": ticket.reference, "title": ticket.title}
    assert told.json()["outcome"] == {"text": LOST.format(ticket.reference), "record": about}
    again = client.patch(path, {"title": "A long letter"}, content_type="application/json", headers=headers)
    assert (again.status_code, "outcome" in again.json()) == (200, False)
    read = client.get(path, headers=headers)
    assert ("outcome" in read.json(), read["ETag"]) == (False, again["ETag"])


def test_a_program_that_changes_many_is_told_of_each(
    client: Client, ticket: Incident, right: Person, agent: Person, gus: Person
) -> None:
    other = create(Incident, {"title": "Another", "party": agent.party, "requester": gus}, by=SYSTEM)
    _token, secret = issue_token(agent, "Sync", ["read", "write"])
    items = [
        {"reference": ticket.reference, "version": 1, "requester": right.reference},
        {"reference": other.reference, "version": 1, "title": "Another one"},
    ]
    answer = client.patch(
        "/api/v1/incidents/bulk",
        {"items": items},
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    first, second = answer.json()["results"]
    assert first["outcome"]["text"] == LOST.format(ticket.reference)
    assert "outcome" not in second


def test_changing_many_in_a_list_says_who_loses_which(
    client: Client, ticket: Incident, right: Person, maria: Person, gus: Person
) -> None:
    other = create(Incident, {"title": "Another", "party": maria.party, "requester": gus}, by=SYSTEM)
    client.force_login(maria)
    given = {"action": "field.requester", "selected": [ticket.pk, other.pk]}
    asks = client.post("/incidents/bulk/", given).content.decode()
    assert "Whoever no longer takes part loses access." in asks
    chosen = given | {"value-requester": right.reference, "apply": "1"}
    page = client.post("/incidents/bulk/", chosen, follow=True).content.decode()
    assert LOST.format(f"{ticket.reference}, {other.reference}") in page
    assert not sees(fresh(gus), ticket)
