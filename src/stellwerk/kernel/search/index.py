"""Search over all records, the same on every database; nothing outside this package knows how.

    index([SearchRow(...)])                      in the transaction that writes the record
    matching(queryset, text, internal=...)       the caller's records that match, as a queryset in any order
    Matches(text, using).narrow(queryset, ...)   the same for several querysets, looked up once
    find(queryset, text, internal=...)           a page of results: best first, counted up to a limit
    snippets(ids, text, internal=...)            where the words stand, for showing

The caller's queryset decides who sees what. `internal` says where internal notes may be looked at: True, False
or a condition on the records, because somebody may work for one party and be a customer of another.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from types import ModuleType
from typing import NamedTuple, TypeVar

from django.apps import apps
from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, Q, QuerySet
from django.db.models.expressions import RawSQL

from stellwerk.kernel.search import postgresql, sqlite
from stellwerk.kernel.search.models import SearchEntry
from stellwerk.kernel.search.normalising import begun_references, numbers, words
from stellwerk.kernel.search.query import Query, understand
from stellwerk.kernel.search.row import MOST_PARTS, SearchPart, SearchRow, part_key
from stellwerk.kernel.search.snippet import Snippet, cut

__all__ = [
    "MOST_HITS",
    "Found",
    "Gathered",
    "Matches",
    "SearchPart",
    "SearchRow",
    "find",
    "forget",
    "forget_parts",
    "index",
    "last_part",
    "matching",
    "snippets",
]

R = TypeVar("R", bound=Model)

MOST_HITS = 1_000
_ROWS_AT_ONCE = 1_000
# The planners take an unknown word for a common one, and a list's order for the quickest way to it. So many matches
# are gathered first, which spares them the choice.
_GATHERED = 1_000
_NUMBERED_ALIKE = 50


class Gathered(NamedTuple):
    """The ids of records that match, in no order; unless these are the `whole`, some of more than MOST_HITS."""

    ids: tuple[int, ...] = ()
    whole: bool = True


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


def index(rows: Iterable[SearchRow | SearchPart]) -> None:
    """Make records findable by these texts instead of their former ones."""
    connection = connections[router.db_for_write(SearchEntry)]
    waiting = iter(rows)
    with transaction.atomic(connection.alias, savepoint=False):
        while batch := list(islice(waiting, _ROWS_AT_ONCE)):
            _backend(connection).write(connection, batch)


def forget(ids: Collection[int]) -> None:
    """Make records unfindable, with their parts; a deleted record is forgotten without it."""
    for some in _batches(ids):
        SearchEntry.objects.filter(pk__in=some).delete()
        for pk in some:
            forget_parts(pk, 1, MOST_PARTS)


def forget_parts(record_id: int, first: int, last: int) -> None:
    """Remove the parts of a record with these numbers."""
    _parts(record_id, first, last).delete()


def last_part(record_id: int, first: int, last: int) -> int:
    """Return the highest number of a record's parts between two numbers, or the one before the first."""
    newest = _parts(record_id, first, last).order_by("pk").values_list("pk", flat=True)[:1]
    return next((-key & MOST_PARTS for key in newest), first - 1)


def _parts(record_id: int, first: int, last: int) -> QuerySet[SearchEntry]:
    return SearchEntry.objects.filter(pk__gte=part_key(record_id, last), pk__lte=part_key(record_id, first))


def matching(queryset: QuerySet[R], text: str, *, internal: bool | Q) -> QuerySet[R]:
    """Keep the records that contain all words of the text, newest first; none when it has no word.

    The last word may be unfinished, words in quotation marks follow each other, and a number such as
    "INC-000123", "inc 123" or "123" finds the record that bears it. No text is an error.
    """
    return Matches(text, queryset.db).narrow(queryset, internal=internal).order_by("-pk")


