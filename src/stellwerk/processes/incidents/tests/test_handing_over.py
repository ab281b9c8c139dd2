"""Nothing is given to who cannot work on it; what another party works on is shared with it, and the journal says so."""

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from stellwerk.foundation.category import Category
from stellwerk.kernel.activity.watching.services import watch
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team, TeamMembership
from stellwerk.kernel.identity.tokens import issue_token
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Access, Role
from stellwerk.kernel.permissions.policy import AccessPolicy
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.testing.fixtures import LONG_AGO, grant, make_person
from stellwerk.kernel.write.services import change, create, transition
from stellwerk.kernel.write.undo import undo
from stellwerk.processes.incidents.incident import Incident
from stellwerk.processes.services.service import Service

SOLVED = {"resolution_code": "solved", "resolution": "Done."}


@pytest.fixture
def incident(centre: Party, gus: Person) -> Incident:
    return create(Incident, {"title": "Mail is down", "requester": gus, "party": centre}, by=SYSTEM)


@pytest.fixture
def south(other_centre: Party) -> Person:
    """An agent of the other centre."""
    person = make_person("Nobody South", other_centre, username="south")
    grant(person, Role.AGENT, other_centre)
    return person


@pytest.fixture
def south_team(other_centre: Party, south: Person) -> Team:
    team = create(Team, {"title": "Desk of the south", "party": other_centre}, by=SYSTEM)
    create(TeamMembership, {"team": team, "person": south, "valid_from": LONG_AGO}, by=SYSTEM)
    return team


def works(person: Person, ticket: Record) -> bool:
    return AccessPolicy(person).access_to(Incident.objects.get(pk=ticket.pk)) >= Access.EDIT


def refused(record: Any, **values: Any) -> dict[str, list[str]]:
    """Try a change, and return what was said against it."""
    before = type(record).objects.get(pk=record.pk)
    with pytest.raises(ValidationError) as caught:
        change(record, values, by=SYSTEM)
    after = type(record).objects.get(pk=record.pk)
    assert (after.version, after.journal_count) == (before.version, before.journal_count)
    return caught.value.message_dict


# -- who has left, and who may not -------------------------------------------------------------------------


def test_nothing_is_given_to_who_has_left(incident: Incident, centre: Party, desk: Team) -> None:
    left = make_person("Nobody Left", centre, username="left")
    grant(left, Role.AGENT, centre)
    left = transition(left, "leave", by=SYSTEM)
    old = create(Team, {"title": "Night shift", "party": centre}, by=SYSTEM)
    old = transition(old, "dissolve", by=SYSTEM)
    service = create(Service, {"title": "Mail", "party": centre}, by=SYSTEM)
    category = create(Category, {"title": "Mail"}, by=SYSTEM)
    gone = "is no longer active. Select someone else."
    assert refused(incident, assigned_to=left) == {"assigned_to": [f"Nobody Left {gone}"]}
    assert refused(incident, team=old) == {"team": [f"Night shift {gone}"]}
    assert refused(service, owner=left, team=old).keys() == {"owner", "team"}
    assert refused(category, team=old) == {"team": [f"Night shift {gone}"]}
    assert refused(desk, lead=left) == {"lead": [f"Nobody Left {gone}"]}
    assert refused(centre, contact=left) == {"contact": [f"Nobody Left {gone}"]}
    with pytest.raises(ValidationError, match="no longer active"):
        watch(incident, left, by=SYSTEM)
    with pytest.raises(ValidationError, match="no longer active"):
        create(Incident, {"title": "New", "requester": left, "team": old}, by=SYSTEM)
    assert Incident.objects.count() == 1


def test_nothing_is_given_to_who_has_no_role_for_it(
    incident: Incident, centre: Party, gus: Person, nobody: Person
) -> None:
    for person in (gus, nobody):
        assert refused(incident, assigned_to=person) == {
            "assigned_to": [f"{person} has no role to work on these incidents. Select someone else."]
        }
    reader = make_person("Nobody Reads", centre, username="reads")
    grant(reader, Role.VIEWER, centre)
    assert refused(incident, assigned_to=reader).keys() == {"assigned_to"}
    service = create(Service, {"title": "Mail", "party": centre}, by=SYSTEM)
    assert refused(service, owner=gus).keys() == {"owner"}


def test_what_names_a_team_that_is_gone_is_passed_over(
    gus: Person, centre: Party, desk: Team, agent: Person
) -> None:
    old = create(Team, {"title": "Night shift", "party": centre}, by=SYSTEM)
    category = create(Category, {"title": "Mail", "team": old}, by=SYSTEM)
    service = create(Service, {"title": "Mail", "party": centre, "team": desk}, by=SYSTEM)
    old = transition(old, "dissolve", by=SYSTEM)
    given = {"title": "No mail", "requester": gus, "category": category}
    assert create(Incident, {**given, "service": service}, by=SYSTEM).team == desk
    assert create(Incident, {**given, "party": centre}, by=SYSTEM).team == desk


def test_undoing_does_not_give_it_back_to_who_has_left(
    incident: Incident, agent: Person, maria: Person
) -> None:
    change(incident, {"assigned_to": agent}, by=maria)
    moved = change(incident, {"assigned_to": maria}, by=maria)
    transition(agent, "leave", by=SYSTEM)
    with pytest.raises(ValidationError, match="no longer active"):
        undo(moved.entries.get(number=3), by=maria)
    assert Incident.objects.get().assigned_to == maria


