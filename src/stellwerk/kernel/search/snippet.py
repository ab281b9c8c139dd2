"""The place in a text where what was searched for stands, in segments; escaping is left to who shows them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from stellwerk.kernel.search.normalising import words
from stellwerk.kernel.search.query import Query, Term

_BEFORE = 60
_LONGEST = 220
# A word as it is written, with the combining marks that folding removes.
_WRITTEN = re.compile(r"(?:[^\W_]|[\u0300-\u036f])+")
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True)
class Segment:
    """A piece of a snippet; `hit` pieces are shown between <mark> tags."""

    text: str
    hit: bool = False


@dataclass(frozen=True)
class Snippet:
    """Segments in their order, and whether text was left out before or after them."""

    segments: tuple[Segment, ...] = ()
    cut_before: bool = False
    cut_after: bool = False

    @property
    def has_hit(self) -> bool:
        return any(segment.hit for segment in self.segments)


def cut(query: Query, texts: Iterable[str]) -> Snippet:
    """Return the first passage of the texts with a hit, else the beginning of the first text."""
    plain = [_BLANKS.sub(" ", text).strip() for text in texts]
    for text in plain:
        if hits := _hits(query, text):
            return _around(text, hits)
    return _around(next(iter(plain), ""), [])


def highlighted(query: Query, text: str) -> tuple[Segment, ...]:
    """Return a whole text, such as a title, in segments."""
    return tuple(_segments(text, _hits(query, text), 0, len(text)))


def _hits(query: Query, text: str) -> list[tuple[int, int]]:
    """Return where words stand that belong to a term, as (start, end)."""
    return [
        place.span()
        for place in _WRITTEN.finditer(text)
        if any(_belongs(term, words(place[0])) for term in query.terms)
    ]


def _belongs(term: Term, written: list[str]) -> bool:
    return any(way.fits(at, word) for way in term.ways for word in written for at in range(len(way.words)))


def _around(text: str, hits: list[tuple[int, int]]) -> Snippet:
    start = _start(text, hits[0][0]) if hits else 0
    end = _end(text, start)
    return Snippet(tuple(_segments(text, hits, start, end)), cut_before=start > 0, cut_after=end < len(text))


def _start(text: str, hit: int) -> int:
    if hit <= _BEFORE:
        return 0
    blank = text.find(" ", hit - _BEFORE, hit)
    return blank + 1 if blank >= 0 else hit


def _end(text: str, start: int) -> int:
    if len(text) <= start + _LONGEST:
        return len(text)
    blank = text.rfind(" ", start, start + _LONGEST)
    return blank if blank > start else start + _LONGEST


def _segments(text: str, hits: list[tuple[int, int]], start: int, end: int) -> Iterable[Segment]:
    at = start
    for first, last in hits:
        if first >= end:
            break
        if first > at:
            yield Segment(text[at:first])
        yield Segment(text[first : min(last, end)], hit=True)
        at = min(last, end)
    if at < end:
        yield Segment(text[at:end])
