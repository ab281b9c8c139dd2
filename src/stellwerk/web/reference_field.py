"""A form field for one record among many: typed, with suggestions; works without scripts by its reference."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import BaseRenderer
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.web.options import reference_in


class ReferenceInput(forms.TextInput):
    """A text input with a list of suggestions that follows what is typed."""

    def __init__(self, record_type: RecordType) -> None:
        super().__init__(attrs={"autocomplete": "off"})
        self.record_type = record_type

    def address(self) -> str:
        """Return where suggestions come from."""
        return reverse("options", args=[self.record_type])

    def render(
        self,
        name: str,
        value: object,
        attrs: Mapping[str, str] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        list_id = f"options-{name}"
        live = {"list": list_id, "data-suggest": self.address()}
        control = super().render(name, value, {**(attrs or {}), **live}, renderer)
        return format_html('{}<datalist id="{}"></datalist>', control, list_id)


class ReferenceField(forms.CharField):
    """Takes a reference such as "PER-000012", what a picker shows, or a title that only one visible record has."""

    def __init__(self, record_type: RecordType, person: Person, **kwargs: Any) -> None:
        super().__init__(widget=ReferenceInput(record_type), max_length=250, **kwargs)
        self.record_type = record_type
        self.person = person

    def clean(self, value: object) -> object:
        return self.record(value)

    def record(self, value: object) -> Record | None:
        """Return the record that was named; None where nothing was, and need not be."""
        text = super().clean(value)
        if not text:
            return None
        visible = self.record_type.model._default_manager.visible_to(self.person)
        found = list(visible.filter(reference=reference_in(text))) or list(visible.filter(title=text)[:2])
        if len(found) != 1:
            raise ValidationError(_("Select a record from the list."))
        return found[0]
