"""Tell the life of made-up tickets to the kernel: each event becomes what a person would have done."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from stellwerk.demo import organisation as made_up
from stellwerk.demo.organisation import Action, Event
from stellwerk.foundation.category import Category
from stellwerk.foundation.prioritisation import Level
from stellwerk.kernel.activity.attachments.content import proven_type
from stellwerk.kernel.activity.attachments.services import BEGINNING
from stellwerk.kernel.activity.history import History
from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.activity.watching.models import Watcher
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.journal.entry import Verb
from stellwerk.kernel.model.actor import SYSTEM, Actor
from stellwerk.kernel.model.link_types import DUPLICATE, PARENT, RELATED
from stellwerk.kernel.write.services import ChangeContext, note
from stellwerk.processes.incidents.incident import Incident
from stellwerk.processes.incidents.service_request import ServiceRequest
from stellwerk.processes.incidents.ticket import Ticket
from stellwerk.processes.services.service import Service

MODELS: dict[str, type[Ticket]] = {"incident": Incident, "request": ServiceRequest}
LEVELS = {1: Level.HIGH, 2: Level.MEDIUM, 3: Level.LOW}
CODES = {
    "fixed": Ticket.ResolutionCode.SOLVED,
    "by supplier": Ticket.ResolutionCode.SOLVED,
    "advice": Ticket.ResolutionCode.EXPLAINED,
    "workaround": Ticket.ResolutionCode.WORKAROUND,
    "fulfilled": Ticket.ResolutionCode.FULFILLED,
}


@dataclass
class Cast:
    """The records that tickets refer to, by the keys of the made-up organisation."""

    parties: dict[str, Party] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    categories: dict[str, Category] = field(default_factory=dict)

    def actor(self, key: str) -> Actor:
        """Return who acts: a person, or the system for an empty key."""
        return self.people[key] if key else SYSTEM


class Teller:
    """Writes tickets, event by event, into a history."""

    def __init__(self, history: History, cast: Cast) -> None:
        self.history, self.cast = history, cast
        self.records: dict[int, Ticket] = {}
        self.links: list[Link] = []
        self.files: list[tuple[Ticket, Event]] = []
        self.steps: Mapping[Action, Callable[[Ticket, Event], None]] = {
            Action.CLASSIFIED: self._classified,
            Action.ASSIGNED: self._assigned,
            Action.TAKEN: self._taken,
            Action.RAISED: self._raised,
            Action.REPLIED: self._said,
            Action.NOTED: self._noted,
            Action.WAITED: self._waited,
            Action.RESUMED: self._resumed,
            Action.HANDED_OVER: self._assigned,
            Action.RESOLVED: self._resolved,
            Action.CONFIRMED: self._confirmed,
            Action.CLOSED: self._closed,
            Action.REOPENED: self._reopened,
            Action.CANCELLED: self._cancelled,
            Action.MERGED: self._merged,
            Action.ATTACHED: self._attached,
        }

    def open(self, ticket: made_up.Ticket) -> None:
        """Create the record of a ticket as it came in; the first line gets what people ask."""
        cast = self.cast
        values = {
            "title": ticket.title,
            "description": ticket.description,
            "channel": ticket.channel,
            "requester": cast.people[ticket.requester],
            "reported_by": cast.people[ticket.reporter] if ticket.reporter != ticket.requester else None,
            "service": cast.services[ticket.service],
            "category": cast.categories.get(ticket.category),
            "impact": LEVELS[ticket.impact],
            "urgency": LEVELS[ticket.urgency],
            "team": None if ticket.channel == "monitoring" else cast.teams["desk"],
        }
        by = cast.actor(ticket.events[0].by)
        record = self.history.create(MODELS[ticket.kind], values, by=by, at=ticket.opened_at)
        self.records[ticket.number] = record

    def go_on(self, number: int, event: Event) -> None:
        """Write one event of a ticket that is open already."""
        self.steps[event.action](self.records[number], event)

    def tie(self, link: made_up.Link) -> None:
        """Link two tickets whose records are stored, and note it in both journals."""
        source, target = self.records[link.source], self.records[link.target]
        if link.kind == "child":
            source, target = target, source
        kind = {"child": PARENT, "related": RELATED, "duplicate": DUPLICATE}[link.kind]
        self.links.append(Link(source_id=source.pk, target_id=target.pk, type=kind.key))
        context = self._act(Verb.LINK, self.cast.actor(link.by), link.at)
        for record, other, direction in ((source, target, "out"), (target, source, "in")):
            about = {
                "type": kind.key,
                "with": other.pk,
                "direction": direction,
                "origin": Link.Origin.MANUAL.value,
            }
            note(record, context, {"@link": [None, about]}, writer=self.history)

    def watched(self, watcher: Watcher) -> None:
        """Note that somebody began to watch a ticket, at the last moment that it tells of."""
        record: Any = watcher.record
        context = self._act(Verb.WATCH, watcher.person, record.updated_at)
        note(
            record,
            context,
            {"@watch": [None, {"with": watcher.person_id}]},
            internal=True,
            writer=self.history,
        )

    # -- what each event means ---------------------------------------------------------------------------

    def _classified(self, record: Ticket, event: Event) -> None:
        values = {
            "category": self.cast.categories[event.category],
            "impact": LEVELS[event.impact],
            "urgency": LEVELS[event.urgency],
        }
        self._change(record, event, values)

    def _assigned(self, record: Ticket, event: Event) -> None:
        self._change(record, event, {"team": self.cast.teams[event.team], "assigned_to": None})
        self._noted(record, event)

    def _taken(self, record: Ticket, event: Event) -> None:
        values = {"team": self.cast.teams[event.team], "assigned_to": self.cast.people[event.person]}
        if record.status == Ticket.Status.NEW:
            self._move(record, event, "begin", values)
        else:
            self._change(record, event, values)

    def _raised(self, record: Ticket, event: Event) -> None:
        self._change(record, event, {"priority_override": event.priority, "priority_reason": event.text})

    def _said(self, record: Ticket, event: Event) -> None:
        if event.text:
            self.history.comment(record, event.text, by=self.cast.actor(event.by), at=event.at)

    def _noted(self, record: Ticket, event: Event) -> None:
        if event.text:
            self.history.comment(record, event.text, by=self.cast.actor(event.by), at=event.at, internal=True)

    def _waited(self, record: Ticket, event: Event) -> None:
        self._noted(record, event)
        self._move(record, event, "wait", {"waiting_for": event.reason})

    def _resumed(self, record: Ticket, event: Event) -> None:
        self._noted(record, event)
        self._move(record, event, "resume")

    def _resolved(self, record: Ticket, event: Event) -> None:
        self._move(record, event, "resolve", {"resolution": event.text, "resolution_code": CODES[event.code]})

    def _confirmed(self, record: Ticket, event: Event) -> None:
        self._said(record, event)
        self._move(record, event, "confirm")

    def _closed(self, record: Ticket, event: Event) -> None:
        self._move(record, event, "close", reason=_("Nobody answered for %d days.") % 7)

    def _reopened(self, record: Ticket, event: Event) -> None:
        self._said(record, event)
        self._move(record, event, "reopen")

    def _cancelled(self, record: Ticket, event: Event) -> None:
        code = Ticket.ResolutionCode.WITHDRAWN
        self._move(record, event, "cancel", {"resolution": event.text, "resolution_code": code})

    def _merged(self, record: Ticket, event: Event) -> None:
        into = self.records[event.other]
        self._move(record, event, "merge", {"resolution": event.text, "merged_into": into})
        told = _("Merged from %(reference)s (%(title)s):\n\n%(text)s") % {
            "reference": record.reference,
            "title": record.title,
            "text": record.description,
        }
        self.history.comment(into, told, by=self.cast.actor(event.by), at=event.at, internal=True)

    def _attached(self, record: Ticket, event: Event) -> None:
        if event.attachment:
            content = event.attachment.content
            about = {
                "name": event.attachment.name,
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "type": proven_type(content[:BEGINNING]),
            }
            context = self._act(Verb.ATTACH, self.cast.actor(event.by), event.at)
            note(record, context, {"@file": [None, about]}, writer=self.history)
            self.files.append((record, event))

    # -- shorter words for the verbs ---------------------------------------------------------------------

    def _change(self, record: Ticket, event: Event, values: dict[str, Any]) -> None:
        self.history.change(record, values, by=self.cast.actor(event.by), at=event.at)

    def _move(
        self, record: Ticket, event: Event, step: str, values: dict[str, Any] | None = None, reason: str = ""
    ) -> None:
        by = self.cast.actor(event.by)
        self.history.transition(record, step, values, by=by, at=event.at, reason=reason)

    def _act(self, verb: str, by: Actor, at: datetime) -> ChangeContext:
        return ChangeContext(verb, by, at=at, brought_from=self.history.brought_from)
