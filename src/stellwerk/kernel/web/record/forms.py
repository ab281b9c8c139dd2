"""Forms made from declarations: one for creating, one for changing, one for each step and each property."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.db.models.fields import BLANK_CHOICE_DASH
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from stellwerk.kernel.access.person import Person
from stellwerk.kernel.custom import values as custom
from stellwerk.kernel.custom.models import CustomField
from stellwerk.kernel.records import registry
from stellwerk.kernel.records.declaration import RecordType
from stellwerk.kernel.records.record import Record
from stellwerk.kernel.records.values import MachineValue, machine_values, to_machine
from stellwerk.kernel.web.record.participants import warning
from stellwerk.kernel.web.reference_field import ReferenceField

FEW = 40
"""Up to so many records are offered as a list to choose from; of more, one is searched for."""

_REFERENCE = re.compile(r"[A-Z]{2,4}-\d{6,12}")


class RecordChoiceField(ReferenceField):
    """Takes a record by what the form itself shows, "Gus Gordon (PER-000012)", by its reference or by its title.

    Offers a plain list when there are only a few; gives the record's id.
    """

    def __init__(
        self, record_type: RecordType[Any], person: Person, offered: "Offered", **kwargs: Any
    ) -> None:
        super().__init__(record_type, person, **kwargs)
        self.offered = {choice.reference: choice.pk for choice in offered.choices}
        if offered.few:
            records = [(choice.shown, choice.label) for choice in offered.choices]
            self.widget = forms.Select(choices=[*BLANK_CHOICE_DASH, *records])

    def clean(self, value: Any) -> int | None:
        found = _REFERENCE.findall(str(value or "").upper())
        if found and found[-1] in self.offered:
            return self.offered[found[-1]]
        record: Record | None = super().clean(found[-1] if found else value)
        return record.pk if record else None


@dataclass(frozen=True)
class Choice:
    """A record in a form."""

    pk: int
    reference: str
    label: str

    @property
    def shown(self) -> str:
        return f"{self.label} ({self.reference})"


@dataclass(frozen=True)
class Offered:
    """The records that a field offers: all of them when they are few, else only the one chosen already."""

    choices: Sequence[Choice]
    few: bool


class RecordForm(forms.Form):
    """The fields `names` of a record type, for `person`; begins with the values of `record`, or with `initial`."""

    def __init__(
        self,
        record_type: RecordType[Any],
        names: Iterable[str],
        person: Person,
        *,
        data: Mapping[str, Any] | None = None,
        record: Record | None = None,
        initial: Mapping[str, Any] | None = None,
        required: Collection[str] = (),
        prefix: str | None = None,
    ) -> None:
        super().__init__(data, prefix=prefix)
        self.record_type, self.person = record_type, person
        names = list(names)
        start = {**(values_of(record, names) if record else {}), **(initial or {})}
        offers = self._offers(names, start)
        for name in names:
            field = self._field(name, offers)
            field.required = field.required or name in required
            field.help_text = (warning(record, name) if record else "") or field.help_text
            name_empty_choice(field)
            self.fields[name] = field
            self.initial[name] = self._shown(name, start.get(name), offers)

    def values(self) -> dict[str, Any]:
        """Return what was entered, as the verbs take it."""
        return dict(self.cleaned_data)

    def changes(self, record: Record) -> dict[str, Any]:
        """Return what differs from the record: what somebody left alone need not be theirs to choose."""
        stored = machine_values(record)
        entered = self.values()
        return {name: value for name, value in entered.items() if _machine(value) != stored.get(name)}

    def take_errors(self, error: ValidationError) -> None:
        """Show what a verb found wrong beside the fields it is about."""
        by_field = error.error_dict if hasattr(error, "error_dict") else {"__all__": error.error_list}
        for name, errors in by_field.items():
            self.add_error(name if name in self.fields else None, errors)

    # -- making fields -------------------------------------------------------------------------------

    def _field(self, name: str, offers: dict[str, Offered]) -> forms.Field:
        if name.startswith("custom."):
            return custom_form_field(custom.definitions(self.record_type.key)[name[7:]])
        declared = self.record_type.field(name)
        if name in offers:
            return RecordChoiceField(
                registry.for_model(self.record_type.references[name]),
                self.person,
                offers[name],
                required=not declared.blank,
                label=capfirst(str(self.record_type.field_label(name))),
                help_text=declared.help_text,
            )
        field = form_field(declared)
        field.label = capfirst(str(self.record_type.field_label(name)))
        return field

    def _offers(self, names: Iterable[str], start: Mapping[str, Any]) -> dict[str, Offered]:
        """Find what the references offer: one query per type of record, one for those chosen already."""
        pointing = {name: m for name, m in self.record_type.references.items() if name in names}
        chosen = {pk for name in pointing if isinstance(pk := start.get(name), int)}
        known = {choice.pk: choice for choice in _choices(Record.objects.filter(pk__in=chosen), "title")}
        few = {model: self._few(model) for model in set(pointing.values())}
        offers = {}
        for name, model in pointing.items():
            now = known.get(start.get(name) or 0)
            offered = few[model]
            if offered is None:
                offers[name] = Offered([now] if now else [], few=False)
            else:
                missing = [now] if now and now.pk not in {choice.pk for choice in offered} else []
                offers[name] = Offered([*offered, *missing], few=True)
        return offers

    def _few(self, model: type[Record]) -> list[Choice] | None:
        if model is Person:
            return None
        label = label_field(registry.for_model(model))
        visible: Any = model._default_manager.visible_to(self.person)
        found = _choices(visible.filter(is_open=True).order_by(label)[: FEW + 1], label)
        return found if len(found) <= FEW else None

    def _shown(self, name: str, value: Any, offers: dict[str, Offered]) -> Any:
        if name not in offers:
            return value
        return next((choice.shown for choice in offers[name].choices if choice.pk == value), "")


F = TypeVar("F", bound=type[RecordForm])
_own: dict[type[Record], type[RecordForm]] = {}


def form_of(model: type[Record]) -> Callable[[F], F]:
    """Create and change the records of `model` with the decorated form instead of the generic one."""

    def declare(form: F) -> F:
        _own[model] = form
        return form

    return declare


def form_class(record_type: RecordType[Any]) -> type[RecordForm]:
    """Return the class of the forms that create and change such records."""
    return _own.get(record_type.model, RecordForm)


def _machine(value: Any) -> MachineValue:
    return None if value == "" else to_machine(value)


def form_field(declared: "models.Field[Any, Any]") -> forms.Field:
    """Make the form field of a model field that is no reference."""
    url = isinstance(declared, models.URLField)
    field = declared.formfield(assume_scheme="https") if url else declared.formfield()
    if field is None:
        raise TypeError(f"{declared} has no form field.")
    if isinstance(field, forms.DateTimeField):
        field.widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    elif isinstance(field, forms.DateField):
        field.widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    elif isinstance(field.widget, forms.Textarea):
        field.widget.attrs["rows"] = 6
    return field


def name_empty_choice(field: forms.Field) -> None:
    """Give the empty choice of a select words for Django's dashes."""
    if isinstance(field.widget, forms.Select):
        words = _("Choose one") if field.required else _("Nothing chosen")
        dashes = BLANK_CHOICE_DASH[0][1]
        field.widget.choices = [
            (value, words if label == dashes else label) for value, label in field.widget.choices
        ]


