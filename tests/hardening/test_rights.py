"""Nobody gives, takes or receives through their own act a right that they do not hold: every door, by every way in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from stellwerk.accounts.links import make_link
from stellwerk.api.tests.conftest import Program
from stellwerk.exchange.importing import ERROR, RecordImport
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.identity.team import Team, TeamMembership
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.days import today
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Capacity, Role
from stellwerk.kernel.permissions.policy import AccessPolicy
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.testing.fixtures import LONG_AGO, grant, make_person
from stellwerk.kernel.write.services import change, create, share, transition, unshare
from stellwerk.kernel.write.undo import undo
from stellwerk.kernel.write.writer import Rehearsal
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db

SECRET = "correct horse battery"  # noqa: S105


@dataclass
class House:
    """An installation in which Lars administers one centre, and Maria manages it."""

    centre: Party
    other: Party
    lars: Person
    maria: Person
    root: Person
    nobody: Person
    helpers: Team
    """A team of the centre that holds no role."""
    administrators: Team
    """A team of the centre whose members administer everything."""


@pytest.fixture
def house(centre: Party, other_centre: Party, maria: Person, root: Person, nobody: Person) -> House:
    lars = make_person("Lars Local", centre)
    grant(lars, Role.ADMINISTRATOR, centre)
    helpers = create(Team, {"title": "Helpers", "party": centre}, by=SYSTEM)
    administrators = create(Team, {"title": "Administrators", "party": centre}, by=SYSTEM)
    held = {"team": administrators, "role": Role.ADMINISTRATOR, "valid_from": LONG_AGO}
    create(RoleAssignment, held, by=SYSTEM)
    change(nobody, {"party": centre.pk}, by=SYSTEM)
    create(TeamMembership, {"team": helpers, "person": nobody, "valid_from": LONG_AGO}, by=SYSTEM)
    return House(centre, other_centre, lars, maria, root, nobody, helpers, administrators)


# -- the ways in -------------------------------------------------------------------------------------------


def text(value: Any) -> Any:
    """Write a value as programs, forms and files do."""
    if isinstance(value, Record):
        return value.reference
    return value.isoformat() if hasattr(value, "isoformat") else value


def by_api(person: Person, model: type[Record], record: Record | None, values: dict[str, Any]) -> bool:
    body = {name: text(value) for name, value in values.items()}
    program, slug = Program(person), registry.for_model(model).slug
    if record is None:
        answer = program.post(slug, body)
    else:
        answer = program.patch(f"{slug}/{record.reference}", {**body, "version": record.version})
    assert answer.status_code in (200, 201, 403), answer.content
    return answer.status_code != 403


def by_page(person: Person, model: type[Record], record: Record | None, values: dict[str, Any]) -> bool:
    client, slug = Client(), registry.for_model(model).slug
    person.set_password(SECRET)
    Person.objects.filter(pk=person.pk).update(password=person.password)
    client.post("/account/login/", {"login": person.username, "password": SECRET})
    address = f"/records/{record.reference}/edit/" if record else f"/{slug}/new/"
    page = client.get(address)
    shown = (
        page.context["form"] if page.status_code == 200 else {}
    )  # sent all the same where there is no form
    names = shown.fields if shown else ()
    given = {name: shown[name].value() for name in names if shown[name].value() is not None}
    given |= {"version": record.version} if record else {}
    form = {name: "" if value is None else text(value) for name, value in values.items()}
    answer = client.post(address, {**given, **form})
    assert answer.status_code in (302, 403), answer.content
    return answer.status_code != 403


def by_import(person: Person, model: type[Record], record: Record | None, values: dict[str, Any]) -> bool:
    row = {name: "" if value is None else text(value) for name, value in values.items()}
    row |= {"reference": record.reference if record else ""}
    person = Person.objects.get(pk=person.pk)
    try:
        rehearsed = RecordImport(registry.for_model(model), by=person).rehearse([(2, row)])
        outcome = RecordImport(registry.for_model(model), by=person).run([(2, row)])
    except PermissionDenied:
        return False
    assert rehearsed.counts == outcome.counts
    return not outcome.counts[ERROR]


WAYS = [by_api, by_page, by_import]
Way = Callable[[Person, type[Record], Record | None, dict[str, Any]], bool]


def entries() -> int:
    return Entry.objects.count()


# -- doors -------------------------------------------------------------------------------------------------

Attempt = tuple[str, type[Record], Any, dict[str, Any]]


def own_role(house: House) -> RoleAssignment:
    return RoleAssignment.objects.get(person=house.lars)


def lesser_role(house: House) -> RoleAssignment:
    """What Lars himself gave to Nobody, within his centre."""
    return grant(house.nobody, Role.AGENT, house.centre, valid_until=today() + timedelta(days=30))


def membership(house: House) -> TeamMembership:
    return TeamMembership.objects.get(person=house.nobody)


DOORS: dict[str, Callable[[House], Attempt]] = {
    "a role for all parties": lambda h: (
        "lars",
        RoleAssignment,
        None,
        {"person": h.nobody, "role": "agent", "valid_from": today()},
    ),
    "a role for all parties to oneself": lambda h: (
        "lars",
        RoleAssignment,
        None,
        {"person": h.lars, "role": "administrator", "valid_from": today()},
    ),
    "a role for all parties to a team": lambda h: (
        "lars",
        RoleAssignment,
        None,
        {"team": h.helpers, "role": "viewer", "valid_from": today()},
    ),
    "a role for another party": lambda h: (
        "lars",
        RoleAssignment,
        lesser_role(h),
        {"party": None},
    ),
    "one's own role without its party": lambda h: ("lars", RoleAssignment, own_role(h), {"party": None}),
    "membership in a team that administers": lambda h: (
        "maria",
        TeamMembership,
        None,
        {"person": h.maria, "team": h.administrators, "valid_from": today()},
    ),
    "a membership turned to a team that administers": lambda h: (
        "maria",
        TeamMembership,
        membership(h),
        {"team": h.administrators},
    ),
    "a membership of later days": lambda h: (
        "lars",
        TeamMembership,
        None,
        {"person": h.nobody, "team": h.administrators, "valid_from": today() + timedelta(days=400)},
    ),
    "an address of an administrator": lambda h: ("maria", Person, in_the_centre(h), {"email": "m@x.example"}),
    "a user name of an administrator": lambda h: ("maria", Person, in_the_centre(h), {"username": "maria2"}),
    "an administrator as a service account": lambda h: (
        "maria",
        Person,
        in_the_centre(h),
        {"is_service": True},
    ),
    "a party without one above it": lambda h: ("maria", Party, None, {"title": "Ours alone"}),
    "a party outside of everything": lambda h: ("lars", Party, h.centre, {"parent": above(h)}),
    "a team as the first line of everybody": lambda h: ("maria", Team, h.helpers, {"first_line": True}),
    "a new team as the first line": lambda h: (
        "lars",
        Team,
        None,
        {"title": "Line", "party": h.centre, "first_line": True},
    ),
    "a first line no longer": lambda h: ("lars", Team, first_line(h), {"first_line": False}),
    "a customer that is shared to be served": lambda h: ("maria", Party, served(h), {"title": "Ours"}),
    "a team without a party": lambda h: ("maria", Team, membership(h).team, {"party": None}),
}


def first_line(house: House) -> Team:
    return change(house.helpers, {"first_line": True}, by=SYSTEM)


def served(house: House) -> Party:
    """A party that is shared with the centre, whose staff serve it."""
    share(house.other, house.centre, Capacity.PROVIDER, by=SYSTEM)
    return house.other


def in_the_centre(house: House) -> Person:
    """An administrator of everything who belongs to the centre."""
    return change(house.root, {"party": house.centre.pk}, by=SYSTEM)


def above(house: House) -> Party:
    """An organisation that Lars reads, and that an agent of it would reach his centre through."""
    party = create(Party, {"title": "Federation"}, by=SYSTEM)
    grant(house.lars, Role.VIEWER, party)
    grant(house.nobody, Role.AGENT, party)
    return party


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("door", DOORS)
def test_a_door_is_shut(door: str, way: Way, house: House) -> None:
    who, model, record, values = DOORS[door](house)
    record = record and model.objects.get(pk=record.pk)
    before = entries()
    assert way(getattr(house, who), model, record, values) is False
    assert entries() == before
    if record:
        assert model.objects.get(pk=record.pk).version == record.version


OPEN: dict[str, Callable[[House], Attempt]] = {
    "a role within one's own": lambda h: (
        "lars",
        RoleAssignment,
        None,
        {"person": h.nobody, "role": "manager", "party": h.centre, "valid_from": today()},
    ),
    "a role for a process within one's own": lambda h: (
        "lars",
        RoleAssignment,
        None,
        {
            "team": h.helpers,
            "role": "agent",
            "party": h.centre,
            "process": "incidents",
            "valid_from": today(),
        },
    ),
    "a role that lasts longer": lambda h: ("lars", RoleAssignment, lesser_role(h), {"valid_until": None}),
    "membership in a team without a role": lambda h: (
        "maria",
        TeamMembership,
        None,
        {"person": h.maria, "team": h.helpers, "valid_from": today()},
    ),
    "a membership that ends": lambda h: ("maria", TeamMembership, membership(h), {"valid_until": today()}),
    "an address of who holds less": lambda h: ("maria", Person, h.nobody, {"email": "n@centre.example"}),
    "the telephone of who holds more": lambda h: ("maria", Person, in_the_centre(h), {"telephone": "112"}),
    "another name of the first line": lambda h: ("lars", Team, first_line(h), {"title": "Service desk"}),
    "a unit of one's own": lambda h: ("maria", Party, None, {"title": "Night shift", "parent": h.centre}),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("door", OPEN)
def test_what_lies_within_ones_own_rights_stays_open(door: str, way: Way, house: House) -> None:
    who, model, record, values = OPEN[door](house)
    record = record and model.objects.get(pk=record.pk)
    assert way(getattr(house, who), model, record, values) is True


# -- what is no field --------------------------------------------------------------------------------------


def refused(act: Callable[[], Any]) -> bool:
    before = entries(), Share.objects.count()
    with pytest.raises(PermissionDenied):
        act()
    return (entries(), Share.objects.count()) == before


def fresh(record: Any) -> Any:
    return type(record).objects.get(pk=record.pk)


def test_a_manager_neither_ends_nor_reinstates_who_holds_more(house: House, client: Client) -> None:
    administrator = in_the_centre(house)
    assert refused(lambda: transition(administrator, "leave", by=fresh(house.maria)))
    left = transition(administrator, "leave", by=SYSTEM)
    assert refused(lambda: transition(left, "return", by=fresh(house.maria)))
    client.force_login(house.maria)
    assert client.post(f"/records/{left.reference}/steps/return/").status_code == 403
    program = Program(house.maria)
    assert program.post(f"people/{left.reference}/transitions/return").status_code == 403
    assert fresh(left).status == "former"


def test_a_manager_ends_and_reinstates_who_holds_less(house: House) -> None:
    grant(house.nobody, Role.AGENT, house.centre)
    left = transition(fresh(house.nobody), "leave", by=house.maria)
    assert transition(left, "return", by=house.maria).is_active


def test_who_left_with_a_role_through_a_team_is_not_reinstated_by_less(house: House) -> None:
    joined = {"team": house.administrators, "person": house.nobody, "valid_from": LONG_AGO}
    create(TeamMembership, joined, by=SYSTEM)
    left = transition(fresh(house.nobody), "leave", by=SYSTEM)
    assert refused(lambda: transition(left, "return", by=fresh(house.maria)))


def test_undoing_an_ending_asks_the_same(house: House) -> None:
    left = transition(in_the_centre(house), "leave", by=SYSTEM)
    entry = Entry.objects.filter(record_id=left.pk, verb="transition").get()
    assert refused(lambda: undo(entry, by=fresh(house.maria)))
    role = change(own_role(house), {"valid_until": today()}, by=SYSTEM)
    ended = Entry.objects.filter(record_id=role.pk, verb="change").get()
    assert refused(lambda: undo(ended, by=fresh(house.lars)))


def test_a_dissolved_team_gives_nothing_and_is_revived_only_by_who_holds_what_it_holds(house: House) -> None:
    joined = {"team": house.administrators, "person": house.nobody, "valid_from": LONG_AGO}
    create(TeamMembership, joined, by=SYSTEM)
    assert AccessPolicy(house.nobody).is_administrator
    assert refused(lambda: transition(house.administrators, "dissolve", by=house.maria))
    team = transition(house.administrators, "dissolve", by=house.root)
    assert not AccessPolicy(house.nobody).is_administrator
    assert refused(lambda: transition(team, "revive", by=house.maria))
    assert transition(house.helpers, "dissolve", by=house.maria).status == "former"


def test_nobody_is_put_out_of_a_team_by_who_does_not_hold_its_role(house: House) -> None:
    joined = {"team": house.administrators, "person": house.root, "valid_from": LONG_AGO}
    membership = create(TeamMembership, joined, by=SYSTEM)
    assert refused(lambda: change(membership, {"valid_until": today()}, by=house.maria))
    assert change(membership, {"valid_until": today()}, by=house.root).valid_until == today()


def test_an_administrator_for_a_time_gives_and_takes_no_more_than_that_time(
    house: House, gus: Person
) -> None:
    soon = today() + timedelta(days=10)
    mine = grant(gus, Role.ADMINISTRATOR, valid_until=soon)
    values = {"person": house.nobody, "role": "agent", "party": house.centre, "valid_from": today()}
    assert refused(lambda: create(RoleAssignment, values, by=fresh(gus)))
    assert refused(lambda: change(mine, {"valid_until": None}, by=fresh(gus)))
    assert create(RoleAssignment, {**values, "valid_until": soon}, by=fresh(gus)).valid_until == soon


def test_a_role_that_only_begins_is_given_by_who_holds_it_then(house: House) -> None:
    until = today() + timedelta(days=30)
    change(own_role(house), {"valid_until": until}, by=SYSTEM)
    values = {"person": house.nobody, "role": "agent", "party": house.centre, "valid_until": None}
    later = {**values, "valid_from": until + timedelta(days=1)}
    assert refused(lambda: create(RoleAssignment, later, by=fresh(house.lars)))


def test_an_administrator_of_people_gives_no_other_process(house: House, gus: Person) -> None:
    grant(gus, Role.ADMINISTRATOR, process="people")
    values = {"person": gus, "role": "agent", "valid_from": today()}
    for process in ("", "incidents"):
        assert refused(
            lambda process=process: create(RoleAssignment, {**values, "process": process}, by=fresh(gus))
        )
    assert create(RoleAssignment, {**values, "process": "people"}, by=fresh(gus)).process == "people"


def test_roles_have_no_order_so_an_agent_s_step_is_not_a_viewer_s_to_give(house: House, gus: Person) -> None:
    """Gus manages people everywhere and reads tickets: he may not make agents of anybody."""
    grant(gus, Role.MANAGER, process="people")
    grant(gus, Role.VIEWER)
    agents = create(Team, {"title": "Agents", "party": house.centre}, by=SYSTEM)
    create(
        RoleAssignment,
        {"team": agents, "role": "agent", "party": house.centre, "valid_from": LONG_AGO},
        by=SYSTEM,
    )
    values = {"team": agents, "person": house.nobody}
    assert refused(lambda: create(TeamMembership, values, by=fresh(gus)))
    grant(gus, Role.MANAGER, house.centre, process="incidents")
    assert create(TeamMembership, values, by=fresh(gus)).person == house.nobody


def test_a_party_is_entrusted_by_who_reads_its_people_as_long(
    house: House, globex: Party, gus: Person
) -> None:
    theirs = make_person("Sven South", house.other)
    grant(theirs, Role.AGENT, house.other)
    soon = today() + timedelta(days=10)
    role = grant(house.nobody, Role.MANAGER, globex, valid_until=soon)
    grant(house.nobody, Role.VIEWER, house.other)
    give = (globex, house.other, Capacity.PROVIDER)
    assert refused(lambda: share(*give, by=fresh(house.nobody)))
    assert AccessPolicy(theirs).access_to(gus) == 0
    share(globex, house.other, Capacity.CUSTOMER, by=fresh(house.nobody))  # gives the party alone
    assert refused(lambda: share(*give, by=fresh(house.nobody)))
    change(role, {"valid_until": None}, by=SYSTEM)
    share(*give, by=fresh(house.nobody))
    assert AccessPolicy(theirs).access_to(gus) == 1
    unshare(globex, house.other, by=fresh(house.nobody))
    assert AccessPolicy(theirs).access_to(gus) == 0


def test_a_party_is_moved_by_who_holds_all_that_others_gain_and_lose_in_it(
    house: House, globex: Party
) -> None:
    unit = create(Party, {"title": "Night shift", "parent": house.centre}, by=SYSTEM)
    day = create(Party, {"title": "Day shift", "parent": house.centre}, by=SYSTEM)
    grant(house.nobody, Role.ADMINISTRATOR, day)
    grant(house.lars, Role.MANAGER, globex)
    assert refused(
        lambda: change(unit, {"parent": day.pk}, by=house.maria)
    )  # she manages, Nobody would administer
    assert refused(lambda: change(unit, {"parent": None}, by=fresh(house.lars)))
    assert change(unit, {"parent": day.pk}, by=fresh(house.lars)).parent == day
    assert change(fresh(unit), {"parent": globex.pk}, by=fresh(house.lars)).parent == globex


def test_what_one_party_is_entrusted_with_is_not_widened_by_moving_another_below_it(
    house: House, globex: Party, gus: Person
) -> None:
    """Staff of the other centre, which serves Globex, would read the people of whatever comes below Globex."""
    share(globex, house.other, Capacity.PROVIDER, by=SYSTEM)
    soon = today() + timedelta(days=10)
    theirs = make_person("Sven South", house.other)
    grant(theirs, Role.AGENT, house.other)
    institute = create(Party, {"title": "Institute"}, by=SYSTEM)
    for party in (globex, institute):
        grant(house.nobody, Role.MANAGER, party, valid_until=soon)
    assert refused(lambda: change(institute, {"parent": globex.pk}, by=fresh(house.nobody)))


def test_links_for_passwords_are_made_for_nobody_who_holds_more(house: House, gus: Person) -> None:
    grant(gus, Role.ADMINISTRATOR, valid_until=today() + timedelta(days=10))
    assert refused(lambda: make_link(house.root, by=fresh(gus)))
    assert "/account/password/reset/key/" in make_link(house.nobody, by=fresh(gus))


def test_a_rehearsal_and_a_bulk_change_refuse_what_a_change_refuses(house: House, client: Client) -> None:
    values = {"party": None}
    assert refused(lambda: change(own_role(house), values, by=house.lars, writer=Rehearsal()))
    role = own_role(house)
    body = {"items": [{"reference": role.reference, "version": role.version, **values}]}
    answer = Program(house.lars).patch("role-assignments/bulk", body)
    assert answer.status_code == 422
    assert answer.json()["results"][0]["status"] == 403
    assert fresh(role).party == house.centre


# -- change asks what create asks --------------------------------------------------------------------------


def test_a_ticket_moves_only_where_it_could_be_raised(house: House, gus: Person) -> None:
    grant(house.maria, Role.VIEWER, house.other)
    ticket = create(Incident, {"title": "No mail", "requester": gus, "party": house.centre}, by=SYSTEM)
    program = Program(house.maria)
    for party in (house.other.reference, None):
        answer = program.patch(f"incidents/{ticket.reference}", {"party": party, "version": ticket.version})
        assert answer.status_code == 403
    assert (fresh(ticket).party, fresh(ticket).version) == (house.centre, ticket.version)


def test_a_membership_follows_its_team_only_where_it_could_be_made(house: House) -> None:
    grant(house.maria, Role.VIEWER, house.other)
    theirs = create(Team, {"title": "South desk", "party": house.other}, by=SYSTEM)
    mine = membership(house)
    assert refused(
        lambda: create(TeamMembership, {"team": theirs, "person": house.nobody}, by=fresh(house.maria))
    )
    assert refused(lambda: change(mine, {"team": theirs.pk}, by=fresh(house.maria)))
    assert fresh(mine).team == house.helpers


def test_undo_moves_nothing_back_to_where_one_may_not_write(house: House, gus: Person) -> None:
    ticket = create(Incident, {"title": "No mail", "requester": gus, "party": house.other}, by=SYSTEM)
    moved = change(ticket, {"party": house.centre.pk}, by=SYSTEM)
    entry = Entry.objects.get(record_id=ticket.pk, number=moved.journal_count)
    grant(house.maria, Role.VIEWER, house.other)
    assert refused(lambda: undo(entry, by=fresh(house.maria)))
    assert fresh(ticket).party == house.centre


def test_undo_refers_to_nothing_that_one_may_not_see(house: House, gus: Person) -> None:
    values = {"title": "No mail", "requester": gus, "party": house.centre}
    theirs = create(Team, {"title": "South desk", "party": house.other}, by=SYSTEM)
    ticket = create(Incident, {**values, "team": theirs}, by=SYSTEM)
    changed = change(ticket, {"team": house.helpers.pk}, by=SYSTEM)
    entry = Entry.objects.get(record_id=ticket.pk, number=changed.journal_count)
    with pytest.raises(ValidationError, match="referred to something that you can't see"):
        undo(entry, by=house.maria)
    assert fresh(ticket).version == changed.version


def test_what_does_not_move_stays_editable(house: House, gus: Person) -> None:
    """A ticket that the other centre owns and shares with Maria's to be worked on, with a team that she does not see."""
    theirs = create(Team, {"title": "South desk", "party": house.other}, by=SYSTEM)
    values = {"title": "No mail", "requester": gus, "party": house.other, "team": theirs}
    ticket = create(Incident, values, by=SYSTEM)
    share(ticket, house.centre, Capacity.PROVIDER, by=SYSTEM)
    assert change(ticket, {"title": "No mail at all"}, by=house.maria).title == "No mail at all"
    lost = create(Team, {"title": "Lost"}, by=SYSTEM)
    share(lost, house.centre, Capacity.PROVIDER, by=SYSTEM)
    assert refused(lambda: change(lost, {"description": "Found"}, by=fresh(house.maria)))  # shared to be read


