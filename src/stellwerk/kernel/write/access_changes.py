"""Saying who lost access to records because they are somebody else's now, and who gained it because they work on them."""

from collections.abc import Iterable

from django.utils.translation import ngettext

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry, Verb
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.write.services import participant_shares

MOST_NAMED = 5
Written = tuple[Record, Record]
"""A record before a write and after it."""


def new_access(written: Iterable[Written]) -> str:
    """Say after changes who lost and who gained access by them; "" when nobody did."""
    lost: dict[tuple[str, ...], list[str]] = {}
    gained: dict[tuple[str, ...], list[str]] = {}
    for before, after in written:
        for whom, found in ((lost, lost_access(before, after)), (gained, gained_access(before, after))):
            if found:
                whom.setdefault(tuple(found), []).append(after.reference)
    return " ".join([*map(_lost, lost.items()), *map(_gained, gained.items())])


def lost_access(before: Record, after: Record) -> list[str]:
    """Return the names of those from whom a change took access."""
    gone = participant_shares(before).keys() - participant_shares(after).keys()
    if not gone:
        return []
    kept = Share.objects.filter(record_id=after.pk).values_list("person", "party")
    gone -= {pk for pair in kept for pk in pair if pk}
    seen = type(after)._default_manager
    people = Person.objects.filter(pk__in=gone)
    still = {one.pk for one in people if seen.visible_to(one).filter(pk=after.pk).exists()}
    return list(Record.objects.filter(pk__in=gone - still).order_by("title").values_list("title", flat=True))


def gained_access(before: Record, after: Record) -> list[str]:
    """Return the names of those with whom a change shared the record because they work on it now."""
    if after.version - before.version < 2:
        return []  # a share would have been noted beside the change
    noted = Entry.objects.filter(record_id=after.pk, number__gt=before.journal_count, verb=Verb.SHARE)
    parties = [changes["@share"][1]["with"] for changes in noted.values_list("changes", flat=True)]
    return list(Record.objects.filter(pk__in=parties).order_by("title").values_list("title", flat=True))


def _lost(group: tuple[tuple[str, ...], list[str]]) -> str:
    who, references = group
    said = ngettext(
        "%(who)s no longer has access to %(reference)s.",
        "%(who)s no longer have access to %(reference)s.",
        len(who),
    )
    return said % _names(who, references)


def _gained(group: tuple[tuple[str, ...], list[str]]) -> str:
    who, references = group
    said = ngettext(
        "%(reference)s is now shared with %(who)s, whose staff can work on it.",
        "%(reference)s are now shared with %(who)s, whose staff works on them.",
        len(references),
    )
    return said % _names(who, references)


def _names(who: tuple[str, ...], references: list[str]) -> dict[str, str]:
    more = " …" if len(references) > MOST_NAMED else ""
    return {"who": " · ".join(who), "reference": ", ".join(references[:MOST_NAMED]) + more}
