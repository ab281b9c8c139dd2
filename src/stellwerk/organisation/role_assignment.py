"""The declaration of role assignments."""

from stellwerk.kernel.declare import (
    Access,
    RecordType,
    Role,
    Section,
    ValidationError,
    _,
    register,
)
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.identity.team import refuse_reversed_dates
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.days import today
from stellwerk.kernel.model.via import Via
from stellwerk.kernel.permissions import rights


@register
class RoleAssignmentType(RecordType[RoleAssignment]):
    model = RoleAssignment
    prefix = "ROL"
    seldom_changes = True
    process = "people"
    icon = "key-round"
    access = {Role.MANAGER: Access.VIEW, Role.VIEWER: Access.VIEW}
    columns = [
        "reference",
        "role",
        "person",
        "team",
        "party",
        "process",
        "valid_from",
        "valid_until",
        "appointed_by",
    ]
    filters = ["role", "person", "team", "party", "process"]
    search = ["reference", "title"]
    sections = [
        Section(_("Who"), ["person", "team"]),
        Section(_("What"), ["role", "party", "process"]),
        Section(_("When"), ["valid_from", "valid_until", "appointed_by"]),
    ]

    def defaults(self, by: Actor, via: Via) -> dict[str, object]:
        return {"appointed_by": by.pk, "valid_from": today()}

    def derive(self, record: RoleAssignment, before: RoleAssignment | None) -> None:
        record.title = f"{record.get_role_display()}: {record.person or record.team or ''}"[:250]

    def validate(self, record: RoleAssignment, before: RoleAssignment | None) -> None:
        if (record.person_id is None) == (record.team_id is None):
            raise ValidationError(_("Name either a person or a team to hold the role."))
        if record.process and record.process not in registry.processes():
            raise ValidationError({"process": _("Choose one of: %s.") % ", ".join(registry.processes())})
        refuse_reversed_dates(record)

    def authorise(self, record: RoleAssignment, before: RoleAssignment | None, by: Actor) -> None:
        was = rights.grants_by(before) if before else ()
        rights.require_change(by, was, rights.grants_by(record))
