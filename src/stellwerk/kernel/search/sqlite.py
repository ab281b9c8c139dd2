"""Search on SQLite: an FTS5 table, which walks its matches newest first without sorting them."""

from collections.abc import Iterable, Iterator, Sequence

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.lookups import In

from stellwerk.kernel.search.query import Query, Step, Term
from stellwerk.kernel.search.row import SearchPart, SearchRow

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

# More than are counted are looked for down a list's order (`by_word`), which costs less than to look up each.
SORTED_AT_ONCE = 0

_UPSERT = (
    "INSERT OR REPLACE INTO kernel_search (rowid, title_words, public_words, internal_words, public, internal) "
    "VALUES (%s, %s, %s, %s, %s, %s)"
)


def expression(query: Query, *, internal: bool) -> str:
    """Return the query in FTS5's language; every word is quoted, so that none is taken for an operator."""
    columns = _columns(internal)
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


def by_word(query: Query, *, internal: bool, found_in_parts: Q | None) -> Q:
    """Return the condition that a record is one of many that match; for a list in any order.

    A sum, because SQLite would otherwise begin with the matches and sort them all; so it walks down the list's order.
    """
    sql = "SELECT rowid FROM kernel_search WHERE kernel_search MATCH %s AND rowid > 0"
    matches = RawSQL(sql, [expression(query, internal=internal)])  # nosec B611 -- the words are parameters
    found = Q(In(F("pk") + 0, matches))
    return found | found_in_parts if found_in_parts else found


def among(ids: Sequence[int]) -> Q:
    """Return the condition that a record is one of these."""
    return Q(pk__in=ids)


def in_parts(query: Query, *, internal: bool) -> tuple[str, list[str]]:
    """Return a statement for the ids of records of which all words are found, at least one of them in a part."""
    columns = _columns(internal)
    each = [f"{columns} : {_phrase(term)}" for term in query.terms]
    any_word = " OR ".join(f"({term})" for term in each)
    sql = "SELECT DISTINCT -rowid >> 20 FROM kernel_search WHERE kernel_search MATCH %s AND rowid < 0"
    parameters = [any_word]
    if len(each) > 1:
        for term in each:
            sql += (
                " AND (-rowid >> 20 IN (SELECT -rowid >> 20 FROM kernel_search WHERE kernel_search MATCH %s AND rowid < 0)"
                " OR -rowid >> 20 IN (SELECT rowid FROM kernel_search WHERE kernel_search MATCH %s AND rowid > 0))"
            )
            parameters += [term, term]
    return sql, parameters


def any_word_in_parts(query: Query, *, internal: bool) -> tuple[str, list[str]]:
    """Return the condition, of the search table, that a row is a part in which one of the words is found."""
    any_word = " OR ".join(f"({_columns(internal)} : {_phrase(term)})" for term in query.terms)
    return "kernel_search MATCH %s AND rowid < 0", [any_word]


def steps(connection: BaseDatabaseWrapper, queryset: QuerySet[Model], query: Query) -> Iterator[Step]:
    """Yield the searches that together find the newest matches: here it is one."""
    yield Step(queryset, query, NEWEST_FIRST)


def write(connection: BaseDatabaseWrapper, rows: Iterable[SearchRow | SearchPart]) -> None:
    """Put the rows into the index, replacing what was there of the same records."""
    with connection.cursor() as cursor:
        cursor.executemany(_UPSERT, [_values(row) for row in rows])


def _columns(internal: bool) -> str:
    return "{title_words public_words internal_words}" if internal else "{title_words public_words}"


def _phrase(term: Term) -> str:
    ways = [f'"{" ".join(way.words)}"' + (" *" if way.prefix else "") for way in term.ways]
    return f"({' OR '.join(ways)})" if len(ways) > 1 else ways[0]


def _values(row: SearchRow | SearchPart) -> tuple[int, str, str, str, str, str]:
    title, public, internal = (" ".join(words) for words in row.words())
    return row.key, title, public, internal, row.shown_public, row.shown_internal
