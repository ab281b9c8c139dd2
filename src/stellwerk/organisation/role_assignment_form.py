"""The form of a role assignment: what it is held for, in plain words."""

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.model import registry
from stellwerk.web.fields.renderer import Asked
from stellwerk.web.record.forms import RecordForm, form_of


@form_of(RoleAssignment)
class RoleAssignmentForm(RecordForm):
    """Offers the processes that there are, and says what an empty party or process means."""

    def _field(self, name: str, asked: Asked) -> forms.Field:
        field = super()._field(name, asked)
        if name == "party":
            field.help_text = _(
                "What the role is held for, including everything below it. If empty: all parties."
            )
            if isinstance(field.widget, forms.Select):
                field.widget.choices = [("", _("All parties")), *list(field.widget.choices)[1:]]
        if name == "process":
            held = [(process, capfirst(process)) for process in registry.processes()]
            choices = [("", _("All processes")), *held]
            return forms.ChoiceField(choices=choices, required=False, label=field.label)
        return field