def test_who_serves_a_party_sees_it_and_takes_no_step_on_it(house: House) -> None:
    party = fresh(served(house))
    policy = AccessPolicy(house.maria)
    assert policy.roles_on(party) == {Role.VIEWER}
    assert refused(lambda: transition(party, "retire", by=house.maria))
    assert refused(lambda: share(party, house.nobody, Capacity.CUSTOMER, by=house.maria))
    assert Program(house.maria).get(f"parties/{party.reference}").json()["title"] == party.title


def test_a_dissolved_first_line_is_not_revived_by_who_serves_one_party(house: House) -> None:
    team = transition(first_line(house), "dissolve", by=fresh(house.maria))
    assert refused(lambda: transition(team, "revive", by=fresh(house.maria)))
    assert transition(team, "revive", by=fresh(house.root)).first_line


@pytest.mark.parametrize("who", ["lars", "maria", "nobody"])
def test_a_field_for_every_party_is_not_made_by_who_administers_one(house: House, who: str) -> None:
    body = {"title": "Room", "target": "incident", "name": "room", "type": "text"}
    before = entries()
    answer = Program(getattr(house, who)).post("custom-fields", body)
    assert (answer.status_code, answer.json()["detail"]) == (
        403,
        "You don't have permission to create custom fields.",
    )
    assert entries() == before
    assert Program(house.root).post("custom-fields", body).status_code == 201
