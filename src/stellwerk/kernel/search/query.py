"""What somebody typed, understood: words and phrases that must all occur, perhaps a record's number."""

import re
from dataclasses import dataclass

from django.db.models import Model, QuerySet
from django.db.models.expressions import OrderBy

from stellwerk.kernel.search.normalising import joined, number, spelled_otherwise, words

# Nobody means more than this; it bounds what one search may cost.
_MOST_CHARACTERS = 2_000
_MOST_TERMS = 16
_MOST_WORDS_IN_A_PHRASE = 16
_LONGEST_REFERENCE = 32
_SHORTEST_PREFIX = 2

_QUOTES = str.maketrans(dict.fromkeys("„“”‟«»〝〞＂", '"'))
_PIECE = re.compile(r'"(?P<phrase>[^"]*)(?P<closed>"?)|(?P<word>[^\s"]+)')


@dataclass(frozen=True)
class Term:
    """One word, or several that must follow each other; with prefix the last may go on."""

    words: tuple[str, ...]
    prefix: bool = False
    otherwise: tuple[str, ...] = ()  # another way to write it, which counts as much

    @property
    def ways(self) -> tuple["Term", ...]:
        """Return the term in each way of writing it."""
        if not self.otherwise:
            return (self,)
        return Term(self.words, self.prefix), Term(self.otherwise, self.prefix)

    def occurs_in(self, text: list[str]) -> bool:
        """Tell whether the term is found in a text that is given as its folded words."""
        if self.otherwise:
            return any(way.occurs_in(text) for way in self.ways)
        if len(self.words) == 1:
            return any(self.fits(0, word) for word in text)
        starts = range(len(text) - len(self.words) + 1)
        return any(all(self.fits(at, text[start + at]) for at in range(len(self.words))) for start in starts)

    def fits(self, at: int, word: str) -> bool:
        """Tell whether a folded word stands for the word at this place of the term."""
        if self.prefix and at == len(self.words) - 1:
            return word.startswith(self.words[at])
        return word == self.words[at]


@dataclass(frozen=True)
class Query:
    """All terms must be found; a record whose number is asked for is found as well."""

    terms: tuple[Term, ...] = ()
    number: str = ""
    # How a database is to go about it; both concern PostgreSQL only.
    within: tuple[str, ...] = ()  # words of its own, of which one must be found
    looked_up: bool = True  # in the index, or else checked of each record

    def __bool__(self) -> bool:
        return bool(self.terms)


@dataclass(frozen=True)
class Step:
    """One search among some of the caller's records, in an order that is quick for it.

    With `enough` hits the next step is left out; without it, only if there are more than were asked for.
    """

    records: QuerySet[Model]
    query: Query
    order: OrderBy
    enough: int | None = None


def understand(text: str) -> Query:
    """Read what was typed; any text is understood somehow, one without a word finds nothing."""
    text = text[:_MOST_CHARACTERS].translate(_QUOTES).strip()
    pieces = list(_PIECE.finditer(text))
    if digits := joined(text):
        return Query((Term(tuple(words(text)[:_MOST_WORDS_IN_A_PHRASE]), True, (digits,)),), number(text))
    asked = [piece for piece in pieces if piece["word"] != "AND" or piece in (pieces[0], pieces[-1])]
    terms = [_term(piece, last=piece is pieces[-1]) for piece in asked]
    distinct = tuple(dict.fromkeys(term for term in terms if term.words))[:_MOST_TERMS]
    return Query(distinct, number(text) if len(text) <= _LONGEST_REFERENCE else "")


def _term(piece: re.Match[str], *, last: bool) -> Term:
    found = tuple(words(piece["word"] or piece["phrase"] or "")[:_MOST_WORDS_IN_A_PHRASE])
    unfinished = last and not piece["closed"]
    prefix = unfinished and bool(found) and len(found[-1]) >= _SHORTEST_PREFIX
    return Term(found, prefix, spelled_otherwise(piece["word"] or "") if found else ())
