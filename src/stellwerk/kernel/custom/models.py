"""Fields that an installation adds to a record type of its own accord."""

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
from stellwerk.kernel.records import registry


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

    class Status(models.TextChoices):
        ACTIVE = "active", _("In use")
        RETIRED = "retired", _("No longer used")

    target = models.CharField(
        _("record type"), max_length=40, help_text=_("The key of the record type, such as incident.")
    )
    name = models.SlugField(
        _("name"), max_length=40, help_text=_("As it stands in the API, files and addresses.")
    )
    type = models.CharField(_("type of value"), max_length=20, choices=Type, default=Type.TEXT)
    choices = models.JSONField(
        _("choices"), default=list, blank=True, help_text=_("A list of texts, for a choice.")
    )
    references = models.CharField(
        _("refers to"), max_length=40, blank=True, help_text=_("The key of a record type.")
    )
    unit = models.CharField(
        _("unit"), max_length=20, blank=True, help_text=_("What a number counts, such as TB.")
    )
    help = models.CharField(_("help"), max_length=250, blank=True)
    required = models.BooleanField(_("required"), default=False)
    shown_to_requesters = models.BooleanField(_("shown to requesters"), default=False)

    class Meta:
        verbose_name = _("custom field")
        verbose_name_plural = _("custom fields")
        constraints = (models.UniqueConstraint(fields=["target", "name"], name="custom_field_name"),)


CHOOSING = (CustomField.Type.CHOICE, CustomField.Type.SEVERAL_CHOICES)


@register
class CustomFieldType(RecordType[CustomField]):
    model = CustomField
    prefix = "FLD"
    seldom_changes = True
    icon = "text-cursor-input"
    access = {Role.MANAGER: Access.VIEW}
    columns = ["reference", "title", "target", "name", "type", "required", "status"]
    filters = ["target", "type", "status"]
    search = ["reference", "title", "name", "help"]
    sections = [
        Section(_("Field"), ["title", "target", "name", "help"]),
        Section(_("Values"), ["type", "choices", "unit", "references", "required", "shown_to_requesters"]),
    ]
    workflow = Workflow(
        CustomField.Status,
        CustomField.Status.ACTIVE,
        [
            Transition("retire", _("Retire"), [CustomField.Status.ACTIVE], CustomField.Status.RETIRED),
            Transition("revive", _("Use again"), [CustomField.Status.RETIRED], CustomField.Status.ACTIVE),
        ],
        ended=[CustomField.Status.RETIRED],
        tones={CustomField.Status.ACTIVE: "live"},
    )

    def validate(self, record: CustomField, before: CustomField | None) -> None:
        if before and (record.target, record.name, record.type) != (before.target, before.name, before.type):
            raise ValidationError(
                _(
                    "Its record type, name and type of value are fixed once values may exist: retire it and add another."
                )
            )
        if record.type in CHOOSING and not record.choices:
            raise ValidationError({"choices": _("List at least one choice.")})
        if not (isinstance(record.choices, list) and all(isinstance(each, str) for each in record.choices)):
            raise ValidationError({"choices": _("Give a list of texts.")})
        kinds = {record_type.key for record_type in registry.all_types()}
        if record.target not in kinds:
            raise ValidationError({"target": _("There is no such record type.")})
        if record.references and record.references not in kinds:
            raise ValidationError({"references": _("There is no such record type.")})