class Matches:
    """The records that a text finds, looked up once for all the querysets that it narrows."""

    def __init__(self, text: str, using: str) -> None:
        self._query = understand(text)
        self._connection = connections[using]
        self._conditions: dict[bool, Q] = {}
        self._many = False
        """Whether more records match than are gathered, so that nobody tries again."""

    def gather(self, queryset: QuerySet[Model], *, internal: bool | Q) -> Gathered:
        """Return the ids of the caller's records that match, all of them unless there are thousands.

        So a list and its number come of one look into the index; it may begin with the matches, as no order is asked for.
        """
        if not self._query:
            return Gathered()
        found = _narrowed(queryset, self._query, internal=internal).order_by().values_list("pk", flat=True)
        ids = list(found[: MOST_HITS + 1])
        if len(ids) > MOST_HITS:
            sorted_at_once = _backend(self._connection).SORTED_AT_ONCE
            self._many = not sorted_at_once or len(self._rows(True, sorted_at_once + 1)) > sorted_at_once
            if self._many:
                return Gathered(tuple(ids), whole=False)
            ids = list(found)
        begun = _begun(self._query, self._connection.alias)
        if begun:
            ids += queryset.filter(pk__in=begun).exclude(pk__in=ids).values_list("pk", flat=True)
        in_parts = set[int]()
        if self._has_parts:
            in_parts = {hit.pk for hit in _newest_in_parts(queryset, self._query, internal, MOST_HITS)}
        return Gathered(tuple(in_parts.union(ids)), whole=len(in_parts) <= MOST_HITS)

    def among(self, gathered: Gathered) -> Q:
        """Return the condition that a record is one of those gathered."""
        condition: Q = _backend(self._connection).among(gathered.ids)
        return condition

    @cached_property
    def _has_parts(self) -> bool:
        """Whether any record has parts; few places have, and to look for words in them costs as much as in records."""
        return SearchEntry.objects.using(self._connection.alias).filter(pk__lt=0).exists()

    def _rows(self, internal: bool, most: int) -> list[int]:
        lookup = "match_all" if internal else "match_public"
        rows = SearchEntry.objects.using(self._connection.alias).filter(
            pk__gt=0, **{f"words__{lookup}": self._query}
        )
        return list(rows.values_list("pk", flat=True)[:most])

    def narrow(self, queryset: QuerySet[R], *, internal: bool | Q) -> QuerySet[R]:
        """Keep the records that contain all words of the text; none when it has no word."""
        if not self._query:
            return queryset.none()
        if isinstance(internal, Q) and internal != Q():
            # Two filters: so the few that match are looked up before anything is asked of them.
            return queryset.filter(self._condition(True)).filter(internal | self._condition(False))
        return queryset.filter(self._condition(bool(internal) or internal == Q()))

    def _condition(self, internal: bool) -> Q:
        """Return the condition that all words are found; of few records it names the ids."""
        if internal not in self._conditions:
            self._conditions[internal] = self._gathered(internal)
        return self._conditions[internal]

    def _gathered(self, internal: bool) -> Q:
        parts = _found_in_parts(self._connection, self._query, internal) if self._has_parts else None
        few = [] if self._many else self._rows(internal, _GATHERED + 1)
        begun = _begun(self._query, self._connection.alias)
        if self._many or len(few) > _GATHERED:
            many: Q = _backend(self._connection).by_word(self._query, internal=internal, found_in_parts=parts)
            return many | Q(pk__in=begun) if begun else many
        found = Q(pk__in=[*few, *begun])
        return found | parts if parts else found


def find(queryset: QuerySet[R], text: str, *, internal: bool | Q, most: int = MOST_HITS) -> Found:
    """Return what matches: the record that bears the number, those whose number begins so, hits in titles, the newest.

    Only the newest matches are looked at, `most` of them or, in a large database, fewer: at least a page of 50, with
    `more` set. So a word that occurs everywhere costs no more than others.
    """
    query = understand(text)
    if not query:
        return Found()
    worded = replace(query, number="")
    newest, stopped = _newest(queryset, worded, internal, most)
    if in_parts := _newest_in_parts(queryset, worded, internal, most):
        newest = sorted({*newest, *in_parts}, reverse=True)
    known = _begun(query, queryset.db)
    begun = _hits(queryset.filter(pk__in=known).order_by("-pk")) if known else []
    numbered = [*_bearing(queryset, query), *begun]
    best = sorted([*numbered, *newest], key=lambda hit: _rank(query, hit, begun=hit.pk in known))
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
            found[pk] = cut(query, [public, notes] if _shows_notes(pk, internal) else [public])
        without = [pk for pk in some if pk in found and not found[pk].has_hit]
        for pk, texts in _part_texts(without, query, internal).items():
            if (snippet := cut(query, texts)).has_hit:
                found[pk] = snippet
    return found


def _shows_notes(pk: int, internal: bool | Collection[int]) -> bool:
    return internal if isinstance(internal, bool) else pk in internal


