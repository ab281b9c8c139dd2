"""The declaration of people."""

from dataclasses import replace

from django.conf import settings
from django.urls import reverse

from stellwerk.kernel.declare import (
    Access,
    Retirable,
    Role,
    Section,
    ValidationError,
    _,
    register,
)
from stellwerk.kernel.identity.person import Person, takes_work_again
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.declaration import RecordCommand
from stellwerk.kernel.model.retirable import BECOME_FORMER, REINSTATE, in_use_until
from stellwerk.kernel.permissions import rights
from stellwerk.kernel.permissions.policy import policy_of

SIGN_IN = ("email", "username", "is_service", "status")
"""What decides whether and how a person signs in."""


def somebody_else_takes_over(person: Person) -> None:
    if person.work_goes_to_id == person.pk:
        raise ValidationError({"work_goes_to": _("Select someone else: this person is leaving.")})


@register
class PersonType(Retirable[Person]):
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
    workflow = in_use_until(
        replace(
            BECOME_FORMER,
            name="leave",
            offers=["work_goes_to"],
            guard=somebody_else_takes_over,
            done=_("marked the person as former"),
        ),
        replace(REINSTATE, name="return", effect=takes_work_again, done=_("reinstated the person")),
    )

    def commands(self, record: Person, by: Actor) -> list[RecordCommand]:
        policy, commands = policy_of(by), []
        if record.address_is_confirmed and (by.pk == record.pk or policy.may_edit(record)):
            address = reverse("change_address", args=[record.reference])
            commands.append(RecordCommand(_("Change the address"), address, "at-sign"))
        if not policy.is_administrator or not record.is_open:
            return commands
        if record.is_service:
            address = f"{reverse('tokens')}?for={record.reference}"
            return [*commands, RecordCommand(_("API tokens"), address, "key-round")]
        address = reverse("sign_in_link", args=[record.reference])
        return [*commands, RecordCommand(_("Link for choosing a password"), address, "key-round")]

    def derive(self, record: Person, before: Person | None) -> None:
        """Empty sign-in names are absent ones: two people without an address do not collide. Capitals do not count."""
        record.username = record.username.lower() if record.username else None
        record.email = record.email.lower() if record.email else None
        if before is None and not record.password:
            record.set_unusable_password()

    def authorise(self, record: Person, before: Person | None, by: Actor) -> None:
        """Whoever decides how somebody signs in could sign in as them."""
        if before is not None and any(getattr(record, name) != getattr(before, name) for name in SIGN_IN):
            rights.require_no_more_than_own(record, by)
            if isinstance(by, Person) and before.email != record.email and before.address_is_confirmed:
                page = f"{settings.STELLWERK_URL}{reverse('change_address', args=[record.reference])}"
                sentence = _("Change the address in a browser at %s. Both addresses have to confirm it.")
                raise ValidationError({"email": sentence % page})
