"""The declaration of custom fields."""

from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.declare import (
    Access,
    Retirable,
    Role,
    Section,
    ValidationError,
    _,
    register,
)
from stellwerk.kernel.model import registry

CHOOSING = (CustomField.Type.CHOICE, CustomField.Type.SEVERAL_CHOICES)


@register
class CustomFieldType(Retirable[CustomField]):
    model = CustomField
    prefix = "FLD"
    seldom_changes = True
    icon = "text-cursor-input"
    access = {Role.MANAGER: Access.VIEW, Role.VIEWER: Access.VIEW}
    columns = ["reference", "title", "target", "name", "type", "required", "status"]
    filters = ["target", "type", "status"]
    search = ["reference", "title", "name", "help"]
    scope = ""  # a field is in the records of every party
    sections = [
        Section(_("Field"), ["title", "target", "name", "help"]),
        Section(_("Values"), ["type", "choices", "unit", "references", "required", "shown_to_requesters"]),
    ]

    def validate(self, record: CustomField, before: CustomField | None) -> None:
        if before and (record.target, record.name, record.type) != (before.target, before.name, before.type):
            raise ValidationError(
                _(
                    "Record type, name and type of value are fixed once values may exist. Retire this field and add "
                    "another."
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
