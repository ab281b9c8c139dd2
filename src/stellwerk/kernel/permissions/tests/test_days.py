"""Days are those of the installation, and of the person who reads; never those of UTC."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.identity.team import Team, TeamMembership
from stellwerk.kernel.identity.tokens import issue_token
from stellwerk.kernel.jobs.schedule import _plans, next_after, scheduled
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.days import today, today_of
from stellwerk.kernel.permissions.policy import AccessPolicy
from stellwerk.kernel.query.selection import Selection
from stellwerk.kernel.write.services import create
from stellwerk.site.accounts import make_administrator

ZONES = ["Asia/Tokyo", "America/Los_Angeles", "UTC", "Pacific/Kiritimati"]
MOMENTS = [
    ("2026-11-30T18:00", False),
    ("2026-12-01T00:30", True),
    ("2026-12-01T08:30", True),
    ("2026-12-31T17:00", True),
    ("2026-12-31T23:30", True),
    ("2027-01-01T00:30", False),
    ("2027-01-01T08:00", False),
]


@pytest.fixture(params=ZONES)
def zone(request: Any, settings: Any) -> ZoneInfo:
    settings.TIME_ZONE = request.param
    return ZoneInfo(request.param)


def at(monkeypatch: Any, moment: datetime) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment.astimezone(UTC))


@pytest.mark.parametrize(("local", "due"), MOMENTS)
def test_a_role_and_a_membership_run_from_the_first_to_the_last_day_of_the_installation(
    local: str, due: bool, zone: ZoneInfo, nobody: Person, desk: Team, monkeypatch: Any
) -> None:
    december = {"valid_from": date(2026, 12, 1), "valid_until": date(2026, 12, 31)}
    create(RoleAssignment, {"person": nobody.pk, "role": "agent", **december}, by=SYSTEM)
    create(TeamMembership, {"person": nobody.pk, "team": desk.pk, **december}, by=SYSTEM)
    at(monkeypatch, datetime.fromisoformat(local).replace(tzinfo=zone))
    # Where the reader is changes nothing: a role is held by everybody's clock or by nobody's.
    with timezone.override("Pacific/Pago_Pago"):
        assert bool(AccessPolicy(nobody).assignments) == due
        mine = Selection.parse(registry.for_model(TeamMembership), {"team": "me"}, nobody)
        assert mine.apply(TeamMembership.objects.all()).exists() == due


def test_the_first_administrator_is_one_at_once(zone: ZoneInfo, db: Any, monkeypatch: Any) -> None:
    for hour in range(0, 24, 3):
        at(monkeypatch, datetime(2026, 12, 1, hour, 30, tzinfo=zone))
        first = make_administrator(f"first{hour}", "Root First", "", "blue-Signal-4711")
        assert AccessPolicy(first).is_administrator
        assert RoleAssignment.objects.get(person=first).valid_from == date(2026, 12, 1)


def test_what_begins_today_begins_today_where_the_installation_is(
    zone: ZoneInfo, root: Person, nobody: Person, desk: Team, client: Client, monkeypatch: Any
) -> None:
    at(monkeypatch, datetime(2026, 12, 1, 0, 30, tzinfo=zone))
    role = create(RoleAssignment, {"person": nobody.pk, "role": "agent"}, by=SYSTEM)
    membership = create(TeamMembership, {"person": nobody.pk, "team": desk.pk}, by=SYSTEM)
    assert (role.valid_from, membership.valid_from) == (date(2026, 12, 1), date(2026, 12, 1))
    assert AccessPolicy(nobody).assignments == [role]


def test_a_person_has_days_of_their_own(settings: Any) -> None:
    settings.TIME_ZONE = "America/Los_Angeles"
    noon = datetime(2026, 12, 1, 20, tzinfo=UTC)
    assert today(noon) == date(2026, 12, 1)
    assert today_of(Person(), noon) == date(2026, 12, 1)
    assert today_of(Person(time_zone="Asia/Tokyo"), noon) == date(2026, 12, 2)
    assert today_of(Person(time_zone="Europe/Nowhere"), noon) == date(2026, 12, 1)


def test_an_instant_stands_for_the_readers_day_where_a_day_is_wanted(maria: Person) -> None:
    given = {"valid_from__gte": "2026-12-01T00:30:00+09:00"}
    with timezone.override("Asia/Tokyo"):
        selection = Selection.parse(registry.for_model(RoleAssignment), given, maria)
        assert "2026-12-01" in str(selection.apply(RoleAssignment.objects.all()).query)


def test_a_program_asks_for_the_days_of_its_person(maria: Person, client: Client, settings: Any) -> None:
    settings.TIME_ZONE = "America/Los_Angeles"
    Person.objects.filter(pk=maria.pk).update(time_zone="Asia/Tokyo")
    now = timezone.localtime(timezone=ZoneInfo("Asia/Tokyo"))
    _token, secret = issue_token(maria, "report", expires_at=timezone.now() + timedelta(days=1))
    sent = {"Authorization": f"Bearer {secret}"}
    days = [(now + timedelta(days=number)).date().isoformat() for number in (0, 1)]
    asked = {"updated_at__gte": days[0], "updated_at__lt": days[1]}
    answer = client.get("/api/v1/people", asked, headers=sent)
    assert maria.reference in [found["reference"] for found in answer.json()["items"]]


def test_nightly_jobs_run_in_the_night_of_the_installation(settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    scheduled("test.nightly", cron="0 3 * * *")(nightly)
    plan = _plans.pop("test.nightly")
    following = next_after(plan.cron, plan.zone, datetime(2026, 12, 1, 12, tzinfo=UTC))
    assert following == datetime(2026, 12, 1, 18, tzinfo=UTC)  # three o'clock in Tokyo


def nightly(now: datetime) -> None:
    """Do nothing at night."""
