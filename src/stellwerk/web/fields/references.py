"""References to other records: one, or several."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Unpack

from django import forms
from django.core.exceptions import ValidationError
from django.db.models.fields import BLANK_CHOICE_DASH
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stellwerk.kernel.fields.field import Field
from stellwerk.kernel.fields.reference import MOST_REFERENCES, Reference, SeveralReferences
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.retirable import Retirable
from stellwerk.web import components
from stellwerk.web.fields.renderer import (
    About,
    Asked,
    Cell,
    CellPage,
    FilterGroup,
    Filtering,
    Name,
    Names,
    Offered,
    Renderer,
    about,
    once_per_value,
    renders,
)
from stellwerk.web.options import named, options
from stellwerk.web.reference_field import ReferenceField

MEANING_ME = {
    Person: gettext_lazy("Me"),
    Team: gettext_lazy("My teams"),
    Party: gettext_lazy("My organisation"),
}
_REFERENCE = re.compile(r"[A-Z]{2,4}-\d{6,12}")


class RecordChoiceField(ReferenceField):
    """Takes a record by what the form itself shows, "Gus Gordon (PER-000012)", by its reference or by its title.

    Offers a plain list when there are only a few; gives the record's id.
    """

    def __init__(
        self, record_type: RecordType, person: Person, offered: Offered, **kwargs: Unpack[About]
    ) -> None:
        super().__init__(record_type, person, **kwargs)
        self.offered = {choice.reference: choice.pk for choice in offered.choices}
        if offered.few:
            records = [(choice.shown, choice.label) for choice in offered.choices]
            self.widget = forms.Select(choices=[*BLANK_CHOICE_DASH, *records])

    def clean(self, value: object) -> int | None:
        found = _REFERENCE.findall(str(value or "").upper())
        if found and found[-1] in self.offered:
            return self.offered[found[-1]]
        record = self.record(found[-1] if found else value)
        return record.pk if record else None


class RecordsField(forms.MultipleChoiceField):
    """Takes several records, one per line, or ticked where there are only a few; gives their ids in that order."""

    def __init__(
        self, target: RecordType, person: Person, offered: Offered | None, **kwargs: Unpack[About]
    ) -> None:
        self.target, self.person = target, person
        self.offered = {choice.reference: choice.pk for choice in offered.choices} if offered else {}
        choices = [(choice.shown, choice.label) for choice in offered.choices] if offered else []
        few = bool(offered and offered.few)
        widget: type[forms.Widget] = forms.CheckboxSelectMultiple if few else Lines
        super().__init__(choices=choices, widget=widget, **kwargs)

    def to_python(self, value: Sequence[str] | None) -> list[int]:  # type: ignore[override]  # ids, not texts
        lines = [line.strip() for line in value or () if line.strip()]
        if len(lines) > MOST_REFERENCES:
            raise ValidationError(_("Give at most %d records.") % MOST_REFERENCES)
        known = dict(self.offered)
        wanted = [(found[-1] if (found := _REFERENCE.findall(line.upper())) else line) for line in lines]
        unknown = [name for name in wanted if name not in known]
        if unknown:
            visible = self.target.model._default_manager.visible_to(self.person)
            known |= dict(visible.filter(reference__in=unknown).values_list("reference", "pk"))
            for name in [name for name in unknown if name not in known]:
                same = list(visible.filter(title=name).values_list("pk", flat=True)[:2])
                if len(same) != 1:
                    raise ValidationError(
                        _("“%s”: select a record from the list, or give its reference.") % name[:60]
                    )
                known[name] = same[0]
        return list(dict.fromkeys(known[name] for name in wanted))

    def validate(self, value: object) -> None:
        if self.required and not value:
            raise ValidationError(self.error_messages["required"], code="required")

    def has_changed(self, initial: object, data: object) -> bool:
        return True


class Lines(forms.Textarea):
    """Several values, one per line."""

    def __init__(self, attrs: Mapping[str, str] | None = None, choices: object = ()) -> None:
        super().__init__({"rows": "4", **(attrs or {})})
        self.choices = choices

    def format_value(self, value: object) -> str:
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "")

    def value_from_datadict(self, data: Mapping[str, object], files: object, name: str) -> list[str]:
        given = data.get(name, "")
        return given if isinstance(given, list) else str(given or "").splitlines()


@renders(Reference)
class ReferenceRenderer(Renderer):
    def drawer(self, field: Field, page: CellPage) -> Callable[[Record], Cell]:
        if field.column is None:
            return super().drawer(field, page)
        kind = field.target.__name__ if field.target else ""

        def draw(record: Record) -> Cell:
            pk = field.get(record)
            title = page.titles.get(pk, "") if isinstance(pk, int) else ""
            if not title:
                return components.nothing()
            return components.person(title, team=kind == "Team") if kind in ("Person", "Team") else title

        return once_per_value([field.column.attname], draw)

    def shown(self, field: Field, value: object, names: Names) -> Cell:
        if field.column is None:
            return components.reference(str(value), reverse("record", args=[value]))
        found = names.get(value) if isinstance(value, int) else None
        return named_record(found) if found else ""

    def form_field(self, field: Field, asked: Asked) -> forms.Field:
        if field.column is None:
            return super().form_field(field, asked)
        target = registry.for_model(field.target)
        if asked.offered is None:
            return ReferenceField(target, asked.person, **about(field))
        return RecordChoiceField(target, asked.person, asked.offered, **about(field))

    def initial(self, field: Field, value: object, offered: Offered | None) -> object:
        if offered is None:
            return value
        return next((choice.shown for choice in offered.choices if choice.pk == value), "")

    def control(self, field: Field, filtering: Filtering) -> FilterGroup:
        if field.column is None:
            return super().control(field, filtering)
        target = registry.for_model(field.target)
        model = target.model
        given, find = filtering.given.get(field.name, []), filtering.find.get(field.name, "")
        choices = [("me", str(MEANING_ME[model]))] if model in MEANING_ME else []
        if field.nullable:
            choices.append(("none", _("None")))
        known = {value for value, _label in choices}
        chosen = named([value for value in given if value not in known], model, filtering.person)
        found = options(target, filtering.person, find) if find else []
        offered = dict([*choices, *((option.reference, option.title) for option in [*chosen, *found])])
        return filtering.boxes(field.name, field.title, offered.items(), finds=target.key, find=find)


@renders(SeveralReferences)
class SeveralReferencesRenderer(ReferenceRenderer):
    def drawer(self, field: Field, page: CellPage) -> Callable[[Record], Cell]:
        return Renderer.drawer(self, field, page)

    def shown(self, field: Field, value: object, names: Names) -> Cell:
        if field.column is None:
            linked: list[Cell] = [
                components.reference(one, reverse("record", args=[one])) for one in field.named(value)
            ]
        else:
            names.want(field.refers(value))
            linked = [named_record(found) for pk in field.refers(value) if (found := names.get(pk))]
        return format_html_join(", ", "{}", ((one,) for one in linked))

    def form_field(self, field: Field, asked: Asked) -> forms.Field:
        if field.column is None:
            return forms.CharField(
                max_length=10_000,
                widget=forms.TextInput(),
                **about(field) | {"help_text": str(field.help) or _("References, separated by commas.")},
            )
        target = registry.for_model(field.target)
        return RecordsField(target, asked.person, asked.offered, **about(field))

    def initial(self, field: Field, value: object, offered: Offered | None) -> object:
        if field.column is None:
            return ", ".join(value) if isinstance(value, list) else value
        shown = {choice.pk: choice.shown for choice in offered.choices} if offered else {}
        return [shown[pk] for pk in field.refers(value) if pk in shown]


def named_record(found: Name) -> Cell:
    """Show another record by its name, linked where the reader may open it, and that it is no longer in use."""
    if found.kind in ("person", "team"):
        shown: Cell = components.person(found.title, found.url, team=found.kind == "team")
    else:
        link = format_html('<a class="link" href="{}">{}</a>', found.url, found.title)
        shown = link if found.url else found.title
    declared = registry.get(found.kind)
    if not isinstance(declared, Retirable) or found.status not in declared.workflow.ended:
        return shown
    return format_html(
        '{} <span class="text-muted text-sm">({})</span>', shown, declared.status_label(found.status)
    )
