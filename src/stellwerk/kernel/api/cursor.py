"""Pages of a list by keyset: each goes on after the last row of the one before, however far one has come."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from stellwerk.kernel.api.reading import unfit
from stellwerk.kernel.records.record import Record
from stellwerk.kernel.records.selection import Selection
from stellwerk.kernel.records.sorting import Place

COUNTED_UP_TO = 10_000


def page(
    selection: Selection, queryset: QuerySet[Any], cursor: str | None, size: int
) -> tuple[list[Record], str | None]:
    """Return the rows after `cursor`, and the cursor of the next page if there is one."""
    order = selection.order
    rows = order.marked(selection.narrow(queryset))
    if cursor:
        rows = rows.filter(_beyond(selection, cursor))
    found = list(order.apply(rows)[: size + 1])
    if len(found) <= size:
        return found, None
    return found[:size], f"{order.place_of(found[size - 1]).token()}.{selection.ordering}"


def total(selection: Selection) -> dict[str, Any]:
    """Count the rows, up to a limit beyond which the exact number costs more than it tells."""
    count = selection.countable()[: COUNTED_UP_TO + 1].count()
    return {"count": min(count, COUNTED_UP_TO), "exact": count <= COUNTED_UP_TO}


def _beyond(selection: Selection, cursor: str) -> Any:
    token, _point, made_for = cursor.partition(".")
    try:
        if made_for == selection.ordering:
            return selection.order.beyond(Place.read(token))
    except ValidationError:
        pass
    raise unfit("cursor", _("This cursor is not of this list: begin without one."))