def custom_form_field(definition: CustomField) -> forms.Field:
    """Make the form field of a custom field; its values are checked by the verb."""
    about: dict[str, Any] = {
        "label": definition.title,
        "help_text": definition.help,
        "required": definition.required,
    }
    match definition.type:
        case CustomField.Type.CHOICE:
            return forms.ChoiceField(
                choices=[*BLANK_CHOICE_DASH, *((c, c) for c in definition.choices)], **about
            )
        case CustomField.Type.DATE:
            return forms.DateField(widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"), **about)
        case CustomField.Type.YES_NO:
            answers = [*BLANK_CHOICE_DASH, ("yes", _("Yes")), ("no", _("No"))]
            return forms.ChoiceField(choices=answers, **about)
        case CustomField.Type.NUMBER:
            return forms.CharField(widget=forms.TextInput({"inputmode": "decimal"}), max_length=40, **about)
        case _:
            return forms.CharField(max_length=10_000, **about)


def names_to_fill(record_type: RecordType[Any], *, staff: bool) -> list[str]:
    """List what may be filled in on a new record: requesters are asked for less."""
    if staff:
        return [*record_type.editable_fields, *custom_names(record_type)]
    return list(record_type.asked_of_requesters)


def custom_names(record_type: RecordType[Any]) -> list[str]:
    return [f"custom.{name}" for name in custom.definitions(record_type.key)]


def values_of(record: Record, names: Iterable[str]) -> dict[str, Any]:
    """Read a record's fields as a form begins with them; references as ids."""
    values: dict[str, Any] = {}
    for name in names:
        if name.startswith("custom."):
            value = record.custom.get(name[7:])
            values[name] = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
        else:
            values[name] = getattr(record, record.record_type.field(name).attname)
    return values


def form_sections(form: RecordForm) -> list[dict[str, Any]]:
    """Arrange a form's fields in the sections of the declaration, custom fields last."""
    drawn = []
    left = list(form.fields)
    for section in form.record_type.sections:
        names = [name for name in section.fields if name in form.fields]
        if names:
            drawn.append({"title": section.title, "fields": [form[name] for name in names]})
            left = [name for name in left if name not in names]
    if left:
        drawn.append({"title": _("More"), "fields": [form[name] for name in left]})
    return drawn


def label_field(record_type: RecordType[Any]) -> str:
    """Return the field by which people know such records: what their list is ordered by when that is a text."""
    name = record_type.ordering.lstrip("-")
    return name if isinstance(record_type.field(name), models.CharField) else "title"


def _choices(queryset: QuerySet[Any], label: str) -> list[Choice]:
    return [Choice(*row) for row in queryset.values_list("pk", "reference", label)]
