"""Looking up what a record refers to: at a glance, or brought along whole."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from django.contrib.auth import get_user_model

from stellwerk.kernel.model import registry, shared_cache
from stellwerk.kernel.model.record import Record

if TYPE_CHECKING:
    from stellwerk.kernel.model.declaration import RecordType


class ReferenceSummary(NamedTuple):
    """What the core table says of a record."""

    pk: int
    kind: str
    reference: str
    title: str
    status: str
    party_id: int | None
    open_to_all: bool


def summaries_of(ids: Iterable[int]) -> dict[int, ReferenceSummary]:
    """Map those of the ids that are records to what is known of them; one query at most."""
    cached = shared_cache.current()
    found: dict[int, ReferenceSummary] = {}
    missing = set()
    for pk in ids:
        known = cached and cached.get((ReferenceSummary, pk))
        if isinstance(known, ReferenceSummary):
            found[pk] = known
        else:
            missing.add(pk)
    if missing:
        rows = Record.objects.filter(pk__in=missing).values_list(*ReferenceSummary._fields)
        for summary in map(ReferenceSummary._make, rows):
            found[summary.pk] = summary
            if cached is not None and registry.get(summary.kind).seldom_changes:
                cached[ReferenceSummary, summary.pk] = summary
    return found


def prefetch(record_type: "RecordType", record: Record) -> None:
    """Give the record what is remembered of those it refers to, or else the people it names, in one query.

    The rules of its type, the check of references and those who tell the people need not look them up one by one.
    """
    missing = {
        name: (model, getattr(record, f"{name}_id"))
        for name, model in record_type.references.items()
        if getattr(record, f"{name}_id") is not None and name not in record._state.fields_cache
    }
    found: dict[str, Record | None]
    if shared_cache.current() is None:
        person = get_user_model()
        people = person._default_manager.in_bulk({pk for model, pk in missing.values() if model is person})
        found = {name: people.get(pk) for name, (model, pk) in missing.items() if model is person}
    else:
        found = {
            name: shared_cache.record(model, pk)
            for name, (model, pk) in missing.items()
            if registry.for_model(model).seldom_changes
        }
    for name, other in found.items():
        if other is not None:
            setattr(record, name, other)
