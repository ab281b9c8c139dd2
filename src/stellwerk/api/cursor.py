"""Pages of a list by keyset: each goes on after the last row of the one before, however far one has come."""

from typing import TypedDict, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from stellwerk.api.call import Call
from stellwerk.api.reading import unfit
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.query.selection import Selection
from stellwerk.kernel.query.sorting import Place

M = TypeVar("M", bound=Model)

PAGE_SIZE = 50
MOST_ROWS = 200
COUNTED_UP_TO = 10_000
FOUND_UP_TO = 1_000
"""What a search finds is counted so far."""


class Total(TypedDict):
    """How many there are; not exact means at least so many."""

    count: int
    exact: bool


def page(selection: Selection, cursor: str | None, size: int) -> tuple[list[Record], str | None]:
    """Return the rows after `cursor`, and the cursor of the next page if there is one."""
    order = selection.order
    place = _place(selection, cursor) if cursor else None
    rows = selection.visible_beyond(place, size + 1)
    found = list(order.apply(order.marked(rows))[: size + 1])
    if len(found) <= size:
        return found, None
    return found[:size], f"{order.place_of(found[size - 1]).token()}.{selection.ordering}"


def total(selection: Selection) -> Total:
    """Count the rows, up to a limit beyond which the exact number costs more than it tells."""
    most = FOUND_UP_TO if selection.text else COUNTED_UP_TO
    count, exact = selection.counted(most)
    return {"count": count, "exact": exact}


def _place(selection: Selection, cursor: str) -> Place:
    token, _point, made_for = cursor.partition(".")
    try:
        if made_for == selection.ordering:
            place = Place.read(token)
            selection.order.beyond(place)  # reads its value
            return place
    except ValidationError:
        pass
    raise unfit("cursor", _("This cursor belongs to another list. Start without one."))


def page_by(number: str, rows: QuerySet[M], call: Call) -> tuple[list[M], str | None]:
    """Return the rows whose `number` comes after the cursor that was given, and the cursor of the next page."""
    size = call.number("limit", PAGE_SIZE, MOST_ROWS)
    after = call.number("cursor", 0, 10**9 - 1)
    found = list(rows.filter(**{f"{number}__gt": after}).order_by(number)[: size + 1])
    following = str(getattr(found[size - 1], number)) if len(found) > size else None
    return found[:size], following
