"""A record as one line, where there is no table: what waits for the reader, and what refers to a record."""

from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _

from stellwerk.kernel.records.declaration import RecordType
from stellwerk.kernel.web import components
from stellwerk.kernel.web.lists.columns import Cells

TELLING = ("priority", "valid_until")
"""What a line tells beside the status, of types that have it."""


def fields_of_lines(record_type: RecordType[Any]) -> list[str]:
    """List the fields that a line is drawn from."""
    own = [field.name for field in record_type.journaled if field.name in TELLING]
    return ["reference", "title", "kind", *record_type.model.STATUS_FIELDS, "updated_at", *own]


def line(record: Any, record_type: RecordType[Any]) -> dict[str, Any]:
    """Prepare one line for parts/work_row.html."""
    cells = Cells(record_type, [n for n in ("status", "priority") if hasattr(record, n)], [record])
    return {
        "reference": record.reference,
        "title": record.title,
        "url": record.get_absolute_url(),
        "status": cells.cell(record, "status") if record.status else _until(record),
        "priority": cells.cell(record, "priority") if hasattr(record, "priority") else "",
        "meta": components.moment(record.updated_at),
    }


def _until(record: Any) -> str:
    """Say when what has no states but a last day ends."""
    last = getattr(record, "valid_until", None)
    return _("until %s") % formats.date_format(last, "j M Y") if last else ""
