"""Pages of a list by keyset: each goes on after the last row of the one before, however far one has come."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from stellwerk.api.reading import unfit
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.query.selection import Selection
from stellwerk.kernel.query.sorting import Place

COUNTED_UP_TO = 10_000
FOUND_UP_TO = 1_000
"""What a search finds is counted so far."""


def page(selection: Selection, cursor: str | None, size: int) -> tuple[list[Record], str | None]:
    """Return the rows after `cursor`, and the cursor of the next page if there is one."""
    order = selection.order
    rows = order.marked(selection.visible())
    if cursor:
        rows = rows.filter(_beyond(selection, cursor))
    found = list(order.apply(rows)[: size + 1])
    if len(found) <= size:
        return found, None
    return found[:size], f"{order.place_of(found[size - 1]).token()}.{selection.ordering}"


def total(selection: Selection) -> dict[str, Any]:
    """Count the rows, up to a limit beyond which the exact number costs more than it tells."""
    most = FOUND_UP_TO if selection.text else COUNTED_UP_TO
    count = selection.countable()[: most + 1].count()
    return {"count": min(count, most), "exact": count <= most}


def _beyond(selection: Selection, cursor: str) -> Any:
    token, _point, made_for = cursor.partition(".")
    try:
        if made_for == selection.ordering:
            return selection.order.beyond(Place.read(token))
    except ValidationError:
        pass
    raise unfit("cursor", _("This cursor is not of this list: begin without one."))
