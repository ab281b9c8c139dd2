"""Telling people what happened: inside Stellwerk, and by mail where it is set up.

Told are, once per journal entry: who is newly named on the record, the people mentioned, the requesters (of public
replies, files and steps), the others named on it (such as the assignee), and the watchers. Never the one who
acted, and only who may see it at that moment.
"""

from collections.abc import Iterable

from django.conf import settings
from django.db import models
from django.db.models import Case, QuerySet, Value, When
from django.utils import timezone

from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.activity.comments.services import mentioned
from stellwerk.kernel.activity.notifications.mail import send_notification
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.activity.watching.models import Watcher
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry, Verb
from stellwerk.kernel.model.actor import Actor, System
from stellwerk.kernel.model.mail import NO_MAIL
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.model.roles import Access
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.write.events import Event


class Why(models.TextChoices):
    """Why somebody is told, the most personal first."""

    NAMED = "named"
    MENTIONED = "mentioned"
    REQUESTER = "requester"
    INVOLVED = "involved"
    WATCHING = "watching"
    OUTCOME = "outcome"


HEARD_BY_GUESTS = frozenset({Verb.CREATE, Verb.COMMENT, Verb.ATTACH, Verb.TRANSITION})
"""What requesters and other guests are told of, as long as it is not internal."""
HEARD_BY_INVOLVED = HEARD_BY_GUESTS | {Verb.CHANGE, Verb.UNDO}


def notify(event: Event) -> None:
    """Note for everybody concerned that this happened, and enqueue their mails (a handler of events)."""
    if not event.notifies:
        return
    whys = concerned(event)
    whys.pop(event.by.pk or 0, None)
    if not whys:
        return
    told = [
        person
        for person in _people(whys, event.record)
        if person.is_open and not person.is_service and _may_hear(person, whys[person.pk], event)
    ]
    now = timezone.now()
    notes = Notification.objects.bulk_create(
        [
            Notification(person=person, entry=event.entry, why=whys[person.pk], created_at=now)
            for person in told
        ]
    )
    if settings.EMAIL_BACKEND != NO_MAIL:
        for note in notes:
            if note.person.email:
                send_notification.enqueue(note.pk)


def notify_outcome(person: Person, text: str, address: str) -> None:
    """Note what came of something that the person had set going, with the address at which it stands."""
    Notification.objects.create(
        person=person, why=Why.OUTCOME, text=text, address=address, created_at=timezone.now()
    )


def concerned(event: Event) -> dict[int, Why]:
    """Map the people whom an event may concern to the most personal reason; access is not asked yet."""
    whys: dict[int, Why] = {}
    for pk, why in _reasons(event):
        known = whys.get(pk, why)
        whys[pk] = min(known, why, key=list(Why).index)
    return whys


def notifications_of(person: Person) -> QuerySet[Notification]:
    """Select what the person was told, newest first; `still_visible` drops what they may no longer see."""
    told = Notification.objects.filter(person=person)
    return told.select_related("entry__record", "entry__actor").order_by("-id")


def still_visible(person: Person, notes: Iterable[Notification]) -> list[Notification]:
    """Keep the notifications whose record, and internal entry, the person may see today; one query."""
    notes = list(notes)
    if not notes:
        return []
    policy = policy_of(person)
    inside = Case(
        When(policy.as_staff(Record), then=Value(True)),
        default=Value(False),
        output_field=models.BooleanField(),
    )
    about = {note.entry.record_id for note in notes if note.entry}
    seen = Record.objects.filter(policy.visible(Record), pk__in=about)
    known = dict(seen.annotate(inside=inside).values_list("pk", "inside"))
    return [note for note in notes if note.entry is None or _is_shown(note.entry, known)]


def mark_read_at(person: Person, address: str) -> None:
    """Mark what the person was told as read that stands at this address."""
    unread = Notification.objects.filter(person=person, read_at=None, entry=None, address=address)
    if unread.exists():
        unread.update(read_at=timezone.now())


def _is_shown(entry: Entry, known: dict[int, bool]) -> bool:
    return entry.record_id in known and (known[entry.record_id] or not entry.internal)


def mark_read(person: Person, record: Record | None = None) -> int:
    """Mark what the person was told as read, all or that of one record; return how many were unread."""
    unread = Notification.objects.filter(person=person, read_at=None)
    if record is not None:
        unread = unread.filter(entry__record_id=record.pk)
    ids = list(unread.values_list("pk", flat=True))
    return Notification.objects.filter(pk__in=ids).update(read_at=timezone.now()) if ids else 0


def _reasons(event: Event) -> Iterable[tuple[int, Why]]:
    record, entry = event.record, event.entry
    if isinstance(event.subject, Comment):
        for person in mentioned(event.subject.body):
            yield person.pk, Why.MENTIONED
    if entry.verb == Verb.CREATE and isinstance(event.by, System):
        return  # setting up is no news
    for name in _person_fields(record):
        if entry.changes.get(name, [None, None])[1] is not None:
            yield entry.changes[name][1], Why.NAMED
    if entry.verb == Verb.CREATE:
        return
    if isinstance(event.by, Person) or not record.is_open or entry.verb == Verb.COMMENT:
        yield from _standing_by(record, entry)


def _standing_by(record: Record, entry: Entry) -> Iterable[tuple[int, Why]]:
    requesters = requestable(record.record_type).participants
    for name in _person_fields(record):
        pk = getattr(record, f"{name}_id")
        if pk is not None and entry.verb in HEARD_BY_INVOLVED:
            yield pk, Why.REQUESTER if name in requesters else Why.INVOLVED
    for pk in Watcher.objects.filter(record_id=record.pk).values_list("person_id", flat=True):
        yield pk, Why.WATCHING


def _people(ids: Iterable[int], record: Record) -> list[Person]:
    """Load the people; those that the record has brought along are at hand."""
    known = {
        other.pk: other
        for name in _person_fields(record)
        if (other := record._state.fields_cache.get(name)) is not None
    }
    missing = [pk for pk in ids if pk not in known]
    loaded = Person.objects.in_bulk(missing) if missing else {}
    return [person for pk in ids if (person := known.get(pk) or loaded.get(pk))]


def _person_fields(record: Record) -> list[str]:
    return [name for name, model in record.record_type.references.items() if model is Person]


def _may_hear(person: Actor, why: Why, event: Event) -> bool:
    for_guests = event.entry.verb in HEARD_BY_GUESTS and not event.entry.internal
    if why == Why.REQUESTER and for_guests:
        return True  # requesters see their records without a role
    policy = policy_of(person)
    if for_guests and any(share.person_id == person.pk for share in policy.shares_of(event.record)):
        return True  # likewise, and the shares are known already when a record was just created
    if policy.sees_internal(event.record):
        return True
    return for_guests and policy.access_to(event.record) >= Access.VIEW
