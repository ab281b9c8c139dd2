"""A year of stories: who asks for what and when, and what happens then, as the scenes of the data files say.

What a scene may say is written at the head of data/scenes/tickets.toml. Times are local, without a zone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from random import Random
from typing import Any

from stellwerk.demo import read, read_all
from stellwerk.demo.calendar import later
from stellwerk.demo.records import rows
from stellwerk.demo.words import Story, Words

LEVELS = ("high", "medium", "low")


@dataclass(frozen=True)
class Beat:
    """One thing that may happen in a scene; the head of data/scenes/tickets.toml says what each name means."""

    when: Sequence[str] = ()
    unless: Sequence[str] = ()
    chance: float = 1.0
    weight: float = 1.0
    let: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    take: str = ""
    by: str = ""
    reply: str | Sequence[str] = ()
    note: str | Sequence[str] = ()
    do: str = ""
    set: Sequence[str | Mapping[str, str]] = ()
    reason: str = ""
    note_there: str = ""
    file: str = ""
    watch: Sequence[str] = ()
    link: str = ""
    linked_from: str = ""
    then: "str | Sequence[Beat]" = ()
    oneof: "Sequence[Beat]" = ()
    spread: str = ""


@dataclass
class Case:
    """A record while its story is told: what "@" names stand for, the facts of the moment, and what happened."""

    story: Story
    words: Words
    opened: datetime
    names: "dict[str, str | int | Case]"
    facts: set[str]
    partner: "Case | None" = None
    events: "list[Event]" = field(default_factory=list)

    @property
    def type(self) -> str:
        return self.story.type

    @property
    def ended(self) -> datetime | None:
        """The moment of its solution; None while there is none."""
        return next(
            (one.at for one in self.events if one.do in read("demo.toml")["still_open"]["ends"]), None
        )

    @property
    def is_open(self) -> bool:
        return not any(one.do in ("resolve", "cancel", "merge") for one in self.events)


@dataclass
class Event:
    """One thing that happened: `do` is create, change, comment, note, file, watch, link, linked_from or a step.

    `by` is the key of a person, empty when the system acted; `other` the case that a link or note is about.
    """

    at: datetime
    by: str
    do: str
    values: "Mapping[str, str | int | Case]" = field(default_factory=dict)
    text: str = ""
    other: Case | None = None


@cache
def scenes() -> dict[str, Sequence[Beat]]:
    return {name: _beats(rows) for file in read_all("scenes") for name, rows in file["scenes"].items()}


@cache
def value_sets() -> dict[str, Mapping[str, str]]:
    return {name: values for file in read_all("scenes") for name, values in file["values"].items()}


def _beats(rows: Iterable[Mapping[str, Any]]) -> Sequence[Beat]:
    return [_beat(dict(row)) for row in rows]


def _beat(row: dict[str, Any]) -> Beat:
    """Make a beat of its row; a name that beats do not have fails here."""
    for name in ("then", "oneof"):
        if isinstance(row.get(name), list):
            row[name] = _beats(row[name])
    return Beat(**row)


class House:
    """Knows who works in which team on which day, and who asks."""

    def __init__(self, today: date) -> None:
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for row in rows():
            found.setdefault(row.type, {}).setdefault(row.key, {}).update(
                row.values | {"asks": row.given.get("asks", 0)}
            )
        self.today, self.people, self.teams, self.parties = (
            today,
            found["person"],
            found["team"],
            found["party"],
        )
        self.team_of = {key: service["team"] for key, service in found["service"].items()}
        self.members: dict[str, dict[str, list[tuple[date, date]]]] = {team: {} for team in self.teams}
        for one in found["team_membership"].values():
            span = self._day(one["valid_from"]), self._day(one.get("valid_until", -9999))
            self.members[one["team"]].setdefault(one["person"], []).append(span)
        first_line = self.members[read("demo.toml")["desk"]["team"]]
        self.colleagues = {person for team in self.members.values() for person in team}
        self.askers = {
            key: one["asks"] for key, one in self.people.items() if one["asks"] and key not in first_line
        }

    def _day(self, days: int) -> date:
        return self.today - timedelta(days=days)

    def first_name(self, key: str) -> str:
        return str(self.people[key]["title"]).split(" ", maxsplit=1)[0] if key in self.people else ""

    def on(self, team: str, day: date) -> list[str]:
        """List the members of a team on a day."""
        spans = self.members[team].items()
        return [person for person, days in spans if any(first <= day <= last for first, last in days)]

    def agent(self, team: str, moment: datetime, rng: Random) -> str:
        """Pick somebody of the team; the lead takes fewer tickets than the others."""
        members = self.on(team, moment.date())
        return rng.choices(members, [1 if one == self.teams[team]["lead"] else 4 for one in members])[0]

    def home(self, person: str) -> str:
        """Return the organisation that somebody belongs to, without its unit."""
        return str(self.people[person]["party"]).split("-", maxsplit=1)[0]


class Telling:
    """Tells what happens to one case, beat by beat."""

    def __init__(self, case: Case, house: House, rng: Random) -> None:
        self.case, self.house, self.rng, self.at = case, house, rng, case.opened
        self._ranked(sum(LEVELS.index(str(case.names[name])) for name in ("impact", "urgency")) + 1)
        self._hears(str(case.names["description"]))

    def scene(self, beats: str | Sequence[Beat]) -> None:
        for beat in scenes()[beats] if isinstance(beats, str) else beats:
            if self._fits(beat) and self.rng.random() < beat.chance:
                self.beat(beat)

    def beat(self, beat: Beat) -> None:
        self.case.names.update({name: self.value(value) for name, value in beat.let.items()})
        self._pass(beat.after)
        if beat.take:
            self.case.names["agent"] = self.house.agent(str(self.value(beat.take)), self.at, self.rng)
        by = str(self.value(beat.by))
        self._say_so(beat, by)
        if beat.do:
            self._do(beat, by)
        if beat.file:
            self._happens(by, "file", text=beat.file)
        for one in {str(self.value(name)) for name in beat.watch} - {self.case.names["requester"]}:
            self._happens(one, "watch")
        for do, kind in (("link", beat.link), ("linked_from", beat.linked_from)):
            if kind:
                self._happens(by, do, text=kind, other=self.case.partner)
        if beat.spread:
            self._spread(beat)
        else:
            self.scene(beat.then)
        if fitting := [one for one in beat.oneof if self._fits(one)]:
            self.beat(self.rng.choices(fitting, [one.weight for one in fitting])[0])

    def _say_so(self, beat: Beat, by: str) -> None:
        for names, do in ((beat.reply, "comment"), (beat.note, "note")):
            if names:
                text = self._say(names, by_hand=by == self.case.names["requester"])
                self._hears(text)
                self._happens(by, do, text=text)
        if beat.note_there and self.case.partner:
            text = self.case.words.phrases(beat.note_there)[0]
            self.case.partner.events.append(Event(self.at, by, "note", text=text, other=self.case))

    def _do(self, beat: Beat, by: str) -> None:
        values = self._values(beat.set)
        self._happens(by, beat.do, values=values, text=self._say(beat.reason) if beat.reason else "")
        if "priority_override" in values:
            self._ranked(int(str(values["priority_override"])))
        if values.get("team"):
            self._now("with", str(values["team"]))

    def value(self, value: str) -> "str | int | Case":
        """Return what a name with an "@" stands for, what is said for "say", else the value itself."""
        if value.startswith("say "):
            return self._say(value.removeprefix("say "))
        if value == "@partner" and self.case.partner:
            return self.case.partner
        if value == "@other_team":
            desk = read("demo.toml")["desk"]["team"]
            return self.rng.choice(
                [one for one in self.house.teams if one not in (desk, self.case.names["service_team"])]
            )
        return self.case.names[value[1:]] if value.startswith("@") else value

    def _fits(self, beat: Beat) -> bool:
        return self.case.facts.issuperset(beat.when) and self.case.facts.isdisjoint(beat.unless)

    def _values(self, parts: Sequence[str | Mapping[str, str]]) -> "dict[str, str | int | Case]":
        sets = [value_sets()[part] if isinstance(part, str) else part for part in parts]
        return {name: self.value(value) for values in sets for name, value in values.items()}

    def _say(self, names: str | Sequence[str], *, by_hand: bool = False) -> str:
        words = self.case.words
        words.details["agent"] = self.house.first_name(str(self.case.names.get("agent", "")))
        team = str(self.case.names.get("team") or self.case.names["service_team"])
        words.details["team"] = str(self.house.teams[team]["title"])
        listed = [names] if isinstance(names, str) else names
        listed = [str(self.value(one)).format_map(self.case.names | {"type": "{type}"}) for one in listed]
        return words.say(listed, by_hand=by_hand)

    def _spread(self, beat: Beat) -> None:
        """Play what chance picks of the beats, spread over a time."""
        beats = scenes()[beat.then] if isinstance(beat.then, str) else beat.then
        chosen = [one for one in beats if self._fits(one) and self.rng.random() < one.chance]
        share = self._median(beat.spread) / (len(chosen) + 1)
        for one in chosen:
            self._minutes(share * self.rng.uniform(0.3, 1.4))
            self.beat(one)
        self._minutes(share)

    def _happens(self, by: str, do: str, **more: Any) -> None:
        self.case.events.append(Event(self.at, by, do, **more))
        self.case.facts.add(f"did:{do}")

    def _hears(self, text: str) -> None:
        self._if("mentions a file", any(word in text for word in ("attach", "screenshot", "Here it is")))
        self._if("mentions a log", "log" in text)

    def _ranked(self, priority: int) -> None:
        self.priority, self.case.names["higher"] = priority, priority - 1
        self._now("priority", str(priority))
        self._if("urgent", priority <= 2)

    def _now(self, about: str, value: str) -> None:
        self.case.facts -= {fact for fact in self.case.facts if fact.startswith(f"{about}:")}
        self.case.facts.add(f"{about}:{value}")

    def _if(self, fact: str, holds: bool) -> None:
        (self.case.facts.add if holds else self.case.facts.discard)(fact)

    # -- time --------------------------------------------------------------------------------------------

    def _pass(self, after: Mapping[str, Any]) -> None:
        """Let time pass: staffed minutes or a pace around a median, hours that somebody thinks, or exact units."""
        for unit, value in after.items():
            if unit in read("demo.toml")["pace"]:
                self._minutes(self._median(unit) * value)
            elif unit == "staffed":
                self._minutes(drawn(value, self.rng) if isinstance(value, list) else self._around(value))
            elif unit == "thinks":
                self.at += timedelta(hours=self._around(value))
                if self.at.hour < 7:
                    self.at = self.at.replace(hour=7 + self.at.hour % 3)
            elif unit == "till":
                self.at = max(self.at, datetime.combine(self.at.date(), time.fromisoformat(value)))
            else:
                self.at += timedelta(**{unit: drawn(value, self.rng)})

    def _minutes(self, minutes: float) -> None:
        """Around the clock for the highest priority, staffed time for the rest."""
        self.at = self.at + timedelta(minutes=minutes) if self.priority == 1 else later(self.at, minutes)

    def _median(self, pace: str) -> float:
        return self._around(read("demo.toml")["pace"][pace][self.priority - 1])

    def _around(self, median: float) -> float:
        return median * min(self.rng.lognormvariate(0, 0.75), 6)


def drawn(value: float | Sequence[float], rng: Random) -> float:
    """Return a number, or one between the two of a list."""
    return rng.uniform(*value) if isinstance(value, Sequence) else float(value)
