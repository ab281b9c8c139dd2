"""Rights as a set that can be compared: nobody gives or takes away what they do not hold themselves.

Roles have no order, so what they allow is compared: which level, step and reading of internal notes, on which type, for
which parties, on which days. Whatever changes who holds what (an assignment, a membership, a party's place, a share of a
party, a person's or team's return) is compared before and after by `require_change`; the verbs ask it through
`RecordType.authorise`, so that pages, API, imports, bulk changes and undo all do.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from itertools import chain
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry, shared_cache
from stellwerk.kernel.model.actor import Actor, System
from stellwerk.kernel.model.days import today
from stellwerk.kernel.model.errors import NotConfirmed
from stellwerk.kernel.model.roles import INSIDE, STAFF, Access, Role
from stellwerk.kernel.permissions.policy import REPRESENTING, descendants, level_of, policy_of, role_for
from stellwerk.kernel.permissions.share import Share
from stellwerk.vocabulary import Text

if TYPE_CHECKING:
    from stellwerk.kernel.identity.party import Party
    from stellwerk.kernel.identity.role_assignment import RoleAssignment
    from stellwerk.kernel.identity.team import TeamMembership
    from stellwerk.kernel.model.declaration import RecordType
    from stellwerk.kernel.model.record import Record

Right = tuple[str, str]
"""The key of a record type, and a level, a step as `step:NAME`, INTERNAL or GUEST."""
Scope = frozenset[int] | None
"""The parties for which a right is held; None: for all, and for records without one."""
Rights = dict[Right, Scope]

INTERNAL, GUEST = "internal", "guest"
ADMINISTER: Right = ("", "administer")
"""To administer the whole installation."""
PARTIES, ENTRUSTED, ALL = "parties", "entrusted", "all"
"""How far what a role gives reaches: its parties, those entrusted to them, everything."""

LABELS = {
    "view": gettext_lazy("read %s"),
    "contribute": gettext_lazy("answer on %s"),
    "edit": gettext_lazy("change %s"),
    "full": gettext_lazy("everything with %s"),
    INTERNAL: gettext_lazy("read internal notes on %s"),
    GUEST: gettext_lazy("look after %s that are shared with the party"),
}
BEYOND_ONES_OWN = gettext_lazy(
    "You can't give or take away rights that you don't hold yourself for the same parties, processes "
    "and days. Missing: %(right)s. Ask someone whose role covers it."
)
OF_SOMEBODY_WITH_MORE = gettext_lazy(
    "%(person)s holds rights that you don't (%(right)s), so you can't change how they sign in or "
    "whether they're active. Ask someone whose role covers it."
)


@dataclass(frozen=True)
class Grant:
    """A role that `holder` has for a party (None: all) and a process (empty: all), from day to day, both included."""

    holder: tuple[str, int]
    role: Role
    party_id: int | None
    process: str
    valid_from: date
    valid_until: date | None

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class Tree:
    """The parties as they lie below each other, and which of them are entrusted to which."""

    def __init__(self, parents: Mapping[int, int | None], entrusted: Collection[tuple[int, int]]) -> None:
        self.parents, self.pairs = dict(parents), frozenset(entrusted)

    @classmethod
    def as_it_is(cls) -> "Tree":
        from stellwerk.kernel.identity.party import Party  # its declaration asks this module

        shares = Share.objects.filter(record__kind="party", capacity__in=INSIDE, party__isnull=False)
        return cls(
            dict(Party.objects.values_list("pk", "parent_id")),
            list(shares.values_list("record_id", "party_id")),
        )

    def moved(self, party_id: int, parent_id: int | None) -> "Tree":
        return Tree({**self.parents, party_id: parent_id}, self.pairs)

    def shared(self, party_id: int, with_id: int, *, inside: bool) -> "Tree":
        pair = {(party_id, with_id)}
        return Tree(self.parents, self.pairs | pair if inside else self.pairs - pair)

    def below(self, party_id: int) -> frozenset[int]:
        return self._below.get(party_id, frozenset({party_id}))

    def reach(self, party_id: int | None) -> dict[str, Scope]:
        """Return the parties that a role held for `party_id` reaches, by how far something reaches."""
        if party_id is None:
            return {PARTIES: None, ENTRUSTED: None, ALL: None}
        covered = self.below(party_id)
        lent = [self.below(shared) for shared, whom in self.pairs if whom in covered]
        return {PARTIES: covered, ENTRUSTED: frozenset[int]().union(*lent), ALL: None}

    @cached_property
    def _below(self) -> dict[int, frozenset[int]]:
        return descendants(self.parents.items())


# -- what a write asks -------------------------------------------------------------------------------------


def require_change(
    by: Actor,
    before: Iterable[Grant],
    after: Iterable[Grant],
    *,
    tree: Tree | None = None,
    tree_after: Tree | None = None,
    message: Text = BEYOND_ONES_OWN,
    **words: str,
) -> None:
    """Raise PermissionDenied where a holder gains or loses a right that `by` does not hold on each of its days."""
    before, after = list(before), list(after)
    if before == after and tree_after is None:
        return
    if not _administers_for_good(by):
        _compare(by, before, after, tree, tree_after, str(message) % {**words, "right": "%(right)s"})
    require_confirmed(by)


def _compare(
    by: Actor,
    before: list[Grant],
    after: list[Grant],
    tree: Tree | None,
    tree_after: Tree | None,
    message: str,
) -> None:
    shared_cache.hold()  # two writes that together give more than each is allowed do not overlap
    tree = tree or Tree.as_it_is()
    actor = _Holdings(grants_of(by), tree)
    for holder in dict.fromkeys(grant.holder for grant in (*before, *after)):
        was = _Holdings([grant for grant in before if grant.holder == holder], tree)
        becomes = _Holdings([grant for grant in after if grant.holder == holder], tree_after or tree)
        for day in _days(actor.grants, was.grants, becomes.grants):
            missing = _missing(actor.on(day), was.on(day), becomes.on(day))
            if missing:
                raise PermissionDenied(message % {"right": _named(missing)})


def require_no_more_than_own(person: Person, by: Actor) -> None:
    """Raise PermissionDenied when `person` holds, or would hold as an active one, what `by` does not."""
    if by.pk != person.pk and not _administers_for_good(by):
        theirs = grants_of(person, dormant=True)
        require_change(by, (), theirs, message=OF_SOMEBODY_WITH_MORE, person=person.title)
    require_confirmed(by)


def require_confirmed(by: Actor) -> None:
    """Raise NotConfirmed where somebody at a browser has not lately said once more who they are."""
    if isinstance(by, Person) and by.must_confirm and by.must_confirm():
        raise NotConfirmed


def require_place(party: "Party", parent_id: int | None, by: Actor) -> None:
    """Raise PermissionDenied where moving the party below another gives or takes what `by` does not hold."""
    if not _administers_for_good(by):
        tree = Tree.as_it_is()
        _require_trees(by, tree, tree.moved(party.pk, parent_id))


def require_share(record: "Record", whom: "Record", capacity: str | None, by: Actor) -> None:
    """Raise PermissionDenied where sharing a party entrusts more than `by` holds; None as `capacity` ends the share.

    Any other record that is shared is itself all that is given.
    """
    if record.kind != "party" or whom.kind != "party" or _administers_for_good(by):
        return
    tree = Tree.as_it_is()
    after = tree.shared(record.pk, whom.pk, inside=capacity in INSIDE)
    if after.pairs != tree.pairs:
        _require_trees(by, tree, after)


def _require_trees(by: Actor, tree: Tree, after: Tree) -> None:
    """Compare what every role held for a party gives before and after the parties lie otherwise."""
    from stellwerk.kernel.identity.role_assignment import RoleAssignment  # its declaration asks this module

    held = RoleAssignment.objects.filter(_not_over(), party__isnull=False)
    touched = [
        Grant(("assignment", each.pk), Role(each.role), *_where_and_when(each))
        for each in held
        if tree.reach(each.party_id) != after.reach(each.party_id)
    ]
    require_change(by, touched, touched, tree=tree, tree_after=after)


# -- who holds what ----------------------------------------------------------------------------------------


def grants_of(person: Actor, *, dormant: bool = False) -> list[Grant]:
    """List what a person holds today or later, directly or through a team.

    With `dormant`, also what they hold again once they, or a team of theirs, are reinstated.
    """
    from stellwerk.kernel.identity.role_assignment import RoleAssignment  # its declaration asks this module
    from stellwerk.kernel.identity.team import TeamMembership

    if not isinstance(person, Person) or not (person.is_active or dormant):
        return []
    lasting = RoleAssignment.objects.filter(_not_over())
    joined = TeamMembership.objects.filter(_not_over(), person_id=person.pk)
    if not dormant:
        joined = joined.filter(team__is_open=True)
    grants = [grant for each in lasting.filter(person_id=person.pk) for grant in grants_by(each)]
    return grants + [grant for membership in list(joined) for grant in grants_through(membership)]


def grants_by(assignment: "RoleAssignment") -> list[Grant]:
    """Return what an assignment gives to its holder."""
    holder = ("team", assignment.team_id) if assignment.team_id else ("person", assignment.person_id)
    return [Grant(holder, Role(assignment.role), *_where_and_when(assignment))]  # type: ignore[arg-type]


def grants_to_team(team_id: int) -> list[Grant]:
    """List what the members of a team hold through it."""
    from stellwerk.kernel.identity.role_assignment import RoleAssignment  # its declaration asks this module

    return [
        grant
        for each in RoleAssignment.objects.filter(_not_over(), team_id=team_id)
        for grant in grants_by(each)
    ]


def grants_through(membership: "TeamMembership") -> list[Grant]:
    """List what a membership gives to its person, on the days that it and the team's roles have in common."""
    grants = []
    for held in grants_to_team(membership.team_id):
        ends = [day for day in (held.valid_until, membership.valid_until) if day is not None]
        grants.append(
            Grant(
                ("person", membership.person_id),
                held.role,
                held.party_id,
                held.process,
                max(held.valid_from, membership.valid_from),
                min(ends, default=None),
            )
        )
    return grants


