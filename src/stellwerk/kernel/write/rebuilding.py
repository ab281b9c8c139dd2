"""Building the search anew, a few records at a time, so that it can stop and go on wherever it was."""

import time
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import F

from stellwerk.kernel.jobs.schedule import scheduled
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.search.models import SearchRebuild
from stellwerk.kernel.write import indexing

_RECORDS_AT_ONCE = 100
# A run leaves the queue to other jobs after this; the next one goes on.
_SECONDS_PER_RUN = 45


def begin(now: datetime) -> SearchRebuild:
    """Have all records indexed anew, newest first; what was begun before is begun again."""
    newest = Record.objects.order_by("-pk").values_list("pk", flat=True).first()
    wanted = {"below": (newest or 0) + 1, "done": 0, "total": Record.objects.count(), "begun_at": now}
    return SearchRebuild.objects.update_or_create(pk=1, defaults=wanted)[0]


def progress() -> SearchRebuild | None:
    """Return how far a rebuild has come; None when none was begun."""
    return SearchRebuild.objects.filter(pk=1).first()


def go_on(seconds: float | None = None, report: Callable[[SearchRebuild], None] = lambda at: None) -> None:
    """Index records anew until all are done, or for so many seconds."""
    until = None if seconds is None else time.monotonic() + seconds
    while _next_ones() and (until is None or time.monotonic() < until):
        if at := progress():
            report(at)


@scheduled("search.rebuild", cron="* * * * *")
def rebuild(now: datetime) -> None:
    """Go on with a rebuild that is not finished, such as the one after an upgrade."""
    if SearchRebuild.objects.filter(below__gt=0).exists():
        go_on(_SECONDS_PER_RUN)


@transaction.atomic
def _next_ones() -> bool:
    """Index the next few records anew; return whether there were any left."""
    at = SearchRebuild.objects.select_for_update().filter(pk=1, below__gt=0).first()
    if at is None:
        return False
    ids = list(
        Record.objects.filter(pk__lt=at.below).order_by("-pk").values_list("pk", flat=True)[:_RECORDS_AT_ONCE]
    )
    # Locked, so that nobody says something on them meanwhile; in one order, as all who lock several do.
    locked = Record.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    indexing.renew([record.specific for record in locked])
    SearchRebuild.objects.filter(pk=1).update(below=min(ids, default=0), done=F("done") + len(ids))
    return bool(ids)
