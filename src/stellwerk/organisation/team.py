"""The declarations of teams and their members."""

from dataclasses import replace

from django.core.exceptions import PermissionDenied
from django.utils.translation import ngettext

from stellwerk.kernel.declare import (
    Access,
    RecordType,
    Retirable,
    Role,
    Section,
    ValidationError,
    _,
    register,
)
from stellwerk.kernel.identity.person import takes_work_again
from stellwerk.kernel.identity.team import Team, TeamMembership, refuse_reversed_dates
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.days import today
from stellwerk.kernel.model.retirable import BECOME_FORMER, REINSTATE, in_use_until
from stellwerk.kernel.model.via import Via
from stellwerk.kernel.permissions import rights
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.permissions.workers import open_work


def its_work_goes_somewhere(team: Team) -> None:
    """Refuse to end a team while open work is with it and nobody takes it over."""
    if team.work_goes_to_id == team.pk:
        raise ValidationError({"work_goes_to": _("Select another team: this one is being dissolved.")})
    count = sum(records.count() for _name, records in open_work(team))
    if count and team.work_goes_to_id is None:
        sentence = ngettext(
            "%(count)d open record is assigned to %(team)s. Select the team that takes it over.",
            "%(count)d open records are assigned to %(team)s. Select the team that takes them over.",
            count,
        )
        raise ValidationError({"work_goes_to": sentence % {"count": count, "team": team}})


@register
class TeamType(Retirable[Team]):
    model = Team
    prefix = "TEA"
    seldom_changes = True
    process = "people"
    icon = "users"
    access = {Role.MANAGER: Access.EDIT, Role.AGENT: Access.VIEW, Role.VIEWER: Access.VIEW}
    columns = ["title", "lead", "party", "status"]
    filters = ["party", "lead", "status"]
    search = ["reference", "title", "description"]
    ordering = "title"
    in_charge = ["lead", "work_goes_to"]
    sections = [Section(_("Team"), ["title", "party", "lead", "email", "first_line", "description"])]
    workflow = in_use_until(
        replace(
            BECOME_FORMER,
            name="dissolve",
            label=_("Dissolve"),
            offers=["work_goes_to"],
            guard=its_work_goes_somewhere,
            done=_("dissolved the team"),
        ),
        replace(
            REINSTATE,
            name="revive",
            label=_("Reinstate"),
            effect=takes_work_again,
            done=_("reinstated the team"),
        ),
    )

    def authorise(self, record: Team, before: Team | None, by: Actor) -> None:
        """A dissolved team gives its members nothing: who dissolves or revives it takes or gives what it holds.

        A first line draws the tickets of every party, so who makes a team one, or no longer, maintains the teams of all.
        """
        was, becomes = _is_first_line(before), _is_first_line(record)
        # One that is dissolved draws nothing any more, and is for its own managers to end.
        changes = (becomes and not was) or (was and not record.first_line)
        if changes and not policy_of(by).may_place(record.record_type, None):
            raise PermissionDenied(
                _("A first line gets every party's tickets. Ask somebody whose role covers all parties.")
            )
        if before is not None and record.status != before.status:
            rights.require_change(by, (), rights.grants_to_team(record.pk))


def _is_first_line(team: Team | None) -> bool:
    return team is not None and team.first_line and team.status == Team.Status.ACTIVE


@register
class TeamMembershipType(RecordType[TeamMembership]):
    model = TeamMembership
    prefix = "TMB"
    seldom_changes = True
    process = "people"
    icon = "user-plus"
    access = {Role.MANAGER: Access.EDIT, Role.AGENT: Access.VIEW, Role.VIEWER: Access.VIEW}
    columns = ["reference", "person", "team", "valid_from", "valid_until"]
    filters = ["team", "person"]
    search = ["reference", "title"]
    ordering = "title"
    sections = [Section(_("Membership"), ["team", "person", "valid_from", "valid_until"])]

    def defaults(self, by: Actor, via: Via) -> dict[str, object]:
        return {"valid_from": today()}

    def derive(self, record: TeamMembership, before: TeamMembership | None) -> None:
        record.title = f"{record.person} · {record.team}"[:250]
        record.party_id = record.team.party_id

    def validate(self, record: TeamMembership, before: TeamMembership | None) -> None:
        refuse_reversed_dates(record)

    def authorise(self, record: TeamMembership, before: TeamMembership | None, by: Actor) -> None:
        """Who joins a team receives what it holds."""
        was = rights.grants_through(before) if before else ()
        rights.require_change(by, was, rights.grants_through(record))
