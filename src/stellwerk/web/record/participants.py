"""Saying before a field is changed who loses or gains access to the record by it."""

from django.utils.translation import gettext as _

from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.requestable import requestable


def warning(record: Record, name: str) -> str:
    """Say before a field is changed whom that takes access from, or may give it to; "" for most fields."""
    record_type = record.record_type
    if name in record_type.workers:
        return _("If they belong to another organisation, %s is shared with it.") % record.reference
    if name not in requestable(record_type).participants or getattr(record, f"{name}_id") is None:
        return ""
    follows = [
        other for other in requestable(record_type).participants if other not in record_type.editable_fields
    ]
    who = [
        other for one in (name, *follows) if (other := getattr(record, one)) and other.pk != record.party_id
    ]
    return _("People who are no longer involved lose access to %(reference)s: %(who)s.") % {
        "reference": record.reference,
        "who": " · ".join(dict.fromkeys(str(other) for other in who)),
    }