def _where_and_when(assignment: "RoleAssignment") -> tuple[int | None, str, date, date | None]:
    return assignment.party_id, assignment.process, assignment.valid_from, assignment.valid_until


def _not_over() -> Q:
    from stellwerk.kernel.identity.team import not_over_on  # its declaration asks this module

    return not_over_on(today())


def _administers_for_good(by: Actor) -> bool:
    """Whether somebody holds all there is, without an end; asks nothing that is not at hand."""
    return isinstance(by, System) or any(
        each.role == Role.ADMINISTRATOR
        and each.party_id is None
        and not each.process
        and each.person_id == by.pk
        and each.valid_until is None
        for each in policy_of(by).assignments
    )


# -- sets of rights ----------------------------------------------------------------------------------------


class _Holdings:
    """What some grants give, day by day."""

    def __init__(self, grants: Iterable[Grant], tree: Tree) -> None:
        self.grants, self.tree = list(grants), tree
        self._known: dict[date, Rights] = {}

    def on(self, day: date) -> Rights:
        if day not in self._known:
            self._known[day] = rights([each for each in self.grants if each.holds_on(day)], self.tree)
        return self._known[day]


def rights(grants: Iterable[Grant], tree: Tree) -> Rights:
    """Collect what grants give together."""
    found: Rights = {}
    for role, process, party_id in {(each.role, each.process, each.party_id) for each in grants}:
        reach = tree.reach(party_id)
        for right, how_far in given_by(role, process, party_id is None):
            more, known = reach[how_far], found.get(right, frozenset())
            found[right] = None if more is None or known is None else known | more
    return found


