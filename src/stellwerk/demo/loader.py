"""Write the demo organisation through the kernel's verbs, with its past as history brought from elsewhere."""

import hashlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import make_password
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.utils import timezone

from stellwerk.demo import DATA, read, sign_ins
from stellwerk.demo.records import Written, rows
from stellwerk.demo.stories import Case, Event
from stellwerk.demo.year import Year
from stellwerk.foundation.prioritisation import PriorityScheme
from stellwerk.kernel.activity.attachments.content import proven_type
from stellwerk.kernel.activity.attachments.models import Attachment
from stellwerk.kernel.activity.attachments.services import BEGINNING, stored
from stellwerk.kernel.activity.history import History
from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.activity.notifications.services import HEARD_BY_GUESTS, Why, concerned
from stellwerk.kernel.activity.watching.models import Watcher
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry, Verb
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.shared_cache import remembering
from stellwerk.kernel.model.values import Changes
from stellwerk.kernel.write.events import Event as Happened
from stellwerk.kernel.write.services import ChangeContext, note
from stellwerk.vocabulary import JsonObject
from stellwerk.web.models import SavedView

BROUGHT_FROM = "demo"
SEED = 7
NOTIFIED_FOR, READ_AFTER, UNREAD = timedelta(days=6), timedelta(hours=3), 4


def load(
    now: datetime | None = None,
    *,
    seed: int = SEED,
    passwords: bool = False,
    report: Callable[[str], None] = print,
) -> list[tuple[Case, Record]]:
    """Make up the organisation as of `now` and write it, all or nothing; with `passwords`, people can sign in.

    Returns the stories that were told, each with its record.
    """
    now = now or timezone.now()
    with transaction.atomic(), remembering():
        loader = Loader(now, seed)
        loader.write_records()
        report(loader.summary())
        loader.tell_stories(report)
        if passwords:
            for _role, username, password in sign_ins():
                Person.objects.filter(username=username).update(password=make_password(password))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # both databases plan badly right after a large load
    return [(case, loader.told[id(case)]) for case in loader.cases]


