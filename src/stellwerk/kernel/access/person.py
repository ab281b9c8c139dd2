"""People: those who sign in, and those whom records only name."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.urls import reverse

from stellwerk.kernel.access.actor import SYSTEM, Actor, System
from stellwerk.kernel.declare import (
    Access,
    RecordType,
    Role,
    Section,
    Transition,
    TypedRecord,
    ValidationError,
    Workflow,
    _,
    models,
    register,
)
from stellwerk.kernel.records.declaration import Action
from stellwerk.kernel.records.record import RecordQuerySet

__all__ = ["SYSTEM", "Actor", "Person", "PersonType", "System"]


SIGN_IN = ("email", "username", "is_service", "status")
"""What decides whether and how a person signs in."""


class PersonManager(BaseUserManager["Person"].from_queryset(RecordQuerySet)):  # type: ignore[misc]
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

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        FORMER = "former", _("Former")

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
        help_text=_("Left empty, it goes back to its teams, assigned to nobody."),
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

    objects: ClassVar[Any] = PersonManager()

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
        from stellwerk.kernel.notifications.services import NO_MAIL  # stands on people

        return bool(self.email) and settings.EMAIL_BACKEND != NO_MAIL

    def get_full_name(self) -> str:
        return self.title

    def get_short_name(self) -> str:
        return self.title.split(" ")[0]


def somebody_else_takes_over(person: Person) -> None:
    if person.work_goes_to_id == person.pk:
        raise ValidationError({"work_goes_to": _("Select somebody else: this person leaves.")})


def takes_work_again(ended: Any, moment: datetime, by: Actor) -> None:
    """Forget to whom the work of a person or team went who is back."""
    ended.work_goes_to = None


@register
class PersonType(RecordType[Person]):
    model = Person
    prefix = "PER"
    seldom_changes = True
    seen_with_party = True
    process = "people"
    icon = "user"
    access = {Role.MANAGER: Access.EDIT, Role.AGENT: Access.VIEW, Role.VIEWER: Access.VIEW}
    labels = {"title": _("name")}
    columns = ["title", "email", "position", "party", "status"]
    filters = ["party", "status", "is_service"]
    search = ["reference", "title", "username", "email", "position"]
    ordering = "title"
    in_charge = ["work_goes_to"]
    sections = [
        Section(_("Person"), ["title", "email", "telephone", "position", "party"]),
        Section(_("Sign-in"), ["username", "is_service"]),
    ]
    workflow = Workflow(
        Person.Status,
        Person.Status.ACTIVE,
        [
            Transition(
                "leave",
                _("Mark as former"),
                [Person.Status.ACTIVE],
                Person.Status.FORMER,
                by=[Role.MANAGER],
                offers=["work_goes_to"],
                guard=somebody_else_takes_over,
            ),
            Transition(
                "return",
                _("Reinstate"),
                [Person.Status.FORMER],
                Person.Status.ACTIVE,
                by=[Role.MANAGER],
                effect=takes_work_again,
            ),
        ],
        ended=[Person.Status.FORMER],
        tones={Person.Status.ACTIVE: "live"},
    )

    def actions(self, record: Person, by: Person) -> list[Action]:
        from stellwerk.kernel.access.standing import standing_of  # stands on people

        standing, actions = standing_of(by), []
        if record.address_is_confirmed and (by.pk == record.pk or standing.may_edit(record)):
            address = reverse("change_address", args=[record.reference])
            actions.append(Action(_("Change the address"), address, "at-sign"))
        if not standing.is_administrator or not record.is_open:
            return actions
        if record.is_service:
            address = f"{reverse('tokens')}?for={record.reference}"
            return [*actions, Action(_("API tokens"), address, "key-round")]
        address = reverse("sign_in_link", args=[record.reference])
        return [*actions, Action(_("Link for choosing a password"), address, "key-round")]

    def derive(self, record: Person, before: Person | None) -> None:
        """Empty sign-in names are absent ones: two people without an address do not collide. Capitals do not count."""
        record.username = record.username.lower() if record.username else None
        record.email = record.email.lower() if record.email else None
        if before is None and not record.password:
            record.set_unusable_password()

    def authorise(self, record: Person, before: Person | None, by: Actor) -> None:
        """Whoever decides how somebody signs in could sign in as them."""
        if before is not None and any(getattr(record, name) != getattr(before, name) for name in SIGN_IN):
            from stellwerk.kernel.access import rights  # stands on people

            rights.require_no_more_than_own(record, by)
            if isinstance(by, Person) and before.email != record.email and before.address_is_confirmed:
                raise ValidationError(
                    {"email": _("Use “Change the address” on the person's page: both addresses confirm it.")}
                )
