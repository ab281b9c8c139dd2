"""Schemes: versioned data that the system executes, such as a priority matrix.

A scheme is drafted, put into force, and never changed after that: the next version takes its place. The
one in force at a moment is the one enacted last before it, so that the past can be recomputed.
"""

from datetime import datetime
from typing import Any, Self, TypeVar

from stellwerk.kernel.declare import (
    RecordType,
    Role,
    Transition,
    TypedRecord,
    ValidationError,
    Workflow,
    _,
    models,
)
from stellwerk.kernel.records.memo import remember

S = TypeVar("S", bound="Scheme")


class Scheme(TypedRecord):
    """What versioned schemes share."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_FORCE = "in_force", _("In force")

    valid_from = models.DateTimeField(_("in force from"), null=True, blank=True, editable=False)

    class Meta:
        abstract = True

    @classmethod
    def in_force(cls, moment: datetime | None = None) -> Self | None:
        """Return the version in force at `moment` (now, without); None before the first."""
        return remember((cls, moment), lambda: cls._look_up(moment))

    @classmethod
    def _look_up(cls, moment: datetime | None) -> Self | None:
        enacted = cls.objects.filter(status=cls.Status.IN_FORCE)
        if moment is not None:
            enacted = enacted.filter(valid_from__lte=moment)
        found: Self | None = enacted.order_by("-valid_from", "-pk").first()
        return found


def _enact(scheme: Scheme, moment: datetime, by: Any) -> None:
    scheme.valid_from = moment


SCHEME_WORKFLOW = Workflow(
    Scheme.Status,
    Scheme.Status.DRAFT,
    [
        Transition(
            "enact",
            _("Put into force"),
            [Scheme.Status.DRAFT],
            Scheme.Status.IN_FORCE,
            by=[Role.MANAGER],
            effect=_enact,
            natural=True,
            icon="stamp",
        )
    ],
)


class SchemeType(RecordType[S]):
    """What the declarations of schemes share."""

    seldom_changes = True
    icon = "table-properties"
    workflow = SCHEME_WORKFLOW
    columns = ["reference", "title", "status", "valid_from", "updated_at"]
    filters = ["status"]

    def validate(self, record: S, before: S | None) -> None:
        if before is not None and before.status == Scheme.Status.IN_FORCE:
            raise ValidationError(
                _("This version is in force and stays as it is: draft a new one to change the scheme.")
            )
        self.validate_scheme(record)

    def validate_scheme(self, record: S) -> None:
        """Raise ValidationError when the scheme's content cannot be executed."""
