"""The filter form of a list: one group per filter, with the control that fits its values."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from stellwerk.kernel.model.declaration import CORE_DATES
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.web.fields import renderer_of
from stellwerk.web.fields.renderer import FilterGroup, Filtering
from stellwerk.web.lists.listing import Listing


def groups(listing: Listing, find: dict[str, str]) -> list[FilterGroup]:
    """List the filters of a list; `find` holds what is searched for in those that point to records."""
    return list(_groups(listing, find))


def _groups(listing: Listing, find: dict[str, str]) -> Iterator[FilterGroup]:
    record_type = listing.record_type
    filtering = Filtering(listing.person, listing.selection.given, find)
    internal = policy_of(listing.person).scope(record_type) != frozenset()
    readable = record_type.readable_fields(internal=internal)
    ranged = [field for field in readable.values() if field.ranged]
    ranged.sort(key=lambda field: field.name not in CORE_DATES)
    for name in record_type.filters:
        if name in readable and not readable[name].ranged:
            yield renderer_of(readable[name]).control(readable[name], filtering)
    if record_type.workflow and record_type.workflow.ended:
        yield filtering.boxes("open", _("Open"), [("yes", _("Yes")), ("no", _("No"))])
    retired = [field for name, field in record_type.retired_fields.items() if name in filtering.given]
    for field in [*ranged, *(field for field in readable.values() if field.column is None), *retired]:
        yield renderer_of(field).control(field, filtering)
