"""Search on PostgreSQL: a tsvector per record behind a GIN index, made of words that are already folded."""

from collections.abc import Iterable

from django.db.backends.base.base import BaseDatabaseWrapper

from stellwerk.kernel.search.query import Query, Term
from stellwerk.kernel.search.row import SearchRow

# A short list of pending words keeps both sides quick: writers do not update the index word by word, and
# whoever empties the list does not wait noticeably. The statistics tell the planner which words are common:
# those are looked for newest first, the others through the index.
CREATE = (
    "CREATE TABLE IF NOT EXISTS kernel_search (rowid bigint PRIMARY KEY, kernel_search tsvector NOT NULL, "
    "public text NOT NULL, internal text NOT NULL)",
    "ALTER TABLE kernel_search ALTER COLUMN kernel_search SET STATISTICS 300",
    "CREATE INDEX IF NOT EXISTS kernel_search_words ON kernel_search USING gin (kernel_search) "
    "WITH (fastupdate = on, gin_pending_list_limit = 1024)",
)
DROP = ("DROP TABLE IF EXISTS kernel_search",)

_UPSERT = (
    "INSERT INTO kernel_search AS old (rowid, kernel_search, public, internal) VALUES (%s, %s::tsvector, %s, %s) "
    "ON CONFLICT (rowid) DO UPDATE SET kernel_search = EXCLUDED.kernel_search, public = EXCLUDED.public, "
    "internal = EXCLUDED.internal WHERE (old.kernel_search, old.public, old.internal) IS DISTINCT FROM "
    "(EXCLUDED.kernel_search, EXCLUDED.public, EXCLUDED.internal)"
)
_LAST_POSITION = 16_383  # PostgreSQL's own limit; later words are found, but not in phrases
_GAP = 8  # no phrase reaches from the title into the text


def expression(query: Query, *, internal: bool) -> str:
    """Return the query as text of a tsquery; words of the title weigh A, public ones B, internal ones C."""
    weights = "" if internal else "AB"
    ways = [f"'{query.number}':A"] if query.number else []
    if query.terms:
        ways.append(f"({' & '.join(_phrase(term, weights) for term in query.terms)})")
    return " | ".join(ways)


def write(connection: BaseDatabaseWrapper, rows: Iterable[SearchRow]) -> None:
    """Put the rows into the index, replacing what was there of the same records."""
    values = [(row.record_id, vector(row.words()), row.shown_public, row.shown_internal) for row in rows]
    with connection.cursor() as cursor:
        cursor.executemany(_UPSERT, values)


def vector(columns: tuple[list[str], list[str], list[str]]) -> str:
    """Return the text of a tsvector with the weights A, B and C for the words of the three columns."""
    places: dict[str, str] = {}
    first = 1
    for weight, words in zip("ABC", columns, strict=True):
        for at, word in enumerate(words, first):
            place = f"{at if at < _LAST_POSITION else _LAST_POSITION}{weight}"
            places[word] = f"{places[word]},{place}" if word in places else place
        first += len(words) + _GAP
    return " ".join([f"'{word}':{found}" for word, found in places.items()])


def _phrase(term: Term, weights: str) -> str:
    *first, last = term.words
    words = [_word(word, weights) for word in first] + [_word(last, ("*" if term.prefix else "") + weights)]
    return f"({' <-> '.join(words)})"


def _word(word: str, marks: str) -> str:
    return f"'{word}':{marks}" if marks else f"'{word}'"
