"""Role assignments: who holds which role, for which party and process, from when to when, by whose word."""

from datetime import date
from typing import ClassVar, Self

from django.db.models import Q

from stellwerk.kernel.declare import (
    TypedRecord,
    _,
    models,
)
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import TeamMembership, valid_on
from stellwerk.kernel.model.record import RecordQuerySet
from stellwerk.kernel.model.roles import Role as RoleName


class RoleAssignmentQuerySet(RecordQuerySet["RoleAssignment"]):
    def held_by(self, person: Person, day: date) -> Self:
        """Keep the assignments that `person` holds on `day`, directly or through a team."""
        teams = TeamMembership.objects.filter(valid_on(day), person=person, team__is_open=True).values("team")
        return self.filter(valid_on(day)).filter(Q(person=person) | Q(team__in=teams))


RoleAssignmentManager = models.Manager.from_queryset(RoleAssignmentQuerySet)


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
        _("process"), max_length=40, blank=True, help_text=_("If empty, the role is held for every process.")
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

    objects: ClassVar[RoleAssignmentManager["RoleAssignment"]] = RoleAssignmentManager()

    class Meta:
        verbose_name = _("role assignment")
        verbose_name_plural = _("role assignments")
