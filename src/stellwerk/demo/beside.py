"""What stands beside the demo's tickets: files, watchers, notifications, saved views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.core.files.base import ContentFile

from stellwerk.demo.organisation import Organisation
from stellwerk.demo.telling import Cast, Teller
from stellwerk.kernel.activity.attachments.models import Attachment
from stellwerk.kernel.activity.attachments.services import stored
from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.activity.notifications.services import HEARD_BY_GUESTS, HEARD_BY_INVOLVED, Why
from stellwerk.kernel.activity.watching.models import Watcher
from stellwerk.kernel.journal.entry import Entry
from stellwerk.processes.incidents.ticket import Ticket
from stellwerk.web.models import SavedView

TOLD_FOR = timedelta(days=6)
READ_AFTER = timedelta(hours=3)
UNREAD = 4

# Kind, name, query, team in the query, owner ("" shares it with everybody).
SAVED_VIEWS = (
    ("incident", "High priority", "open=yes&priority=1&priority=2&ordering=priority", "", ""),
    ("incident", "Waiting for a supplier", "open=yes&waiting_for=supplier", "", ""),
    ("incident", "Network, open", "open=yes", "network", "maria"),
    ("incident", "From monitoring", "channel=monitoring", "", "maria"),
    ("incident", "By phone, mine", "channel=phone&assigned_to=me", "", "lena"),
    ("service_request", "Oldest first", "open=yes&ordering=created_at", "", ""),
    ("service_request", "Storage, open", "open=yes", "storage", "maria"),
)


def write(made: Organisation, cast: Cast, teller: Teller) -> None:
    """Write everything that needs the tickets to be stored."""
    Link.objects.bulk_create(teller.links)
    _files(cast, teller)
    _watchers(made, cast, teller)
    _notifications(made, teller)
    _saved_views(cast)


def _files(cast: Cast, teller: Teller) -> None:
    rows = []
    for record, event in teller.files:
        if event.attachment:
            blob = stored(ContentFile(event.attachment.content))
            author = cast.people[event.by]
            row = Attachment(record=record, blob=blob, name=event.attachment.name, author=author, at=event.at)
            rows.append(row)
    Attachment.objects.bulk_create(rows)


def _watchers(made: Organisation, cast: Cast, teller: Teller) -> None:
    watchers = [
        Watcher(record=teller.records[ticket.number], person=cast.people[key])
        for ticket in made.tickets
        for key in ticket.watchers
    ]
    for watcher in watchers:
        teller.watched(watcher)
    teller.history.flush()
    Watcher.objects.bulk_create(watchers)


def _notifications(made: Organisation, teller: Teller) -> None:
    """Tell people of the last days, as if it had happened here; all but each one's newest have been read."""
    tickets = {record.pk: record for record in teller.records.values()}
    watchers: dict[int, list[int]] = {}
    for record_id, person_id in Watcher.objects.values_list("record_id", "person_id"):
        watchers.setdefault(record_id, []).append(person_id)
    fresh = Entry.objects.filter(at__gte=made.now - TOLD_FOR, record__in=_touched(tickets.values(), made.now))
    told = [
        Notification(person_id=person, entry=entry, why=why, created_at=entry.at)
        for entry in fresh.order_by("at", "id")
        for person, why in _concerned(tickets[entry.record_id], entry, watchers.get(entry.record_id, []))
    ]
    newer: Counter[int] = Counter()
    for note in reversed(told):
        newer[note.person_id] += 1
        if newer[note.person_id] > UNREAD:
            note.read_at = min(note.created_at + READ_AFTER, made.now)
    Notification.objects.bulk_create(told)


def _touched(tickets: Iterable[Ticket], now: datetime) -> list[int]:
    return [ticket.pk for ticket in tickets if ticket.updated_at >= now - TOLD_FOR]


def _concerned(ticket: Ticket, entry: Entry, watchers: list[int]) -> Iterator[tuple[int, Why]]:
    """Yield who is told of an entry and why, once each, and never the one who acted."""
    for_guests = entry.verb in HEARD_BY_GUESTS and not entry.internal and entry.number > 1
    named = entry.changes.get("assigned_to", [None, None])[1]
    whys: dict[int | None, Why] = {named: Why.NAMED}
    if for_guests:
        whys.setdefault(ticket.requester_id, Why.REQUESTER)
    if entry.verb in HEARD_BY_INVOLVED and entry.number > 1:
        whys.setdefault(ticket.assigned_to_id, Why.INVOLVED)
    for person in watchers if for_guests else ():
        whys.setdefault(person, Why.WATCHING)
    yield from ((pk, why) for pk, why in whys.items() if pk is not None and pk != entry.actor_id)


def _saved_views(cast: Cast) -> None:
    for place, (kind, name, query, team, owner) in enumerate(SAVED_VIEWS):
        narrowed = f"{query}&team={cast.teams[team].reference}" if team else query
        SavedView.objects.create(
            kind=kind,
            name=name,
            query=narrowed,
            owner=cast.people[owner] if owner else None,
            shared=not owner,
            position=place,
        )
