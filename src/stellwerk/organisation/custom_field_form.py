"""The form of a custom field: record types to choose from, and one choice per line."""

from typing import Any

from django import forms
from django.db.models.fields import BLANK_CHOICE_DASH
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.model import registry
from stellwerk.web.fields.renderer import Asked
from stellwerk.web.record.forms import RecordForm, form_of


class LinesField(forms.CharField):
    """A list of texts, one per line."""

    widget = forms.Textarea(attrs={"rows": 4})

    def prepare_value(self, value: object) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: object) -> Any:
        return [line.strip() for line in (super().to_python(value) or "").splitlines() if line.strip()]


@form_of(CustomField)
class CustomFieldForm(RecordForm):
    """Offers what the model keeps as keys and JSON in people's words."""

    def _field(self, name: str, asked: Asked) -> forms.Field:
        field = super()._field(name, asked)
        if name in ("target", "references"):
            kinds = [(each.key, capfirst(str(each.label))) for each in registry.all_types()]
            choices = [*BLANK_CHOICE_DASH, *sorted(kinds, key=lambda kind: kind[1])]
            return forms.ChoiceField(choices=choices, required=field.required, label=field.label)
        if name == "choices":
            return LinesField(required=False, label=field.label, help_text=_("One per line, for a choice."))
        return field
