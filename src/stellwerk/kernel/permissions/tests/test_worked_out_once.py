"""What follows from a person's roles is worked out once under a mark, and never outlives it."""

from typing import Any

import pytest
from django.db import transaction

from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import shared_cache
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.permissions.policy import AccessPolicy
from stellwerk.kernel.testing.fixtures import LONG_AGO, grant
from stellwerk.kernel.write.services import change, create
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db


def condition(person: Person, model: type[Record] = Incident) -> Any:
    """Answer as a request does that asks for the rows somebody may see."""
    with shared_cache.remembering(across_requests=True):
        return AccessPolicy(person).visible(model)


def administers(person: Person) -> bool:
    with shared_cache.remembering(across_requests=True):
        return AccessPolicy(person).is_administrator


def test_requests_of_one_person_share_the_condition(agent: Person, gus: Person) -> None:
    assert condition(agent) is condition(agent)
    assert condition(agent, Record) is condition(agent, Record)
    assert condition(agent) is not condition(agent, Record)
    assert condition(agent) != condition(gus)


def test_a_request_asks_for_the_mark_and_nothing_else(agent: Person, django_assert_num_queries: Any) -> None:
    condition(agent)
    with django_assert_num_queries(1):
        condition(agent)


def test_a_role_given_or_taken_away_counts_in_the_next_request(agent: Person) -> None:
    assert not administers(agent)
    role = grant(agent, Role.ADMINISTRATOR, None)
    assert administers(agent)
    change(role, {"valid_until": LONG_AGO}, by=SYSTEM)
    assert not administers(agent)


def test_a_party_that_comes_below_counts_in_the_next_request(agent: Person, other_centre: Party) -> None:
    with shared_cache.remembering(across_requests=True):
        assert other_centre.pk not in (AccessPolicy(agent).scope(Incident(kind="incident").record_type) or ())
    change(other_centre, {"parent": agent.party_id}, by=SYSTEM)
    with shared_cache.remembering(across_requests=True):
        assert other_centre.pk in (AccessPolicy(agent).scope(Incident(kind="incident").record_type) or ())


def test_who_has_left_shares_nothing_with_who_they_were(agent: Person, gus: Person) -> None:
    create(Incident, {"title": "No mail", "requester": gus, "party": agent.party_id}, by=SYSTEM)
    first = condition(agent)
    assert Incident.objects.filter(first).exists()
    agent.status = Person.Status.FORMER
    assert not Incident.objects.filter(condition(agent)).exists()
    agent.status = Person.Status.ACTIVE
    assert condition(agent) is first


def test_a_role_that_is_rolled_back_leaves_nothing(agent: Person) -> None:
    """Neither a new policy nor one that began before the write may give others what it saw meanwhile."""
    with shared_cache.remembering(across_requests=True):
        before = AccessPolicy(agent)
        with transaction.atomic():
            grant(agent, Role.ADMINISTRATOR, None)
            assert AccessPolicy(agent).is_administrator
            assert before.is_administrator
            transaction.set_rollback(True)
    assert not administers(agent)


def test_what_was_read_outside_of_a_request_is_given_to_none(agent: Person) -> None:
    stale = AccessPolicy(agent)
    assert not stale.is_administrator
    grant(agent, Role.ADMINISTRATOR, None)
    with shared_cache.remembering(across_requests=True):
        assert not stale.role_scopes(Incident(kind="incident").record_type).get(Role.ADMINISTRATOR)
    assert administers(agent)
