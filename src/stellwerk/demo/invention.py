"""Make up a year of tickets: who asked for what and when, which are still open, which belong together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import accumulate
from random import Random
from typing import Any

from stellwerk.demo.federation import Federation, read
from stellwerk.demo.lives import AUTO_CLOSE, Case, Desk, Life, stall
from stellwerk.demo.organisation import Action, Event, Link, Person, Ticket
from stellwerk.demo.rhythm import Arrivals, is_patch_day, is_working, later, outage_day
from stellwerk.demo.texts import Story, Writer, stories

TICKETS = 2500
INCIDENTS = 0.62
OPEN = 140
FRESH = 8
NEGLECTED = 4
DUPLICATES = 22
FAMILIES = 16
RELATED = 40
REPORTS_OF_OUTAGE = 44

CHANNELS = ("portal", "mail", "phone")
SHARES = {"incident": (50, 26, 24), "request": (66, 26, 8)}
AT_TERM_START = {"Password", "New account", "Wireless", "Training", "Notebook server"}
AFTER_PATCHES = {"vm", "code", "compute"}

# How likely a ticket of an age in days is still open, against each other.
STILL_OPEN = ((2, 6.0), (4, 3.0), (8, 1.6), (15, 1.5), (31, 0.9), (61, 0.25), (121, 0.05), (999, 0.008))


@dataclass(frozen=True, slots=True)
class Tie:
    """A link between two cases that have no numbers yet."""

    kind: str
    source: Case
    target: Case
    at: datetime
    by: str


class Invention:
    """Invents the tickets of the year before `now`, all in local time."""

    def __init__(self, base: Federation, now: datetime, rng: Random) -> None:
        self.base, self.now, self.rng = base, now, rng
        self.desk = Desk(base)
        self.arrivals = Arrivals(now, rng)
        self.people = {person.key: person for person in base.people}
        self.parties = {party.key: party for party in base.parties}
        self.party_of_service = {service.key: service.party for service in base.services}
        self.askers = self._askers()
        self.ties: list[Tie] = []
        self.merged: dict[int, Case] = {}

    def everything(self) -> tuple[list[Ticket], list[Link]]:
        """Return all tickets in the order of their creation, numbered from 1, and their links."""
        ordinary = self._ordinary()
        self._halt_some(ordinary)
        self._relate(ordinary)
        cases = ordinary + self._fresh() + self._duplicates(ordinary) + self._outage()
        cases.sort(key=lambda case: case.opened)
        numbers = {id(case): number for number, case in enumerate(cases, 1)}
        tickets = [self._ticket(case, numbers) for case in cases]
        ties = sorted((tie for tie in self.ties if tie.at < self.now), key=lambda tie: tie.at)
        return tickets, [self._link(tie, numbers) for tie in ties]

    # ------------------------------------------------------------ ordinary life

    def _ordinary(self) -> list[Case]:
        number = TICKETS - REPORTS_OF_OUTAGE - 1 - FRESH - DUPLICATES
        cases = [self._case(self._kind()) for _ in range(number)]
        for case in cases:
            Life(case, self.desk, self.rng).run()
        return sorted(cases, key=lambda case: case.opened)

    def _fresh(self) -> list[Case]:
        """Return what came in during the last hours and nobody has looked at."""
        cases = []
        for _ in range(FRESH):
            opened = self.now - timedelta(minutes=self.rng.uniform(2, 200))
            case = self._case("incident" if self.rng.random() < 0.6 else "request", opened)
            case.events = Life(case, self.desk, self.rng).run()[:1]
            cases.append(case)
        return cases

    def _kind(self) -> str:
        return "incident" if self.rng.random() < INCIDENTS else "request"

    def _case(self, kind: str, opened: datetime | None = None) -> Case:
        day = opened.date() if opened else self.arrivals.day()
        story = self._story(kind, day)
        channel = story.channel or self._channel(kind, day)
        if opened is None:
            opened = self.arrivals.moment(day, channel)
        elif channel in {"monitoring", "phone"}:
            return self._case(kind, opened)
        requester = self.people["monitoring"] if story.channel else self._asker(story)
        writer = Writer(story, requester, self.parties[requester.party].name, opened, self.rng)
        return self._draft(story, writer, requester, channel, opened)

    def _draft(self, story: Story, writer: Writer, requester: Person, channel: str, opened: datetime) -> Case:
        reporter, description = requester.key, writer.description(channel)
        if channel == "phone":
            reporter = self.desk.agent("desk", opened, self.rng)
        elif channel == "portal" and self.rng.random() < 0.05:
            reporter = self._colleague(requester)
            description = f"{writer.say('on_behalf', colleague=requester.first)} {description}"
        return Case(
            story=story,
            writer=writer,
            requester=requester,
            reporter=reporter,
            channel=channel,
            opened=opened,
            title=writer.title(),
            description=description,
            impact=self._near(story.impact, 0.16),
            urgency=self._near(story.urgency, 0.3),
            classified=channel != "mail" or self.rng.random() < 0.3,
            watchers=self._watchers(requester),
        )

    def _story(self, kind: str, day: date) -> Story:
        term = (day.month, day.day) in TERM_START
        patched = is_patch_day(day) or is_patch_day(day - timedelta(days=1))
        choices, weights = _weighted(kind, term, patched)
        return self.rng.choices(choices, cum_weights=weights)[0]

    def _channel(self, kind: str, day: date) -> str:
        channel = self.rng.choices(CHANNELS, SHARES[kind])[0]
        return "portal" if channel == "phone" and not is_working(day) else channel

    def _askers(self) -> tuple[list[Person], list[int]]:
        """Return who asks: users often, colleagues of the other teams now and then, the first line never."""
        first_line = {
            member.person for team in self.base.teams if team.key == "desk" for member in team.members
        }
        people = [
            one for one in self.base.people if one.kind in {"users", "staff"} and one.key not in first_line
        ]
        return people, list(accumulate(8 if one.kind == "users" else 2 for one in people))

    def _asker(self, story: Story) -> Person:
        """Pick who asks: nobody asks their own team, and colleagues know whom to turn to."""
        people, weights = self.askers
        while True:
            person = self.rng.choices(people, cum_weights=weights)[0]
            own = person.key in self.desk.members[self.desk.team_of_service[story.service]]
            if person.kind == "users" or not (own or story.service == "helpdesk"):
                return person

    def _colleague(self, person: Person) -> str:
        home = self._home(person.party)
        others = [one.key for one in self.askers[0] if self._home(one.party) == home and one is not person]
        return self.rng.choice(others or [person.key])

    def _watchers(self, requester: Person) -> tuple[str, ...]:
        contact = self.parties[requester.party].contact
        return (contact,) if contact != requester.key and self.rng.random() < 0.06 else ()

    def _near(self, level: int, chance: float) -> int:
        moved = level + self.rng.choice((-1, 1)) if self.rng.random() < chance else level
        return min(max(moved, 1), 3)

    def _home(self, party: str) -> str:
        """Return the member, customer or supplier that a party belongs to."""
        while self.parties[party].kind == "unit":
            party = self.parties[party].parent
        return party

    # ------------------------------------------------------------ what is still open

    def _halt_some(self, cases: list[Case]) -> None:
        """Cut the lives at now, and stop as many others half-way as it takes to leave the wanted number open."""
        closable = []
        for case in cases:
            case.events = [event for event in case.events if event.at < self.now]
            if _is_over(case):
                closable.append(case)
        missing = OPEN - FRESH - (len(cases) - len(closable))
        ranked = sorted(
            closable, key=lambda case: self.rng.random() ** (1 / self._inertia(case)), reverse=True
        )
        for case in ranked[: missing - NEGLECTED]:
            case.events = stall(case.events, self.now, case.writer, self.rng)
        old = [
            case for case in ranked[missing:] if 70 < (self.now - case.opened).days < 300 and _by_human(case)
        ]
        for case in old[:NEGLECTED]:
            self._neglect(case)

    def _inertia(self, case: Case) -> float:
        """Return how easily a case gets stuck: the young, and those that had to wait for somebody."""
        age = (self.now - case.opened).days
        waited = any(event.action is Action.WAITED for event in case.events)
        share = next(share for days, share in STILL_OPEN if age < days)
        return share * (0.4 if case.from_machine else 1.0) * (2.5 if waited else 1.0)

    def _neglect(self, case: Case) -> None:
        """Let a ticket fall between two teams: handed to one, never taken, asked about in vain."""
        team = self.desk.team_of_service[case.story.service]
        first = self.desk.agent("desk", case.opened, self.rng)
        moment = later(case.opened, 90)
        case.events = case.events[:1] + [Event(moment, first, Action.ASSIGNED, team=team)]
        for days in (12, 45):
            text = case.writer.reaction("nudges")
            case.events.append(
                Event(moment + timedelta(days=days), case.requester.key, Action.REPLIED, text=text)
            )

    # ------------------------------------------------------------ what belongs together

    def _relate(self, cases: list[Case]) -> None:
        """Link tickets of the same story that came in shortly after one another."""
        latest: dict[tuple[str, str], Case] = {}
        pairs = []
        for case in cases:
            before = latest.get((case.story.service, case.story.category))
            taken = _taken(case)
            if before and taken and case.opened - before.opened < timedelta(hours=40):
                pairs.append((case, before, taken))
            latest[case.story.service, case.story.category] = case
        chosen = self.rng.sample(pairs, min(len(pairs), FAMILIES + RELATED))
        parents = 0
        for case, before, taken in chosen:
            same = case.story is before.story and case.story.kind == "incident" and parents < FAMILIES
            parents += same
            kind = "child" if same else "related"
            self.ties.append(Tie(kind, case, before, taken.at + timedelta(minutes=3), taken.by))

    def _duplicates(self, cases: list[Case]) -> list[Case]:
        """Let some people ask twice; the second ticket is merged into the first."""
        slow = [
            case for case in cases if _by_human(case) and _is_over(case) and _lasted(case) > timedelta(days=1)
        ]
        return [self._duplicate(case) for case in self.rng.sample(slow, DUPLICATES)]

    def _duplicate(self, case: Case) -> Case:
        opened = case.opened + timedelta(hours=self.rng.uniform(0.3, 9))
        text = case.writer.reaction("nudges") + "\n\n" + case.writer.description("mail")
        title = self.rng.choice(("Re: ", "Again: ", "", "Reminder: ")) + case.title
        again = replace(
            case, opened=opened, title=title, description=text, channel="mail", events=[], watchers=()
        )
        again.reporter = case.requester.key
        self._merge(
            again, case, later(opened, self.rng.uniform(5, 90)), self.desk.agent("desk", opened, self.rng)
        )
        return again

    def _merge(self, again: Case, case: Case, at: datetime, by: str) -> None:
        again.events = [
            Event(again.opened, again.reporter, Action.CREATED),
            Event(at, by, Action.MERGED, text=case.writer.say("merges")),
        ]
        self.merged[id(again)] = case
        self.ties.append(Tie("duplicate", again, case, at, by))

    # ------------------------------------------------------------ the big day

    def _outage(self) -> list[Case]:
        """Tell the morning on which nobody could sign in: one alarm and its many children."""
        day, words = outage_day(self.now.date()), read("phrases.toml")["outage"]
        alarm = self._alarm(datetime.combine(day, time(9, 7, 12)), words)
        people = self.rng.sample(self.askers[0], len(self.askers[0]))
        reports: dict[str, Case] = {}
        cases = [alarm]
        for number in range(REPORTS_OF_OUTAGE):
            requester = people[number % len(people)]
            case = self._report(alarm, requester, words)
            cases.append(case)
            first = reports.setdefault(requester.key, case)
            if first is not case:
                early, late = sorted((first, case), key=lambda one: one.opened)
                reports[requester.key] = early
                self._settle(early, alarm, words)
                self._merge(late, early, late.opened + timedelta(minutes=4), "lena")
            else:
                self._settle(case, alarm, words)
        return cases

    def _alarm(self, at: datetime, words: dict[str, Any]) -> Case:
        robot = self.people["monitoring"]
        writer = Writer(_sign_in_story(), robot, "", at, self.rng)
        case = Case(
            story=_sign_in_story(),
            writer=writer,
            requester=robot,
            reporter=robot.key,
            channel="monitoring",
            opened=at,
            title=words["title"],
            description=words["description"],
            impact=1,
            urgency=1,
            classified=True,
            watchers=("maria", "elena", "camille", "helen", "ruth"),
        )
        day = at.replace(hour=0, minute=0, second=0)
        case.events = [
            Event(at, robot.key, Action.CREATED),
            Event(at + timedelta(seconds=20), "", Action.ASSIGNED, team="identity"),
            Event(day.replace(hour=9, minute=11), "amir", Action.TAKEN, team="identity", person="amir"),
            Event(day.replace(hour=9, minute=24), "maria", Action.REPLIED, text=words["news"]),
            Event(
                day.replace(hour=10, minute=2),
                "chloe",
                Action.NOTED,
                text="It is the certificate to the database.",
            ),
            Event(day.replace(hour=10, minute=48), "maria", Action.REPLIED, text=words["update"]),
            Event(day.replace(hour=11, minute=41), "amir", Action.RESOLVED, text=words["fix"], code="fixed"),
            Event(day.replace(hour=11, minute=41) + AUTO_CLOSE, "", Action.CLOSED),
        ]
        return case

    def _report(self, alarm: Case, requester: Person, words: dict[str, Any]) -> Case:
        opened = alarm.opened + timedelta(minutes=1 + min(self.rng.expovariate(1 / 38), 140))
        writer = Writer(_sign_in_story(), requester, self.parties[requester.party].name, opened, self.rng)
        return Case(
            story=_sign_in_story(),
            writer=writer,
            requester=requester,
            reporter=requester.key,
            channel="mail",
            opened=opened,
            title=self.rng.choice(words["titles"]),
            description=self.rng.choice(words["bodies"]),
            impact=2,
            urgency=1,
            classified=True,
        )

    def _settle(self, case: Case, alarm: Case, words: dict[str, Any]) -> None:
        """Give a report its short life: taken by the desk, tied to the alarm, solved with it."""
        agent = self.desk.agent("desk", case.opened, self.rng)
        taken = case.opened + timedelta(minutes=self.rng.uniform(2, 14))
        solved = alarm.opened.replace(hour=11, minute=45) + timedelta(minutes=self.rng.uniform(5, 60))
        case.events = [
            Event(case.opened, case.requester.key, Action.CREATED),
            Event(taken, agent, Action.TAKEN, team="desk", person=agent),
            Event(solved, agent, Action.RESOLVED, text=words["child_fix"], code="fixed"),
        ]
        if self.rng.random() < 0.3:
            thanks = Event(solved + timedelta(hours=2), case.requester.key, Action.CONFIRMED, text="")
            case.events.append(thanks)
        else:
            case.events.append(Event(solved + AUTO_CLOSE, "", Action.CLOSED))
        self.ties = [tie for tie in self.ties if tie.source is not case]
        self.ties.append(Tie("child", case, alarm, taken + timedelta(minutes=1), agent))

    # ------------------------------------------------------------ out of the workshop

    def _ticket(self, case: Case, numbers: dict[int, int]) -> Ticket:
        into = self.merged.get(id(case))
        events = [event for event in case.events if event.at < self.now]
        if into:
            events = [
                replace(one, other=numbers[id(into)]) if one.action is Action.MERGED else one
                for one in events
            ]
        party = (
            self.party_of_service[case.story.service]
            if case.from_machine
            else self._home(case.requester.party)
        )
        known = case.classified
        return Ticket(
            number=numbers[id(case)],
            kind=case.story.kind,
            title=case.title,
            description=case.description,
            requester=case.requester.key,
            reporter=case.reporter,
            channel=case.channel,
            service=case.story.service,
            category=case.story.category if known else "",
            impact=case.impact if known else 2,
            urgency=case.urgency if known else 2,
            party=party,
            events=tuple(events),
            watchers=case.watchers,
        )

    def _link(self, tie: Tie, numbers: dict[int, int]) -> Link:
        return Link(tie.kind, numbers[id(tie.source)], numbers[id(tie.target)], tie.at, tie.by)


TERM_START = (
    {(10, day) for day in range(1, 22)}
    | {(9, day) for day in (28, 29, 30)}
    | {(3, day) for day in range(1, 17)}
)


@cache
def _weighted(kind: str, term: bool, patched: bool) -> tuple[list[Story], list[float]]:
    chosen = [story for story in stories() if story.kind == kind]
    weights = [
        story.weight
        * (2.2 if term and story.category.split(" / ")[-1] in AT_TERM_START else 1.0)
        * (1.8 if patched and story.service in AFTER_PATCHES else 1.0)
        for story in chosen
    ]
    return chosen, list(accumulate(weights))


@cache
def _sign_in_story() -> Story:
    return next(story for story in stories() if story.service == "identity" and story.kind == "incident")


def _is_over(case: Case) -> bool:
    ends = {Action.RESOLVED, Action.CANCELLED}
    return any(event.action in ends for event in case.events)


def _by_human(case: Case) -> bool:
    return not case.from_machine


def _lasted(case: Case) -> timedelta:
    return (
        next(one.at for one in case.events if one.action in {Action.RESOLVED, Action.CANCELLED}) - case.opened
    )


def _taken(case: Case) -> Event | None:
    return next((one for one in case.events if one.action is Action.TAKEN), None)
