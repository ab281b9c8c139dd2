"""Records at a glance: enough to name one, and to say who sees it plainly, without reading its type's table."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from stellwerk.kernel.records import memo, registry
from stellwerk.kernel.records.record import Record

if TYPE_CHECKING:
    from stellwerk.kernel.records.declaration import RecordType


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
    """Give the record those it refers to that are remembered, so that the rules of its type need not look them up."""
    if memo.at_hand() is None:
        return
    for name, model in record_type.references.items():
        pk = getattr(record, f"{name}_id")
        if pk is None or name in record._state.fields_cache or not registry.for_model(model).seldom_changes:
            continue
        if (other := memo.record(model, pk)) is not None:
            setattr(record, name, other)
