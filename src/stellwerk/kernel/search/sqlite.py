"""Search on SQLite: an FTS5 table, which walks its matches newest first without sorting them."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Q, QuerySet

from stellwerk.kernel.search.query import Query, Step, Term
from stellwerk.kernel.search.row import SearchRow

# The words arrive folded and separated by blanks; "#" begins the number of a record. Sizes of columns
# serve ranking only. The prefix indexes keep half-typed words as quick as whole ones.
CREATE = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS kernel_search USING fts5("
    "title_words, public_words, internal_words, public UNINDEXED, internal UNINDEXED, "
    "tokenize=\"ascii tokenchars '#'\", columnsize=0, prefix='2 3')",
)
DROP = ("DROP TABLE IF EXISTS kernel_search",)

# FTS5 walks its matches in the order of its own key, so the newest need no sorting.
NEWEST_FIRST = F("search_entry__pk").desc()

# Nothing is gathered beforehand: SQLite begins with the match anyway.
GATHERED = 0

_UPSERT = (
    "INSERT OR REPLACE INTO kernel_search (rowid, title_words, public_words, internal_words, public, internal) "
    "VALUES (%s, %s, %s, %s, %s, %s)"
)


def expression(query: Query, *, internal: bool) -> str:
    """Return the query in FTS5's language; every word is quoted, so that none is taken for an operator."""
    columns = "{title_words public_words internal_words}" if internal else "{title_words public_words}"
    ways = [f'({{title_words}} : "{query.number}")'] if query.number else []
    if query.terms:
        ways.append(f"({columns} : ({' AND '.join(map(_phrase, query.terms))}))")
    return " OR ".join(ways)


def either(query: Query, internal: Q) -> Q:
    """Return the condition that a record matches by its public words, or by all where `internal` holds.

    FTS5 cannot match within an OR. What matches publicly is gathered apart, and only once a record needs it.
    """
    public = apps.get_model("kernel", "SearchEntry")._default_manager.filter(words__match_public=query)
    return Q(search_entry__words__match_all=query) & (internal | Q(pk__in=public.values("pk")))


def steps(connection: BaseDatabaseWrapper, queryset: QuerySet[Any], query: Query) -> Iterator[Step]:
    """Yield the searches that together find the newest matches: here it is one."""
    yield Step(queryset, query, NEWEST_FIRST)


def write(connection: BaseDatabaseWrapper, rows: Iterable[SearchRow]) -> None:
    """Put the rows into the index, replacing what was there of the same records."""
    with connection.cursor() as cursor:
        cursor.executemany(_UPSERT, [_values(row) for row in rows])


def _phrase(term: Term) -> str:
    return f'"{" ".join(term.words)}"' + (" *" if term.prefix else "")


def _values(row: SearchRow) -> tuple[int, str, str, str, str, str]:
    title, public, internal = (" ".join(words) for words in row.words())
    return row.record_id, title, public, internal, row.shown_public, row.shown_internal
