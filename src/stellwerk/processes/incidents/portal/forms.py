"""What the portal asks of somebody who reports or requests something."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from stellwerk.foundation.category import Category
from stellwerk.kernel.identity.person import Person
from stellwerk.processes.incidents.portal.catalogue import catalogue


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; gives a list."""

    widget = ManyFiles

    def clean(self, data: object, initial: object = None) -> list[Any]:
        given = data if isinstance(data, list | tuple) else [data]
        return [super(FilesField, self).clean(file, initial) for file in given if file]


class WithdrawForm(forms.Form):
    """Why a requester no longer needs what they asked for."""

    reason = forms.CharField(
        label=_("Why?"),
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Optional, but it helps the people who look into it."),
    )


class TicketForm(forms.Form):
    """A new ticket in the requester's own words."""

    title = forms.CharField(label=_("In one sentence"), max_length=250)
    description = forms.CharField(
        label=_("What happened, or what do you need?"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 7}),
        help_text=_(
            "What you did, what you expected, since when. The exact words of an error message help most."
        ),
    )
    service: Any = forms.ModelChoiceField(
        label=_("Service"), queryset=None, required=False, empty_label=_("I don't know")
    )
    category: Any = forms.ModelChoiceField(
        label=_("About"), queryset=None, required=False, empty_label=_("Something else")
    )
    uploads = FilesField(label=_("Files"), required=False, help_text=_("Screenshots, logs, forms."))

    def __init__(self, person: Person, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["service"].queryset = catalogue(person)  # type: ignore[attr-defined]
        categories = Category.objects.visible_to(person).filter(is_open=True).order_by("path")
        self.fields["category"].queryset = categories  # type: ignore[attr-defined]

    def ticket_values(self) -> dict[str, Any]:
        """Return what the verb takes."""
        return {name: self.cleaned_data[name] for name in ("title", "description", "service", "category")}
