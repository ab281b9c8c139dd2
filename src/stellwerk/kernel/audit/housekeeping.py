"""Keeping the roster of the journals, and noting once what entries of version 0.1 did not say."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from stellwerk.kernel.activity.watching.models import Watcher
from stellwerk.kernel.audit.roster import Line, Roster, roster_path, write
from stellwerk.kernel.audit.verification import Verification
from stellwerk.kernel.jobs.schedule import scheduled
from stellwerk.kernel.journal.entry import Entry, Verb
from stellwerk.kernel.journal.journal import seal
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.write.services import ChangeContext, note
from stellwerk.kernel.write.writer import locked
from stellwerk.vocabulary import JsonObject

log = structlog.get_logger("stellwerk.journal")

AT_ONCE = 500
OVERLAP = 10_000
"""Entries that are looked at again: on PostgreSQL one may be committed after others with higher ids."""


@scheduled("journal.roster", cron="*/5 * * * *")
def keep_roster(now: datetime) -> None:
    """Begin the roster soon after the first start, and bring it up to date as often as is set."""
    roster = Roster.current()
    if roster is None or now - roster.at >= timedelta(hours=settings.STELLWERK_ROSTER_HOURS):
        extend_roster(now)


def extend_roster(now: datetime) -> None:
    """Bring the roster up to date, or begin it."""
    roster = Roster.current()
    if roster is not None and not roster.intact:
        log.error("journal.roster_was_altered", path=str(roster.path))
        return
    if roster is None:
        take_baselines()
    newest = Entry.objects.aggregate(newest=Max("pk"))["newest"] or 0
    write(_fresh_lines(roster), now, newest)


def renew_roster() -> int:
    """Put the roster aside and write it anew from the database; return how many records it knows."""
    path = roster_path()
    if path.exists():
        path.replace(path.with_name(f"{path.name}.{timezone.now():%Y%m%d_%H%M%S}"))
    extend_roster(timezone.now())
    roster = Roster.current()
    return roster.lines if roster else 0


def take_baselines() -> int:
    """Note who watches each record whose entries, of version 0.1, do not say it; return how many were noted.

    What is not as its journal says gets no baseline: an alteration is never made right by one.
    """
    noted = 0
    for pk in _without_baseline():
        with transaction.atomic():
            record = locked(Record.objects.get(pk=pk).specific)
            if any(Verification(Record.objects.filter(pk=pk), contents=False).faults()):
                log.error("journal.no_baseline", reference=record.reference)
                continue
            watchers = Watcher.objects.filter(record=pk).order_by("person_id")
            state: JsonObject = {"watchers": list(watchers.values_list("person_id", flat=True))}
            note(record, ChangeContext(Verb.BASELINE, SYSTEM), {"@baseline": [None, state]}, internal=True)
            noted += 1
    return noted


def _without_baseline() -> list[int]:
    journal = Entry.objects.filter(record=OuterRef("record"))
    watched = Watcher.objects.filter(
        Exists(journal.filter(number=1, format=None)), ~Exists(journal.filter(verb=Verb.BASELINE))
    )
    return list(watched.order_by("record_id").values_list("record_id", flat=True).distinct())


def _fresh_lines(roster: Roster | None) -> Iterator[Line]:
    """Say of each record with entries that the roster does not know how its journal ends."""
    since = roster.entry - OVERLAP if roster else 0
    written = Entry.objects.filter(pk__gt=since).order_by("record_id").values_list("record_id", flat=True)
    ids = list(written.distinct())
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        known = roster.known(some) if roster else {}
        entries = Entry.objects.filter(record__in=some, number__in={line.entries for line in known.values()})
        there = set(entries.values_list("record_id", "number", "digest"))
        columns = ("pk", "reference", "journal_count", "journal_head", "journal_seal")
        for *told, sealed in Record.objects.filter(pk__in=some).values_list(*columns):
            line = Line(*told)
            before = known.get(line.record)
            goes_on = before is None or (before.record, before.entries, before.head) in there
            if sealed == seal(line.reference, line.entries, line.head) and goes_on:
                yield line
            else:
                log.error("journal.contradicts_roster", reference=line.reference)
