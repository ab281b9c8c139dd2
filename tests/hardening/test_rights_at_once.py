"""Writes by two limited people at the same moment: what each may do alone, and both together may not, stays refused."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction

from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.identity.team import Team, TeamMembership
from stellwerk.kernel.model import shared_cache
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.days import today
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.permissions import rights
from stellwerk.kernel.testing.fixtures import grant, make_person
from stellwerk.kernel.write.services import change, create

pytestmark = pytest.mark.django_db(transaction=True)
LONGEST = 20
"""Seconds after which a thread counts as stuck."""


class Deed:
    """A write in a thread and a transaction of its own."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.error: Exception | None = None
        self._act = act
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            with shared_cache.remembering(across_requests=True):
                self._act()
        except Exception as error:
            self.error = error
        finally:
            connection.close()

    def is_done(self, seconds: float = LONGEST) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


@contextmanager
def half_done(act: Callable[[], Any]) -> Iterator[None]:
    """Let a write be done and not yet committed while the block runs."""
    written, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            act()
            written.set()
            go_on.wait(LONGEST)

    deed = Deed(hold)
    assert written.wait(LONGEST)
    yield
    go_on.set()
    assert deed.is_done()
    assert deed.error is None


@pytest.fixture
def lars(centre: Party) -> Person:
    person = make_person("Lars Local", centre)
    grant(person, Role.ADMINISTRATOR, centre)
    return person


@pytest.fixture
def greta(centre: Party, other_centre: Party) -> Person:
    """Administers both centres."""
    person = make_person("Greta Greater", centre)
    grant(person, Role.ADMINISTRATOR, centre)
    grant(person, Role.ADMINISTRATOR, other_centre)
    return person


@pytest.fixture
def helpers(centre: Party) -> Team:
    return create(Team, {"title": "Helpers", "party": centre}, by=SYSTEM)


def join(team: Team, person: Person, by: Person) -> None:
    create(TeamMembership, {"team": team, "person": person, "valid_from": today()}, by=by)


def appoint(party: Party, by: Person, **holder: Any) -> None:
    create(RoleAssignment, {"role": Role.AGENT, "party": party, "valid_from": today(), **holder}, by=by)


def fresh(person: Person) -> Person:
    return Person.objects.get(pk=person.pk)


def test_nobody_joins_a_team_that_just_receives_what_they_do_not_hold(
    lars: Person, greta: Person, helpers: Team, other_centre: Party
) -> None:
    with half_done(lambda: appoint(other_centre, greta, team=helpers)):
        joining = Deed(lambda: join(helpers, lars, fresh(lars)))
        assert not joining.is_done(0.5)
    assert joining.is_done()
    assert isinstance(joining.error, PermissionDenied)
    assert not TeamMembership.objects.exists()


def test_nobody_gives_what_is_just_taken_from_them(
    lars: Person, root: Person, helpers: Team, centre: Party
) -> None:
    own = RoleAssignment.objects.get(person=lars)
    with half_done(lambda: change(own, {"role": Role.VIEWER}, by=fresh(root))):
        giving = Deed(lambda: appoint(centre, fresh(lars), team=helpers))
        assert not giving.is_done(0.5)
    assert giving.is_done()
    assert isinstance(giving.error, PermissionDenied)
    assert list(RoleAssignment.objects.filter(team=helpers)) == []


def test_nobody_changes_the_address_of_who_just_receives_more(
    lars: Person, greta: Person, nobody: Person, centre: Party, other_centre: Party
) -> None:
    change(nobody, {"party": centre}, by=SYSTEM)
    with half_done(lambda: appoint(other_centre, greta, person=nobody)):
        changing = Deed(lambda: change(fresh(nobody), {"username": "mole"}, by=fresh(lars)))
        assert not changing.is_done(0.5)
    assert changing.is_done()
    assert isinstance(changing.error, PermissionDenied)
    assert fresh(nobody).username == "nobody"


def test_many_at_once_never_give_more_than_each_holds(
    lars: Person, greta: Person, helpers: Team, centre: Party, other_centre: Party
) -> None:
    """Whoever is first: no membership that Lars made gives what he does not hold on the day that he made it."""
    people = [make_person(f"Person{number}", centre) for number in range(4)]
    deeds = [Deed(lambda one=one: join(helpers, one, fresh(lars))) for one in people[:2]]  # type: ignore[misc]
    deeds.append(Deed(lambda: appoint(other_centre, fresh(greta), team=helpers)))
    deeds += [Deed(lambda one=one: join(helpers, one, fresh(lars))) for one in people[2:]]  # type: ignore[misc]
    assert all(deed.is_done() for deed in deeds)
    granted = RoleAssignment.objects.get(team=helpers).entries.get()
    assert deeds[2].error is None
    for deed in (*deeds[:2], *deeds[3:]):
        assert deed.error is None or isinstance(deed.error, PermissionDenied)
    for membership in TeamMembership.objects.all():
        assert membership.entries.get().recorded_at < granted.recorded_at
    assert {grant.party_id for grant in rights.grants_to_team(helpers.pk)} == {other_centre.pk}
