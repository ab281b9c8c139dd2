"""The installation tidies up at night."""

from argparse import Namespace
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from stellwerk.kernel.jobs.models import Schedule
from stellwerk.kernel.jobs.schedule import synchronise
from stellwerk.site import administration
from stellwerk.site.schedules import forget_sessions, refresh_statistics


@pytest.mark.django_db
def test_only_sessions_that_have_run_out_are_forgotten() -> None:
    now = timezone.now()
    Session.objects.create(session_key="old", session_data="", expire_date=now - timedelta(seconds=1))
    Session.objects.create(session_key="new", session_data="", expire_date=now + timedelta(days=1))
    forget_sessions(now)
    assert list(Session.objects.values_list("session_key", flat=True)) == ["new"]


@pytest.mark.sqlite
@pytest.mark.django_db
def test_sqlite_learns_how_its_data_lies() -> None:
    Session.objects.create(session_key="one", session_data="", expire_date=timezone.now())
    refresh_statistics(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'django_session'")
        assert cursor.fetchone()[0] > 0


@pytest.mark.django_db
def test_migrating_drops_the_schedules_that_the_code_no_longer_has() -> None:
    synchronise()
    Schedule.objects.filter(name="site.forget_sessions").update(enabled=False)
    declared = set(Schedule.objects.values_list("name", flat=True))
    Schedule.objects.create(name="old.thing", what="gone", cron="0 0 * * *", next_at=timezone.now())
    administration.migrate(Namespace())
    assert set(Schedule.objects.values_list("name", flat=True)) == declared
    assert Schedule.objects.get(name="site.forget_sessions").enabled is False
