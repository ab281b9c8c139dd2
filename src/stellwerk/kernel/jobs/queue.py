"""The queue for operators: what waits, what failed and why, and another go for it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max

from stellwerk.kernel.jobs.models import JobWorker


@dataclass(frozen=True)
class JobLine:
    """One job as operators see it; `waits_until` is set when it is to be tried again, or was put off."""

    id: str
    name: str
    arguments: str
    status: str
    attempts: int
    enqueued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    waits_until: datetime | None
    error: str
    traceback: str


@dataclass(frozen=True)
class Figures:
    """How the queue is doing; ages in seconds."""

    ready: int
    put_off: int
    running: int
    failed: int
    finished_last_hour: int
    oldest_ready_age: float
    workers: int


def jobs(status: str | None = None, *, most: int = 100) -> list[JobLine]:
    """Return the newest jobs, all or those of one status (READY, RUNNING, FAILED, SUCCESSFUL)."""
    rows = DBTaskResult.objects.order_by("-enqueued_at")
    return [_line(row) for row in (rows.filter(status=status) if status else rows)[:most]]


def retry(ids: Collection[str] | None = None) -> int:
    """Give failed jobs another go, with all their attempts; None means all. Return how many."""
    failed = DBTaskResult.objects.failed()
    chosen = failed if ids is None else failed.filter(pk__in=ids)
    return chosen.update(
        status=TaskResultStatus.READY,
        run_after=get_date_max(),
        worker_ids=[],
        started_at=None,
        finished_at=None,
    )


def discard(ids: Collection[str]) -> int:
    """Remove failed jobs that nobody needs any more; return how many."""
    return DBTaskResult.objects.failed().filter(pk__in=ids).delete()[0]


def figures(now: datetime | None = None) -> Figures:
    """Count what is in the queue."""
    now = now or timezone.now()
    ready, running = Q(status=TaskResultStatus.READY), Q(status=TaskResultStatus.RUNNING)
    put_off = ready & Q(run_after__gt=now) & ~Q(run_after=get_date_max())
    counted = DBTaskResult.objects.aggregate(
        waiting=Count("pk", filter=ready),
        put_off=Count("pk", filter=put_off),
        running=Count("pk", filter=running),
        failed=Count("pk", filter=Q(status=TaskResultStatus.FAILED)),
        finished=Count("pk", filter=Q(finished_at__gt=now - timedelta(hours=1))),
        oldest=Min("enqueued_at", filter=ready & ~put_off),
    )
    return Figures(
        ready=counted["waiting"] - counted["put_off"],
        put_off=counted["put_off"],
        running=counted["running"],
        failed=counted["failed"],
        finished_last_hour=counted["finished"],
        oldest_ready_age=(now - counted["oldest"]).total_seconds() if counted["oldest"] else 0,
        workers=JobWorker.objects.count(),
    )


def _line(row: "DBTaskResult[..., object]") -> JobLine:
    return JobLine(
        id=str(row.pk),
        name=row.task_path,
        arguments=", ".join(map(repr, [*row.args_kwargs["args"], *row.args_kwargs["kwargs"].items()])),
        status=row.status,
        attempts=len(row.worker_ids),
        enqueued_at=row.enqueued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        waits_until=None if row.run_after == get_date_max() else row.run_after,
        error=row.traceback.strip().rsplit("\n", 1)[-1],
        traceback=row.traceback,
    )
