import pytest

from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.via import Via
from stellwerk.kernel.write.services import change, create, share, transition
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db


def team(title: str, party: Party, **values: object) -> Team:
    return create(Team, {"title": title, "party": party, **values}, by=SYSTEM)


def reported(by: Person) -> Incident:
    """Report a problem in the portal, without saying which service it is about."""
    return create(Incident, {"title": "It is broken"}, by=by, via=Via.PORTAL)


def test_what_names_no_service_comes_to_the_first_line_and_is_seen_there(
    gus: Person, agent: Person, centre: Party, desk: Team
) -> None:
    change(desk, {"first_line": True}, by=SYSTEM)
    ticket = reported(gus)
    assert (ticket.team, ticket.party) == (desk, centre)
    assert list(Incident.objects.visible_to(agent)) == [ticket]
    assert list(Incident.objects.visible_to(gus)) == [ticket]


def test_without_a_first_line_the_team_of_who_serves_the_customer_takes_it(
    gus: Person, globex: Party, centre: Party, other_centre: Party
) -> None:
    team("Oldest", centre)
    south = team("South", other_centre)
    share(globex, other_centre, "provider", by=SYSTEM)
    assert (reported(gus).team, reported(gus).party) == (south, other_centre)


def test_a_marked_team_goes_before_the_oldest_and_one_that_serves_before_another(
    gus: Person, globex: Party, centre: Party, other_centre: Party
) -> None:
    oldest = team("Oldest", centre)
    assert reported(gus).team == oldest
    north = team("First line North", centre, first_line=True)
    assert reported(gus).team == north
    south = team("First line South", other_centre, first_line=True)
    share(globex, other_centre, "provider", by=SYSTEM)
    assert reported(gus).team == south
    transition(south, "dissolve", {"work_goes_to": north}, by=SYSTEM)
    assert reported(gus).team == north


def test_an_office_is_served_as_the_organisation_above_it(
    gus: Person, globex: Party, centre: Party, other_centre: Party
) -> None:
    team("North", centre)
    south = team("South", other_centre)
    share(globex, other_centre, "provider", by=SYSTEM)
    office = create(Party, {"title": "Globex Lisbon", "parent": globex}, by=SYSTEM)
    change(gus, {"party": office.pk}, by=SYSTEM)
    gus.refresh_from_db()
    assert reported(gus).team == south


def test_without_any_team_a_report_stays_with_those_who_made_it(gus: Person, globex: Party) -> None:
    ticket = reported(gus)
    assert (ticket.team, ticket.party) == (None, globex)
