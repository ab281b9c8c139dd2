"""Search on PostgreSQL: a tsvector per record behind a GIN index, made of words that are already folded."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import RawSQL

from stellwerk.kernel.search.query import Query, Step, Term
from stellwerk.kernel.search.row import SearchPart, SearchRow

# A short list of pending words keeps both sides quick: writers do not update the index word by word, and
# whoever empties the list does not wait noticeably. The statistics tell the planner which words are common.
CREATE = (
    "CREATE TABLE IF NOT EXISTS kernel_search (rowid bigint PRIMARY KEY, kernel_search tsvector NOT NULL, "
    "public text NOT NULL, internal text NOT NULL)",
    "ALTER TABLE kernel_search ALTER COLUMN kernel_search SET STATISTICS 300",
    "CREATE INDEX IF NOT EXISTS kernel_search_words ON kernel_search USING gin (kernel_search) "
    "WITH (fastupdate = on, gin_pending_list_limit = 1024)",
    # Parts are looked for apart from records, and are few beside them.
    "CREATE INDEX IF NOT EXISTS kernel_search_parts ON kernel_search USING gin (kernel_search) "
    "WITH (fastupdate = on, gin_pending_list_limit = 1024) WHERE rowid < 0",
)
DROP = ("DROP TABLE IF EXISTS kernel_search",)

_UPSERT = (
    "INSERT INTO kernel_search AS old (rowid, kernel_search, public, internal) VALUES (%s, %s::tsvector, %s, %s) "
    "ON CONFLICT (rowid) DO UPDATE SET kernel_search = EXCLUDED.kernel_search, public = EXCLUDED.public, "
    "internal = EXCLUDED.internal WHERE (old.kernel_search, old.public, old.internal) IS DISTINCT FROM "
    "(EXCLUDED.kernel_search, EXCLUDED.public, EXCLUDED.internal)"
)
# A sum, because for an order by the key alone the planner would walk down the key: quick where every tenth record
# matches, but where it guesses wrong it reads the whole table.
NEWEST_FIRST = (F("search_entry__pk") + 0).desc()

# So many matches are quicker read and sorted than looked for down a list's order: the planner does not know how many
# there are, and chooses the wrong way as often as not.
SORTED_AT_ONCE = 4_000

_WALKED = 8_192  # records that are quicker read than looked up
_SHORT_PREFIX = 3
_PAGE = 50  # hits that make it not worth while to go on looking for more
_FEW = 2_000  # records that are quicker looked at one by one
# Every record bears a word that says in which block of ids it is, so that the index itself can keep to the newest.
_BLOCK_BITS = 16
_LAST_POSITION = 16_383  # PostgreSQL's own limit; later words are found, but not in phrases
_GAP = 8  # no phrase reaches from the title into the text


def expression(query: Query, *, internal: bool) -> str:
    """Return the query as text of a tsquery; words of the title weigh A, public ones B, internal ones C."""
    weights = "" if internal else "AB"
    ways = [f"'{query.number}':A"] if query.number else []
    if query.terms:
        ways.append(f"({' & '.join(_phrase(term, weights) for term in query.terms)})")
    found = " | ".join(ways)
    return f"({found}) & ({' | '.join(map(_word, query.within))})" if query.within else found


def parted(query: Query) -> tuple[Query, Query | None]:
    """Return what to look up in the index, and what to check of the records that it finds.

    A word of which only the beginning is known matches thousands, and the index would have to collect them all.
    """
    late = tuple(term for term in query.terms if term.prefix and len(term.words[-1]) <= _SHORT_PREFIX)
    indexed = tuple(term for term in query.terms if term not in late)
    if query.number or not late or not indexed:
        return query, None
    return replace(query, terms=indexed), Query(late)


def either(query: Query, internal: Q) -> Q:
    """Return the condition that a record matches by its public words, or by all where `internal` holds."""
    return Q(search_entry__words__match_all=query) & (internal | Q(search_entry__words__match_public=query))


def by_word(query: Query, *, internal: bool, found_in_parts: Q | None) -> Q:
    """Return the condition that a record is one of many that match; for a list in any order."""
    lookup = "match_all" if internal else "match_public"
    found = Q(**{f"search_entry__words__{lookup}": query})
    return found | found_in_parts if found_in_parts else found


def among(ids: Sequence[int]) -> Q:
    """Return the condition that a record is one of these; as an array, which thousands need not be parted into."""
    return Q(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [list(ids)]))  # nosec B611 -- the ids are a parameter


def in_parts(query: Query, *, internal: bool) -> tuple[str, list[str]]:
    """Return a statement for the ids of records of which all words are found, at least one of them in a part.

    Where more than one word is asked for, records and parts are looked at one by one: they are few by then.
    """
    weights = "" if internal else "AB"
    each = [_phrase(term, weights) for term in query.terms]
    found = "SELECT DISTINCT -rowid >> 20 AS owner FROM kernel_search WHERE rowid < 0 AND kernel_search @@ %s::tsquery"
    if len(each) == 1:
        return found, each
    sql = f"WITH candidate AS MATERIALIZED ({found}) SELECT owner FROM candidate WHERE true"  # nosec B608
    for _term in each:
        sql += (
            " AND (owner IN (SELECT -rowid >> 20 FROM kernel_search WHERE rowid < 0 AND kernel_search @@ %s::tsquery)"
            " OR (SELECT kernel_search @@ %s::tsquery FROM kernel_search WHERE rowid = owner))"
        )
    return sql, [" | ".join(each), *(term for term in each for _ in range(2))]


def any_word_in_parts(query: Query, *, internal: bool) -> tuple[str, list[str]]:
    """Return the condition, of the search table, that a row is a part in which one of the words is found."""
    weights = "" if internal else "AB"
    any_word = " | ".join(_phrase(term, weights) for term in query.terms)
    return "kernel_search @@ %s::tsquery AND rowid < 0", [any_word]


def steps(connection: BaseDatabaseWrapper, queryset: QuerySet[Model], query: Query) -> Iterator[Step]:
    """Yield searches among the newest records, among more of them, and at last among all.

    PostgreSQL reads every match before it can sort them. Whoever has enough after a step can do without the next;
    so a word of half of all records costs no more than one of a thousandth.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(rowid) FROM kernel_search")
        newest = cursor.fetchone()[0] or 0
    walked, by_key = replace(query, looked_up=False), F("search_entry__pk").desc()
    if newest <= _WALKED:
        yield Step(queryset, walked, by_key)
        return
    # Said of both tables: the planner does not conclude it from one to the other.
    newest_few = queryset.filter(pk__gt=newest - _WALKED, search_entry__pk__gt=newest - _WALKED)
    yield Step(newest_few, walked, by_key, enough=2 * _PAGE)
    few = list(queryset.order_by().values_list("pk", flat=True)[: _FEW + 1])
    if len(few) <= _FEW:
        yield Step(queryset.filter(pk__in=few), walked, NEWEST_FIRST)
        return
    for blocks in (2, 8):
        if newest < blocks << _BLOCK_BITS:
            break
        first_block = (newest >> _BLOCK_BITS) - blocks + 1
        within = tuple(_block(number) for number in range(first_block, first_block + blocks))
        newer = queryset.filter(pk__gte=first_block << _BLOCK_BITS)
        yield Step(newer, replace(query, within=within), NEWEST_FIRST, enough=_PAGE)
    yield Step(queryset, query, NEWEST_FIRST)


