"""Forms made from declarations: one for creating, one for changing, one for each step and each property."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.db.models.fields import BLANK_CHOICE_DASH
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.translation import gettext as _

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.model.values import MachineValue, machine_values
from stellwerk.vocabulary import Text, Values
from stellwerk.web.fields import renderer_of
from stellwerk.web.fields.renderer import Asked, Choice, Offered
from stellwerk.web.record.participants import warning

FEW = 40
"""Up to so many records are offered as a list to choose from; of more, one is searched for."""


class RecordForm(forms.Form):
    """The fields `names` of a record type, for `person`; begins with the values of `record`, or with `initial`."""

    def __init__(
        self,
        record_type: RecordType,
        names: Iterable[str],
        person: Person,
        *,
        data: QueryDict | None = None,
        record: Record | None = None,
        initial: Values | None = None,
        required: Collection[str] = (),
        prefix: str | None = None,
    ) -> None:
        super().__init__(data, prefix=prefix)
        self.record_type, self.person = record_type, person
        names = list(names)
        known = record_type.fields
        self.described = {name: known.get(name) or record_type.own_field(name) for name in names}
        start = {**(values_of(record, names) if record else {}), **(initial or {})}
        offers = self._offers(start)
        for name, described in self.described.items():
            field = self._field(name, Asked(person, offers.get(name), start.get(name)))
            field.required = field.required or name in required
            field.help_text = (warning(record, name) if record else "") or field.help_text
            name_empty_choice(field)
            self.fields[name] = field
            self.initial[name] = renderer_of(described).initial(described, start.get(name), offers.get(name))

    def values(self) -> dict[str, object]:
        """Return what was entered, as the verbs take it."""
        return dict(self.cleaned_data)

    def changes(self, record: Record) -> dict[str, object]:
        """Return what differs from the record: what somebody left alone need not be theirs to choose."""
        stored = machine_values(record)
        entered = self.values()
        return {
            name: value for name, value in entered.items() if self.machine(name, value) != stored.get(name)
        }

    def machine(self, name: str, value: object) -> MachineValue:
        """Turn what was entered in a field into a machine value; None for nothing."""
        described = self.described[name]
        entered: MachineValue = renderer_of(described).entered(described, value)
        return entered

    def take_errors(self, error: ValidationError) -> None:
        """Show what a verb found wrong beside the fields it is about."""
        by_field = error.error_dict if hasattr(error, "error_dict") else {"__all__": error.error_list}
        for name, errors in by_field.items():
            self.add_error(name if name in self.fields else None, errors)

    # -- making fields -------------------------------------------------------------------------------

    def _field(self, name: str, asked: Asked) -> forms.Field:
        """Make one field; a type whose form offers it in other words overrides this."""
        return renderer_of(self.described[name]).form_field(self.described[name], asked)

    def _offers(self, start: Values) -> dict[str, Offered]:
        """Find what the references offer: one query per type of record, one for those chosen already."""
        pointing = {name: f for name, f in self.described.items() if f.target}
        chosen = {name: list(f.refers(start.get(name))) for name, f in pointing.items()}
        ids = {pk for of_one in chosen.values() for pk in of_one}
        known = {choice.pk: choice for choice in _choices(Record.objects.filter(pk__in=ids), "title")}
        few = {f.target: self._few(cast("type[Record]", f.target)) for f in pointing.values()}
        offers = {}
        for name, field in pointing.items():
            now = [known[pk] for pk in chosen[name] if pk in known]
            offered = few[field.target]
            loaded = {choice.pk for choice in offered or ()}
            missing = [choice for choice in now if choice.pk not in loaded]
            offers[name] = Offered([*(offered or ()), *missing], few=offered is not None)
        return offers

    def _few(self, model: type[Record]) -> list[Choice] | None:
        if model is Person:
            return None
        label = label_field(registry.for_model(model))
        visible = model._default_manager.visible_to(self.person)
        found = _choices(visible.filter(is_open=True).order_by(label)[: FEW + 1], label)
        return found if len(found) <= FEW else None


F = TypeVar("F", bound=type[RecordForm])
_own: dict[type[Record], type[RecordForm]] = {}


def form_of(model: type[Record]) -> Callable[[F], F]:
    """Create and change the records of `model` with the decorated form instead of the generic one."""

    def declare(form: F) -> F:
        _own[model] = form
        return form

    return declare


def form_class(record_type: RecordType) -> type[RecordForm]:
    """Return the class of the forms that create and change such records."""
    return _own.get(record_type.model, RecordForm)


def name_empty_choice(field: forms.Field) -> None:
    """Give the empty choice of a select words for Django's dashes."""
    if isinstance(field.widget, forms.Select):
        words = _("Choose one") if field.required else _("Nothing chosen")
        dashes = BLANK_CHOICE_DASH[0][1]
        field.widget.choices = [
            (value, words if label == dashes else label) for value, label in field.widget.choices
        ]


def names_to_fill(record_type: RecordType, *, staff: bool) -> list[str]:
    """List what may be filled in on a new record: requesters are asked for less."""
    return list(record_type.settable if staff else requestable(record_type).asked_of_requesters)


def values_of(record: Record, names: Iterable[str]) -> dict[str, object]:
    """Read a record's fields as they are stored; references as ids."""
    fields = record.record_type.fields
    return {name: (fields.get(name) or record.record_type.own_field(name)).get(record) for name in names}


@dataclass(frozen=True, slots=True)
class FormSection:
    """A titled group of a form's fields."""

    title: Text
    fields: Sequence[BoundField]


def form_sections(form: RecordForm) -> list[FormSection]:
    """Arrange a form's fields in the sections of the declaration, custom fields last."""
    drawn = []
    left = list(form.fields)
    for section in form.record_type.sections:
        names = [name for name in section.fields if name in form.fields]
        if names:
            drawn.append(FormSection(section.title, [form[name] for name in names]))
            left = [name for name in left if name not in names]
    if left:
        drawn.append(FormSection(_("More"), [form[name] for name in left]))
    return drawn


def label_field(record_type: RecordType) -> str:
    """Return the field by which people know such records: what their list is ordered by when that is a text."""
    name = record_type.ordering.lstrip("-")
    return name if record_type.own_fields[name].is_line else "title"


def _choices(queryset: QuerySet[Record], label: str) -> list[Choice]:
    return [Choice(*row) for row in queryset.values_list("pk", "reference", label)]
