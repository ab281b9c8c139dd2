"""Fields that an installation adds to a record type of its own accord."""

from stellwerk.kernel.declare import (
    InUse,
    TypedRecord,
    _,
    models,
)


class CustomField(TypedRecord):
    """A field added to a record type; its values live in `Record.custom` under `name`."""

    class Type(models.TextChoices):
        TEXT = "text", _("Text")
        NUMBER = "number", _("Number")
        DATE = "date", _("Date")
        CHOICE = "choice", _("Choice")
        REFERENCE = "reference", _("Reference to a record")
        YES_NO = "yes_no", _("Yes or no")
        PERCENTAGE = "percentage", _("Percentage")
        DURATION = "duration", _("Duration")
        SEVERAL_CHOICES = "several_choices", _("Several choices")
        SEVERAL_REFERENCES = "several_references", _("References to several records")

    Status = InUse

    target = models.CharField(
        _("record type"), max_length=40, help_text=_("The key of the record type, such as incident.")
    )
    name = models.SlugField(_("name"), max_length=40, help_text=_("As used in the API, files and addresses."))
    type = models.CharField(_("type of value"), max_length=20, choices=Type, default=Type.TEXT)
    choices = models.JSONField(
        _("choices"), default=list, blank=True, help_text=_("A list of texts, for a choice.")
    )
    references = models.CharField(
        _("refers to"), max_length=40, blank=True, help_text=_("The key of a record type.")
    )
    unit = models.CharField(
        _("unit"), max_length=20, blank=True, help_text=_("The unit of a number, such as TB.")
    )
    help = models.CharField(_("help"), max_length=250, blank=True)
    required = models.BooleanField(_("required"), default=False)
    shown_to_requesters = models.BooleanField(_("shown to requesters"), default=False)

    class Meta:
        verbose_name = _("custom field")
        verbose_name_plural = _("custom fields")
        constraints = (models.UniqueConstraint(fields=["target", "name"], name="custom_field_name"),)
