"""Sessions end: when nobody uses them, and after two weeks anyway."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from stellwerk.kernel.identity.person import Person

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"  # noqa: S105  # nosec B105 -- a test's


@pytest.fixture(autouse=True)
def _an_hour(settings: Any) -> None:
    settings.SESSION_COOKIE_AGE = 3600


@pytest.fixture
def clock(monkeypatch: Any) -> Any:
    """Let time pass: call it with the minutes since the beginning."""
    began = timezone.now()

    def at(minutes: float) -> None:
        now = began + timedelta(minutes=minutes)
        monkeypatch.setattr("django.utils.timezone.now", lambda: now)
        monkeypatch.setattr("time.time", now.timestamp)

    return at


def sign_in(client: Client, gus: Person, **more: str) -> None:
    gus.set_password(PASSWORD)
    Person.objects.filter(pk=gus.pk).update(password=gus.password)
    client.post("/account/login/", {"login": "gus", "password": PASSWORD, **more})


def signed_in(client: Client, **headers: str) -> bool:
    return client.get("/account/", headers=headers).status_code == 200


@pytest.mark.parametrize("remember", [{}, {"remember": "on"}])
def test_an_idle_session_ends(client: Client, gus: Person, clock: Any, remember: dict[str, str]) -> None:
    clock(0)
    sign_in(client, gus, **remember)
    clock(59)
    assert signed_in(client)
    clock(59 + 59)
    assert signed_in(client)  # its use has put off the end
    clock(59 + 59 + 61)
    assert not signed_in(client)
    assert client.get("/api/v1/me").status_code == 401


def test_what_a_page_asks_by_itself_is_no_use(client: Client, gus: Person, clock: Any) -> None:
    clock(0)
    sign_in(client, gus)
    for minutes in range(5, 60, 5):
        clock(minutes)
        assert signed_in(client, **{"X-Unattended": "1"})
    clock(61)
    assert not signed_in(client)


def test_a_session_ends_after_two_weeks_of_daily_use(
    client: Client, gus: Person, clock: Any, settings: Any
) -> None:
    settings.SESSION_COOKIE_AGE = 86400
    clock(0)
    sign_in(client, gus)
    for day in range(1, 28):
        clock(day * 12 * 60)
        assert signed_in(client), day
    clock(14 * 24 * 60 + 1)
    assert not signed_in(client)


def test_use_is_noted_seldom_and_costs_other_requests_nothing(
    client: Client, gus: Person, clock: Any
) -> None:
    clock(0)
    sign_in(client, gus)
    for minutes, written in ((1, 0), (5, 0), (7, 1), (8, 0), (12, 0), (14, 1)):
        clock(minutes)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert signed_in(client)
        wrote = [
            query for query in queries if query["sql"].startswith("UPDATE") and "session" in query["sql"]
        ]
        assert len(wrote) == written, minutes


def test_a_session_from_before_the_setting_was_shortened_rests_no_longer_than_others(
    client: Client, gus: Person, clock: Any
) -> None:
    clock(0)
    sign_in(client, gus)
    Session.objects.update(expire_date=timezone.now() + timedelta(days=14))
    assert signed_in(client)
    clock(61)
    assert not signed_in(client)
