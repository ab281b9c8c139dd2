"""A record as one line, where there is no table: what waits for the reader, and what refers to a record."""

from datetime import datetime

from django.utils import formats
from django.utils.translation import gettext as _

from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.web import components
from stellwerk.web.lists.columns import Cells
from stellwerk.web.parts import WorkRow

UNTIL = "valid_until"
"""What a line tells in the place of a status, of types that have none."""


def fields_of_rows(record_type: RecordType) -> list[str]:
    """List the fields that a line is drawn from."""
    own = [name for name, field in record_type.own_fields.items() if field.leads or name == UNTIL]
    return ["reference", "title", "kind", *record_type.model.STATUS_FIELDS, "party", "updated_at", *own]


def row_of(record: Record, record_type: RecordType, updated_at: datetime | None = None) -> WorkRow:
    """Prepare one line for parts/work_row.html; `updated_at` is given where a guest reads it."""
    leading = [name for name, field in record_type.own_fields.items() if field.leads][:1]
    cells = Cells(record_type, ["status", *leading], [record])
    return WorkRow(
        reference=record.reference,
        title=record.title,
        url=record.get_absolute_url(),
        status=cells.cell(record, "status") if record.status else _until(record),
        rank=cells.cell(record, leading[0]) if leading else "",
        meta=components.moment(updated_at or record.updated_at),
    )


def _until(record: Record) -> str:
    """Say when what has no states but a last day ends."""
    last = getattr(record, UNTIL, None)
    return _("until %s") % formats.date_format(last, "j M Y") if last else ""
