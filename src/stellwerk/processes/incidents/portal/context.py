"""What the portal's templates draw."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.forms.boundfield import BoundField
from django.utils.safestring import SafeString

from stellwerk.processes.incidents.portal.forms import TicketForm
from stellwerk.vocabulary import Text
from stellwerk.web.parts import Empty, Pager, RecordHead, Tab
from stellwerk.web.record.context import Composer, OfferedStep
from stellwerk.web.record.stream import StreamEntry


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A ticket in one line."""

    reference: str
    title: str
    url: str
    status: SafeString
    service: str
    updated: SafeString


@dataclass(frozen=True, slots=True)
class Tile:
    """A service among others."""

    name: str
    summary: str
    url: str


@dataclass(frozen=True, slots=True)
class ServiceText:
    """What a service is, in its own words."""

    name: str
    summary: str
    description: str


@dataclass(frozen=True, slots=True)
class Way:
    """A way to ask for help."""

    title: str
    text: str
    url: str
    icon: str


@dataclass(frozen=True, slots=True)
class Home:
    """What waits for the reader, their open tickets, and the ways to ask."""

    name: str
    ways: Sequence[Way]
    waiting: Sequence[TicketRow]
    more_waiting: bool
    tickets: Sequence[TicketRow]
    tickets_url: str
    services: Sequence[Tile]
    services_url: str
    search_url: str


@dataclass(frozen=True, slots=True)
class Services:
    """The catalogue, or what of it and of the reader's tickets was found."""

    q: str
    services: Sequence[Tile]
    tickets: Sequence[TicketRow]
    search_url: str
    ask_url: str


@dataclass(frozen=True, slots=True)
class ServicePage:
    """One service and the reader's open tickets about it."""

    service: ServiceText
    facts: Sequence[tuple[Text, str]]
    ways: Sequence[Way]
    tickets: Sequence[TicketRow]
    tickets_url: str
    services_url: str


@dataclass(frozen=True, slots=True)
class MyTickets:
    tickets: Sequence[TicketRow]
    tabs: Sequence[Tab]
    page: Pager
    new_url: str
    words_url: str
    empty: Empty


@dataclass(frozen=True, slots=True)
class Words:
    """What the reader wrote on tickets that are no longer theirs."""

    words: Sequence[StreamEntry]
    tickets_url: str


@dataclass(frozen=True, slots=True)
class FieldGroup:
    fields: Sequence[BoundField]


@dataclass(frozen=True, slots=True)
class NewTicket:
    title: str
    lead: str
    form: TicketForm
    sections: Sequence[FieldGroup]
    cancel_url: str


@dataclass(frozen=True, slots=True)
class Asks:
    """What the requester is asked; the steps are the answers."""

    title: str
    text: str
    steps: Sequence[OfferedStep]


@dataclass(frozen=True, slots=True)
class TicketPage:
    """One ticket as its requester sees it."""

    record: RecordHead
    status: SafeString
    facts: Sequence[str]
    asks: Asks | None
    outcome: str
    stream: Sequence[StreamEntry]
    stream_more_url: str
    composer: Composer | None
    steps: Sequence[OfferedStep]
    tickets_url: str
    version: int


@dataclass(frozen=True, slots=True)
class About:
    """What a small form is about."""

    record: RecordHead