class Loader:
    """Writes the tables of records, then each story as it happened, then what stands beside the records."""

    def __init__(self, now: datetime, seed: int) -> None:
        self.now, self.zone = now, ZoneInfo(read("demo.toml")["zone"])
        local = now.astimezone(self.zone).replace(tzinfo=None)
        self.history = History(BROUGHT_FROM, by=SYSTEM)
        self.written = Written(self.history, local.date())
        self.cases = Year(local, seed).cases_in_order()
        self.told: dict[int, Record] = {}
        self.links: list[Link] = []
        self.watchers: list[Watcher] = []
        self.files: list[Attachment] = []

    def write_records(self) -> None:
        """Write what was there before the stories, in place of the scheme that an installation begins with."""
        Entry.objects.filter(record__kind="priority_scheme").delete()
        PriorityScheme.objects.all().delete()
        last = ""
        for row in rows():
            if row.type != last:
                self.history.flush()
            last = row.type
            self.written.write(row)
        self.history.flush()

    def summary(self) -> str:
        counts = Counter(type_key for type_key, _key in self.written.records)
        return ", ".join(f"{count} {registry.get(key).label_plural}" for key, count in counts.items())

    def tell_stories(self, report: Callable[[str], None]) -> None:
        """Tell the stories that stand alone one by one; those that are linked together, in the order of time."""
        others = {id(event.other) for case in self.cases for event in case.events if event.other}
        woven: list[tuple[datetime, int, Case, Event]] = []
        for number, case in enumerate(self.cases, 1):
            events = self._instants(case)
            self._happened(case, events[0])
            if id(case) in others or any(event.other for event in events):
                woven += [
                    (event.at, len(woven) + place, case, event) for place, event in enumerate(events[1:])
                ]
            else:
                for event in events[1:]:
                    self._happened(case, event)
            if number % 500 == 0:
                report(f"{number} of {len(self.cases)} tickets")
        self.history.flush()  # a link needs both records
        for _at, _place, case, event in sorted(woven, key=lambda one: one[:2]):
            self._happened(case, event)
        self.history.flush()
        Link.objects.bulk_create(self.links)
        Watcher.objects.bulk_create(self.watchers)
        Attachment.objects.bulk_create(self.files)
        self._notify()
        self._save_views()

    def _instants(self, case: Case) -> list[Event]:
        """Turn local times into instants that strictly ascend, also where the clocks change."""
        last = datetime.min.replace(tzinfo=UTC)
        for event in case.events:
            at = event.at.replace(tzinfo=self.zone, microsecond=0).astimezone(UTC)
            event.at = last = max(at, last + timedelta(seconds=1))
        return case.events

    def _happened(self, case: Case, event: Event) -> None:
        """Write one event through the verb that it names."""
        by, at = self.written.actor(event.by), event.at
        values = {
            name: self.told[id(value)] if isinstance(value, Case) else value
            for name, value in event.values.items()
        }
        values = self.written.resolved(case.type, values)
        if event.do == "create":
            model = registry.get(case.type).model
            self.told[id(case)] = self.history.create(model, values, by=by, at=at)
            return
        record = self.told[id(case)]
        if event.do == "change":
            self.history.change(record, values, by=by, at=at)
        elif event.do in ("comment", "note"):
            text = event.text
            if event.other:
                about = self.told[id(event.other)]
                text = text.format(
                    reference=about.reference, title=about.title, description=event.other.names["description"]
                )
            self.history.comment(record, text, by=by, at=at, internal=event.do == "note")
        elif event.do == "watch":
            person = self.written.person(event.by)
            self.watchers.append(Watcher(record=record, person=person))
            self._note(record, Verb.WATCH, event, {"@watch": [None, {"with": person.pk}]})
        elif event.do == "file":
            self._attach(case, record, event)
        elif event.other:
            self._link(record, self.told[id(event.other)], event)
        else:
            self.history.transition(record, event.do, values, by=by, at=at, reason=event.text)

    def _note(self, record: Record, verb: str, event: Event, changes: Changes) -> None:
        context = ChangeContext(verb, self.written.actor(event.by), at=event.at, brought_from=BROUGHT_FROM)
        note(record, context, changes, internal=verb == Verb.WATCH, writer=self.history)

    def _link(self, record: Record, other: Record, event: Event) -> None:
        source, target = (record, other) if event.do == "link" else (other, record)
        self.links.append(Link(source_id=source.pk, target_id=target.pk, type=event.text))
        for one, two, direction in ((source, target, "out"), (target, source, "in")):
            about: JsonObject = {
                "type": event.text,
                "with": two.pk,
                "direction": direction,
                "origin": Link.Origin.MANUAL.value,
            }
            self._note(one, Verb.LINK, event, {"@link": [None, about]})

    def _attach(self, case: Case, record: Record, event: Event) -> None:
        name, content = "log.txt", case.words.say("logs").encode()
        if event.text == "picture":
            pictures = sorted(DATA.joinpath("pictures").iterdir(), key=lambda path: path.name)
            picture = pictures[len(self.files) % len(pictures)]
            name, content = picture.name, picture.read_bytes()
        kind, digest = proven_type(content[:BEGINNING]), hashlib.sha256(content).hexdigest()
        about: JsonObject = {
            "name": name,
            "size": len(content),
            "sha256": digest,
            "type": kind,
            "comment": None,
        }
        self._note(record, Verb.ATTACH, event, {"@file": [None, about]})
        author = self.written.person(event.by)
        self.files.append(
            Attachment(
                record=record, blob=stored(ContentFile(content)), name=name, author=author, at=event.at
            )
        )

    def _notify(self) -> None:
        """Notify people of the last days, as if it had happened here; all but each one's newest have been read."""
        touched = {
            record.pk: record for record in self.told.values() if record.updated_at >= self.now - NOTIFIED_FOR
        }
        fresh = Entry.objects.filter(
            at__gte=self.now - NOTIFIED_FOR, record__in=list(touched)
        ).select_related("actor")
        made = list(
            chain.from_iterable(
                self._of(touched[entry.record_id], entry) for entry in fresh.order_by("at", "id")
            )
        )
        newer: Counter[int] = Counter()
        for notification in reversed(made):
            newer[notification.person_id] += 1
            if newer[notification.person_id] > UNREAD:
                notification.read_at = min(notification.created_at + READ_AFTER, self.now)
        Notification.objects.bulk_create(made)

    def _of(self, record: Record, entry: Entry) -> list[Notification]:
        heard_by_all = entry.verb in HEARD_BY_GUESTS and not entry.internal
        whys = concerned(Happened(record, entry, entry.actor or SYSTEM, None))
        return [
            Notification(person_id=person, entry=entry, why=why, created_at=entry.at)
            for person, why in whys.items()
            if person != entry.actor_id and (heard_by_all or why in (Why.NAMED, Why.INVOLVED))
        ]

    def _save_views(self) -> None:
        teams = {
            key: record.reference for (kind, key), record in self.written.records.items() if kind == "team"
        }
        for place, view in enumerate(read("demo.toml")["view"]):
            owner = self.written.person(view["owner"]) if "owner" in view else None
            query = view["query"].format_map(teams)
            SavedView.objects.create(
                kind=view["kind"],
                name=view["name"],
                query=query,
                owner=owner,
                shared=owner is None,
                position=place,
            )
