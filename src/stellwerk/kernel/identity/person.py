"""People: those who sign in, and those whom records only name."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager

from stellwerk.kernel.declare import (
    Active,
    TypedRecord,
    _,
    models,
)
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.record import RecordManager

if TYPE_CHECKING:
    from stellwerk.kernel.identity.team import Team


class PersonManager(RecordManager["Person"], BaseUserManager["Person"]):
    """People, also found by what they sign in with."""


class Person(TypedRecord, AbstractBaseUser):
    """A person; with a user name and a password they can sign in.

    The record's title is the person's name, its party the organisation they belong to. Preferences and
    the password are the person's own business and not part of the journal.
    """

    UNJOURNALED: ClassVar[tuple[str, ...]] = ("language", "time_zone", "theme", "density", "stream_order")
    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    Status = Active

    class Theme(models.TextChoices):
        SYSTEM = "", _("As the device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    class Density(models.TextChoices):
        COMFORTABLE = "", _("Comfortable")
        COMPACT = "compact", _("Compact")

    class StreamOrder(models.TextChoices):
        NEWEST_FIRST = "", _("Newest first")
        OLDEST_FIRST = "oldest", _("Oldest first")

    username = models.CharField(_("user name"), max_length=150, unique=True, null=True, blank=True)
    email = models.EmailField(_("email"), unique=True, null=True, blank=True)
    telephone = models.CharField(_("telephone"), max_length=40, blank=True)
    position = models.CharField(_("position"), max_length=120, blank=True)
    is_service = models.BooleanField(
        _("service account"), default=False, help_text=_("Another program, which acts through tokens only.")
    )
    work_goes_to = models.ForeignKey(
        "self",
        models.PROTECT,
        verbose_name=_("their open work goes to"),
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        help_text=_("If empty, it goes back to its teams, unassigned."),
    )
    language = models.CharField(_("language"), max_length=10, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=60, blank=True)
    theme = models.CharField(_("theme"), max_length=5, choices=Theme, blank=True)
    density = models.CharField(_("density"), max_length=7, choices=Density, blank=True)
    stream_order = models.CharField(
        _("order of conversations"), max_length=7, choices=StreamOrder, blank=True
    )

    must_confirm: Callable[[], bool] | None = None
    """Set for who is signed in with a browser: whether they have not lately said who they are. Programs cannot be asked."""

    objects: ClassVar[PersonManager] = PersonManager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")

    def __str__(self) -> str:
        return self.title

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        return self.status == self.Status.ACTIVE

    @property
    def address_is_confirmed(self) -> bool:
        """Whether another address counts only once this one and the new one have confirmed it (`accounts.address_change`)."""
        from stellwerk.kernel.model.mail import NO_MAIL  # stands on people

        return bool(self.email) and settings.EMAIL_BACKEND != NO_MAIL

    def get_full_name(self) -> str:
        return self.title

    def get_short_name(self) -> str:
        return self.title.split(" ")[0]


def takes_work_again(ended: "Person | Team", moment: datetime, by: Actor) -> None:
    """Forget to whom the work of a person or team went who is back."""
    ended.work_goes_to = None
