"""Pages of a list by keyset: each goes on after the last row of the one before, however far one has come."""

import base64
import binascii
import json
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from stellwerk.kernel.api.reading import unfit
from stellwerk.kernel.records.declaration import RecordType
from stellwerk.kernel.records.record import Record
from stellwerk.kernel.records.values import to_machine

COUNTED_UP_TO = 10_000


def page(
    record_type: RecordType[Any], queryset: QuerySet[Any], ordering: str, cursor: str | None, size: int
) -> tuple[list[Record], str | None]:
    """Return the rows after `cursor` of a queryset in `ordering`, and the cursor of the next page if there is one."""
    if cursor:
        queryset = queryset.filter(_after(record_type, ordering, cursor))
    rows = list(queryset[: size + 1])
    return rows[:size], _cursor(record_type, ordering, rows[size - 1]) if len(rows) > size else None


def total(queryset: QuerySet[Any]) -> dict[str, Any]:
    """Count the rows, up to a limit beyond which the exact number costs more than it tells."""
    count = queryset.order_by()[: COUNTED_UP_TO + 1].count()
    return {"count": min(count, COUNTED_UP_TO), "exact": count <= COUNTED_UP_TO}


def _cursor(record_type: RecordType[Any], ordering: str, last: Record) -> str:
    value = to_machine(getattr(last, record_type.field(ordering.lstrip("-")).attname))
    return base64.urlsafe_b64encode(json.dumps([ordering, value, last.pk]).encode()).decode().rstrip("=")


def _after(record_type: RecordType[Any], ordering: str, cursor: str) -> Q:
    name = ordering.lstrip("-")
    field = record_type.field(name)
    value, pk = _read(ordering, cursor)
    try:
        value = None if value is None else field.to_python(value)
    except (ValidationError, TypeError, ValueError):
        raise _foreign() from None
    onward = "lt" if ordering.startswith("-") else "gt"
    later = Q(**{f"pk__{onward}": pk})
    if value is None:
        return Q(**{f"{name}__isnull": True}) & later
    # The first arm alone would do; the bound before it lets the index begin at the right place.
    after = Q(**{f"{name}__{onward}e": value}) & (Q(**{f"{name}__{onward}": value}) | later)
    return after | Q(**{f"{name}__isnull": True}) if field.null else after


def _read(ordering: str, cursor: str) -> tuple[Any, int]:
    try:
        made_for, value, pk = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise _foreign() from None
    if made_for != ordering or type(pk) is not int or (isinstance(value, str) and "\x00" in value):
        raise _foreign()
    return value, pk


def _foreign() -> ValidationError:
    return unfit("cursor", _("This cursor is not of this list: begin without one."))
