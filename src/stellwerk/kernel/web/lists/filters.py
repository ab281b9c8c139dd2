"""The filter form of a list: one group per filter, with the control that fits its values."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stellwerk.kernel.access.party import Party
from stellwerk.kernel.access.person import Person
from stellwerk.kernel.access.team import Team
from stellwerk.kernel.custom import values as custom
from stellwerk.kernel.records import registry
from stellwerk.kernel.records.selection import choices_of, dated
from stellwerk.kernel.web.lists.columns import choosable, shown_to_guests
from stellwerk.kernel.web.lists.listing import Listing
from stellwerk.kernel.web.options import Option, named, options

MEANING_ME = {
    Person: gettext_lazy("Me"),
    Team: gettext_lazy("My teams"),
    Party: gettext_lazy("My organisation"),
}


@dataclass(frozen=True)
class Choice:
    """A box to tick."""

    value: str
    label: str
    ticked: bool = False


@dataclass
class FilterGroup:
    """One filter: boxes to tick, a search for records to tick (`finds`), a range of days, or a text."""

    name: str
    label: str
    choices: list[Choice] = field(default_factory=list)
    finds: str = ""
    """The key of the record type that is searched."""
    find: str = ""
    """What was searched for, when the page was asked without scripts."""
    bounds: tuple[str, str] | None = None
    text: str | None = None
    numeric: bool = False

    @property
    def active(self) -> bool:
        return bool(any(c.ticked for c in self.choices) or self.text or (self.bounds and any(self.bounds)))


def groups(listing: Listing, find: dict[str, str]) -> list[FilterGroup]:
    """List the filters of a list; `find` holds what is searched for in those that point to records."""
    return list(_groups(listing, find))


def _groups(listing: Listing, find: dict[str, str]) -> Iterator[FilterGroup]:
    record_type = listing.record_type
    readable = _readable(listing)
    for name in record_type.filters:
        if name not in readable:
            continue
        if name in record_type.references:
            yield _reference(listing, name, find.get(name, ""))
        elif not isinstance(record_type.field(name), models.DateField):
            yield _plain(listing, name)
    if record_type.workflow and record_type.workflow.ended:
        yield _boxes(listing, "open", _("Open"), [("yes", _("Yes")), ("no", _("No"))])
    for name in dated(record_type):
        if name in readable:
            yield _range(listing, name)
    for name, definition in custom.definitions(record_type.key).items():
        if f"custom.{name}" in readable:
            yield _custom(listing, name, definition)


def _readable(listing: Listing) -> set[str]:
    record_type = listing.record_type
    offered = set(choosable(record_type, listing.person))
    guests_only = offered <= shown_to_guests(record_type)
    return offered & shown_to_guests(record_type) if guests_only else offered | set(record_type.filters)


def _given(listing: Listing, name: str) -> list[str]:
    return listing.selection.given.get(name, [])


def _boxes(listing: Listing, name: str, label: str, choices: list[tuple[str, str]]) -> FilterGroup:
    given = _given(listing, name)
    return FilterGroup(name, label, [Choice(value, text, value in given) for value, text in choices])


def _plain(listing: Listing, name: str) -> FilterGroup:
    label = _label(listing, name)
    choices = choices_of(listing.record_type, name)
    if choices:
        return _boxes(listing, name, label, choices)
    return FilterGroup(name, label, text=" ".join(_given(listing, name)))


def _reference(listing: Listing, name: str, find: str) -> FilterGroup:
    model = listing.record_type.references[name]
    given = _given(listing, name)
    choices = [("me", str(MEANING_ME[model]))] if model in MEANING_ME else []
    if listing.record_type.field(name).null:
        choices.append(("none", _("None")))
    known = {value for value, _label in choices}
    chosen = named([value for value in given if value not in known], model, listing.person)
    found = options(registry.for_model(model), listing.person, find) if find else []
    offered: dict[str, str] = dict([*choices, *map(_pair, chosen), *map(_pair, found)])
    boxes = [Choice(value, text, value in given) for value, text in offered.items()]
    return FilterGroup(name, _label(listing, name), boxes, registry.for_model(model).key, find)


def _pair(option: Option) -> tuple[str, str]:
    return option.reference, option.title


def _range(listing: Listing, name: str) -> FilterGroup:
    bounds = [" ".join(_given(listing, f"{name}__{end}"))[:10] for end in ("gte", "lt")]
    return FilterGroup(name, _label(listing, name), bounds=(bounds[0], bounds[1]))


def _custom(listing: Listing, name: str, definition: Any) -> FilterGroup:
    parameter = f"custom.{name}"
    if definition.type == definition.Type.CHOICE:
        return _boxes(listing, parameter, definition.title, [(c, c) for c in map(str, definition.choices)])
    if definition.type == definition.Type.YES_NO:
        return _boxes(listing, parameter, definition.title, [("yes", _("Yes")), ("no", _("No"))])
    numeric = definition.type == definition.Type.NUMBER
    return FilterGroup(
        parameter, definition.title, text=" ".join(_given(listing, parameter)), numeric=numeric
    )


def _label(listing: Listing, name: str) -> str:
    return capfirst(str(listing.record_type.field_label(name)))
