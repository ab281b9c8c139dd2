"""What the clock sets off: functions declared in code, run through the queue.

    @scheduled("incidents.close_resolved", cron="*/10 * * * *")
    def close_resolved(now: datetime) -> None: ...

Each time of the plan is used once, however many workers look and however the clock jumps: set forward, what was
missed runs once; set back, nothing runs again until the plan goes on. A job that still runs is not started twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from croniter import croniter
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from stellwerk.kernel.jobs.job import GiveUp, job
from stellwerk.kernel.jobs.models import Schedule

log = structlog.get_logger("stellwerk.jobs")

# A clock that was further ahead than this was wrong, and the plan begins anew.
_CLOCK_WAS_WRONG = timedelta(days=1)

Scheduled = Callable[[datetime], object]


@dataclass(frozen=True)
class Plan:
    """A function and when it runs."""

    name: str
    cron: str
    zone: str
    function: Scheduled

    @property
    def what(self) -> str:
        return f"{self.function.__module__}.{self.function.__qualname__}"


_plans: dict[str, Plan] = {}


def scheduled(name: str, *, cron: str, zone: str = "") -> Callable[[Scheduled], Scheduled]:
    """Have a function called with the current time whenever the cron expression says so.

    Its hours and days are those of the installation's time zone, unless another zone is named.
    """
    if not croniter.is_valid(cron):
        raise ImproperlyConfigured(f"The schedule {name} has no valid cron expression: {cron!r}.")
    named = zone or settings.TIME_ZONE
    ZoneInfo(named)

    def declare(function: Scheduled) -> Scheduled:
        plan = Plan(name, cron, named, function)
        if name in _plans and _plans[name].what != plan.what:
            raise ImproperlyConfigured(
                f"The schedule {name} is declared twice: {_plans[name].what}, {plan.what}."
            )
        _plans[name] = plan
        return function

    return declare


def next_after(cron: str, zone: str, moment: datetime) -> datetime:
    """Return the first instant after `moment` (aware) that the cron expression names, in UTC.

    An hour that the clocks leave out is made up for right after it; in one that they repeat, a plan for a
    certain hour runs once, and one for every hour goes on.
    """
    local = ZoneInfo(zone)
    found: datetime = croniter(cron, moment.astimezone(local)).get_next(datetime)
    while found.fold and "*" not in cron.split()[1]:
        found = croniter(cron, found).get_next(datetime)
    return found.astimezone(UTC)


@cache
def load_plans() -> None:
    """Import the modules in which apps declare jobs and schedules."""
    autodiscover_modules("jobs", "schedules")


def synchronise(now: datetime | None = None, *, remove: bool = False) -> None:
    """Bring the schedule table in line with the code; `remove` drops what the code no longer declares."""
    load_plans()
    now = now or timezone.now()
    known = {schedule.name: schedule for schedule in Schedule.objects.all()}
    missing = [_as_schedule(plan, now) for plan in _plans.values() if plan.name not in known]
    Schedule.objects.bulk_create(missing, ignore_conflicts=True)
    for plan in _plans.values():
        if plan.name in known:
            _update(known[plan.name], plan, now)
    if remove:
        Schedule.objects.exclude(name__in=_plans).delete()


def enqueue_due(now: datetime | None = None) -> int:
    """Enqueue what the clock has set off; return how many schedules that were."""
    now = now or timezone.now()
    return sum(_look_at(schedule, now) for schedule in Schedule.objects.filter(enabled=True, name__in=_plans))


@job(retries=3)
def run_scheduled(name: str) -> None:
    """Run the function of a schedule and note how it went."""
    if name not in _plans:
        raise GiveUp(f"This version knows no schedule {name}.")
    try:
        _plans[name].function(timezone.now())
    except Exception as error:
        _note(name, f"{type(error).__name__}: {error}")
        raise
    _note(name, "done")


def _look_at(schedule: Schedule, now: datetime) -> bool:
    if schedule.next_at <= now:
        return _set_off(schedule, now)
    if schedule.last_at is None or schedule.last_at > now + _CLOCK_WAS_WRONG:
        expected = next_after(schedule.cron, schedule.zone, now)
        if schedule.next_at > expected:
            Schedule.objects.filter(pk=schedule.pk).update(next_at=expected, last_at=None)
    return False


@transaction.atomic
def _set_off(schedule: Schedule, now: datetime) -> bool:
    """Use this time of the plan; whoever moves the plan on first is the one who enqueues."""
    following = next_after(schedule.cron, schedule.zone, now)
    mine = Schedule.objects.filter(pk=schedule.pk, enabled=True, next_at=schedule.next_at)
    if not mine.update(next_at=following, last_at=now):
        return False
    if _is_unfinished(schedule.last_job):
        _note(schedule.name, "left out: the run before is not finished")
        return False
    enqueued = run_scheduled.enqueue(schedule.name)
    Schedule.objects.filter(pk=schedule.pk).update(last_job=enqueued.id)
    log.info("schedule is due", schedule=schedule.name, next_at=following.isoformat())
    return True


def _is_unfinished(job_id: UUID | None) -> bool:
    unfinished = DBTaskResult.objects.filter(status__in=[TaskResultStatus.READY, TaskResultStatus.RUNNING])
    return job_id is not None and unfinished.filter(pk=job_id).exists()


def _note(name: str, outcome: str) -> None:
    Schedule.objects.filter(name=name).update(last_outcome=outcome[:2000].replace("\0", ""))


def _as_schedule(plan: Plan, now: datetime) -> Schedule:
    following = next_after(plan.cron, plan.zone, now)
    return Schedule(name=plan.name, what=plan.what, cron=plan.cron, zone=plan.zone, next_at=following)


def _update(schedule: Schedule, plan: Plan, now: datetime) -> None:
    if (schedule.cron, schedule.zone) != (plan.cron, plan.zone):
        schedule.next_at = next_after(plan.cron, plan.zone, now)
    elif schedule.what == plan.what:
        return
    schedule.cron, schedule.zone, schedule.what = plan.cron, plan.zone, plan.what
    schedule.save(update_fields=["cron", "zone", "what", "next_at"])
