"""Looking up what a record refers to: at a glance, or brought along whole."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib.auth import get_user_model

from stellwerk.kernel.model import memo, registry
from stellwerk.kernel.model.record import Record

if TYPE_CHECKING:
    from stellwerk.kernel.model.declaration import RecordType


class Glance(NamedTuple):
    """What the core table says of a record."""

    pk: int
    kind: str
    reference: str
    title: str
    party_id: int | None
    open_to_all: bool


def glances(ids: Iterable[int]) -> dict[int, Glance]:
    """Map those of the ids that are records to what is known of them; one query at most."""
    things = memo.at_hand()
    found: dict[int, Glance] = {}
    missing = set()
    for pk in ids:
        if things is not None and (Glance, pk) in things:
            found[pk] = things[Glance, pk]
        else:
            missing.add(pk)
    if missing:
        rows = Record.objects.filter(pk__in=missing).values_list(*Glance._fields)
        for glance in map(Glance._make, rows):
            found[glance.pk] = glance
            if things is not None and registry.get(glance.kind).seldom_changes:
                things[Glance, glance.pk] = glance
    return found


def bring_along(record_type: "RecordType[Any]", record: Record) -> None:
    """Give the record what is remembered of those it refers to, or else the people it names, in one query.

    The rules of its type, the check of references and those who tell the people need not look them up one by one.
    """
    missing = {
        name: (model, getattr(record, f"{name}_id"))
        for name, model in record_type.references.items()
        if getattr(record, f"{name}_id") is not None and name not in record._state.fields_cache
    }
    if memo.at_hand() is None:
        person = get_user_model()
        people = person._default_manager.in_bulk({pk for model, pk in missing.values() if model is person})
        found = {name: people.get(pk) for name, (model, pk) in missing.items() if model is person}
    else:
        found = {
            name: memo.record(model, pk)
            for name, (model, pk) in missing.items()
            if registry.for_model(model).seldom_changes
        }
    for name, other in found.items():
        if other is not None:
            setattr(record, name, other)