def write(connection: BaseDatabaseWrapper, rows: Iterable[SearchRow | SearchPart]) -> None:
    """Put the rows into the index, replacing what was there of the same records."""
    values = [(row.key, vector(row), row.shown_public, row.shown_internal) for row in rows]
    with connection.cursor() as cursor:
        if len(values) == 1:  # many go through a pipeline, which one alone would only wait for
            cursor.execute(_UPSERT, values[0])
        else:
            cursor.executemany(_UPSERT, values)


def vector(row: SearchRow | SearchPart) -> str:
    """Return the text of a tsvector, with the weights A, B and C for words of title, public and internal text."""
    places: dict[str, str] = {}
    first = 1
    for weight, words in zip("ABC", row.words(), strict=True):
        for at, word in enumerate(words, first):
            place = f"{at if at < _LAST_POSITION else _LAST_POSITION}{weight}"
            places[word] = f"{places[word]},{place}" if word in places else place
        first += len(words) + _GAP
    return " ".join(
        [
            f"'{_block(row.record_id >> _BLOCK_BITS)}'",
            *[f"'{word}':{found}" for word, found in places.items()],
        ]
    )


def _block(number: int) -> str:
    return f"@{number}"


def _phrase(term: Term, weights: str) -> str:
    return f"({' | '.join(_way(way, weights) for way in term.ways)})"


def _way(term: Term, weights: str) -> str:
    *first, last = term.words
    words = [_word(word, weights) for word in first] + [_word(last, ("*" if term.prefix else "") + weights)]
    return f"({' <-> '.join(words)})" if first else words[0]


def _word(word: str, marks: str = "") -> str:
    return f"'{word}':{marks}" if marks else f"'{word}'"
