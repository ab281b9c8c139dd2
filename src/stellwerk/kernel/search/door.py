"""Search over all records, the same on every database; nothing outside this package knows how.

    index([SearchRow(...)])                      in the transaction that writes the record
    matching(queryset, text, internal=...)       the caller's records that match, as a queryset
    find(queryset, text, internal=...)           a page of results: best first, counted up to a limit
    snippets(ids, text, internal=...)            where the words stand, for showing

The caller's queryset decides who sees what. `internal` says where internal notes may be looked at: True, False
or a condition on the records, because somebody may work for one party and be a customer of another.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from django.db import connections, router, transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from stellwerk.kernel.search import postgresql, sqlite
from stellwerk.kernel.search.folding import number, words
from stellwerk.kernel.search.models import SearchEntry
from stellwerk.kernel.search.query import Query, understand
from stellwerk.kernel.search.row import SearchRow
from stellwerk.kernel.search.snippet import Snippet, cut

__all__ = ["MOST_HITS", "Found", "SearchRow", "find", "forget", "index", "matching", "snippets"]

R = TypeVar("R", bound=Model)

MOST_HITS = 1_000
_ROWS_AT_ONCE = 1_000
_NUMBERED_ALIKE = 50


@dataclass(frozen=True)
class Found:
    """The ids of what was found, best first. `more` tells that the search stopped at its limit."""

    ids: tuple[int, ...] = ()
    more: bool = False

    def page(self, number: int, size: int = 50) -> tuple[int, ...]:
        """Return the ids of one page; the first is number 1."""
        return self.ids[(number - 1) * size : number * size] if number > 0 else ()


def index(rows: Iterable[SearchRow]) -> None:
    """Make records findable by these texts instead of their former ones."""
    using = router.db_for_write(SearchEntry)
    backend = postgresql if connections[using].vendor == "postgresql" else sqlite
    waiting = iter(rows)
    with transaction.atomic(using, savepoint=False):
        while batch := list(islice(waiting, _ROWS_AT_ONCE)):
            backend.write(connections[using], batch)


def forget(ids: Collection[int]) -> None:
    """Make records unfindable; a deleted record is forgotten without it."""
    for some in _batches(ids):
        SearchEntry.objects.filter(pk__in=some).delete()


def matching(queryset: QuerySet[R], text: str, *, internal: bool | Q) -> QuerySet[R]:
    """Keep the records that contain all words of the text, newest first; none when it has no word.

    The last word may be unfinished, words in quotation marks follow each other, and a number such as
    "INC-000123", "inc 123" or "123" finds the record that bears it. No text is an error.
    """
    query = understand(text)
    return _narrowed(queryset, query, internal=internal) if query else queryset.none()


def find(queryset: QuerySet[R], text: str, *, internal: bool | Q, most: int = MOST_HITS) -> Found:
    """Return what matches: the record that bears the number, then hits in titles, then the newest.

    Only the newest `most` matches are looked at, so that a word that occurs everywhere costs no more than others.
    """
    query = understand(text)
    if not query:
        return Found()
    newest = _narrowed(queryset, query, internal=internal).values_list("pk", "reference", "title")[: most + 1]
    hits = [*_bearing_the_number(queryset, query), *newest]
    best = sorted(hits, key=lambda hit: _rank(query, reference=hit[1], title=hit[2]))
    ids = tuple(dict.fromkeys(pk for pk, _, _ in best))
    return Found(ids[:most], more=len(ids) > most)


def snippets(ids: Collection[int], text: str, *, internal: bool | Collection[int]) -> dict[int, Snippet]:
    """Return for each record the place where the words stand, in segments to be marked or not.

    `internal` tells whose internal notes may be shown: everybody's, nobody's, or those of the given records.
    """
    query = understand(text)
    found: dict[int, Snippet] = {}
    for some in _batches(ids):
        for entry in SearchEntry.objects.filter(pk__in=some).values_list("pk", "public", "internal"):
            pk, public, notes = entry
            may_see_notes = internal if isinstance(internal, bool) else pk in internal
            found[pk] = cut(query, [public, notes] if may_see_notes else [public])
    return found


def _narrowed(queryset: QuerySet[R], query: Query, *, internal: bool | Q) -> QuerySet[R]:
    if isinstance(internal, Q):
        public = SearchEntry.objects.filter(pk=OuterRef("search_entry__pk"), words__match_public=query)
        found = queryset.filter(Q(search_entry__words__match_all=query), internal | Exists(public))
    elif internal:
        found = queryset.filter(search_entry__words__match_all=query)
    else:
        found = queryset.filter(search_entry__words__match_public=query)
    # The order of the search table's key, not of the record's: SQLite then needs no sorting.
    return found.order_by("-search_entry__pk")


def _bearing_the_number(queryset: QuerySet[R], query: Query) -> list[tuple[int, str, str]]:
    if not query.number:
        return []
    bearing = queryset.filter(search_entry__words__match_public=Query(number=query.number))
    hits: list[tuple[Any, ...]] = list(bearing.values_list("pk", "reference", "title")[:_NUMBERED_ALIKE])
    return [(pk, reference, title) for pk, reference, title in hits]


def _rank(query: Query, *, reference: str, title: str) -> int:
    if query.number and query.number in {number(reference), number(words(reference)[-1])}:
        return 0
    title_words = words(title)
    return 1 if all(term.occurs_in(title_words) for term in query.terms) else 2


def _batches(ids: Iterable[int]) -> Iterable[list[int]]:
    waiting = iter(ids)
    while batch := list(islice(waiting, _ROWS_AT_ONCE)):
        yield batch
