"""A year of stories, in batches: which are told, who asks, which are still open, which belong together."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from random import Random
from typing import Any

from stellwerk.demo import read
from stellwerk.demo.calendar import Arrivals, is_working, later, seasons
from stellwerk.demo.stories import LEVELS, Case, House, Telling, drawn
from stellwerk.demo.words import Details, Story, Words, stories

OUTSIDE = ("supplier", "change")
"""What a ticket waits for outside the desk."""


class Year:
    """Makes up the stories of the year before `now`, a local time without a zone."""

    def __init__(self, now: datetime, seed: int) -> None:
        self.now, self.rng = now, Random(seed * 1_000_003 + now.toordinal())
        self.house, self.arrivals = House(now.date()), Arrivals(now, self.rng)
        self.desk = read("demo.toml")["desk"]
        self.cases: list[Case] = []

    def cases_in_order(self) -> list[Case]:
        """Tell all stories; in the order in which they began."""
        told: dict[str, list[Case]] = {}
        for batch in read("demo.toml")["batch"]:
            cases = told[batch["name"]] = self._batch(batch, told.get(batch.get("of", ""), []))
            if batch.get("halted"):
                self._halt_some(cases)
                self._relate(cases)
            self.cases += cases
        for case in self.cases:
            case.events = sorted((one for one in case.events if one.at < self.now), key=lambda one: one.at)
        return sorted(self.cases, key=lambda case: case.opened)

    def _batch(self, batch: Mapping[str, Any], of: Sequence[Case]) -> list[Case]:
        partners: list[Case | None] = [None] * batch["count"]
        if batch.get("same_person"):
            shortest = timedelta(days=batch.get("lasted_days", 0))
            slow = [one for one in of if "machine" not in one.facts and _lasted(one) >= shortest]
            partners = list(self.rng.sample(slow, batch["count"]))
        elif of:
            partners = list(of) * batch["count"]
        askers = self.rng.sample(sorted(self.house.askers), len(self.house.askers))
        cases = [self._case(batch, *pair) for pair in zip(partners, askers * len(partners), strict=False)]
        for case in cases:
            Telling(case, self.house, self.rng).scene(batch["scene"])
            case.events = [event for event in case.events if event.at < self.now or event.do == "create"]
        return cases

    def _case(self, batch: Mapping[str, Any], partner: Case | None, asker: str) -> Case:
        """Draw what a story is about, who asks for it, when and through which channel."""
        opened = self._opened(batch, partner)
        day = opened.date() if opened else self.arrivals.day()
        story = partner.story if partner and batch.get("same_person") else self._story(batch, day)
        channel = story.channel or self._channel(story.type, day, called=opened is None)
        if partner and not story.channel:
            channel = "mail"
        opened = opened or self.arrivals.moment(day, channel)
        if channel == self.desk["robot"]:
            requester = self.desk["robot"]
        elif partner and batch.get("same_person"):
            requester = str(partner.names["requester"])
        else:
            requester = asker if partner else self._asker(story)
        return self._drafted(story, requester, channel, opened, partner)

    def _opened(self, batch: Mapping[str, Any], partner: Case | None) -> datetime | None:
        """Return when a story began, where the batch says so."""
        if partner:
            ((unit, value),) = batch["later"].items()
            return partner.opened + timedelta(**{unit: drawn(value, self.rng)})
        if "age" not in batch:
            return None
        ages = {
            unit: drawn(value, self.rng) for unit, value in batch["age"].items() if unit in ("hours", "days")
        }
        moment = self.now - timedelta(**ages)
        if "weekday" in batch["age"]:
            moment -= timedelta(days=(moment.weekday() - batch["age"]["weekday"]) % 7)
            moment = datetime.combine(moment.date(), time.fromisoformat(batch["age"]["time"]))
        return moment

    def _story(self, batch: Mapping[str, Any], day: date) -> Story:
        if "story" in batch:
            return next(one for one in stories() if one.name == batch["story"])
        wanted = self.rng.choices(list(batch["types"]), list(batch["types"].values()))[0]
        return self.rng.choices(*_weighted(wanted, frozenset(seasons(day)), "age" in batch))[0]

    def _channel(self, of: str, day: date, *, called: bool) -> str:
        """Return how it comes in; nobody answers the telephone on holidays, and it does not ring at a given moment."""
        shares: Mapping[str, int] = read("demo.toml")["channels"][of]
        channel = self.rng.choices(list(shares), list(shares.values()))[0]
        return "portal" if channel == "phone" and not (called and is_working(day)) else channel

    def _asker(self, story: Story) -> str:
        """Pick who asks: nobody asks their own team, and colleagues know whom to turn to."""
        people = self.house.askers
        while True:
            person = self.rng.choices(list(people), list(people.values()))[0]
            if person not in self.house.colleagues:
                return person
            own = person in self.house.members[self.house.team_of[story.service]]
            if not own and story.service not in self.desk["for_users"]:
                return person

    def _drafted(
        self, story: Story, requester: str, channel: str, opened: datetime, partner: Case | None
    ) -> Case:
        home, party = self.house.home(requester), self.house.parties[self.house.people[requester]["party"]]
        details = Details(home, self.rng, first=self.house.first_name(requester), unit=str(party["title"]))
        details |= {"name": self.house.people[requester]["title"], "year": str(opened.year - 1)}
        details["time"] = f"{max(opened.hour, 1)}:{self.rng.randrange(0, 60, 5):02}"
        details["title"] = str(partner.names["title"]) if partner else ""
        words, waits = Words(story, requester, details, self.rng), story.waits
        reporter, description = "", words.description(channel)
        if channel == "phone":
            reporter = self.house.agent(self.desk["team"], opened, self.rng)
        elif channel == "portal" and self.rng.random() < self.desk["on_behalf"]:
            same = [one for one in self.house.askers if self.house.home(one) == home and one != requester]
            reporter = self.rng.choice(same) if same else ""
            description = f"{words.say('on_behalf')} {description}" if reporter else description
        elif partner and not story.plain:
            description = f"{words.say('nudges')}\n\n{description}"
        names: dict[str, str | int | Case] = {
            "service": story.service,
            "category": story.category,
            "code": story.code,
            **{
                name: self._near(getattr(story, name), chance) for name, chance in self.desk["varies"].items()
            },
            "title": words.title(),
            "description": description,
            "channel": channel,
            "requester": requester,
            "reporter": reporter,
            "contact": party["contact"],
            "by": reporter or requester,
            "service_team": self.house.team_of[story.service],
            "outside": waits if waits in OUTSIDE else OUTSIDE[0],
        }
        return Case(story, words, opened, names, self._facts(story, words, channel), partner)

    def _facts(self, story: Story, words: Words, channel: str) -> set[str]:
        facts = {f"type:{story.type}", f"code:{story.code}", f"waits:{story.waits}"}
        facts |= {
            f"has:{name}"
            for name in ("ask", "note")
            if name in story.texts and words.matching(story.texts[name])
        }
        facts |= {f"team:{self.house.team_of[story.service]}", channel}
        facts |= {"machine"} if channel == self.desk["robot"] else set()
        facts |= {"easy"} if story.category in self.desk["easy"] else set()
        facts |= {"waits outside"} if story.waits in OUTSIDE else set()
        if channel == "mail" and not story.plain and self.rng.random() >= self.desk["mail_is_classified"]:
            facts.add("unclassified")
        return facts

    def _near(self, level: str, chance: float) -> str:
        moved = LEVELS.index(level) + (self.rng.choice((-1, 1)) if self.rng.random() < chance else 0)
        return LEVELS[min(max(moved, 0), 2)]

    # -- what is still open, and what belongs together ---------------------------------------------------

    def _halt_some(self, cases: Sequence[Case]) -> None:
        """Stop as many stories half-way as it takes to leave the wanted number open."""
        over = [case for case in cases if case.ended]
        missing = read("demo.toml")["still_open"]["count"] - (len(cases) - len(over))
        ranked = sorted(over, key=lambda case: self.rng.random() ** (1 / self._inertia(case)), reverse=True)
        for case in ranked[: max(missing, 0)]:
            self._halt(case)

    def _inertia(self, case: Case) -> float:
        """Return how easily a story gets stuck: the young, and those that had to wait for somebody."""
        age = (self.now - case.opened).days
        share = next(share for days, share in read("demo.toml")["still_open"]["by_age"] if age < days)
        return float(
            share * (0.4 if "machine" in case.facts else 1.0) * (2.5 if "did:wait" in case.facts else 1.0)
        )

    def _halt(self, case: Case) -> None:
        """Cut a story before its solution, as if people had not come further; of old ones somebody has written lately."""
        solved = next(number for number, one in enumerate(case.events) if one.at == case.ended)
        halts = [number for number in range(1, solved) if case.events[number].do == "wait"]
        cut = (
            self.rng.choice(halts)
            if halts and self.rng.random() < 0.75
            else self.rng.randint(1, max(solved - 1, 1))
        )
        case.events = case.events[: cut + 1]
        moment = later(self.now - timedelta(days=self.rng.uniform(1, 9)), self.rng.uniform(5, 500))
        if self.now - case.events[-1].at > timedelta(days=10) and moment < self.now:
            case.facts = case.facts - {"waiting"} | ({"waiting"} if case.events[-1].do == "wait" else set())
            telling = Telling(case, self.house, self.rng)
            telling.at = moment
            telling.scene("sign of life")

    def _relate(self, cases: Sequence[Case]) -> None:
        """Link stories about the same thing that began shortly after one another."""
        alike = read("demo.toml")["alike"]
        by_thing: dict[tuple[str, str], list[Case]] = {}
        for case in sorted(cases, key=lambda one: one.opened):
            by_thing.setdefault((case.story.service, case.story.category), []).append(case)
        pairs = [pair for row in by_thing.values() for pair in pairwise(row) if _taken(pair[1])]
        pairs = [
            (one, two)
            for one, two in pairs
            if two.opened - one.opened < timedelta(hours=alike["within_hours"])
        ]
        same = [pair for pair in pairs if pair[0].story is pair[1].story and pair[0].type == "incident"]
        parents = self.rng.sample(same, min(alike["parent"], len(same)))
        rest = [pair for pair in pairs if pair not in parents]
        for first, second in [*parents, *self.rng.sample(rest, min(alike["related"], len(rest)))]:
            telling = Telling(second, self.house, self.rng)
            telling.at, second.partner = _taken(second) or second.opened, first
            telling.scene("belongs to" if (first, second) in parents else "is related to")


@cache
def _weighted(of: str, named: frozenset[str], written: bool) -> tuple[Sequence[Story], Sequence[float]]:
    """Return the stories of a type that may begin in such a season, and their weights; `written` ones come from people."""
    chosen = [one for one in stories() if one.type == of and not (written and one.channel)]
    weights = [float(one.weight) for one in chosen]
    for boost in read("demo.toml")["boost"]:
        if named & set(boost["seasons"]):
            more = [
                any(getattr(one, name) in boost.get(name, ()) for name in ("category", "service"))
                for one in chosen
            ]
            weights = [
                weight * (boost["factor"] if more else 1) for weight, more in zip(weights, more, strict=True)
            ]
    return chosen, weights


def _lasted(case: Case) -> timedelta:
    return case.ended - case.opened if case.ended else timedelta(-1)


def _taken(case: Case) -> datetime | None:
    return next((one.at for one in case.events if one.do == "begin"), None)
