"""A drill over journals: thousands of ways to alter them, each of which must be found."""

import random
from collections.abc import Callable, Iterator
from copy import copy
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile

from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.audit.verification import Verification
from stellwerk.kernel.audit.verifier import verify
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal import journal
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.values import journaled_fields
from stellwerk.kernel.testing.samples import a_change, sample
from stellwerk.kernel.write.services import change, create, share, transition
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db

LEAST_TRIED = 1_000
WRITTEN = (
    "number",
    "at",
    "recorded_at",
    "actor_id",
    "verb",
    "name",
    "changes",
    "reason",
    "internal",
    "brought_from",
    "format",
)
CHAINED = ("previous", "digest")
KEPT = (
    "reference",
    "version",
    "created_at",
    "updated_at",
    "journal_count",
    "journal_head",
    "journal_seal",
    "is_open",
    "open_to_all",
)
"""Columns of a record that its journal answers for, beside the values themselves."""
Tampered = tuple[str, Record, list[Entry]]


@pytest.fixture
def ticket(maria: Person, gus: Person, nobody: Person) -> Record:
    made = create(Incident, {"title": "Mail is down", "requester": gus, "party": maria.party}, by=SYSTEM)
    made = transition(made, "begin", by=maria)
    made = change(made, {"impact": "high", "title": "Mail is slow"}, by=maria, reason="It is not down.")
    comment(made, "We are on it.", by=maria)
    attach(made, ContentFile(b"log of the server"), "server.txt", by=maria, internal=True)
    share(made, nobody, "customer", by=maria)
    return change(made, {"description": "Since Monday"}, by=maria)


def other(value: Any, dice: random.Random) -> Any:
    """Return another value than this one, as near to it as can be."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + dice.choice((-1, 1, 2, 10, 2**31))
    if isinstance(value, datetime):
        return value + timedelta(microseconds=dice.choice((-1, 1, 1000, 3_600_000_000)))
    if isinstance(value, str) and value:
        place = dice.randrange(len(value))
        swapped = chr(ord(value[place]) ^ (1 << dice.randrange(5)))
        return dice.choice(
            (f"{value[:place]}{swapped}{value[place + 1 :]}", f"{value} ", value[:-1], f"{value}\u200b")
        )
    if isinstance(value, dict) and value:
        name = dice.choice(sorted(value))
        left = {key: each for key, each in value.items() if key != name}
        return dice.choice(
            (left, {**value, name: other(value[name], dice)}, {**value, f"{name}x": value[name]})
        )
    if isinstance(value, list) and value:
        return dice.choice((value[::-1] if value[::-1] != value else [], [*value, None], value[:-1]))
    return {None: 1, "": "x"}.get(value) if not isinstance(value, dict | list) else {"title": [None, "x"]}


def altered(thing: Any, column: str, dice: random.Random) -> Any:
    twin = copy(thing)
    setattr(twin, column, other(getattr(thing, column), dice))
    assert getattr(twin, column) != getattr(thing, column)
    return twin


def rechained(record: Record, entries: list[Entry], dice: random.Random) -> Tampered:
    """Chain the entries anew and fit the record to it, as somebody would who has the database but not the key."""
    forged, made = copy(record), []
    before = journal.START
    for number, entry in enumerate(entries, start=1):
        twin = copy(entry)
        twin.number, twin.previous = number, before
        before = twin.digest = (
            f"{dice.getrandbits(256):064x}" if twin.previous != entry.previous else entry.digest
        )
        made.append(twin)
    forged.journal_count, forged.journal_head = len(made), before
    return "chained anew", forged, made


def ways(record: Record, entries: list[Entry], dice: random.Random) -> Iterator[Tampered]:
    """Go through the ways to tamper with a record's journal."""
    for place, entry in enumerate(entries):
        for column in (*WRITTEN, *CHAINED):
            for _again in range(12):
                changed = [*entries[:place], altered(entry, column, dice), *entries[place + 1 :]]
                yield f"{column} of entry {entry.number}", record, changed
        without = [*entries[:place], *entries[place + 1 :]]
        yield f"entry {entry.number} removed", record, without
        yield rechained(record, without, dice)
        yield f"entry {entry.number} doubled", record, [*entries[: place + 1], entry, *entries[place + 1 :]]
        yield f"cut before entry {entry.number}", record, entries[:place]
        yield rechained(record, entries[:place], dice)
        for elsewhere in range(place + 1, len(entries)):
            swapped = list(entries)
            swapped[place], swapped[elsewhere] = swapped[elsewhere], swapped[place]
            yield f"entries {entry.number} and {elsewhere + 1} swapped", record, swapped
            yield rechained(record, swapped, dice)
            yield f"entry {entry.number} moved", record, [*without[:elsewhere], entry, *without[elsewhere:]]
    for column in KEPT:
        for _again in range(10 if not isinstance(getattr(record, column), bool) else 1):
            yield f"{column} of the record", altered(record, column, dice), entries


def test_every_alteration_of_a_journal_is_found(ticket: Record) -> None:
    """The figure: alterations found of those tried."""
    record, entries = Incident.objects.get(pk=ticket.pk), list(ticket.entries.order_by("number"))
    assert list(verify(record, entries)) == []
    tried, missed = 0, []
    for what, altered_record, altered_entries in ways(record, entries, random.Random(1)):
        tried += 1
        if not list(verify(altered_record, altered_entries)):
            missed.append(what)
    assert missed == []
    assert tried >= LEAST_TRIED


@pytest.mark.parametrize("record_type", registry.all_types(), ids=lambda each: each.key)
def test_every_journaled_column_of_every_type_is_held_against_the_journal(record_type: Any) -> None:
    record = change(sample(record_type), a_change(sample(record_type)), by=SYSTEM)
    entries = list(record.entries.order_by("number"))
    dice: random.Random = random.Random(1)
    columns: list[tuple[str, Callable[[Any], Any]]] = []
    columns += [
        (field.attname, lambda value: other(value, dice)) for field in journaled_fields(record_type.model)
    ]
    for column, make in [
        *columns,
        ("is_open", lambda value: not value),
        ("open_to_all", lambda value: not value),
    ]:
        twin = record_type.model.objects.get(pk=record.pk)
        assert list(verify(twin, entries)) == []
        value = getattr(twin, column)
        setattr(twin, column, timedelta(days=1) + value if hasattr(value, "toordinal") else make(value))
        assert list(verify(twin, entries)) != [], column


@pytest.mark.parametrize(
    "changes", [[], "x", 1, {"title": 1}, {"title": []}, {"title": [1, 2, 3]}, {"@comment": [1]}]
)
def test_changes_of_another_shape_are_a_fault_and_no_crash(changes: Any, ticket: Record) -> None:
    ticket.entries.filter(number=3).update(changes=changes)
    entries = list(ticket.entries.order_by("number"))
    found = [fault.number for fault in verify(Incident.objects.get(pk=ticket.pk), entries)]
    assert 3 in found
    assert any(
        "entry 3" in str(fault) for fault in Verification(Record.objects.filter(pk=ticket.pk)).faults()
    )
