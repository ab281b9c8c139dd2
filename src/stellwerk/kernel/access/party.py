"""Parties: the organisations and units that own and share records."""

from typing import TYPE_CHECKING, Any

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
from stellwerk.kernel.records.via import Via

if TYPE_CHECKING:
    from stellwerk.kernel.access.person import Actor


class Party(TypedRecord):
    """An organisation, one of its units, a federation member, a customer or a supplier."""

    class Kind(models.TextChoices):
        ORGANISATION = "organisation", _("Organisation")
        UNIT = "unit", _("Unit")
        MEMBER = "member", _("Federation member")
        CUSTOMER = "customer", _("Customer")
        SUPPLIER = "supplier", _("Supplier")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        FORMER = "former", _("Former")

    party_kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.ORGANISATION)
    parent = models.ForeignKey(
        "self", models.PROTECT, verbose_name=_("part of"), null=True, blank=True, related_name="children"
    )
    contact = models.ForeignKey(
        "kernel.Person",
        models.PROTECT,
        verbose_name=_("contact point"),
        null=True,
        blank=True,
        related_name="contact_for",
        help_text=_("The one person to turn to."),
    )
    description = models.TextField(
        _("description"), blank=True, help_text=_("Its role in providing services.")
    )
    website = models.URLField(_("website"), blank=True)

    class Meta:
        verbose_name = _("party")
        verbose_name_plural = _("parties")


@register
class PartyType(RecordType[Party]):
    model = Party
    prefix = "PTY"
    seldom_changes = True
    process = "services"
    icon = "building-2"
    scope = "pk"
    access = {Role.MANAGER: Access.EDIT, Role.AGENT: Access.VIEW, Role.VIEWER: Access.VIEW}
    labels = {"title": _("name")}
    columns = ["reference", "title", "party_kind", "parent", "contact", "status"]
    filters = ["party_kind", "status", "parent", "contact"]
    search = ["reference", "title", "description"]
    ordering = "title"
    in_charge = ["contact"]
    sections = [Section(_("Party"), ["title", "party_kind", "parent", "contact", "description", "website"])]
    workflow = Workflow(
        Party.Status,
        Party.Status.ACTIVE,
        [
            Transition(
                "retire", _("Mark as former"), [Party.Status.ACTIVE], Party.Status.FORMER, by=[Role.MANAGER]
            ),
            Transition(
                "reinstate", _("Reinstate"), [Party.Status.FORMER], Party.Status.ACTIVE, by=[Role.MANAGER]
            ),
        ],
        ended=[Party.Status.FORMER],
        tones={Party.Status.ACTIVE: "live"},
    )

    def defaults(self, by: Any, via: Via) -> dict[str, Any]:
        return {}

    def validate(self, record: Party, before: Party | None) -> None:
        above = record.parent
        while above is not None:
            if above.pk == record.pk:
                raise ValidationError(
                    {"parent": _("A party cannot be part of itself: choose another one above it.")}
                )
            above = above.parent

    def placed_in(self, record: Party) -> int | None:
        return record.parent_id

    def authorise(self, record: Party, before: Party | None, by: "Actor") -> None:
        """Roles reach what is below their party: who moves one gives and takes what they reach in it."""
        if before is not None and record.parent_id != before.parent_id:
            from stellwerk.kernel.access import rights  # stands on parties

            rights.require_place(record, record.parent_id, by)
