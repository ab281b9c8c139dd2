"""The shape of a demo organisation: plain values, ready to be written by the loader or looked at by a test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation, unit, member, customer or supplier with its one contact point."""

    key: str
    kind: str
    name: str
    description: str
    contact: str
    email: str
    phone: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """A human being (or the monitoring robot) who acts in the demo."""

    key: str
    first: str
    last: str
    email: str
    party: str
    title: str
    language: str
    kind: str
    active: bool = True
    sign_in: str = ""

    @property
    def name(self) -> str:
        """Return first and last name."""
        return f"{self.first} {self.last}"


@dataclass(frozen=True, slots=True)
class Membership:
    """Who was in a team from when to when; an open end means still."""

    person: str
    since: date
    until: date | None

    def covers(self, day: date) -> bool:
        """Say whether the person belonged to the team on that day."""
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Team:
    """A group of people that takes tickets together."""

    key: str
    name: str
    party: str
    lead: str
    email: str
    description: str
    members: tuple[Membership, ...]
    first_line: bool = False

    def on(self, day: date) -> list[str]:
        """List the members on a day."""
        return [one.person for one in self.members if one.covers(day)]


@dataclass(frozen=True, slots=True)
class Appointment:
    """A role held by a person or a team, for a party or all, for a process or all."""

    role: str
    person: str
    team: str
    party: str
    process: str
    since: date
    until: date | None
    by: str


@dataclass(frozen=True, slots=True)
class Service:
    """One entry of the service portfolio."""

    key: str
    name: str
    tagline: str
    description: str
    value: str
    customers: str
    features: str
    options: str
    dependencies: tuple[str, ...]
    hours: str
    phase: str
    visible: bool
    owner: str
    team: str
    party: str
    contact: str
    since: date


@dataclass(frozen=True, slots=True)
class Category:
    """A node of the two-level category tree, named by its path."""

    key: str
    name: str
    parent: str


@dataclass(frozen=True, slots=True)
class ReplyTemplate:
    """A ready-made reply of the desk."""

    key: str
    name: str
    text: str


class Action(StrEnum):
    """What can happen to a ticket."""

    CREATED = "created"
    CLASSIFIED = "classified"
    ASSIGNED = "assigned"
    TAKEN = "taken"
    RAISED = "raised"
    REPLIED = "replied"
    NOTED = "noted"
    WAITED = "waited"
    RESUMED = "resumed"
    HANDED_OVER = "handed over"
    RESOLVED = "resolved"
    CONFIRMED = "confirmed"
    CLOSED = "closed"
    REOPENED = "reopened"
    CANCELLED = "cancelled"
    MERGED = "merged"
    ATTACHED = "attached"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A small file made by the generator."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a ticket; `by` is a person's key, empty when the system acted.

    Which of the other fields are set follows from the action: `team` and `person` for who has it now,
    `reason` for waiting (user, supplier, change), `code` for a resolution, `impact`, `urgency` and `category` for
    a classification, `other` for the number of the ticket that this one was merged into.
    """

    at: datetime
    by: str
    action: Action
    text: str = ""
    team: str = ""
    person: str = ""
    reason: str = ""
    code: str = ""
    category: str = ""
    impact: int = 0
    urgency: int = 0
    priority: int = 0
    other: int = 0
    attachment: Attachment | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """An incident or a service request with its whole life; the fields hold what it began with."""

    number: int
    kind: str
    title: str
    description: str
    requester: str
    reporter: str
    channel: str
    service: str
    category: str
    impact: int
    urgency: int
    party: str
    events: tuple[Event, ...]
    watchers: tuple[str, ...] = ()

    @property
    def opened_at(self) -> datetime:
        """Return the instant of creation."""
        return self.events[0].at


@dataclass(frozen=True, slots=True)
class Link:
    """A typed link between two tickets: `duplicate`, `child` (of the target) or `related`."""

    kind: str
    source: int
    target: int
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Organisation:
    """Everything that the demo consists of, in the order in which it can be written."""

    now: datetime
    zone: str
    name: str
    parties: tuple[Party, ...]
    people: tuple[Person, ...]
    teams: tuple[Team, ...]
    appointments: tuple[Appointment, ...]
    services: tuple[Service, ...]
    categories: tuple[Category, ...]
    templates: tuple[ReplyTemplate, ...]
    tickets: tuple[Ticket, ...]
    links: tuple[Link, ...]


@dataclass
class State:
    """How a ticket stands after some of its events."""

    status: str = "new"
    team: str = ""
    person: str = ""
    reason: str = ""
    code: str = ""
    category: str = ""
    impact: int = 3
    urgency: int = 3

    @property
    def is_open(self) -> bool:
        """Say whether somebody still has to do something."""
        return self.status in {"new", "in progress", "waiting"}


PRIORITIES = ((1, 2, 3), (2, 3, 4), (3, 4, 5))

STATUS_AFTER = {
    Action.TAKEN: "in progress",
    Action.WAITED: "waiting",
    Action.RESUMED: "in progress",
    Action.RESOLVED: "resolved",
    Action.CONFIRMED: "closed",
    Action.CLOSED: "closed",
    Action.REOPENED: "in progress",
    Action.CANCELLED: "cancelled",
    Action.MERGED: "cancelled",
}


def priority(impact: int, urgency: int) -> int:
    """Return 1 (highest) to 5 for an impact and an urgency of 1 (high) to 3 (low)."""
    return PRIORITIES[impact - 1][urgency - 1]


def state_of(ticket: Ticket) -> State:
    """Replay a ticket's events and return how it stands now."""
    state = State(category=ticket.category, impact=ticket.impact, urgency=ticket.urgency)
    for event in ticket.events:
        state.status = STATUS_AFTER.get(event.action, state.status)
        for field in ("team", "person", "reason", "code", "category", "impact", "urgency"):
            setattr(state, field, getattr(event, field) or getattr(state, field))
        if event.action is Action.HANDED_OVER:
            state.person = ""
    return state
