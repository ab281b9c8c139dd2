"""Keeping the table of kept answers small."""

from datetime import datetime, timedelta

from stellwerk.kernel.jobs.schedule import scheduled
from stellwerk.kernel.write.idempotent_answer import IdempotentAnswer

KEPT = timedelta(days=1)


@scheduled("api.forget_answers", cron="25 * * * *")
def forget_answers(now: datetime) -> None:
    """Forget answers after a day: whoever repeats a request later means a new one."""
    IdempotentAnswer.objects.filter(created_at__lt=now - KEPT).delete()