@cache
def given_by(role: Role, process: str, everywhere: bool) -> tuple[tuple[Right, str], ...]:
    """List what a role gives, and how far it reaches; `everywhere` when it is not limited to a party."""
    given = {
        (right, how_far)
        for each in registry.all_types()
        for right, how_far in _on(each, role, process, everywhere)
    }
    if role in REPRESENTING and not everywhere:
        readable = [t for t in registry.all_types() if level_of(t, Role.REQUESTER) >= Access.VIEW]
        given |= {((each.key, GUEST), PARTIES) for each in readable}
    if role == Role.ADMINISTRATOR and everywhere and not process:
        given.add((ADMINISTER, ALL))
    return tuple(sorted(given))


def _on(record_type: "RecordType", role: Role, process: str, everywhere: bool) -> Iterable[tuple[Right, str]]:
    """Yield what a role gives on one type; the same as `AccessPolicy` answers record by record, and tested against it."""
    held = role_for(record_type, role, process)
    if held is None or held not in STAFF:
        return
    reads = level_of(record_type, held) >= Access.VIEW
    if record_type.scope or everywhere:
        yield from (((record_type.key, name), PARTIES) for name in _allowed(record_type, held))
    reading = {"view", *_allowed(record_type, Role.VIEWER)} if reads else set()
    if record_type.seen_with_party:
        yield from (((record_type.key, name), ENTRUSTED) for name in reading)
    if not record_type.scope and not everywhere:
        yield from (((record_type.key, name), ALL) for name in reading)
    if reads and everywhere:
        yield (record_type.key, GUEST), ALL


