"""Keeping what a record is found by, whatever changed on it.

The record's row holds its fields and the beginning of its conversation, so that most records need no other; what
goes beyond has parts of its own, so that a comment costs the same however many there are.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count

from django.db.models import prefetch_related_objects
from django.db.models.functions import Substr

from stellwerk.kernel.model.record import Record
from stellwerk.kernel.search import index
from stellwerk.kernel.search.row import MOST_PARTS, SearchPart, SearchRow, part_key, pieces

# How much of a conversation stands in the record's row: its first comments, as far as they fit.
_COMMENTS_IN_ROW = 20
_CHARACTERS_IN_ROW = 8_000
# Parts with lower numbers hold what is too long of the fields, those from here on the conversation.
_FIRST_OF_COMMENTS = 1 << 16

CommentText = tuple[bool, str]
"""Whether a comment is internal, and its text."""


def refresh(record: Record) -> None:
    """Write anew what the record is found by, apart from what its conversation has in parts."""
    if record.version > 1:
        index.forget_parts(record.pk, 1, _FIRST_OF_COMMENTS - 1)
    index.index(_of_fields(record, _beginning(record) if record.version > 1 else []))


def follow(record: Record, comments: Mapping[int, CommentText]) -> None:
    """Make a record findable by the comments that it just got, given by their ids."""
    beginning = _comments(record)
    within = {pk for pk, _internal, _body in beginning}
    if not within.isdisjoint(comments):
        index.index([_row(record, [(internal, body) for _pk, internal, body in beginning])[0]])
    later = [comments[pk] for pk in sorted(comments) if pk not in within]
    if later:
        last = index.last_part(record.pk, _FIRST_OF_COMMENTS, MOST_PARTS)
        index.index(_parts(record, _pieces_of(later), last + 1))


def new(record: Record, comments: list[CommentText]) -> Iterator[SearchRow | SearchPart]:
    """Yield all that a record is found by that has nothing in the index yet; comments in the order they were saved."""
    within = _fitting(comments)
    yield from _of_fields(record, comments[:within])
    yield from _parts(record, _pieces_of(comments[within:]), _FIRST_OF_COMMENTS)


def renew(records: list[Record]) -> None:
    """Write anew all that these records are found by."""
    index.forget([record.pk for record in records])
    prefetch_related_objects(records, "comments")
    for record in records:
        comments = sorted(record.comments.all(), key=lambda comment: comment.pk)
        index.index(new(record, [(comment.internal, comment.body) for comment in comments]))


def concerns(record: Record, fields: Iterable[str]) -> bool:
    """Whether a change of these fields changes what the record is found by."""
    found_by = {"title", *record.record_type.search}
    return not found_by.isdisjoint(fields)


def _of_fields(record: Record, comments: list[CommentText]) -> Iterator[SearchRow | SearchPart]:
    """Yield the record's row, and parts for what of its fields does not fit into it."""
    row, rest = _row(record, comments)
    yield row
    yield from _parts(record, rest, 1)


def _row(record: Record, comments: list[CommentText]) -> tuple[SearchRow, list[CommentText]]:
    """Put together what requesters and what only staff may find the record by; return what is left over, too."""
    (public, *more_public), (internal, *more_internal) = map(pieces, record.record_type.search_text(record))
    row = SearchRow(
        record_id=record.pk,
        kind=record.kind,
        reference=record.reference,
        title=record.title,
        public="\n".join([public, *(body for hidden, body in comments if not hidden)]),
        internal="\n".join([internal, *(body for hidden, body in comments if hidden)]),
    )
    return row, [*((False, piece) for piece in more_public), *((True, piece) for piece in more_internal)]


def _parts(record: Record, comments: Iterable[CommentText], first: int) -> Iterator[SearchPart]:
    for number, (internal, text) in zip(count(first), comments, strict=False):
        if number > MOST_PARTS:  # a million comments: the last ones are not found any more
            return
        key = part_key(record.pk, number)
        yield SearchPart(key, internal=text) if internal else SearchPart(key, public=text)


def _pieces_of(comments: Iterable[CommentText]) -> Iterator[CommentText]:
    return ((internal, piece) for internal, body in comments for piece in pieces(body))


def _beginning(record: Record) -> list[CommentText]:
    return [(internal, body) for _pk, internal, body in _comments(record)]


def _comments(record: Record) -> list[tuple[int, bool, str]]:
    """Return the comments that stand in the record's row, by their ids; no more is read than may fit."""
    start = Substr("body", 1, _CHARACTERS_IN_ROW + 1)
    first = record.comments.order_by("id")
    found = list(first.values_list("pk", "internal", start)[:_COMMENTS_IN_ROW])
    return found[: _fitting([(internal, body) for _pk, internal, body in found])]


def _fitting(comments: list[CommentText]) -> int:
    """Tell how many of the first comments fit into the record's row."""
    length = 0
    for number, (_internal, body) in enumerate(comments[:_COMMENTS_IN_ROW]):
        length += len(body)
        if length > _CHARACTERS_IN_ROW:
            return number
    return min(len(comments), _COMMENTS_IN_ROW)
