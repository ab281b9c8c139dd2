"""Whatever limited people write one after the other, nobody comes to a right that the one who wrote did not hold.

What somebody may do is asked of `AccessPolicy`, record by record, and so does not rest on the sets that are compared.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.identity.team import Team, TeamMembership
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.days import today
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Access, Capacity
from stellwerk.kernel.permissions.policy import AccessPolicy
from stellwerk.kernel.permissions.rights import ADMINISTER, GUEST, Tree, grants_of, rights
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.testing.fixtures import LONG_AGO
from stellwerk.kernel.write.services import change, create, share, transition, unshare
from stellwerk.kernel.write.undo import undo

pytestmark = pytest.mark.django_db

EXAMPLES = 30
WRITES_AT_MOST = 24
KINDS = [
    "party",
    "person",
    "team",
    "role_assignment",
    "incident",
    "service",
    "priority_scheme",
    "custom_field",
]
"""One type of each shape: by its party, by itself, by none, by no process, read with an entrusted party."""
ROLES = ["administrator", "manager", "agent", "viewer", "requester"]
PROCESSES = ["", "people", "incidents", "services"]
UNTIL = [None, today() + timedelta(days=9)]
Can = frozenset[tuple[str, str, int | None]]

SET_OUT = [
    ("administrator", 1, "", 0),
    ("manager", 1, "", 0),
    ("manager", 0, "", 1),
    ("administrator", 2, "people", 1),
]
"""What the four people hold from the beginning: role, party, process, until when."""

seeds = st.integers(0, 2**32)
"""What is drawn evenly finds more than what Hypothesis would make small."""


def drawn(seed: int, count: int) -> list[list[int]]:
    dice = Random(seed)  # noqa: S311 -- no secret
    return [[dice.randrange(60) for _number in range(7)] for _row in range(count)]


BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[
        Phase.explicit,
        Phase.generate,
    ],  # to make a sequence shorter takes minutes, and it names the write
)


@dataclass
class House:
    """Four parties, four limited people and two teams; who holds what is drawn."""

    parties: list[Any] = field(default_factory=list)
    people: list[Any] = field(default_factory=list)
    teams: list[Any] = field(default_factory=list)

    @property
    def places(self) -> list[Any]:
        return [*self.parties, None]


def build(rows: list[list[int]]) -> House:
    house = House()
    for number in range(4):
        above = house.parties[number // 2] if number > 1 else None
        house.parties.append(create(Party, {"title": f"Party {number}", "parent": above}, by=SYSTEM))
    for number in range(4):
        values = {"title": f"Person {number}", "party": house.parties[number]}
        house.people.append(create(Person, values, by=SYSTEM))
    for number in range(2):
        values = {"title": f"Team {number}", "party": house.parties[number]}
        house.teams.append(create(Team, values, by=SYSTEM))
    for person, (role, where, process, until) in zip(house.people, SET_OUT, strict=True):
        held = {"role": role, "party": house.parties[where], "process": process, "valid_until": UNTIL[until]}
        create(RoleAssignment, {"person": person, **held, "valid_from": LONG_AGO}, by=SYSTEM)
    for who, role, where, process, how, *_rest in rows:
        holder = {"team": pick(house.teams, who)} if how % 4 == 0 else {"person": pick(house.people, who)}
        given = {
            "role": pick(ROLES, role),
            "party": pick(house.places, where),
            "process": pick(PROCESSES, process),
        }
        if given["role"] == "administrator" and given["party"] is None:
            given["process"] = given["process"] or "people"  # nobody here administers everything
        dates = {"valid_from": LONG_AGO, "valid_until": pick(UNTIL, how // 4)}
        create(RoleAssignment, {**holder, **given, **dates}, by=SYSTEM)
        if how % 3 == 0:
            joined = {"team": pick(house.teams, how), "person": pick(house.people, where)}
            create(TeamMembership, {**joined, "valid_from": LONG_AGO}, by=SYSTEM)
        if how % 5 == 0 and who % 4 != role % 4:
            share(pick(house.parties, who), pick(house.parties, role), Capacity.PROVIDER, by=SYSTEM)
    return house


def pick(some: Any, number: int) -> Any:
    return some[number % len(some)]


# -- what they write ---------------------------------------------------------------------------------------


def appoint(house: House, by: Person, *n: int) -> None:
    holder = {"team": pick(house.teams, n[0])} if n[4] % 2 else {"person": pick(house.people, n[0])}
    held = {"role": pick(ROLES, n[1]), "party": pick(house.places, n[2]), "process": pick(PROCESSES, n[3])}
    create(RoleAssignment, {**holder, **held, "valid_from": today(), "valid_until": pick(UNTIL, n[4])}, by=by)


def reappoint(house: House, by: Person, *n: int) -> None:
    values = [
        {"party": pick([None, *(party.pk for party in house.parties)], n[1])},
        {"process": pick(PROCESSES, n[1])},
        {"role": pick(ROLES, n[1])},
        {"person": pick(house.people, n[1]).pk, "team": None},
        {"person": None, "team": pick(house.teams, n[1]).pk},
        {"valid_until": pick([*UNTIL, today()], n[1])},
    ]
    change(pick(RoleAssignment.objects.order_by("pk"), n[0]), pick(values, n[2]), by=by)


def join(house: House, by: Person, *n: int) -> None:
    create(TeamMembership, {"team": pick(house.teams, n[0]), "person": pick(house.people, n[1])}, by=by)


def rejoin(house: House, by: Person, *n: int) -> None:
    found = list(TeamMembership.objects.order_by("pk"))
    values = [
        {"team": pick(house.teams, n[1]).pk},
        {"person": pick(house.people, n[1]).pk},
        {"valid_until": pick([*UNTIL, today() - timedelta(days=1)], n[1])},
    ]
    if found:
        change(pick(found, n[0]), pick(values, n[2]), by=by)


def move(house: House, by: Person, *n: int) -> None:
    moved = pick([*house.parties, *house.teams, *house.people], n[0] + 3 * n[2])
    name = "parent" if isinstance(moved, Party) else "party"
    place = pick(house.places, n[1])
    change(moved, {name: place.pk if place else None}, by=by)


def entrust(house: House, by: Person, *n: int) -> None:
    one, other = pick(house.parties, n[0]), pick(house.parties, n[1])
    if n[2] % 3 == 0:
        unshare(one, other, by=by)
    elif one != other:
        share(one, other, pick(Capacity.values, n[2]), by=by)


def come_or_go(house: House, by: Person, *n: int) -> None:
    one = pick([*house.people, *house.teams], n[0])
    fresh = type(one).objects.get(pk=one.pk)
    steps = {"person": ("leave", "return"), "team": ("dissolve", "revive")}[one.kind]
    transition(fresh, steps[0] if fresh.is_open else steps[1], by=by)


def take_back(house: House, by: Person, *n: int) -> None:
    last = Entry.objects.filter(verb__in=["change", "transition"]).order_by("-pk")[:4]
    if last:
        undo(pick(last, n[0]), by=by)


WRITES: list[Callable[..., None]] = [
    appoint, appoint, reappoint, reappoint, join, rejoin, move, move, entrust, come_or_go, take_back,
]  # fmt: skip


# -- what they can do --------------------------------------------------------------------------------------


def stand_in(record_type: RecordType, place: int | None) -> Record:
    """Make up a record of the type in a party, shared with nobody."""
    own = {"pk": place} if record_type.scope == "pk" else {"party_id": place}
    record: Record = record_type.model(kind=record_type.key, status="", **own)
    record.__dict__["_shares"] = []
    return record


def can(person: Person, house: House) -> Can:
    """Ask for each record: how far, internal notes, each step; and whether the whole installation is administered."""
    policy = AccessPolicy(Person.objects.get(pk=person.pk))
    found: set[tuple[str, str, int | None]] = {("", "administer", None)} if policy.is_administrator else set()
    for record_type in map(registry.get, KINDS):
        for place in [None] if not record_type.scope else [None, *(party.pk for party in house.parties)]:
            if record_type.scope == "pk" and place is None:
                continue
            record = stand_in(record_type, place)
            level = policy.access_to(record)
            names = [each.name.lower() for each in Access if Access.NONE < each <= level]
            names += ["internal"] if policy.sees_internal(record) else []
            steps = record_type.workflow.transitions if record_type.workflow else ()
            names += [f"step:{step.name}" for step in steps if policy.may_take(step, record)]
            found |= {(record_type.key, name, place) for name in names}
    return frozenset(found)


@contextmanager
def taken_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@BOUNDED
@given(seed=seeds)
def test_nobody_comes_to_a_right_that_who_writes_did_not_hold(seed: int) -> None:
    with taken_back():
        house = build(drawn(seed, 4))
        before = {person.pk: can(person, house) for person in house.people}
        for what, who, *rest in drawn(seed + 1, WRITES_AT_MOST):
            actor = Person.objects.get(pk=pick(house.people, who).pk)
            try:
                with transaction.atomic():
                    pick(WRITES, what)(house, actor, *rest)
            except (PermissionDenied, ValidationError):
                continue
            after = {person.pk: can(person, house) for person in house.people}
            for pk, now in after.items():
                assert now ^ before[pk] <= before[actor.pk], (pick(WRITES, what).__name__, now ^ before[pk])
            before = after


@BOUNDED
@given(seed=seeds)
def test_the_set_that_is_compared_is_what_standing_answers_record_by_record(seed: int) -> None:
    with taken_back():
        house = build(drawn(seed, 9))
        tree = Tree.as_it_is()
        for person in house.people:
            held = rights([each for each in grants_of(person) if each.holds_on(today())], tree)
            places = {
                key: [None] if not registry.get(key).scope else [None, *(party.pk for party in house.parties)]
                for key in KINDS
            }
            computed = {
                (kind, what, place)
                for (kind, what), scope in held.items()
                if what != GUEST and kind in places
                for place in places[kind]
                if (scope is None or place in scope) and not (kind == "party" and place is None)
            }
            assert computed == can(person, house)
            assert ADMINISTER not in held


def test_shares_of_other_records_give_nothing_else() -> None:
    """A person or team that is shared is itself all that is given."""
    with taken_back():
        house = build([])
        before = [can(person, house) for person in house.people]
        for record in (house.people[2], house.teams[1]):
            share(record, house.parties[0], Capacity.PROVIDER, by=Person.objects.get(pk=house.people[1].pk))
        assert [can(person, house) for person in house.people] == before
        assert Share.objects.count() == 2
