"""What people write: stories from the data files, their gaps filled, in the voice of whoever writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

from stellwerk.demo.federation import read
from stellwerk.demo.organisation import Person


@dataclass(frozen=True, slots=True)
class Story:
    """A kind of ticket: lists of the same length as `bodies` tell the same story line by line."""

    service: str
    kind: str
    category: str
    weight: int
    impact: int
    urgency: int
    titles: tuple[str, ...]
    bodies: tuple[str, ...]
    ask: tuple[str, ...]
    answer: tuple[str, ...]
    note: tuple[str, ...]
    fix: tuple[str, ...]
    code: str
    waits: str = ""
    channel: str = ""


@cache
def stories() -> tuple[Story, ...]:
    """Read all stories, with the full path of their category."""
    parents = {
        child: top for top, children in read("federation.toml")["categories"].items() for child in children
    }
    folder = files("stellwerk.demo").joinpath("data", "stories")
    names = sorted(path.name for path in folder.iterdir() if path.name.endswith(".toml"))
    return tuple(_story(row, book["service"], parents) for book in _books(names) for row in book["story"])


def _books(names: list[str]) -> list[dict[str, Any]]:
    return [read(f"stories/{name}") for name in names]


def _story(row: dict[str, Any], service: str, parents: dict[str, str]) -> Story:
    lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    category = f"{parents[row['category']]} / {row['category']}"
    return Story(**{**row, **lists, "service": service, "category": category})


def phrases(name: str) -> list[str]:
    """Return one of the lists of things that people say around the matter."""
    value: list[str] = read("phrases.toml")[name]
    return value


@dataclass(frozen=True, slots=True)
class Manner:
    """How a person writes: chances of a greeting, an aside, a slip of the finger, no capital letters."""

    greets: float
    chats: float
    slips: float
    small: float


MANNERS = (
    Manner(greets=0.9, chats=0.7, slips=0.02, small=0.0),
    Manner(greets=0.5, chats=0.4, slips=0.12, small=0.05),
    Manner(greets=0.2, chats=0.15, slips=0.25, small=0.35),
    Manner(greets=0.75, chats=0.5, slips=0.06, small=0.0),
)


def manner_of(person: Person) -> Manner:
    """Return the way in which a person always writes."""
    return MANNERS[sum(map(ord, person.key)) % len(MANNERS)]


class Details(dict[str, str]):
    """The details of one ticket: each gap is drawn when first asked for and then stays."""

    def __init__(self, rng: Random, opened: datetime, home: str) -> None:
        super().__init__()
        self.rng, self.opened, self.home = rng, opened, home

    def __missing__(self, name: str) -> str:
        number = NUMBERS.get(name)
        if number:
            low, high, form = number
            value = form.format(self.rng.randint(low, high))
        elif name == "time":
            value = f"{max(self.opened.hour, 1)}:{self.rng.randrange(0, 60, 5):02}"
        elif name == "year":
            value = str(self.opened.year - 1)
        else:
            value = self.rng.choice(_own(name, self.home))
        self[name] = value
        return value


OWNERS = {"globex": ("globex", "glx"), "lumen": ("lumen",), "polar": ("polar",)}


@cache
def _own(name: str, home: str) -> list[str]:
    """Return what a gap may be filled with, without the things of other customers."""
    foreign = [mark for owner, marks in OWNERS.items() if owner != home for mark in marks]
    values: list[str] = read("phrases.toml")["fill"][name]
    return [value for value in values if home == "sevenlakes" or not any(mark in value for mark in foreign)]


NUMBERS = {
    "n": (2, 9, "{}"),
    "gb": (20, 900, "{}"),
    "tb": (2, 40, "{}"),
    "pct": (41, 84, "{}"),
    "pctfull": (91, 99, "{}"),
    "students": (18, 160, "{}"),
    "jobid": (4100000, 4999999, "{}"),
    "case": (10400, 98000, "C-{}"),
    "doi": (100, 999, "10.5072/lakes.{}"),
}


class Writer:
    """Finds the words for one ticket."""

    def __init__(self, story: Story, requester: Person, unit: str, opened: datetime, rng: Random) -> None:
        self.story, self.requester, self.rng = story, requester, rng
        self.details = Details(rng, opened, requester.party.split("-")[0])
        self.details.update(first=requester.first, name=requester.name, unit=unit)
        self.line = rng.randrange(len(story.bodies))
        self.manner = manner_of(requester)

    def fill(self, text: str, **more: str) -> str:
        """Fill the gaps of a text; what is named in `more` counts for this text only."""
        if "{" not in text:
            return text
        return text.format_map(_Layered(self.details, more) if more else self.details)

    def say(self, name: str, **more: str) -> str:
        """Return one phrase of a list, filled."""
        return self.fill(self.rng.choice(phrases(name)), **more)

    def title(self) -> str:
        """Return the subject."""
        text = self._matching(self.story.titles)
        return self.fill(text) if text.startswith("{") else self._capital(self.fill(text))

    def description(self, channel: str) -> str:
        """Return the first message as it comes through the channel."""
        body = self.fill(self.story.bodies[self.line])
        if channel == "monitoring":
            return body
        if channel == "phone":
            return self.say("call_openings") + body
        if self.rng.random() < self.manner.chats:
            body += (" " if body[-1] in ".?!" else ". ") + self.say(f"{self.story.kind}_asides")
        return self._in_manner(body, greets=self.manner.greets * (1.0 if channel == "mail" else 0.35))

    def has_question(self) -> bool:
        """Say whether there is something that the desk must ask."""
        return bool(self.story.ask and self._matching(self.story.ask))

    def question(self) -> str:
        """Return what the desk wants to know."""
        return self.say("question_openings") + self.fill(self._matching(self.story.ask))

    def answer(self, agent: str) -> str:
        """Return what the requester answers."""
        opening = self.say("answer_openings", agent=agent)
        text = (
            self._matching(self.story.answer) if self.story.answer else self.rng.choice(phrases("progress"))
        )
        return self._slip(opening + self.fill(text))

    def note(self) -> str:
        """Return an internal note: about the matter if there is one, otherwise any."""
        if self.story.note and self.rng.random() < 0.65:
            return self.fill(self.rng.choice(self.story.note))
        return self.say("notes")

    def fix(self) -> str:
        """Return the resolution."""
        return self.fill(self._matching(self.story.fix))

    def reaction(self, name: str, agent: str = "") -> str:
        """Return a short message of the requester."""
        return self._slip(self.say(name, agent=agent))

    def _matching(self, texts: tuple[str, ...]) -> str:
        return texts[self.line] if len(texts) == len(self.story.bodies) else self.rng.choice(texts)

    def _in_manner(self, body: str, greets: float) -> str:
        text = body.lower() if self.rng.random() < self.manner.small else self._slip(body)
        if self.rng.random() < greets:
            text = f"{self.say('greetings')}\n\n{text}\n\n{self.say('farewells')}"
        return text

    def _slip(self, text: str) -> str:
        """Swap or drop a letter, as hurried fingers do."""
        if self.rng.random() >= self.manner.slips or len(text) < 20:
            return text
        words = text.split(" ")
        spots = [number for number, word in enumerate(words) if len(word) > 4 and word.isalpha()]
        for spot in self.rng.sample(spots, min(len(spots), self.rng.choice((1, 1, 2)))):
            word, at = words[spot], self.rng.randrange(1, len(words[spot]) - 2)
            swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
            words[spot] = swapped if self.rng.random() < 0.6 else word[:at] + word[at + 1 :]
        return " ".join(words)

    def _capital(self, title: str) -> str:
        return title if self.rng.random() < self.manner.small else title[:1].upper() + title[1:]


class _Layered(dict[str, str]):
    def __init__(self, details: Details, more: dict[str, str]) -> None:
        super().__init__(more)
        self.details = details

    def __missing__(self, name: str) -> str:
        return self.details[name]
