"""The demo organisation in the database: complete, believable in every journal, and quick to load."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import pairwise

import pytest
from django.core.management import call_command
from django.db import transaction
from django.http import QueryDict
from pytest_django import DjangoDbBlocker

from stellwerk.demo import sign_ins
from stellwerk.demo.loader import load
from stellwerk.demo.stories import Case
from stellwerk.foundation.category import Category
from stellwerk.foundation.prioritisation import PriorityScheme
from stellwerk.kernel.activity.attachments.models import Attachment
from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.activity.notifications.services import notifications_of
from stellwerk.kernel.activity.watching.models import Watcher
from stellwerk.kernel.audit.verifier import verify
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.journal.journal import Fault
from stellwerk.kernel.journal.replay import as_of
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.query.selection import Selection
from stellwerk.kernel.search import index
from stellwerk.processes.incidents.closure import ClosureScheme
from stellwerk.processes.incidents.incident import Incident
from stellwerk.processes.incidents.service_request import ServiceRequest
from stellwerk.processes.incidents.ticket import Ticket
from stellwerk.processes.services.service import Service
from stellwerk.web.models import SavedView

NOW = datetime(2026, 11, 20, 9, 40, tzinfo=UTC)
MODELS = (Incident, ServiceRequest)
Told = list[tuple[Case, Record]]


@pytest.fixture(scope="module")
def reported() -> list[str]:
    """What the loader told of its progress."""
    return []


@pytest.fixture(scope="module")
def demo(django_db_setup: None, django_db_blocker: DjangoDbBlocker, reported: list[str]) -> Iterator[Told]:
    """Load once for all tests of this file, and take it back after the last."""
    with django_db_blocker.unblock(), transaction.atomic():
        started = time.process_time()
        made = load(NOW, passwords=True, report=reported.append)
        reported.append(f"{time.process_time() - started:.1f}")
        yield made
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def database(demo: Told, db: None) -> None:
    """Give every test the loaded database."""


def person(name: str) -> Person:
    found: Person = Person.objects.get(username=name)
    return found


def test_loading_takes_less_than_twenty_seconds(reported: list[str]) -> None:
    assert float(reported[-1]) < 20
    assert "2500 of 2500 tickets" in reported


def test_everything_is_there(demo: Told) -> None:
    assert Incident.objects.count() + ServiceRequest.objects.count() == 2500
    assert Party.objects.filter(party_kind=Party.Kind.MEMBER).count() == 5
    assert set(Party.objects.filter(party_kind=Party.Kind.CUSTOMER).values_list("title", flat=True)) == {
        "Globex",
        "Lumen Genomics Alliance",
        "Polar Climate Consortium",
    }
    assert Person.objects.count() == 43
    assert Team.objects.count() == 9
    assert Service.objects.filter(in_catalogue=True, status=Service.Status.LIVE).count() == 12
    assert set(Service.objects.values_list("status", flat=True)) == set(Service.Status.values)


def test_every_ticket_stands_as_it_was_made_up(demo: Told) -> None:
    stored = {record.pk: record for model in MODELS for record in model._default_manager.all()}
    assert len(demo) == len(stored) == 2500
    for case, made in demo:
        record, steps = stored[made.pk], registry.get(case.type).workflow.by_name
        status = [steps[event.do].target for event in case.events if event.do in steps]
        assert (record.title, record.created_at) == (case.names["title"], case.events[0].at)
        assert record.status == (status[-1] if status else "new")


def test_few_tickets_have_the_highest_priority() -> None:
    shares = Counter(
        priority for model in MODELS for priority in model._default_manager.values_list("priority", flat=True)
    )
    assert shares[1] < 100 < shares[2] < shares[3] < shares[5]


def test_the_clock_change_breaks_no_order(demo: Told) -> None:
    for case, _record in demo:
        assert all(before.at < after.at for before, after in pairwise(case.events))


def test_every_journal_verifies_and_replays_to_now() -> None:
    entries: dict[int, list[Entry]] = {}
    for entry in Entry.objects.order_by("id"):
        entries.setdefault(entry.record_id, []).append(entry)
    faults: list[Fault] = []
    for model in (one.model for one in registry.all_types()):
        for record in model._default_manager.all():
            faults += verify(record, entries[record.pk])
    assert faults == []


def test_a_ticket_of_last_month_is_seen_as_it_was(demo: Told) -> None:
    ticket = Incident.objects.filter(status=Ticket.Status.CLOSED, confirmed=True).order_by("id")[200]
    entry = Entry.objects.get(record=ticket, verb="transition", name="resolve")
    before = as_of(ticket, entry.at.replace(microsecond=0) - (entry.at - ticket.created_at) / 1000)
    after = as_of(ticket, entry.at)
    assert before is not None
    assert after is not None
    assert before.is_open
    assert after.status == Ticket.Status.RESOLVED


def test_nothing_lies_in_the_future() -> None:
    brought = Entry.objects.exclude(record__kind="priority_scheme")
    assert not brought.filter(at__gt=NOW).exists()
    assert not Record.objects.filter(created_at__gt=NOW).exclude(kind="priority_scheme").exists()


def test_about_140_tickets_are_open_and_some_belong_to_nobody() -> None:
    assert 130 <= Record.objects.filter(kind__in=["incident", "service_request"], is_open=True).count() <= 150
    unassigned = sum(
        model._default_manager.filter(status=Ticket.Status.NEW, assigned_to=None).count() for model in MODELS
    )
    assert unassigned >= 20


def test_gus_sees_his_own_tickets_only_and_his_contact_those_of_globex() -> None:
    gus, camille = person("gus"), person("camille")
    seen = Incident.objects.visible_to(gus)
    assert 20 < seen.count() < 120
    assert {gus.pk} >= set(seen.filter(reported_by=None).values_list("requester", flat=True))
    of_globex = Incident.objects.filter(customer__title="Globex").count()
    assert Incident.objects.visible_to(camille).filter(customer__title="Globex").count() == of_globex


def test_maria_and_lena_see_every_ticket() -> None:
    for name in ("maria", "lena"):
        assert Incident.objects.visible_to(person(name)).count() == Incident.objects.count()


def test_the_four_sign_ins_work_and_nobody_else_can_sign_in() -> None:
    assert [(role, name) for role, name, _password in sign_ins()] == [
        ("requester", "gus"),
        ("agent", "lena"),
        ("manager", "maria"),
        ("administrator", "admin"),
    ]
    assert all(person(name).check_password(password) for _role, name, password in sign_ins())
    assert sum(one.has_usable_password() for one in Person.objects.all()) == 4


def test_roles_have_their_dates_and_who_appointed() -> None:
    former = RoleAssignment.objects.get(person__username="karin")
    assert former.valid_until is not None
    assert former.appointed_by is not None
    assert former.appointed_by.username == "elena"
    assert person("karin").status == Person.Status.FORMER


def test_tickets_are_linked_watched_and_carry_files() -> None:
    kinds = Counter(Link.objects.values_list("type", flat=True))
    assert kinds["parent"] >= 30
    assert kinds["duplicate"] >= 20
    assert kinds["related"] >= 20
    assert Watcher.objects.count() > 50
    assert {"image/png", "text/plain"} <= set(Attachment.objects.values_list("blob__content_type", flat=True))
    merged = Link.objects.filter(type="duplicate").select_related("source")
    assert {link.source.status for link in merged} == {Ticket.Status.CANCELLED}


def test_people_have_unread_notifications() -> None:
    for name in ("gus", "lena", "maria"):
        assert 0 < notifications_of(person(name)).filter(read_at=None).count() <= 4


def test_requesters_are_not_told_of_internal_notes() -> None:
    guests = Person.objects.filter(party__party_kind=Party.Kind.CUSTOMER)
    for guest in guests:
        assert not guest.notifications.filter(entry__internal=True).exists()


def test_every_saved_view_can_be_opened() -> None:
    maria = person("maria")
    for view in SavedView.objects.all():
        record_type = registry.get(view.kind)
        Selection.parse(record_type, QueryDict(view.query), maria)
    assert SavedView.objects.count() == 7


def test_search_finds_the_morning_of_the_outage() -> None:
    found = index.matching(Incident.objects.all(), "sign-in down", internal=True)
    assert found.filter(title="Sign-in down for all services").count() == 1


def test_loading_again_changes_nothing_and_says_so() -> None:
    before = Entry.objects.count()
    out = StringIO()
    call_command("load_demo", stdout=out)
    assert out.getvalue().strip() == "The demo organisation is already loaded."
    assert Entry.objects.count() == before


def test_the_schemes_are_in_force_since_the_founding_and_every_category_has_a_team(
    demo: Told,
) -> None:
    for model in (PriorityScheme, ClosureScheme):
        scheme = model.objects.get()
        assert (scheme.status, scheme.valid_from) == (
            "in_force",
            datetime(2026, 11, 20, 12, tzinfo=UTC) - timedelta(days=2600),
        )
    oldest = Incident.objects.order_by("created_at").first()
    assert oldest is not None
    assert oldest.priority_scheme == PriorityScheme.objects.get()
    assert not Category.objects.filter(team=None).exists()


def test_what_was_merged_knows_into_what(demo: Told) -> None:
    merged = Incident.objects.filter(resolution_code="duplicate")
    assert merged.exists()
    assert not merged.filter(merged_into=None).exists()
