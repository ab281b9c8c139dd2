"""Forgetting files that were uploaded for an import and never confirmed."""

from datetime import datetime, timedelta

from stellwerk.kernel.exchange.models import ImportDraft
from stellwerk.kernel.jobs.schedule import scheduled

KEPT = timedelta(days=1)


@scheduled("exchange.forget_drafts", cron="45 * * * *")
def forget_drafts(now: datetime) -> None:
    """Remove what was uploaded more than a day ago."""
    ImportDraft.objects.filter(uploaded_at__lt=now - KEPT).delete()
