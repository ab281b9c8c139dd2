"""The year that is made up: always the same, never in the future, and told in the right order."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random

import pytest

from stellwerk.demo import read, read_all
from stellwerk.demo.calendar import later
from stellwerk.demo.records import rows
from stellwerk.demo.stories import Beat, Case, House, scenes, value_sets
from stellwerk.demo.words import Details, stories
from stellwerk.demo.year import Year
from stellwerk.kernel.model import registry

NOW = datetime(2026, 11, 20, 10, 40)  # noqa: DTZ001 - the demo makes up local times
ENDS = ("resolve", "cancel", "merge")
STATUS_AFTER = {
    "begin": "in_progress",
    "wait": "waiting",
    "resume": "in_progress",
    "resolve": "resolved",
    "confirm": "closed",
    "close": "closed",
    "reopen": "in_progress",
    "cancel": "cancelled",
    "merge": "cancelled",
}


@pytest.fixture(scope="module")
def year() -> list[Case]:
    return Year(NOW, 7).cases_in_order()


def fingerprint(cases: Sequence[Case]) -> str:
    events = [(one.at, one.by, one.do, one.text) for case in cases for one in case.events]
    names = [sorted((name, str(value)) for name, value in case.names.items()) for case in cases]
    return hashlib.sha256(repr((events, names)).encode()).hexdigest()


def test_the_same_moment_and_seed_give_the_same_year(year: list[Case]) -> None:
    assert fingerprint(Year(NOW, 7).cases_in_order()) == fingerprint(year)


def test_another_seed_gives_another_year(year: list[Case]) -> None:
    assert fingerprint(Year(NOW, 8).cases_in_order()) != fingerprint(year)


def test_making_it_up_takes_less_than_two_seconds() -> None:
    started = time.process_time()
    Year(NOW, 7).cases_in_order()
    assert time.process_time() - started < 2


def test_it_has_the_size_that_was_promised(year: list[Case]) -> None:
    written = Counter(kind for kind, _key in {(row.type, row.key) for row in rows()})
    assert (written["party"], written["person"], written["team"], written["service"]) == (23, 43, 9, 16)
    assert written["category"] == 44
    assert len(year) == 2500


def test_gus_lena_maria_and_an_administrator_can_sign_in() -> None:
    given = read("demo.toml")["sign_ins"]
    assert given == {"gus": "requester", "lena": "agent", "maria": "manager", "admin": "administrator"}


def test_about_140_tickets_are_open_and_some_of_this_morning_are_nobodys(year: list[Case]) -> None:
    still_open = [case for case in year if case.is_open]
    fresh = [one for one in still_open if NOW - one.opened < timedelta(hours=4) and len(one.events) == 1]
    old = [one for one in still_open if NOW - one.opened > timedelta(days=70)]
    assert 130 <= len(still_open) <= 150
    assert len(fresh) >= 5
    assert len(old) >= 4
    assert any(one.names["requester"] == "gus" for one in still_open)


def test_three_of_five_tickets_are_incidents(year: list[Case]) -> None:
    share = sum(case.type == "incident" for case in year) / len(year)
    assert 0.59 < share < 0.66


@pytest.mark.parametrize("hour", [0, 3, 7, 12, 23])
def test_nothing_happens_after_now(hour: int) -> None:
    now = datetime(2026, 11, 22, hour, 17)  # noqa: DTZ001
    assert max(event.at for case in Year(now, 7).cases_in_order() for event in case.events) < now


def test_every_story_begins_with_its_creation_and_goes_forward(year: list[Case]) -> None:
    for case in year:
        assert [event.do for event in case.events].index("create") == 0
        assert case.events == sorted(case.events, key=lambda event: event.at)
    assert year == sorted(year, key=lambda case: case.opened)


def test_everybody_and_everything_named_exists(year: list[Case]) -> None:
    keys = {(row.type, row.key) for row in rows()}
    for case in year:
        assert {("person", event.by) for event in case.events if event.by} <= keys
        for event in case.events:
            for name, value in event.values.items():
                references = registry.get(case.type).references
                if name in references and isinstance(value, str) and value:
                    assert (registry.for_model(references[name]).key, value) in keys


def test_only_members_of_the_team_take_its_tickets(year: list[Case]) -> None:
    house = House(NOW.date())
    taken = [one for case in year for one in case.events if one.values.get("assigned_to")]
    assert len(taken) > 2000
    for event in taken:
        assert event.values["assigned_to"] in house.on(str(event.values["team"]), event.at.date())


def test_a_merged_ticket_names_an_earlier_one(year: list[Case]) -> None:
    into = [(case, one.values["merged_into"]) for case in year for one in case.events if one.do == "merge"]
    assert len(into) >= 20
    assert all(isinstance(other, Case) and other.opened < case.opened for case, other in into)


def test_no_gap_in_a_text_stays_unfilled(year: list[Case]) -> None:
    for case in year:
        texts = [str(case.names["title"]), str(case.names["description"])]
        texts += [event.text for event in case.events if not event.other]
        texts += [value for event in case.events for value in event.values.values() if isinstance(value, str)]
        assert not [text for text in texts if "{" in text or "}" in text or text.startswith("@")]
        assert all(texts[:2])


def test_texts_are_many(year: list[Case]) -> None:
    assert len({case.names["title"] for case in year}) > 800
    assert len({case.names["description"] for case in year}) > 2000


def test_every_gap_of_every_story_can_be_filled() -> None:
    known = {"first": "Gus", "name": "Gus Petersen", "unit": "Globex", "time": "9:30", "year": "2025"}
    for story in stories():
        details = Details("globex", Random(1), **known)
        for name in ("titles", "bodies", "ask", "answer", "note", "fix"):
            for text in story.texts.get(name, ()):
                assert "{" not in text.format_map(details)


def test_whatever_a_scene_names_is_there() -> None:
    phrases = read("phrases.toml")
    told = {name for story in stories() for name in story.texts}

    def every(beats: str | Sequence[Beat]) -> list[Beat]:
        if isinstance(beats, str):
            assert beats in scenes(), beats
            return []
        return [one for beat in beats for one in (beat, *every(beat.then), *every(beat.oneof))]

    for beat in [one for beats in scenes().values() for one in every(beats)]:
        assert {name for name in beat.set if isinstance(name, str)} <= set(value_sets())
        for said in (beat.reply, beat.note, beat.note_there, beat.reason):
            for name in [said] if isinstance(said, str) else said:
                for kind in ("incident", "service_request"):
                    for outside in ("supplier", "change"):
                        filled = name.format(type=kind, outside=outside)
                        assert not filled or filled[0] == "@" or filled in phrases or filled in told, filled


def test_a_process_adds_data_only() -> None:
    assert {story.type for story in stories()} == {"incident", "service_request"}
    assert {key for file in read_all("scenes") for key in file} == {"values", "scenes"}


def test_winter_sleeps_october_hurries_and_one_morning_breaks(year: list[Case]) -> None:
    days = Counter(case.opened.date() for case in year)
    christmas = sum(days[date(2025, 12, 23) + timedelta(days=number)] for number in range(14))
    october = sum(days[date(2026, 10, 1) + timedelta(days=number)] for number in range(14))
    assert october > 4 * christmas
    (busiest, _count), *_rest = days.most_common(1)
    assert busiest.weekday() == 3
    assert 110 < (NOW.date() - busiest).days < 130


def test_nights_and_weekends_are_quiet(year: list[Case]) -> None:
    moments = [case.opened for case in year]
    assert sum(moment.weekday() >= 5 for moment in moments) < 0.09 * len(moments)
    assert sum(8 <= moment.hour < 18 for moment in moments) > 0.75 * len(moments)


def test_staffed_time_skips_the_night_and_the_weekend() -> None:
    friday_evening = datetime(2026, 11, 20, 17, 30)  # noqa: DTZ001
    assert later(friday_evening, 60) == datetime(2026, 11, 23, 8, 30)  # noqa: DTZ001


def test_every_step_is_possible_where_it_is_taken(year: list[Case]) -> None:
    for case in year:
        workflow = registry.get(case.type).workflow
        assert workflow
        status = "new"
        for event in case.events:
            if event.do in workflow.by_name:
                assert status in workflow.by_name[event.do].source, (status, event)
                status = STATUS_AFTER[event.do]
        assert case.is_open == (status not in ("resolved", "closed", "cancelled"))
