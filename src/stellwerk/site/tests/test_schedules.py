"""The installation tidies up at night."""

import re
import sqlite3
from argparse import Namespace
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

import stellwerk
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.jobs.models import Schedule
from stellwerk.kernel.jobs.schedule import synchronise
from stellwerk.site import administration
from stellwerk.site.schedules import forget_sessions, refresh_statistics
from stellwerk.site.tests.installation import Installation
from stellwerk.web.models import Draft
from stellwerk.web.schedules import forget_drafts

SCHEDULED = re.compile(r'^@scheduled\("([^"]+)"', re.MULTILINE)


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


@pytest.mark.sqlite
def test_whatever_is_scheduled_in_the_sources_is_scheduled_in_an_installation(filled: Installation) -> None:
    sources = [path for path in Path(stellwerk.__file__).parent.rglob("*.py") if "tests" not in path.parts]
    declared = {name for path in sources for name in SCHEDULED.findall(path.read_text())}
    with closing(sqlite3.connect(filled.data_dir / "stellwerk.sqlite3")) as file:
        assert {name for (name,) in file.execute("SELECT name FROM kernel_schedule")} == declared


@pytest.mark.django_db
def test_drafts_that_nobody_touched_for_two_months_are_forgotten(gus: Person) -> None:
    now = timezone.now()
    for place, days in (("old", 61), ("new", 59)):
        Draft.objects.create(person=gus, place=place, updated_at=now - timedelta(days=days))
    forget_drafts(now)
    assert list(Draft.objects.values_list("place", flat=True)) == ["new"]
