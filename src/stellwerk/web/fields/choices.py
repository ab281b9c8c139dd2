"""Choices, and the state of a record."""

from collections.abc import Callable

from django import forms
from django.db.models.fields import BLANK_CHOICE_DASH

from stellwerk.kernel.fields.choice import Choice, Rank, SeveralChoices, Status
from stellwerk.kernel.fields.field import Field
from stellwerk.kernel.model.record import Record
from stellwerk.web import components
from stellwerk.web.fields.renderer import (
    Asked,
    Cell,
    CellPage,
    Names,
    Renderer,
    about,
    no_longer_offered,
    once_per_value,
    renders,
)


@renders(Choice)
class ChoiceRenderer(Renderer):
    alike = True

    def form_field(self, field: Field, asked: Asked) -> forms.Field:
        if field.column is None:
            pairs = [(value, value) for value, _label in field.choices]
            made: forms.Field = forms.ChoiceField(choices=[*BLANK_CHOICE_DASH, *pairs], **about(field))
        else:
            made = super().form_field(field, asked)
        current = asked.current
        if current not in (None, "", *dict(field.choices)) and isinstance(made, forms.ChoiceField):
            made.choices = [*made.widget.choices, (current, no_longer_offered(current))]  # and kept
        return made


@renders(Rank)
class RankRenderer(ChoiceRenderer):
    def cell(self, field: Field, value: object, page: CellPage) -> Cell:
        return self._drawn(field, value)

    def shown(self, field: Field, value: object, names: Names) -> Cell:
        return self._drawn(field, value)

    def _drawn(self, field: Field, value: object) -> Cell:
        if not isinstance(value, int | str):
            return components.rank(None)
        return components.rank(value, dict(field.choices).get(value, ""))


@renders(SeveralChoices)
class SeveralChoicesRenderer(Renderer):
    def form_field(self, field: Field, asked: Asked) -> forms.Field:
        pairs = [(str(value), str(label)) for value, label in field.choices]
        known = dict(pairs)
        current = asked.current if isinstance(asked.current, list) else ()
        pairs += [(one, no_longer_offered(one)) for one in current if one not in known]
        return forms.MultipleChoiceField(choices=pairs, widget=forms.CheckboxSelectMultiple, **about(field))


@renders(Status)
class StatusRenderer(Renderer):
    def drawer(self, field: Field, page: CellPage) -> Callable[[Record], Cell]:
        tone = page.record_type.tone_of
        return once_per_value(
            page.record_type.model.STATUS_FIELDS,
            lambda record: components.status(
                record.status, record.get_status_in_brief(), tone(record.status)
            ),
        )

    def shown(self, field: Field, value: object, names: Names) -> Cell:
        return components.status(
            str(value), field.text(value, lambda pk: None), field.tones.get(str(value), "")
        )
