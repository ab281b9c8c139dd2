"""What the portal asks of somebody who reports or requests something."""

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from stellwerk.foundation.category import Category
from stellwerk.kernel.identity.person import Person
from stellwerk.processes.services.service import Service
from stellwerk.vocabulary import Values


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; gives a list."""

    widget = ManyFiles

    def clean(self, data: object, initial: object = None) -> list["UploadedFile[bytes]"]:
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
    service = forms.ModelChoiceField(
        label=_("Service"), queryset=Service.objects.none(), required=False, empty_label=_("I don't know")
    )
    category = forms.ModelChoiceField(
        label=_("About"), queryset=Category.objects.none(), required=False, empty_label=_("Something else")
    )
    uploads = FilesField(label=_("Files"), required=False, help_text=_("Screenshots, logs, forms."))

    def __init__(
        self,
        person: Person,
        services: QuerySet[Service],
        data: QueryDict | None = None,
        files: MultiValueDict[str, "UploadedFile[bytes]"] | None = None,
        initial: Values | None = None,
    ) -> None:
        super().__init__(data, files, initial=dict(initial or {}))
        self.fields["service"].queryset = services  # type: ignore[attr-defined]
        categories = Category.objects.visible_to(person).filter(is_open=True).order_by("path")
        self.fields["category"].queryset = categories  # type: ignore[attr-defined]

    def ticket_values(self) -> dict[str, object]:
        """Return what the verb takes."""
        return {name: self.cleaned_data[name] for name in ("title", "description", "service", "category")}
