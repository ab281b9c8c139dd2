"""Schemes: versioned data that the system executes, such as a priority matrix.

A scheme belongs to the whole installation. It is drafted, put into force, and never changed after that: the next
version supersedes it. The one in force at a moment is the one enacted last before it, so that the past can be recomputed.
"""

from datetime import datetime
from typing import Self, TypeVar

from django.urls import reverse
from django.utils.translation import gettext

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
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.declaration import RecordCommand
from stellwerk.kernel.model.shared_cache import remember
from stellwerk.kernel.model.via import Via
from stellwerk.kernel.permissions.policy import policy_of

S = TypeVar("S", bound="Scheme")


class Scheme(TypedRecord):
    """What versioned schemes share."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_FORCE = "in_force", _("In force")
        SUPERSEDED = "superseded", _("Superseded")

    valid_from = models.DateTimeField(_("in force from"), null=True, blank=True, editable=False)
    valid_until = models.DateTimeField(_("in force until"), null=True, blank=True, editable=False)

    class Meta:
        abstract = True

    @classmethod
    def in_force(cls, moment: datetime | None = None) -> Self | None:
        """Return the version in force at `moment` (now, without); None before the first."""
        return remember((cls, moment), lambda: cls._look_up(moment))

    @classmethod
    def _look_up(cls, moment: datetime | None) -> Self | None:
        enacted: models.QuerySet[Self] = models.QuerySet(cls).exclude(status=cls.Status.DRAFT)
        if moment is not None:
            enacted = enacted.filter(valid_from__lte=moment)
        return enacted.order_by("-valid_from", "-pk").first()


def _enact(scheme: Scheme, moment: datetime, by: object) -> None:
    scheme.valid_from = moment


def _supersede(scheme: Scheme, moment: datetime, by: object) -> None:
    """End where the next version began: no moment has two versions or none."""
    following = scheme._look_up(None)
    scheme.valid_until = following.valid_from if following else moment


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
            done=_("put it into force"),
        ),
        Transition(
            "supersede",
            _("Supersede"),
            [Scheme.Status.IN_FORCE],
            Scheme.Status.SUPERSEDED,
            effect=_supersede,
            automatic=True,
            icon="archive",
            done=_("superseded it"),
        ),
    ],
    ended=[Scheme.Status.SUPERSEDED],
    tones={Scheme.Status.DRAFT: "new", Scheme.Status.IN_FORCE: "live"},
)


class SchemeType(RecordType[S]):
    """What the declarations of schemes share."""

    seldom_changes = True
    icon = "table-properties"
    workflow = SCHEME_WORKFLOW
    scope = ""
    columns = ["reference", "title", "status", "valid_from", "valid_until"]
    filters = ["status"]

    def defaults(self, by: Actor, via: Via) -> dict[str, object]:
        return {}

    def fixed(self, record: S) -> str:
        if record.status == Scheme.Status.DRAFT:
            return ""
        return gettext(
            "A version that has been in force can't be changed, so that the past stays explainable. Draft "
            "the next version instead."
        )

    def validate(self, record: S, before: S | None) -> None:
        if before is not None and (why := self.fixed(before)) and not _superseded(record, before):
            raise ValidationError(why)
        self.validate_scheme(record)

    def validate_scheme(self, record: S) -> None:
        """Raise ValidationError when the scheme's content cannot be executed."""

    def commands(self, record: S, by: Actor) -> list[RecordCommand]:
        if record.status == Scheme.Status.DRAFT or not policy_of(by).may_create_as_staff(record.record_type):
            return []
        like = f"{reverse('create', args=[self])}?like={record.reference}"
        return [RecordCommand(_("Draft the next version"), like, "copy-plus")]

    def notice(self, record: S, by: Actor) -> str:
        if record.status == Scheme.Status.DRAFT:
            return gettext(
                "This is a draft. Once put into force, it applies to all parties and can no longer be changed."
            )
        if record.status == Scheme.Status.IN_FORCE:
            counts = gettext("This version is in force for all parties.")
            how = gettext("To change it, choose “Draft the next version” from the menu.")
            return f"{counts} {how}" if self.commands(record, by) else counts
        return gettext("A later version has replaced this one.")


def _superseded(record: Scheme, before: Scheme) -> bool:
    return (before.status, record.status) == (Scheme.Status.IN_FORCE, Scheme.Status.SUPERSEDED)
