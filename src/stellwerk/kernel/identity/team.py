"""Teams and who belongs to them, from when to when."""

from datetime import date
from typing import Protocol

from stellwerk.kernel.declare import (
    Active,
    TypedRecord,
    ValidationError,
    _,
    models,
)


class Spanning(Protocol):
    """What holds from a day to a day."""

    valid_from: date
    valid_until: date | None


class Team(TypedRecord):
    """A group of people that work is assigned to."""

    Status = Active

    description = models.TextField(_("description"), blank=True)
    lead = models.ForeignKey(
        "kernel.Person",
        models.PROTECT,
        verbose_name=_("lead"),
        null=True,
        blank=True,
        related_name="teams_led",
    )
    email = models.EmailField(_("email"), blank=True)
    first_line = models.BooleanField(
        _("first line"), default=False, help_text=_("Receives tickets without a team.")
    )

    work_goes_to = models.ForeignKey(
        "self",
        models.PROTECT,
        verbose_name=_("its open work goes to"),
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")


class TeamMembership(TypedRecord):
    """A person in a team, from a day to a day (both included; open without)."""

    team = models.ForeignKey(Team, models.PROTECT, verbose_name=_("team"), related_name="memberships")
    person = models.ForeignKey(
        "kernel.Person", models.PROTECT, verbose_name=_("person"), related_name="memberships"
    )
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("team membership")
        verbose_name_plural = _("team memberships")


def valid_on(day: date, prefix: str = "") -> models.Q:
    """Keep what is valid on `day`: begun, and not ended before it."""
    return models.Q(**{f"{prefix}valid_from__lte": day}) & not_over_on(day, prefix)


def not_over_on(day: date, prefix: str = "") -> models.Q:
    """Keep what is valid on `day` or becomes so later."""
    endless = models.Q(**{f"{prefix}valid_until__isnull": True})
    return endless | models.Q(**{f"{prefix}valid_until__gte": day})


def refuse_reversed_dates(record: Spanning) -> None:
    if record.valid_until and record.valid_until < record.valid_from:
        raise ValidationError({"valid_until": _("It ends before it begins. Choose a later day.")})
