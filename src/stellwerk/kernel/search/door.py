"""Search over all records, the same on every database; nothing outside this package knows how.

    index([SearchRow(...)])                      in the transaction that writes the record
    matching(queryset, text, internal=...)       the caller's records that match, as a queryset in any order
    find(queryset, text, internal=...)           a page of results: best first, counted up to a limit
    snippets(ids, text, internal=...)            where the words stand, for showing

The caller's queryset decides who sees what. `internal` says where internal notes may be looked at: True, False
or a condition on the records, because somebody may work for one party and be a customer of another.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, Q, QuerySet

from stellwerk.kernel.search import postgresql, sqlite
from stellwerk.kernel.search.folding import numbers, words
from stellwerk.kernel.search.models import SearchEntry
from stellwerk.kernel.search.query import Query, understand
from stellwerk.kernel.search.row import SearchRow
from stellwerk.kernel.search.snippet import Snippet, cut

__all__ = ["MOST_HITS", "Found", "SearchRow", "find", "forget", "index", "matching", "snippets"]

R = TypeVar("R", bound=Model)

MOST_HITS = 1_000
_ROWS_AT_ONCE = 1_000
_NUMBERED_ALIKE = 50


class _Hit(NamedTuple):
    pk: int
    reference: str
    title: str


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
    connection = connections[router.db_for_write(SearchEntry)]
    waiting = iter(rows)
    with transaction.atomic(connection.alias, savepoint=False):
        while batch := list(islice(waiting, _ROWS_AT_ONCE)):
            _backend(connection).write(connection, batch)


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
    if not query:
        return queryset.none()
    if (few := _gathered(queryset, query)) is not None:
        queryset, query = queryset.filter(pk__in=few), replace(query, looked_up=False)
    return _narrowed(queryset, query, internal=internal).order_by("-search_entry__pk")


def find(queryset: QuerySet[R], text: str, *, internal: bool | Q, most: int = MOST_HITS) -> Found:
    """Return what matches: the record that bears the number, then hits in titles, then the newest.

    Only the newest matches are looked at, `most` of them or, in a large database, fewer: at least a page of 50, with
    `more` set. So a word that occurs everywhere costs no more than others.
    """
    query = understand(text)
    if not query:
        return Found()
    newest, stopped = _newest(queryset, replace(query, number=""), internal, most)
    best = sorted([*_bearing(queryset, query), *newest], key=lambda hit: _rank(query, hit))
    ids = tuple(dict.fromkeys(hit.pk for hit in best))
    return Found(ids[:most], more=stopped or len(ids) > most)


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


def _backend(connection: BaseDatabaseWrapper) -> ModuleType:
    return postgresql if connection.vendor == "postgresql" else sqlite


def _gathered(queryset: QuerySet[Any], query: Query) -> list[int] | None:
    """Return all matches if they are few, and the database guesses badly how few: the list's order then costs nothing."""
    most = _backend(connections[queryset.db]).GATHERED
    if not most:
        return None
    entries = SearchEntry.objects.using(queryset.db).filter(words__match_all=query)
    few = list(entries.values_list("pk", flat=True)[: most + 1])
    return few if len(few) <= most else None


def _narrowed(queryset: QuerySet[R], query: Query, *, internal: bool | Q) -> QuerySet[R]:
    if internal == Q():  # no condition: everybody's
        internal = True
    if isinstance(internal, Q):
        found = queryset.filter(_backend(connections[queryset.db]).either(query, internal))
    elif internal:
        found = queryset.filter(search_entry__words__match_all=query)
    else:
        found = queryset.filter(search_entry__words__match_public=query)
    return found


def _newest(queryset: QuerySet[Any], query: Query, internal: bool | Q, most: int) -> tuple[list[_Hit], bool]:
    """Return the newest matches, in as few and as small steps as it takes, and whether there may be more."""
    hits: list[_Hit] = []
    connection = connections[queryset.db]
    for step in _backend(connection).steps(connection, queryset, query):
        found = _narrowed(step.records, step.query, internal=internal).order_by(step.order)
        hits = _hits(found[: most + 1])
        if len(hits) > most or (step.enough and len(hits) >= step.enough):
            return hits, True
    return hits, False


def _bearing(queryset: QuerySet[Any], query: Query) -> list[_Hit]:
    """Return the records that bear the number that was asked for: one of each kind, if it came without a prefix."""
    if not query.number:
        return []
    found = _narrowed(queryset, Query(number=query.number), internal=False)
    return _hits(found.order_by(_backend(connections[queryset.db]).NEWEST_FIRST)[:_NUMBERED_ALIKE])


def _hits(found: QuerySet[Any]) -> list[_Hit]:
    return [_Hit(*values) for values in found.values_list("pk", "reference", "title")]


def _rank(query: Query, hit: _Hit) -> int:
    if query.number and query.number in numbers(hit.reference):
        return 0
    title = words(hit.title)
    return 1 if all(term.occurs_in(title) for term in query.terms) else 2


def _batches(ids: Iterable[int]) -> Iterable[list[int]]:
    waiting = iter(ids)
    while batch := list(islice(waiting, _ROWS_AT_ONCE)):
        yield batch
