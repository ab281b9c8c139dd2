import threading
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connections
from django_tasks_db.models import DBTaskResult

from stellwerk.kernel.jobs import housekeeping, queue, schedule
from stellwerk.kernel.jobs.models import Schedule
from stellwerk.kernel.jobs.schedule import enqueue_due, next_after, scheduled, synchronise
from stellwerk.kernel.jobs.tests import sample_jobs
from stellwerk.kernel.jobs.worker import Worker

pytestmark = pytest.mark.django_db

called: list[datetime] = []


def tick(now: datetime) -> None:
    called.append(now)


def fail(now: datetime) -> None:
    raise OSError("disk full")


@pytest.fixture(autouse=True)
def only_the_plans_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    schedule.load_plans()
    monkeypatch.setattr(schedule, "_plans", {})
    Schedule.objects.all().delete()
    called.clear()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def enqueued() -> int:
    return DBTaskResult.objects.count()


def plan_ticks() -> Schedule:
    scheduled("test.tick", cron="*/10 * * * *")(tick)
    synchronise(at("2026-05-04T12:03"))
    return Schedule.objects.get()


def test_a_declared_schedule_waits_for_its_next_time() -> None:
    plan = plan_ticks()
    assert (plan.name, plan.next_at, plan.last_at) == ("test.tick", at("2026-05-04T12:10"), None)
    assert plan.what == "stellwerk.kernel.jobs.tests.test_schedule.tick"
    assert enqueue_due(at("2026-05-04T12:09")) == 0
    assert enqueued() == 0


def test_a_due_schedule_runs_once_and_tells_how_it_went() -> None:
    plan = plan_ticks()
    assert enqueue_due(at("2026-05-04T12:10")) == 1
    assert enqueue_due(at("2026-05-04T12:10")) == 0
    assert Worker().drain() == 1
    assert len(called) == 1
    plan.refresh_from_db()
    assert (plan.last_at, plan.next_at) == (at("2026-05-04T12:10"), at("2026-05-04T12:20"))
    assert plan.last_outcome == "done"


def test_a_failing_schedule_tells_why_and_is_tried_again() -> None:
    scheduled("test.fail", cron="0 * * * *")(fail)
    synchronise(at("2026-05-04T12:03"))
    enqueue_due(at("2026-05-04T13:00"))
    Worker().drain()
    assert Schedule.objects.get().last_outcome == "OSError: disk full"
    assert [line.status for line in queue.jobs()] == ["READY"]


def test_what_was_missed_while_the_clock_jumped_ahead_runs_once() -> None:
    plan = plan_ticks()
    assert enqueue_due(at("2026-05-06T15:04")) == 1
    plan.refresh_from_db()
    assert plan.next_at == at("2026-05-06T15:10")
    assert enqueued() == 1


def test_nothing_runs_twice_when_the_clock_is_set_back() -> None:
    plan_ticks()
    enqueue_due(at("2026-05-04T12:10"))
    Worker().drain()
    for minute in range(60):
        assert enqueue_due(at("2026-05-04T11:15") + timedelta(minutes=minute)) == 0
    assert enqueue_due(at("2026-05-04T12:20")) == 1


def test_a_plan_made_by_a_clock_that_was_years_ahead_is_made_anew() -> None:
    plan = plan_ticks()
    enqueue_due(at("2038-01-19T03:14"))
    Worker().drain()
    assert enqueue_due(at("2026-05-04T12:05")) == 0
    plan.refresh_from_db()
    assert plan.next_at == at("2026-05-04T12:10")


def test_a_run_that_is_not_finished_is_not_started_twice() -> None:
    plan = plan_ticks()
    enqueue_due(at("2026-05-04T12:10"))
    assert enqueue_due(at("2026-05-04T12:20")) == 0
    plan.refresh_from_db()
    assert plan.last_outcome == "left out: the run before is not finished"
    assert plan.next_at == at("2026-05-04T12:30")
    assert enqueued() == 1


def test_a_schedule_that_is_switched_off_stays_off() -> None:
    plan_ticks()
    Schedule.objects.update(enabled=False)
    synchronise(at("2026-05-04T12:03"))
    assert enqueue_due(at("2026-05-04T12:10")) == 0


@pytest.mark.django_db(transaction=True)
def test_several_workers_set_off_a_schedule_once() -> None:
    plan_ticks()
    together = threading.Barrier(6)

    def look() -> None:
        together.wait()
        enqueue_due(at("2026-05-04T12:10"))
        connections.close_all()

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert enqueued() == 1


def test_the_table_follows_the_code() -> None:
    plan = plan_ticks()
    schedule._plans.clear()
    scheduled("test.tick", cron="0 6 * * *", zone="Europe/Berlin")(tick)
    synchronise(at("2026-05-04T12:03"))
    plan.refresh_from_db()
    assert (plan.cron, plan.zone, plan.next_at) == ("0 6 * * *", "Europe/Berlin", at("2026-05-05T04:00"))
    schedule._plans.clear()
    synchronise(at("2026-05-04T12:03"))
    assert Schedule.objects.count() == 1
    synchronise(at("2026-05-04T12:03"), remove=True)
    assert Schedule.objects.count() == 0


def test_a_wrong_declaration_fails_at_start_up() -> None:
    with pytest.raises(ImproperlyConfigured, match="no valid cron expression: 'often'"):
        scheduled("test.tick", cron="often")
    scheduled("test.tick", cron="* * * * *")(tick)
    with pytest.raises(ImproperlyConfigured, match="declared twice"):
        scheduled("test.tick", cron="* * * * *")(fail)


@pytest.mark.parametrize(
    ("cron", "zone", "moment", "following"),
    [
        ("0 3 * * *", "UTC", "2026-05-04T03:00", "2026-05-05T03:00"),
        ("0 8 * * 1-5", "Europe/Berlin", "2026-05-01T07:00", "2026-05-04T06:00"),
        # 02:30 does not exist on 29 March: made up for at once, at 03:00 summer time
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00"),
        # 02:30 exists twice on 25 October: only the first counts
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T00:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-25T01:00"),
        ("0 2 * * *", "Australia/Lord_Howe", "2026-04-04T12:00", "2026-04-04T15:30"),
        # 30 December 2011 does not exist in Samoa: made up for when the 31st begins
        ("0 12 * * *", "Pacific/Apia", "2011-12-29T22:30", "2011-12-30T10:00"),
    ],
)
def test_summer_time_neither_doubles_nor_drops_a_time(
    cron: str, zone: str, moment: str, following: str
) -> None:
    assert next_after(cron, zone, at(moment)) == at(following)


def test_finished_jobs_are_forgotten_in_time() -> None:
    now = at("2026-05-04T12:00")
    ages = {sample_jobs.note.enqueue(1).id: 8, sample_jobs.note.enqueue(2).id: 6}
    ages |= {sample_jobs.give_up.enqueue().id: 91, sample_jobs.give_up.enqueue().id: 89}
    Worker().drain()
    for job, age in ages.items():
        DBTaskResult.objects.filter(pk=job).update(finished_at=now - timedelta(days=age))
    housekeeping.forget_finished(now)
    assert sorted((now - line.finished_at).days for line in queue.jobs() if line.finished_at) == [6, 89]


def test_the_command_shows_the_schedules() -> None:
    plan_ticks()
    out = StringIO()
    call_command("jobs", "schedules", stdout=out)
    assert "test.tick" in out.getvalue()
    assert "has not run yet" in out.getvalue()
