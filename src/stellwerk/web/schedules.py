"""Keeping the table of drafts small."""

from datetime import datetime, timedelta

from stellwerk.kernel.jobs.schedule import scheduled
from stellwerk.web.models import Draft

KEPT = timedelta(days=60)


@scheduled("drafts.tidy", cron="17 3 * * *")
def forget_drafts(now: datetime) -> None:
    """Forget drafts that nobody has touched for a long time."""
    Draft.objects.filter(updated_at__lt=now - KEPT).delete()
