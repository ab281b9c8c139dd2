"""What is remembered across requests is never older than the last write."""

from typing import Any

import pytest
from django.db import transaction

from stellwerk.kernel.activity.history import History
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import shared_cache
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.references import prefetch, summaries_of
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.permissions.policy import AccessPolicy
from stellwerk.kernel.testing.fixtures import LONG_AGO, grant
from stellwerk.kernel.write.services import change, create
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db


def request_remembers(key: str, value: Any) -> Any:
    with shared_cache.remembering(across_requests=True):
        return shared_cache.remember(key, lambda: value)


def test_what_one_request_looked_up_the_next_one_knows(centre: Party) -> None:
    assert request_remembers("answer", 42) == 42
    assert request_remembers("answer", 43) == 42


def test_nothing_is_kept_outside_of_a_block(centre: Party) -> None:
    found = iter((1, 2))
    assert shared_cache.remember("answer", lambda: next(found)) == 1
    assert shared_cache.remember("answer", lambda: next(found)) == 2


def test_a_write_to_what_seldom_changes_is_seen_by_the_next_request(centre: Party) -> None:
    request_remembers("answer", 1)
    change(centre, {"title": "Centre Northwest"}, by=SYSTEM)
    assert request_remembers("answer", 2) == 2
    create(Party, {"title": "Centre East"}, by=SYSTEM)
    assert request_remembers("answer", 3) == 3


def test_a_write_brought_from_elsewhere_counts_as_well(root: Person, centre: Party) -> None:
    request_remembers("answer", 1)
    with History("old tool", by=root) as history:
        history.create(Party, {"title": "Centre East"}, by=root, at=centre.created_at)
    assert request_remembers("answer", 2) == 2


def test_a_ticket_is_no_reason_to_forget(centre: Party, gus: Person) -> None:
    request_remembers("answer", 1)
    create(Incident, {"title": "No mail", "requester": gus}, by=SYSTEM)
    assert request_remembers("answer", 2) == 1


def test_a_request_keeps_nothing_after_its_own_write(centre: Party) -> None:
    """What it sees may be rolled back, and the mark with it."""
    with shared_cache.remembering(across_requests=True):
        shared_cache.remember("title", lambda: centre.title)
        with transaction.atomic():
            changed = change(centre, {"title": "Never"}, by=SYSTEM)
            assert shared_cache.remember("title", lambda: changed.title) == "Never"
            transaction.set_rollback(True)
        assert shared_cache.remember("title", lambda: "Looked") == "Looked"
    assert request_remembers("title", "Again") == centre.title


def test_roles_taken_away_are_gone_at_once(agent: Person, centre: Party) -> None:
    def roles() -> list[str]:
        with shared_cache.remembering(across_requests=True):
            return [held.role for held in AccessPolicy(agent).assignments]

    assert roles() == [Role.AGENT]
    second = grant(agent, Role.MANAGER, centre)
    assert sorted(roles()) == [Role.AGENT, Role.MANAGER]
    change(second, {"valid_until": LONG_AGO}, by=SYSTEM)
    assert roles() == [Role.AGENT]


def test_each_gets_a_twin_of_a_remembered_record(centre: Party) -> None:
    with shared_cache.remembering(across_requests=True):
        first = shared_cache.record(Party, centre.pk)
        assert first is not None
        first.title = "Scribbled on"
        assert shared_cache.record(Party, centre.pk) == centre
        assert str(shared_cache.record(Party, centre.pk)) == centre.title
        assert shared_cache.record(Party, 10**9) is None


def test_a_record_brings_along_people_and_what_seldom_changes(
    centre: Party, gus: Person, django_assert_num_queries: Any
) -> None:
    ticket = create(Incident, {"title": "No mail", "requester": gus, "party": centre}, by=SYSTEM)
    loaded = Incident.objects.get(pk=ticket.pk)
    with shared_cache.remembering(across_requests=True):
        prefetch(ticket.record_type, Incident.objects.get(pk=ticket.pk))
        with django_assert_num_queries(0):
            prefetch(ticket.record_type, loaded)
            assert (loaded.party, loaded.requester) == (centre, gus)


def test_a_glance_is_kept_of_what_seldom_changes(
    centre: Party, gus: Person, django_assert_num_queries: Any
) -> None:
    with shared_cache.remembering(across_requests=True):
        assert summaries_of([centre.pk, gus.pk])[gus.pk].title == gus.title
        with django_assert_num_queries(0):
            assert summaries_of([centre.pk])[centre.pk].reference == centre.reference
        with django_assert_num_queries(1):
            assert summaries_of([gus.pk, 10**9]).keys() == {gus.pk}


def test_outside_of_a_request_people_come_in_one_query(
    maria: Person, agent: Person, gus: Person, django_assert_num_queries: Any
) -> None:
    values = {"title": "No mail", "requester": gus, "reported_by": maria, "assigned_to": agent}
    loaded = Incident.objects.get(pk=create(Incident, values, by=SYSTEM).pk)
    with django_assert_num_queries(1):
        prefetch(loaded.record_type, loaded)
        assert (loaded.requester, loaded.reported_by, loaded.assigned_to) == (gus, maria, agent)


def test_too_many_things_begin_anew(centre: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_cache, "MOST_CACHED", 1)
    request_remembers("one", 1)
    request_remembers("two", 2)
    assert request_remembers("one", 3) == 3
