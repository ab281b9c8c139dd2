"""The invented organisation: always the same, never in the future, and told in the right order."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from stellwerk.demo.build import build
from stellwerk.demo.organisation import (
    STATUS_AFTER,
    Action,
    Attachment,
    Organisation,
    State,
    Ticket,
    priority,
    state_of,
)
from stellwerk.demo.rhythm import later, outage_day
from stellwerk.demo.texts import Details, stories

FRIDAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def demo() -> Organisation:
    return build(FRIDAY)


@pytest.fixture(scope="module")
def states(demo: Organisation) -> dict[int, State]:
    return {ticket.number: state_of(ticket) for ticket in demo.tickets}


def fingerprint(organisation: Organisation) -> str:
    return hashlib.sha256(repr(organisation).encode()).hexdigest()


def test_the_same_day_and_seed_give_the_same_organisation(demo: Organisation) -> None:
    assert fingerprint(build(FRIDAY)) == fingerprint(demo)


def test_another_seed_gives_another_year(demo: Organisation) -> None:
    assert fingerprint(build(FRIDAY, seed=8)) != fingerprint(demo)


def test_making_it_up_takes_less_than_two_seconds() -> None:
    started = time.process_time()
    build(FRIDAY)
    assert time.process_time() - started < 2


def test_it_has_the_size_that_was_promised(demo: Organisation) -> None:
    kinds = Counter(party.kind for party in demo.parties)
    assert (kinds["member"], kinds["customer"], kinds["supplier"]) == (5, 3, 2)
    assert sum(person.kind != "robots" for person in demo.people) == 42
    assert sum(service.visible for service in demo.services) == 12
    assert {service.phase for service in demo.services} == {
        "idea",
        "preparation",
        "live",
        "retiring",
        "retired",
    }
    assert sum(bool(category.parent) for category in demo.categories) == 34
    assert len(demo.tickets) == 2500


def test_gus_lena_maria_and_an_administrator_can_sign_in(demo: Organisation) -> None:
    roles = {person.key: person.sign_in for person in demo.people if person.sign_in}
    assert roles == {"gus": "requester", "lena": "agent", "maria": "manager", "admin": "administrator"}


def test_about_140_tickets_are_open_and_some_of_this_morning_are_nobodys(
    demo: Organisation, states: dict[int, State]
) -> None:
    still_open = [ticket for ticket in demo.tickets if states[ticket.number].is_open]
    fresh = [
        one for one in still_open if demo.now - one.opened_at < timedelta(hours=4) and len(one.events) == 1
    ]
    old = [one for one in still_open if demo.now - one.opened_at > timedelta(days=70)]
    assert 130 <= len(still_open) <= 150
    assert len(fresh) >= 5
    assert len(old) >= 4
    assert any(one.requester == "gus" for one in still_open)


def test_three_of_five_tickets_are_incidents(demo: Organisation) -> None:
    share = sum(ticket.kind == "incident" for ticket in demo.tickets) / len(demo.tickets)
    assert 0.59 < share < 0.66


def test_few_tickets_have_the_highest_priority(states: dict[int, State]) -> None:
    shares = Counter(priority(state.impact, state.urgency) for state in states.values())
    assert shares[1] < 100 < shares[2] < shares[3] < shares[5]


@pytest.mark.parametrize("hour", [0, 3, 7, 12, 23])
def test_nothing_happens_after_now(hour: int) -> None:
    now = datetime(2026, 11, 22, hour, 17, tzinfo=UTC)
    demo = build(date(2026, 11, 22), now=now)
    assert max(event.at for ticket in demo.tickets for event in ticket.events) < now
    assert max(link.at for link in demo.links) < now


def test_every_life_begins_with_its_creation_and_goes_forward(demo: Organisation) -> None:
    for ticket in demo.tickets:
        assert ticket.events[0].action is Action.CREATED
        assert all(before.at < after.at for before, after in pairwise(ticket.events))


def test_the_clock_change_breaks_no_order() -> None:
    for day in (date(2027, 3, 29), date(2026, 10, 26)):
        for ticket in build(day).tickets:
            assert all(before.at < after.at for before, after in pairwise(ticket.events))


def test_tickets_are_numbered_as_they_came(demo: Organisation) -> None:
    assert [ticket.number for ticket in demo.tickets] == list(range(1, 2501))
    assert all(before.opened_at <= after.opened_at for before, after in pairwise(demo.tickets))


def test_everybody_and_everything_named_exists(demo: Organisation) -> None:
    people = {person.key for person in demo.people} | {""}
    teams = {team.key for team in demo.teams} | {""}
    services = {service.key for service in demo.services}
    categories = {category.key for category in demo.categories} | {""}
    parties = {party.key for party in demo.parties}
    for ticket in demo.tickets:
        assert {ticket.requester, ticket.reporter, *ticket.watchers} <= people
        assert ticket.service in services
        assert ticket.party in parties
        assert {ticket.category, *(event.category for event in ticket.events)} <= categories
        assert {who for event in ticket.events for who in (event.by, event.person)} <= people
        assert {event.team for event in ticket.events} <= teams
    for service in demo.services:
        assert set(service.dependencies) <= services


def test_only_members_of_the_team_take_its_tickets(demo: Organisation) -> None:
    teams = {team.key: team for team in demo.teams}
    zone = ZoneInfo(demo.zone)
    for ticket in demo.tickets:
        for event in ticket.events:
            if event.action is Action.TAKEN:
                assert event.person in teams[event.team].on(event.at.astimezone(zone).date())


def test_a_merged_ticket_names_an_earlier_one(demo: Organisation) -> None:
    merged = [(one, event) for one in demo.tickets for event in one.events if event.action is Action.MERGED]
    assert len(merged) >= 20
    for ticket, event in merged:
        assert 0 < event.other < ticket.number


def test_no_gap_in_a_text_stays_unfilled(demo: Organisation) -> None:
    for ticket in demo.tickets:
        texts = [ticket.title, ticket.description, *(event.text for event in ticket.events)]
        assert not [text for text in texts if "{" in text or "}" in text]
        assert ticket.title
        assert ticket.description


def test_texts_are_many(demo: Organisation) -> None:
    assert len({ticket.title for ticket in demo.tickets}) > 800
    assert len({ticket.description for ticket in demo.tickets}) > 2000


def test_every_gap_of_every_story_can_be_filled() -> None:
    from random import Random

    for story in stories():
        details = Details(Random(1), datetime(2026, 5, 4, 9, 30, tzinfo=UTC), "globex")
        details.update(first="Gus", name="Gus Petersen", unit="Globex")
        for text in (*story.titles, *story.bodies, *story.ask, *story.answer, *story.note, *story.fix):
            assert "{" not in text.format_map(details)


def test_winter_sleeps_october_hurries_and_one_morning_breaks(demo: Organisation) -> None:
    days = Counter(ticket.opened_at.date() for ticket in demo.tickets)
    christmas = sum(days[date(2025, 12, 23) + timedelta(days=number)] for number in range(14))
    october = sum(days[date(2026, 10, 1) + timedelta(days=number)] for number in range(14))
    assert october > 4 * christmas
    assert days.most_common(1)[0][0] == outage_day(FRIDAY)


def test_nights_and_weekends_are_quiet(demo: Organisation) -> None:
    local = [ticket.opened_at.astimezone(ZoneInfo(demo.zone)) for ticket in demo.tickets]
    assert sum(moment.weekday() >= 5 for moment in local) < 0.09 * len(local)
    assert sum(8 <= moment.hour < 18 for moment in local) > 0.75 * len(local)


def test_staffed_time_skips_the_night_and_the_weekend() -> None:
    friday_evening = datetime(2026, 11, 20, 17, 30)  # noqa: DTZ001 - the demo invents in local time
    assert later(friday_evening, 60) == datetime(2026, 11, 23, 8, 30)  # noqa: DTZ001


def test_an_attached_picture_is_a_png(demo: Organisation) -> None:
    pictures = [made.content for made in _attachments(demo.tickets) if made.media_type == "image/png"]
    assert len(pictures) >= 20
    assert all(picture.startswith(b"\x89PNG\r\n\x1a\n") and len(picture) < 4000 for picture in pictures)


def _attachments(tickets: tuple[Ticket, ...]) -> list[Attachment]:
    return [event.attachment for ticket in tickets for event in ticket.events if event.attachment]


OPEN = {"new", "in progress", "waiting"}
POSSIBLE_IN = {
    Action.WAITED: {"new", "in progress"},
    Action.RESUMED: {"waiting"},
    Action.RESOLVED: OPEN,
    Action.CONFIRMED: {"resolved"},
    Action.CLOSED: {"resolved"},
    Action.REOPENED: {"resolved", "closed"},
    Action.CANCELLED: OPEN,
    Action.MERGED: OPEN,
}


def test_every_step_is_possible_where_it_is_taken(demo: Organisation) -> None:
    for ticket in demo.tickets:
        status = "new"
        for event in ticket.events:
            assert status in POSSIBLE_IN.get(event.action, {status})
            status = STATUS_AFTER.get(event.action, status)
