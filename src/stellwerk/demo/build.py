"""Make up the whole demo organisation: the same day and seed always give the same one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from stellwerk.demo.federation import federation
from stellwerk.demo.invention import Invention
from stellwerk.demo.organisation import Event, Organisation, Ticket

SEED = 7
MORNING = time(10, 40)


def build(today: date, seed: int = SEED, now: datetime | None = None) -> Organisation:
    """Return the organisation as of a day; nothing in it happens after `now` (10:40 that day unless told)."""
    base = federation(today)
    zone = ZoneInfo(base.zone)
    local = now.astimezone(zone).replace(tzinfo=None) if now else datetime.combine(today, MORNING)
    tickets, links = Invention(base, local, Random(seed * 1_000_003 + today.toordinal())).everything()
    return Organisation(
        now=_instant(local, zone),
        zone=base.zone,
        name=base.name,
        parties=base.parties,
        people=base.people,
        teams=base.teams,
        appointments=base.appointments,
        services=base.services,
        categories=base.categories,
        templates=base.templates,
        tickets=tuple(replace(ticket, events=_placed(ticket, zone)) for ticket in tickets),
        links=tuple(replace(link, at=_instant(link.at, zone)) for link in links),
    )


def _placed(ticket: Ticket, zone: ZoneInfo) -> tuple[Event, ...]:
    """Turn local times into instants that strictly ascend, also where the clocks change."""
    events, last = [], datetime.min.replace(tzinfo=UTC)
    for event in ticket.events:
        last = max(_instant(event.at, zone), last + timedelta(seconds=1))
        events.append(replace(event, at=last))
    return tuple(events)


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone, microsecond=0).astimezone(UTC)