def test_what_is_reopened_is_with_nobody_who_has_left(
    incident: Incident, agent: Person, maria: Person, desk: Team
) -> None:
    resolved = transition(change(incident, {"assigned_to": agent}, by=maria), "resolve", SOLVED, by=agent)
    transition(agent, "leave", by=SYSTEM)
    assert transition(resolved, "reopen", by=maria).assigned_to is None


# -- another party -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["team", "assigned_to", "service"])
def test_what_another_party_works_on_is_shared_with_it(
    incident: Incident, south: Person, south_team: Team, other_centre: Party, name: str
) -> None:
    service = create(Service, {"title": "Mail of the south", "party": other_centre}, by=SYSTEM)
    given = {"team": south_team, "assigned_to": south, "service": service}[name]
    assert not works(south, incident)
    changed = change(incident, {name: given}, by=SYSTEM)
    assert works(south, changed)
    entry = changed.entries.get(verb="share")
    assert entry.changes == {"@share": [None, {"with": other_centre.pk, "capacity": "provider"}]}
    change(changed, {name: None}, by=SYSTEM)
    change(changed, {name: given}, by=SYSTEM)
    assert changed.entries.filter(verb="share").count() == 1


def test_a_new_ticket_for_another_partys_team_is_shared_at_once(
    centre: Party, gus: Person, south: Person, south_team: Team
) -> None:
    given = {"title": "New", "requester": gus, "party": centre, "team": south_team}
    made = create(Incident, given, by=SYSTEM)
    assert works(south, made)
    assert [entry.verb for entry in made.entries.all()] == ["create", "share"]


def test_who_works_on_a_ticket_keeps_it_when_it_moves(
    incident: Incident, agent: Person, other_centre: Party
) -> None:
    change(incident, {"assigned_to": agent}, by=SYSTEM)
    moved = change(incident, {"party": other_centre}, by=SYSTEM)
    assert works(agent, moved)


def test_a_team_of_the_same_party_needs_no_share(incident: Incident, desk: Team, agent: Person) -> None:
    change(incident, {"team": desk, "assigned_to": agent}, by=SYSTEM)
    assert not Share.objects.filter(record=incident.pk, capacity="provider").exists()


def test_the_agent_sees_what_handing_over_does(
    client: Client, incident: Incident, root: Person, south_team: Team
) -> None:
    client.force_login(root)
    address = f"/records/{incident.reference}/fields/team/"
    headers = {"HX-Request": "true"}
    warning = f"If they belong to another organisation, {incident.reference} is shared with it."
    assert warning in client.get(address, headers=headers).content.decode()
    answer = client.post(address, {"team": south_team.reference}, headers=headers).content.decode()
    assert f"{incident.reference} is now shared with Centre South, whose staff can work on it." in answer


# -- the end of teams and people ---------------------------------------------------------------------------


def test_a_team_with_open_work_is_not_dissolved_until_somebody_takes_it_over(
    client: Client, incident: Incident, desk: Team, centre: Party, root: Person
) -> None:
    change(incident, {"team": desk}, by=SYSTEM)
    night = create(Team, {"title": "Night shift", "party": centre}, by=SYSTEM)
    headers = {"Authorization": f"Bearer {issue_token(root, 'test', ['read', 'write'])[1]}"}

    def dissolve(**given: str) -> Any:
        url = f"/api/v1/teams/{desk.reference}/transitions/dissolve"
        return client.post(url, json.dumps(given), content_type="application/json", headers=headers)

    answer = dissolve()
    sentence = "1 open record is assigned to Service desk. Select the team that takes it over."
    assert (answer.status_code, answer.json()["errors"]) == (422, {"work_goes_to": [sentence]})
    assert Team.objects.get(pk=desk.pk).is_open
    assert dissolve(work_goes_to=desk.reference).status_code == 422
    assert dissolve(work_goes_to=night.reference).status_code == 200
    handed = Incident.objects.get()
    assert (handed.team, handed.entries.last().reason) == (night, "Service desk is no longer active.")
    again = transition(Team.objects.get(pk=desk.pk), "revive", by=SYSTEM)
    assert again.work_goes_to is None


def test_the_work_of_who_leaves_goes_to_who_is_named_or_back_to_the_team(
    client: Client, incident: Incident, agent: Person, maria: Person, root: Person
) -> None:
    change(incident, {"assigned_to": agent}, by=SYSTEM)
    client.force_login(root)
    address = f"/records/{agent.reference}/steps/leave/"
    assert "If empty, it goes back to its teams" in client.get(address).content.decode()
    client.post(address, {"work_goes_to": maria.reference})
    assert Incident.objects.get().assigned_to == maria
    transition(maria, "leave", by=SYSTEM)
    assert Incident.objects.get().assigned_to is None


def test_work_does_not_go_to_who_cannot_do_it(incident: Incident, agent: Person, nobody: Person) -> None:
    change(incident, {"assigned_to": agent}, by=SYSTEM)
    with pytest.raises(ValidationError, match=f"{incident.reference}: Nobody has no role"):
        transition(agent, "leave", {"work_goes_to": nobody}, by=SYSTEM)
    assert Person.objects.get(pk=agent.pk).is_open
    assert Incident.objects.get().assigned_to == agent
