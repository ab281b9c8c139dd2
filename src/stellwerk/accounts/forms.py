"""Forms of the account pages."""

from datetime import datetime, timedelta
from zoneinfo import available_timezones

from allauth.account.forms import ResetPasswordForm
from django import forms
from django.conf import settings
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from stellwerk.accounts.forgotten import answer_forgotten
from stellwerk.kernel.identity.api_token import ApiToken
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.tokens import LIFETIME


def _zones() -> list[tuple[str, str]]:
    named = sorted(
        zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/"))
    )
    return [
        ("", str(_("As the installation"))),
        ("UTC", "UTC"),
        *((zone, zone.replace("_", " ")) for zone in named),
    ]


class PreferencesForm(forms.ModelForm[Person]):
    """What pages look like for one person; no part of their record, so it is not journaled."""

    language = forms.ChoiceField(
        label=_("Language"), required=False, choices=lambda: [("", _("As the browser")), *settings.LANGUAGES]
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False, choices=_zones)

    class Meta:
        model = Person
        fields = ("language", "time_zone", "theme", "density")


class LookForm(forms.ModelForm[Person]):
    """Theme and density from the account menu, one at a time; its words for the unset values are the page's own."""

    UNSET = ("auto", "comfortable")

    class Meta:
        model = Person
        fields = ("theme", "density")

    def __init__(self, data: QueryDict, instance: Person) -> None:
        given = {name: data.get(name, getattr(instance, name)) for name in ("theme", "density")}
        super().__init__({k: "" if v in self.UNSET else v for k, v in given.items()}, instance=instance)


class AddressForm(forms.Form):
    """Another address."""

    email = forms.EmailField(label=_("Email"), max_length=254)


class ForgottenPasswordForm(ResetPasswordForm):  # type: ignore[misc]
    """Asks for a link by mail; whether the address is known here is found out afterwards, by a job."""

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def save(self, request: HttpRequest, **kwargs: object) -> str:
        address: str = self.cleaned_data["email"]
        answer_forgotten.enqueue(address)
        return address


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(label=_("What it is for"), max_length=120)
    scopes = forms.MultipleChoiceField(
        label=_("It may"),
        choices=ApiToken.Scope.choices,
        initial=[ApiToken.Scope.READ],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.TypedChoiceField(
        label=_("It expires"),
        coerce=int,
        choices=[
            (30, _("in 30 days")),
            (LIFETIME.days, _("in 90 days")),
            (365, _("in a year")),
            (0, _("never: it works until someone revokes it")),
        ],
        initial=LIFETIME.days,
    )

    def expires_at(self) -> datetime | None:
        """Return the instant at which the token expires, or None."""
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=days) if days else None
