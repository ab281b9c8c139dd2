"""Keeping the queue's table small."""

from datetime import datetime, timedelta

from django_tasks_db.models import DBTaskResult

from stellwerk.kernel.jobs.schedule import scheduled

_DONE_KEPT = timedelta(days=7)
_FAILED_KEPT = timedelta(days=90)


@scheduled("jobs.forget_finished", cron="15 * * * *")
def forget_finished(now: datetime) -> None:
    """Remove finished jobs: those that succeeded after a week, those that failed after three months."""
    DBTaskResult.objects.successful().filter(finished_at__lt=now - _DONE_KEPT).delete()
    DBTaskResult.objects.failed().filter(finished_at__lt=now - _FAILED_KEPT).delete()