def _part_texts(ids: list[int], query: Query, internal: bool | Collection[int]) -> dict[int, tuple[str, ...]]:
    """Return of each record the texts of the first part in which a word is found, if there is one."""
    if not ids or not query.terms:
        return {}
    found: dict[int, tuple[str, ...]] = {}
    for notes in (True, False):
        some = [pk for pk in ids if _shows_notes(pk, internal) is notes]
        for key, public, hidden in _first_parts(some, query, notes) if some else ():
            found[SearchPart(key).record_id] = (public, hidden) if notes else (public,)
    return found


def _first_parts(ids: list[int], query: Query, internal: bool) -> list[tuple[int, str, str]]:
    """Return of each record the first part in which a word is found: its key and its texts."""
    connection = connections[router.db_for_read(SearchEntry)]
    condition, parameters = _backend(connection).any_word_in_parts(query, internal=internal)
    places = ", ".join(["%s"] * len(ids))
    oldest, newest = part_key(min(ids), 1), part_key(max(ids), MOST_PARTS)
    sql = (
        "SELECT rowid, public, internal FROM kernel_search WHERE rowid IN (SELECT max(rowid) FROM kernel_search "  # nosec B608
        f"WHERE {condition} AND rowid BETWEEN %s AND %s AND -rowid >> 20 IN ({places}) GROUP BY -rowid >> 20)"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*parameters, newest, oldest, *ids])
        return list(cursor.fetchall())


def _backend(connection: BaseDatabaseWrapper) -> ModuleType:
    return postgresql if connection.vendor == "postgresql" else sqlite


def _found_in_parts(connection: BaseDatabaseWrapper, query: Query, internal: bool) -> Q | None:
    """Return the condition that a record is found with the help of its parts; None when none is."""
    if not query.terms:
        return None
    sql, parameters = _backend(connection).in_parts(query, internal=internal)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} LIMIT {_GATHERED + 1}", parameters)
        ids = [pk for (pk,) in cursor.fetchall()]
    if len(ids) > _GATHERED:
        return Q(pk__in=RawSQL(sql, parameters))  # nosec B611 -- the words are parameters
    return Q(pk__in=ids) if ids else None


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


def _newest(
    queryset: QuerySet[Model], query: Query, internal: bool | Q, most: int
) -> tuple[list[_Hit], bool]:
    """Return the newest matches, in as few and as small steps as it takes, and whether there may be more."""
    hits: list[_Hit] = []
    connection = connections[queryset.db]
    for step in _backend(connection).steps(connection, queryset, query):
        found = _narrowed(step.records, step.query, internal=internal).order_by(step.order)
        hits = _hits(found[: most + 1])
        if len(hits) > most or (step.enough and len(hits) >= step.enough):
            return hits, True
    return hits, False


def _newest_in_parts(queryset: QuerySet[Model], query: Query, internal: bool | Q, most: int) -> list[_Hit]:
    """Return the newest records that are found with the help of their parts."""
    connection = connections[queryset.db]
    everything = _found_in_parts(connection, query, internal is not False)
    if everything is None:
        return []
    found = queryset.filter(everything)
    if isinstance(internal, Q) and internal != Q():
        found = found.filter(internal | (_found_in_parts(connection, query, False) or Q(pk__in=[])))
    return _hits(found.order_by("-pk")[: most + 1])


def _bearing(queryset: QuerySet[Model], query: Query) -> list[_Hit]:
    """Return the records that bear the number that was asked for: one of each kind, if it came without a prefix."""
    if not query.number:
        return []
    found = _narrowed(queryset, Query(number=query.number), internal=False)
    return _hits(found.order_by(_backend(connections[queryset.db]).NEWEST_FIRST)[:_NUMBERED_ALIKE])


def _begun(query: Query, using: str) -> set[int]:
    """Return the ids of the records whose number somebody may be typing, whoever may see them."""
    references = begun_references(query.number)
    if not references:
        return set()
    records = apps.get_model("kernel", "Record")._default_manager.using(using)
    return set(records.filter(reference__in=references).values_list("pk", flat=True))


def _hits(found: QuerySet[Model]) -> list[_Hit]:
    return [_Hit(*values) for values in found.values_list("pk", "reference", "title")]


def _rank(query: Query, hit: _Hit, *, begun: bool) -> int:
    if query.number and query.number in numbers(hit.reference):
        return 0
    title = words(hit.title)
    return 1 if begun or all(term.occurs_in(title) for term in query.terms) else 2


def _batches(ids: Iterable[int]) -> Iterable[list[int]]:
    waiting = iter(ids)
    while batch := list(islice(waiting, _ROWS_AT_ONCE)):
        yield batch
