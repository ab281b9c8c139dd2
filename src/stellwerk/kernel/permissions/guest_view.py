"""What guests may read of a record's writes, and the version and last update that follow from it.

To its staff a record's version counts every write. A guest's counts those of which they may read something: it stays
where it is while staff write notes and change what guests are not shown. See decision 0032.
"""

import sys
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.policy import AccessPolicy, policy_of

SAID = frozenset({"@comment", "@file"})
"""What stands beside a record and is read by guests, where it is not internal."""


class Write(NamedTuple):
    """A write of which guests may read something: the fields that they are shown, when, and its number in the journal."""

    number: int
    at: datetime
    fields: frozenset[str]


@dataclass(frozen=True)
class Standing:
    """A record's version and last update."""

    version: int
    updated_at: datetime


def is_guest(person: Actor, record: Record) -> bool:
    """Whether the person reads of the record what guests are shown."""
    return isinstance(person, Person) and not policy_of(person).sees_internal(record)


def writes_for_guests(records: Collection[Record]) -> dict[int, list[Write]]:
    """List what was written, by record and oldest first, as far as the records know their journals; one query."""
    known = {record.pk: record for record in records}
    shown = {
        record_type: frozenset({*record_type.readable_fields(internal=False), *SAID})
        for record_type in {record.record_type for record in records}
    }
    # Of rows that are drawn from few columns it is not read; a past state knows less than the journal does.
    lasts = {record.pk: record.__dict__.get("journal_count", sys.maxsize) for record in records}
    found: dict[int, list[Write]] = {pk: [] for pk in known}
    entries = Entry.objects.filter(record__in=known, internal=False).order_by("record_id", "number")
    for pk, number, at, changes in entries.values_list("record_id", "number", "at", "changes"):
        fields = shown[known[pk].record_type].intersection(changes)
        if number <= lasts[pk] and (fields or number == 1):
            found[pk].append(Write(number, at, fields - SAID))
    return found


def standings(records: Collection[Record]) -> dict[int, Standing]:
    """Return version and last update of records as guests see them."""
    if not records:
        return {}
    written = writes_for_guests(records)
    found = {}
    for record in records:
        writes = written[record.pk]
        found[record.pk] = Standing(len(writes), writes[-1].at if writes else record.created_at)
    return found


def updates(records: Collection[Record], person: Actor) -> dict[int, datetime]:
    """Return when records were updated last, as the person sees them; two queries more at most."""
    policy = policy_of(person)
    doubtful = [each for each in records if not _is_plainly_staff(policy, each)]
    staff: set[int] = set()
    if doubtful:
        inside = Record.objects.filter(
            policy.as_staff(Record, few=True), pk__in=[each.pk for each in doubtful]
        )
        staff = set(inside.values_list("pk", flat=True))
    told = standings([each for each in doubtful if each.pk not in staff])
    return {each.pk: told[each.pk].updated_at if each.pk in told else each.updated_at for each in records}


def _is_plainly_staff(policy: AccessPolicy, record: Record) -> bool:
    """Whether a role reaches the record by its party, so that its shares need not be asked."""
    record_type = record.record_type
    parties = policy.scope(record_type)
    owner = record.pk if record_type.scope == "pk" else record.party_id
    return policy.is_administrator or parties is None or owner in parties


def standing(record: Record, person: Actor) -> Standing:
    """Return version and last update of a record as the person sees them."""
    if is_guest(person, record):
        return standings([record])[record.pk]
    return Standing(record.version, record.updated_at)
