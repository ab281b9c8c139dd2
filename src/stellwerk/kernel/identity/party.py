"""Parties: the organisations and units that own and share records."""

from stellwerk.kernel.declare import (
    Active,
    TypedRecord,
    _,
    models,
)


class Party(TypedRecord):
    """An organisation, one of its units, a federation member, a customer or a supplier."""

    class Kind(models.TextChoices):
        ORGANISATION = "organisation", _("Organisation")
        UNIT = "unit", _("Unit")
        MEMBER = "member", _("Federation member")
        CUSTOMER = "customer", _("Customer")
        SUPPLIER = "supplier", _("Supplier")

    Status = Active

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
        help_text=_("The one person to contact."),
    )
    description = models.TextField(
        _("description"), blank=True, help_text=_("Its role in providing services.")
    )
    website = models.URLField(_("website"), blank=True)

    class Meta:
        verbose_name = _("party")
        verbose_name_plural = _("parties")
