"""Which record types the long tests crawl through: one of each family, or all of them."""

import os

from stellwerk.kernel.model import registry
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.requestable import requestable

ALL = bool(os.environ.get("STELLWERK_TEST_ALL"))
"""Set by `make test ALL=1`."""


def family(record_type: RecordType) -> tuple[object, ...]:
    """Return what decides which code a type's pages and rules run through, whatever its own fields are."""
    return (
        record_type.scope,
        record_type.seen_with_party,
        bool(record_type.workflow),
        bool(requestable(record_type).participants),
        bool(requestable(record_type).portal_page),
        record_type.has_open_records,
        record_type.seldom_changes,
    )


def for_crawls() -> list[RecordType]:
    """List the types that crawls go through: of each family the one with most fields, so that crawls do not grow.

    What every type must keep is in the short promises, which run over all of them each time.
    """
    if ALL:
        return registry.all_types()
    fullest: dict[tuple[object, ...], RecordType] = {}
    for record_type in registry.all_types():
        known = fullest.get(family(record_type))
        if known is None or len(record_type.editable_fields) > len(known.editable_fields):
            fullest[family(record_type)] = record_type
    return list(fullest.values())
