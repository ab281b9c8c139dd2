"""Numbers, spans of time, yes and no."""

from django import forms
from django.core.exceptions import ValidationError
from django.db.models.fields import BLANK_CHOICE_DASH
from django.utils.translation import gettext as _

from stellwerk.kernel.fields.field import Field
from stellwerk.kernel.fields.number import Decimals, Duration, Number, Percentage, WholeNumber, said_span
from stellwerk.kernel.fields.yes_no import YesNo
from stellwerk.web.fields.renderer import Asked, Offered, Renderer, about, renders


@renders(Number, WholeNumber, Decimals, Percentage)
class NumberRenderer(Renderer):
    def form_field(self, field: Field, asked: Asked) -> forms.Field:
        if field.column is not None:
            return super().form_field(field, asked)
        return forms.CharField(
            widget=forms.TextInput({"inputmode": "decimal"}), max_length=40, **about(field)
        )


class SpanField(forms.Field):
    """Takes "4 h 30 min" or "4:30"; gives seconds."""

    def __init__(self, field: Field) -> None:
        super().__init__(widget=forms.TextInput({"maxlength": "40"}), **about(field))
        self.field = field

    def to_python(self, value: object) -> object:
        text = str(value or "").strip()
        if not text:
            return None
        seconds = self.field.read(text)
        if why := self.field.fault(seconds):
            raise ValidationError(why)
        return seconds


@renders(Duration)
class DurationRenderer(Renderer):
    def form_field(self, field: Field, asked: Asked) -> forms.Field:
        return SpanField(field)

    def initial(self, field: Field, value: object, offered: Offered | None) -> object:
        return said_span(value) if isinstance(value, int) else value


@renders(YesNo)
class YesNoRenderer(Renderer):
    def form_field(self, field: Field, asked: Asked) -> forms.Field:
        if field.column is not None:
            return super().form_field(field, asked)
        answers = [*BLANK_CHOICE_DASH, ("yes", _("Yes")), ("no", _("No"))]
        return forms.ChoiceField(choices=answers, **about(field))

    def initial(self, field: Field, value: object, offered: Offered | None) -> object:
        if field.column is None and isinstance(value, bool):
            return "yes" if value else "no"
        return value
