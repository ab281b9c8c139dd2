"""Role assignments: who holds which role, for which party and process, from when to when, by whose word."""

from datetime import date
from typing import Any, ClassVar

from django.db.models import Q

from stellwerk.kernel.access import rights
from stellwerk.kernel.access.person import Actor, Person
from stellwerk.kernel.access.roles import Role as RoleName
from stellwerk.kernel.access.team import TeamMembership, refuse_reversed_dates, valid_on
from stellwerk.kernel.days import today
from stellwerk.kernel.declare import (
    Access,
    RecordType,
    Role,
    Section,
    TypedRecord,
    ValidationError,
    _,
    models,
    register,
)
from stellwerk.kernel.records import registry
from stellwerk.kernel.records.record import RecordQuerySet
from stellwerk.kernel.records.via import Via


class RoleAssignmentQuerySet(RecordQuerySet):
    def held_by(self, person: Person, day: date) -> "RoleAssignmentQuerySet":
        """Keep the assignments that `person` holds on `day`, directly or through a team."""
        teams = TeamMembership.objects.filter(valid_on(day), person=person, team__is_open=True).values("team")
        return self.filter(valid_on(day)).filter(Q(person=person) | Q(team__in=teams))


class RoleAssignment(TypedRecord):
    """A role held by a person or a team; the record's party is what it is held for (all, without)."""

    person = models.ForeignKey(
        "kernel.Person",
        models.PROTECT,
        verbose_name=_("person"),
        null=True,
        blank=True,
        related_name="role_assignments",
    )
    team = models.ForeignKey(
        "kernel.Team",
        models.PROTECT,
        verbose_name=_("team"),
        null=True,
        blank=True,
        related_name="role_assignments",
    )
    role = models.CharField(_("role"), max_length=20, choices=RoleName)
    process = models.CharField(
        _("process"), max_length=40, blank=True, help_text=_("Empty: the role is held for every process.")
    )
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"), null=True, blank=True)
    appointed_by = models.ForeignKey(
        "kernel.Person",
        models.PROTECT,
        verbose_name=_("appointed by"),
        null=True,
        blank=True,
        related_name="appointments",
    )

    objects: ClassVar[Any] = RoleAssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("role assignment")
        verbose_name_plural = _("role assignments")


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

    def defaults(self, by: Any, via: Via) -> dict[str, Any]:
        return {"appointed_by": by.pk, "valid_from": today()}

    def derive(self, record: RoleAssignment, before: RoleAssignment | None) -> None:
        record.title = f"{record.get_role_display()}: {record.person or record.team or ''}"[:250]

    def validate(self, record: RoleAssignment, before: RoleAssignment | None) -> None:
        if (record.person_id is None) == (record.team_id is None):
            raise ValidationError(_("Name either a person or a team as the holder of the role."))
        if record.process and record.process not in registry.processes():
            raise ValidationError({"process": _("Choose one of: %s.") % ", ".join(registry.processes())})
        refuse_reversed_dates(record)

    def authorise(self, record: RoleAssignment, before: RoleAssignment | None, by: Actor) -> None:
        was = rights.grants_by(before) if before else ()
        rights.require_change(by, was, rights.grants_by(record))
