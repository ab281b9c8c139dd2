"""Forgetting files that were uploaded for an import, and what came of them."""

from datetime import datetime, timedelta

from stellwerk.exchange.models import WAITING, ImportDraft
from stellwerk.kernel.jobs.schedule import scheduled

FILE_KEPT = timedelta(days=1)
OUTCOME_KEPT = timedelta(days=30)


@scheduled("exchange.forget_drafts", cron="45 * * * *")
def forget_drafts(now: datetime) -> None:
    """Remove files that nobody confirmed for a day, and what came of an import, or never came, after a month."""
    waiting = ImportDraft.objects.filter(state__in=WAITING)
    waiting.filter(changed_at__lt=now - FILE_KEPT).delete()
    ended = ImportDraft.objects.exclude(state__in=WAITING)
    ended.filter(changed_at__lt=now - OUTCOME_KEPT).delete()
