"""The people of the tests: Maria runs the desk, Gus is Globex's user, Nobody has no role, Root administers."""

from datetime import date

import pytest
from django.core.cache import caches

from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.identity.team import Team, TeamMembership
from stellwerk.kernel.model import shared_cache
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.write.services import create

LONG_AGO = date(2020, 1, 1)


def make_person(name: str, party: Party | None = None, **values: object) -> Person:
    """Create a person who signs in with the lower-case first name."""
    username = name.split(" ", maxsplit=1)[0].lower()
    return create(Person, {"title": name, "username": username, "party": party, **values}, by=SYSTEM)


def grant(
    person: Person, role: Role, party: Party | None = None, process: str = "", **values: object
) -> RoleAssignment:
    """Give a person a role, and make the loaded person notice."""
    person.__dict__.pop("_policy", None)
    given = {
        "person": person,
        "role": role,
        "party": party,
        "process": process,
        "valid_from": LONG_AGO,
        **values,
    }
    return create(RoleAssignment, given, by=SYSTEM)


@pytest.fixture(autouse=True)
def _nothing_remembered(request: pytest.FixtureRequest) -> None:
    """Let each test count its queries, and the attempts that are limited per minute, from the same beginning."""
    shared_cache.SHARED.clear()
    if {"db", "transactional_db"} & set(request.fixturenames):
        request.getfixturevalue("db")
        for cache in caches.all():
            cache.clear()


@pytest.fixture
def centre(db: None) -> Party:
    """The federation member that provides the services."""
    return create(Party, {"title": "Centre North", "party_kind": Party.Kind.MEMBER}, by=SYSTEM)


@pytest.fixture
def other_centre(db: None) -> Party:
    return create(Party, {"title": "Centre South", "party_kind": Party.Kind.MEMBER}, by=SYSTEM)


@pytest.fixture
def globex(db: None) -> Party:
    return create(Party, {"title": "Globex", "party_kind": Party.Kind.CUSTOMER}, by=SYSTEM)


@pytest.fixture
def root(db: None) -> Person:
    person = make_person("Root")
    grant(person, Role.ADMINISTRATOR)
    return person


@pytest.fixture
def maria(centre: Party) -> Person:
    person = make_person("Maria Keller", centre, email="maria@centre.example")
    grant(person, Role.MANAGER, centre)
    return person


@pytest.fixture
def agent(centre: Party) -> Person:
    person = make_person("Arno Agent", centre)
    grant(person, Role.AGENT, centre)
    return person


@pytest.fixture
def gus(globex: Party) -> Person:
    return make_person("Gus Gordon", globex, email="gus@globex.example")


@pytest.fixture
def nobody(db: None) -> Person:
    return make_person("Nobody")


@pytest.fixture
def desk(centre: Party, agent: Person) -> Team:
    """The team that Arno belongs to."""
    team = create(Team, {"title": "Service desk", "party": centre}, by=SYSTEM)
    create(TeamMembership, {"team": team, "person": agent, "valid_from": LONG_AGO}, by=SYSTEM)
    return team
