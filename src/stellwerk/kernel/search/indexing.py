"""Keeping the search entry of a record, whatever changed on it."""

from collections.abc import Iterable

from stellwerk.kernel.records.record import Record
from stellwerk.kernel.search import door
from stellwerk.kernel.search.door import SearchRow


def refresh(record: Record) -> None:
    """Write the record's search entry anew, with its comments."""
    comments = list(record.comments.values_list("internal", "body")) if record.version > 1 else []
    door.index([row(record, comments)])


def concerns(record: Record, fields: Iterable[str]) -> bool:
    """Whether a change of these fields changes what the record is found by."""
    found_by = {"title", *record.record_type.search}
    return not found_by.isdisjoint(fields)


def row(record: Record, comments: Iterable[tuple[bool, str]]) -> SearchRow:
    """Put together what requesters and what only staff may find the record by."""
    public, internal = record.record_type.search_text(record)
    said = list(comments)
    return SearchRow(
        record_id=record.pk,
        kind=record.kind,
        reference=record.reference,
        title=record.title,
        public="\n".join([public, *(body for hidden, body in said if not hidden)]),
        internal="\n".join([internal, *(body for hidden, body in said if hidden)]),
    )
