"""Why may somebody see a record, or why not: the answer in full, for administrators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from stellwerk.contexts import context_of
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.identity.team import TeamMembership
from stellwerk.kernel.model.days import today
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import INSIDE, STAFF, Access, Capacity, Role
from stellwerk.kernel.model.workflow import Transition
from stellwerk.kernel.permissions.policy import AccessPolicy, policy_of, role_for
from stellwerk.kernel.permissions.share import Share
from stellwerk.signed_in import SignedInRequest

GIVES = {
    Access.NONE: "",
    Access.VIEW: gettext_lazy("reading"),
    Access.CONTRIBUTE: gettext_lazy("reading and answering"),
    Access.EDIT: gettext_lazy("reading, replying, changing"),
    Access.FULL: gettext_lazy("everything"),
}
"""What each level lets people do."""


@dataclass(frozen=True)
class Ground:
    """Something that might give access, whether it does, and why."""

    what: str
    gives: str
    why: str

    @property
    def counts(self) -> bool:
        return bool(self.gives)


@dataclass(frozen=True, slots=True)
class Question:
    """Of whom and of what it is asked; `missing` are the references that lead nowhere."""

    asked: Mapping[str, str]
    person: Person | None
    record: Record | None
    missing: Sequence[str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether somebody sees a record, how far they go, and what each assignment and share contributes."""

    sees: bool = False
    verdict: str = ""
    internal: bool = False
    grounds: Sequence[Ground] = ()
    may: Sequence[str] = ()
    """The steps that they may take."""


@login_required
@require_safe
def why_page(request: SignedInRequest) -> HttpResponse:
    """Explain what the person `person` may do with the record `record` (references)."""
    administrator = request.user
    if not policy_of(administrator).is_administrator:
        raise PermissionDenied(_("Only administrators can look into other people's access."))
    asked = {name: request.GET.get(name, "").strip().upper() for name in ("person", "record")}
    person = Person.objects.filter(reference=asked["person"]).first()
    record = Record.objects.filter(reference=asked["record"]).first()
    missing = [
        reference
        for reference, found in ((asked["person"], person), (asked["record"], record))
        if reference and not found
    ]
    told = explanation(person, record) if person and record else Explanation()
    context = context_of(Question(asked, person, record, missing), told)
    return render(request, "stellwerk/why.html", context, status=404 if missing else 200)


def explanation(person: Person, record: Record) -> Explanation:
    """Say whether the person sees the record, how far they go, and what each assignment and share contributes."""
    policy = AccessPolicy(person)
    level = policy.access_to(record)
    sees = Record.objects.filter(policy.visible(Record, few=True), pk=record.pk).exists()
    return Explanation(
        sees=sees,
        verdict=_verdict(person, record, sees=sees, level=level),
        internal=sees and policy.sees_internal(record),
        grounds=[
            *_general(person, record),
            *_assignments(policy, person, record),
            *_shares(policy, record),
        ],
        may=[str(step.label) for step in _steps(record) if policy.may_take(step, record)] if sees else [],
    )


def _verdict(person: Person, record: Record, *, sees: bool, level: Access) -> str:
    names = {"person": person.title, "record": record.reference}
    if not sees:
        return _("%(person)s can't see %(record)s. To them it doesn't exist.") % names
    levels = {
        Access.NONE: _("%(person)s can see %(record)s."),
        Access.VIEW: _("%(person)s can read %(record)s."),
        Access.CONTRIBUTE: _("%(person)s can read %(record)s and reply."),
        Access.EDIT: _("%(person)s can read %(record)s, reply and change it."),
        Access.FULL: _("%(person)s can do everything with %(record)s."),
    }
    return levels[level] % names


def _general(person: Person, record: Record) -> list[Ground]:
    grounds = []
    if not person.is_active:
        grounds.append(Ground(_("Former person"), "", _("Former users have no roles and can't sign in.")))
    if record.open_to_all:
        grounds.append(
            Ground(_("Open to everyone"), _("reading"), _("Everyone who is signed in can read this record."))
        )
    return grounds


def _assignments(policy: AccessPolicy, person: Person, record: Record) -> list[Ground]:
    teams = list(TeamMembership.objects.filter(person=person).values_list("team", flat=True))
    held = RoleAssignment.objects.filter(person=person) | RoleAssignment.objects.filter(team__in=teams)
    valid = {assignment.pk for assignment in policy.assignments}
    everything = held.distinct().select_related("party", "team").order_by("id")
    return [_assignment(policy, a, record, valid=a.pk in valid) for a in everything]


