"""What people write: the texts of stories, their gaps filled, in the manner of whoever writes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from stellwerk.demo import read, read_all

RANGE = re.compile(r"(.*?)(\d+)-(\d+)")
"""A gap that is filled with a number: "C-10400-98000" gives C- and one between the two."""


@dataclass(frozen=True, eq=False)
class Story:
    """A kind of case: lists of texts as long as its bodies tell the same story line by line."""

    type: str
    service: str
    category: str
    weight: float
    impact: str
    urgency: str
    code: str
    texts: Mapping[str, Sequence[str]]
    waits: str = ""
    channel: str = ""
    name: str = ""
    plain: bool = False
    """Whether its texts stand as they are, in nobody's manner."""


@cache
def stories() -> Sequence[Story]:
    """Read all stories."""
    return [_story(dict(row), book["service"]) for book in read_all("stories") for row in book["story"]]


def _story(row: dict[str, Any], service: str) -> Story:
    texts = {name: row.pop(name) for name, value in list(row.items()) if isinstance(value, list)}
    return Story(service=service, texts=texts, **row)


@cache
def choices_of(gap: str, home: str) -> Sequence[str]:
    """Return what a gap may be filled with, without the things of other customers."""
    phrases = read("phrases.toml")
    foreign = [mark for owner, marks in phrases["owners"].items() if owner != home for mark in marks]
    values: list[str] = phrases["fill"][gap]
    return [value for value in values if home == "sevenlakes" or not any(mark in value for mark in foreign)]


class Details(dict[str, str]):
    """What one story is about in particular: each gap is filled when first asked for and then stays."""

    def __init__(self, home: str, rng: Random, **known: str) -> None:
        super().__init__(known)
        self.home, self.rng = home, rng

    def __missing__(self, gap: str) -> str:
        filling = read("phrases.toml")["fill"][gap]
        if isinstance(filling, str):
            before, low, high = RANGE.fullmatch(filling).groups()  # type: ignore[union-attr]
            self[gap] = f"{before}{self.rng.randint(int(low), int(high))}"
        else:
            self[gap] = self.rng.choice(choices_of(gap, self.home))
        return self[gap]


class Words:
    """Finds the words for one story, as one person writes them."""

    def __init__(self, story: Story, writer: str, details: Details, rng: Random) -> None:
        self.story, self.details, self.rng = story, details, rng
        self.line = rng.randrange(len(story.texts["bodies"]))
        manners = read("demo.toml")["manner"]
        self.manner: Mapping[str, float] = manners[sum(map(ord, writer)) % len(manners)]

    def say(self, names: str | Sequence[str], *, by_hand: bool = False) -> str:
        """Return a phrase of each list named, filled; those of the story first. Who writes by hand slips at times."""
        text = ""
        for name in [names] if isinstance(names, str) else names:
            text += self.matching(self.phrases(name)).format_map(self.details)
        return self._slip(text) if by_hand else text

    def phrases(self, name: str) -> Sequence[str]:
        """Return a list of the story, else that of all stories."""
        found: Sequence[str] = (
            self.story.texts.get(name) or read("phrases.toml")[name.format(type=self.story.type)]
        )
        return found

    def matching(self, texts: Sequence[str]) -> str:
        """Return one of the texts: lists as long as the story's bodies tell the same story line by line."""
        return texts[self.line] if len(texts) == len(self.story.texts["bodies"]) else self.rng.choice(texts)

    def title(self) -> str:
        """Return the subject."""
        text = self.matching(self.story.texts["titles"])
        small = self.story.plain or text.startswith("{") or self.rng.random() < self.manner["small"]
        text = text.format_map(self.details)
        return text if small else text[:1].upper() + text[1:]

    def description(self, channel: str) -> str:
        """Return the first message as it comes through a channel."""
        body = self.say("bodies")
        if channel == "monitoring" or self.story.plain:
            return body
        if channel == "phone":
            return self.say("call_openings") + body
        if self.rng.random() < self.manner["chats"]:
            body += (" " if body[-1] in ".?!" else ". ") + self.say("{type}_asides")
        body = body.lower() if self.rng.random() < self.manner["small"] else self._slip(body)
        if self.rng.random() < self.manner["greets"] * (1.0 if channel == "mail" else 0.35):
            body = f"{self.say('greetings')}\n\n{body}\n\n{self.say('farewells')}"
        return body

    def _slip(self, text: str) -> str:
        """Swap or drop a letter, as hurried fingers do."""
        words = text.split(" ")
        spots = [number for number, word in enumerate(words) if len(word) > 4 and word.isalpha()]
        if not spots or self.rng.random() >= self.manner["slips"]:
            return text
        spot = self.rng.choice(spots)
        word, at = words[spot], self.rng.randrange(1, len(words[spot]) - 2)
        swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        words[spot] = swapped if self.rng.random() < 0.6 else word[:at] + word[at + 1 :]
        return " ".join(words)
