"""Texts, addresses, and data of a shape of its own."""

from django import forms
from django.db import models
from django.utils.html import format_html
from django.utils.translation import gettext as _

from stellwerk.kernel.fields.field import Field
from stellwerk.kernel.fields.gone import Gone
from stellwerk.kernel.fields.structured import Structured
from stellwerk.kernel.fields.text import EmailAddress, LongText, Text, WebAddress
from stellwerk.kernel.model import strict_json
from stellwerk.web.fields.renderer import Asked, Cell, Names, Renderer, about, renders


@renders(Text, Gone)
class TextRenderer(Renderer):
    pass


class StrictJSONField(forms.JSONField):
    """JSON that names each key once."""

    def to_python(self, value: object) -> str | None:
        if isinstance(value, str) and value:
            try:
                strict_json.loads(value)
            except (ValueError, RecursionError) as error:
                raise forms.ValidationError(_("This is not JSON: %s.") % error) from None
        parsed: str | None = super().to_python(value)
        return parsed


@renders(Structured)
class StructuredRenderer(Renderer):
    def form_field(self, field: Field, asked: Asked) -> forms.Field:
        return StrictJSONField(**about(field))


@renders(LongText)
class LongTextRenderer(Renderer):
    def form_field(self, field: Field, asked: Asked) -> forms.Field:
        made = super().form_field(field, asked)
        made.widget.attrs["rows"] = 6
        return made


@renders(EmailAddress)
class EmailRenderer(Renderer):
    def shown(self, field: Field, value: object, names: Names) -> Cell:
        local, _at, host = str(value).rpartition("@")
        return format_html('<a class="link" href="mailto:{}">{}<wbr>@{}</a>', value, local, host)


@renders(WebAddress)
class AddressRenderer(Renderer):
    def shown(self, field: Field, value: object, names: Names) -> Cell:
        return format_html('<a class="link" href="{}" rel="noopener noreferrer">{}</a>', value, value)

    def form_field(self, field: Field, asked: Asked) -> forms.Field:
        if not isinstance(field.column, models.URLField):
            return super().form_field(field, asked)
        return forms.URLField(assume_scheme="https", max_length=field.column.max_length, **about(field))