def _assignment(policy: AccessPolicy, assignment: RoleAssignment, record: Record, *, valid: bool) -> Ground:
    place = assignment.party.title if assignment.party else _("all parties")
    through = _(" through the team %s") % assignment.team.title if assignment.team else ""
    what = f"{assignment.reference}: {Role(assignment.role).label}, {place}{through}"
    gives, why = _worth(policy, assignment, record, valid=valid)
    return Ground(what, gives, why)


def _worth(
    policy: AccessPolicy, assignment: RoleAssignment, record: Record, *, valid: bool
) -> tuple[str, str]:
    """Say what an assignment gives on a record, and why."""
    record_type = record.record_type
    of_party = {"party": assignment.party.title if assignment.party else ""}
    role = role_for(record_type, Role(assignment.role), assignment.process)
    if not valid:
        text = _("Not valid on %s, or the team membership isn't, or the team is dissolved.")
        return "", text % today().isoformat()
    if role is None:
        return "", _("It's for the process “%(held)s”, but this record belongs to “%(needed)s”.") % {
            "held": assignment.process,
            "needed": record_type.process or "–",
        }
    if role not in STAFF:
        return "", _("Requesters see what is shared with them. The role itself shows nothing.")
    level = Access.FULL if role == Role.ADMINISTRATOR else record_type.access.get(role, Access.NONE)
    if level == Access.NONE:
        return "", _("This role has no access to %s.") % record_type.label_plural
    if not record_type.scope and assignment.party_id is not None:
        return str(GIVES[Access.VIEW]), _(
            "It belongs to the whole installation: staff of every party can read it, and roles for all "
            "parties can change it."
        )
    if _entrusted(policy, assignment, record):
        return str(GIVES[Access.VIEW]), _(
            "The record's party is shared with %(party)s as one of its own, so its staff can read this."
        ) % of_party
    if not _covers(policy, assignment, record):
        return "", _(
            "The record's party isn't %(party)s or below it, and nothing is shared with it as one of its own."
        ) % of_party
    if role != assignment.role:
        return str(GIVES[level]), _(
            "Records of “%(process)s” refer to %(types)s, so people who work on those can read these."
        ) % {
            "process": assignment.process,
            "types": record_type.label_plural,
        }
    return str(GIVES[level]), _(
        "It covers the record's party, and this role reaches that far on %s."
    ) % record_type.label_plural


def _entrusted(policy: AccessPolicy, assignment: RoleAssignment, record: Record) -> bool:
    if not record.record_type.seen_with_party or assignment.party_id is None:
        return False
    return record.party_id in policy.entrusted(policy.below(assignment.party_id))


def _covers(policy: AccessPolicy, assignment: RoleAssignment, record: Record) -> bool:
    if assignment.party_id is None:
        return True
    covered = policy.below(assignment.party_id)
    owner = record.pk if record.record_type.scope == "pk" else record.party_id
    inside = Share.objects.filter(record_id=record.pk, party__in=covered, capacity__in=INSIDE)
    return owner in covered or inside.exists()


def _shares(policy: AccessPolicy, record: Record) -> list[Ground]:
    shares = Share.objects.filter(record_id=record.pk).select_related("party", "person").order_by("id")
    return [_share(policy, share, record) for share in shares]


def _share(policy: AccessPolicy, share: Share, record: Record) -> Ground:
    capacity = Capacity(share.capacity)
    whom = share.person or share.party
    as_guest = str(GIVES[record.record_type.access.get(Role.REQUESTER, Access.NONE)])
    what = _("Shared with %(whom)s as %(capacity)s") % {"whom": whom, "capacity": capacity.label}
    if share.person_id == policy.person.pk:
        return Ground(what, as_guest, _("It is shared with this person."))
    if share.capacity in INSIDE:
        return Ground(what, "", _("It applies to the staff of that party. See the assignments above."))
    if share.party_id in policy.represented:
        return Ground(what, as_guest, _("This person manages what is shared with that party."))
    return Ground(what, "", _("Neither this person nor a party that they manage, administer or view."))


def _steps(record: Record) -> list[Transition]:
    workflow = record.record_type.workflow
    return workflow.steps_from(record.status) if workflow else []
