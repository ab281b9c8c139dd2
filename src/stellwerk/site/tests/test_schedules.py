"""The installation tidies up at night."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

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
