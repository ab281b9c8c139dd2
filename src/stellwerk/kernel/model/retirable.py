"""Retirable: what is in use until it is retired, and can be put into use again; never removed, for records name it."""

from typing import TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.model.workflow import Transition, Workflow

R = TypeVar("R", bound=Record)


class InUse(models.TextChoices):
    """The states of things."""

    ACTIVE = "active", _("In use")
    RETIRED = "retired", _("No longer used")


class Active(models.TextChoices):
    """The states of people and of what is made of them."""

    ACTIVE = "active", _("Active")
    FORMER = "former", _("Former")


RETIRE = Transition("retire", _("Retire"), [InUse.ACTIVE], InUse.RETIRED, done=_("retired it"))
USE_AGAIN = Transition(
    "revive", _("Use again"), [InUse.RETIRED], InUse.ACTIVE, done=_("put it into use again")
)
BECOME_FORMER = Transition(
    "retire",
    _("Mark as former"),
    [Active.ACTIVE],
    Active.FORMER,
    by=[Role.MANAGER],
    done=_("marked this as former"),
)
REINSTATE = Transition(
    "reinstate",
    _("Reinstate"),
    [Active.FORMER],
    Active.ACTIVE,
    by=[Role.MANAGER],
    done=_("reinstated this"),
)


def in_use_until(end: Transition, again: Transition) -> Workflow:
    """Return the workflow of two states between which `end` and `again` lead; vary a step with `dataclasses.replace`."""
    statuses = InUse if end.target in InUse.values else Active
    return Workflow(
        statuses, statuses.ACTIVE, [end, again], ended=[end.target], tones={statuses.ACTIVE: "live"}
    )


class Retirable(RecordType[R]):
    """A type whose records are in use until they are retired; its model says `Status = InUse`, or `Active` for people."""

    workflow = in_use_until(RETIRE, USE_AGAIN)