def _allowed(record_type: "RecordType", role: Role) -> set[str]:
    level = level_of(record_type, role)
    names = {each.name.lower() for each in Access if Access.NONE < each <= level}
    names |= {INTERNAL} if level >= Access.VIEW else set()
    steps = record_type.workflow.transitions if record_type.workflow else ()
    for step in steps:
        named = role in step.by if step.by else level >= Access.EDIT
        if not step.automatic and (named or role == Role.ADMINISTRATOR):
            names.add(f"step:{step.name}")
    return names


def _missing(held: Rights, before: Rights, after: Rights) -> Right | None:
    """Return a right that is gained or lost and not held, the furthest one; None when there is none."""
    claims = chain(_without(after, before), _without(before, after))
    missing = [right for right, scope in claims if not _covers(held.get(right, frozenset()), scope)]
    return max(
        missing, key=lambda right: list(LABELS).index(right[1]) if right[1] in LABELS else -1, default=None
    )


def _without(some: Rights, others: Rights) -> Iterable[tuple[Right, Scope]]:
    for right, scope in some.items():
        other = others.get(right, frozenset())
        if other is None or scope == other:
            continue
        yield right, None if scope is None else scope - other


def _covers(held: Scope, scope: Scope) -> bool:
    return held is None or (scope is not None and scope <= held)


def _days(*grants: Iterable[Grant]) -> list[date]:
    """List today and the later days on which something begins or has just ended: between them nothing changes."""
    now = today()
    days = {now}
    for grant in chain(*grants):
        days.add(grant.valid_from)
        if grant.valid_until is not None and grant.valid_until < date.max:
            days.add(grant.valid_until + timedelta(days=1))
    return sorted(day for day in days if day >= now)


def _named(right: Right) -> str:
    kind, what = right
    if right == ADMINISTER:
        return _("administer the whole installation")
    record_type = registry.get(kind)
    if what in LABELS:
        return str(LABELS[what]) % record_type.label_plural
    step = record_type.workflow.by_name[what.removeprefix("step:")] if record_type.workflow else None
    return _("“%(step)s” on %(types)s") % {
        "step": capfirst(str(step.label)) if step else what,
        "types": record_type.label_plural,
    }
