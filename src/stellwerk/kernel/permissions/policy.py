"""What somebody may see and do: the one answer, as a condition on rows and as a level on one record."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import Actor, System
from stellwerk.kernel.model.days import today
from stellwerk.kernel.model.record import Record, copy_of, decides_visibility
from stellwerk.kernel.model.references import ReferenceSummary
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.model.roles import INSIDE, STAFF, Access, Role
from stellwerk.kernel.model.shared_cache import Cached, current, remember
from stellwerk.kernel.model.workflow import Transition
from stellwerk.kernel.permissions.share import Share

if TYPE_CHECKING:
    from stellwerk.kernel.identity.role_assignment import RoleAssignment
    from stellwerk.kernel.model.declaration import RecordType

V = TypeVar("V")

REPRESENTING = frozenset({Role.ADMINISTRATOR, Role.MANAGER, Role.VIEWER})
"""Roles that look after what is shared with the party that they are held for."""
EVERYTHING = ~Q(pk__in=[])
NOTHING = Q(pk__in=[])


def policy_of(person: Actor) -> "AccessPolicy":
    """Return what `person` may; computed once per loaded person, that is once per request."""
    if isinstance(person, System):
        return AccessPolicy(person)
    policy: AccessPolicy | None = person.__dict__.get("_policy")
    if policy is None:
        policy = person.__dict__["_policy"] = AccessPolicy(person)
    return policy


@decides_visibility
def _visible(person: Actor, model: type[Record]) -> Q:
    return policy_of(person).visible(model)


def role_for(record_type: "RecordType", role: Role, process: str) -> Role | None:
    """Return what a role that is held for a process (empty: all) is on a type; None where it is nothing.

    Who works in another process reads what its records refer to, such as the people and services of tickets.
    """
    if process in ("", record_type.process):
        return role
    refers = role in STAFF and registry.refers_to(process, record_type.model)
    return Role.VIEWER if refers else None


def level_of(record_type: "RecordType", role: Role) -> Access:
    """Return how far a role goes on a type."""
    return Access.FULL if role == Role.ADMINISTRATOR else record_type.access.get(role, Access.NONE)


def inside_role(record_type: "RecordType", role: Role) -> Role:
    """Return what a role is on a record that is shared with its party inside: there one works on what has workers.

    Everything else, such as a party that is served or a person, is shown and stays its owner's to change.
    """
    return role if record_type.workers else Role.VIEWER


class AccessPolicy:
    """A person's roles as of today, and what follows from them."""

    def __init__(self, person: Actor) -> None:
        self.person = person
        self._own: dict[Hashable, object] = {}
        self._day = today()
        self._under = current()

    # -- what is worked out once ---------------------------------------------------------------------

    def once(self, what: Hashable, work_out: Callable[[], V]) -> V:
        """Return what follows from the person's roles alone: worked out once for all requests under one mark."""
        if what not in self._own:
            shared = self._shared()
            if what not in shared:
                shared[what] = work_out()
            self._own[what] = shared[what]
        return cast("V", self._own[what])

    def _shared(self) -> Cached:
        """Return what requests under the same mark worked out for this person and day.

        A policy that has once looked without the mark that it began with, such as after a write that may yet be rolled
        back, gives nothing to others from then on.
        """
        if self._under is None or self._under is not current():
            self._under = None
            return {}
        person = self.person
        whose = (AccessPolicy, person.pk, person.is_active, self._day, tuple(registry.all_types()))
        return remember(whose, dict[Hashable, object])

    # -- roles ---------------------------------------------------------------------------------------

    @cached_property
    def assignments(self) -> "list[RoleAssignment]":
        """The role assignments valid today, held directly or through a team."""
        return [copy_of(assignment) for assignment in self._held]

    @cached_property
    def _held(self) -> "list[RoleAssignment]":
        """The same, as they are remembered: not to be changed."""
        from stellwerk.kernel.identity.role_assignment import RoleAssignment

        person, day = self.person, self._day
        if not isinstance(person, Person) or not person.is_active:
            return []
        self._shared()  # says whether what is read now came under the mark
        key = (RoleAssignment, person.pk, day)
        return remember(key, lambda: list(RoleAssignment.objects.held_by(person, day)))

    @property
    def is_administrator(self) -> bool:
        """Whether the person administers the whole installation."""
        if isinstance(self.person, System):
            return True
        return self.once(
            "is administrator",
            lambda: any(
                a.role == Role.ADMINISTRATOR and a.party_id is None and not a.process for a in self._held
            ),
        )

    def role_scopes(self, record_type: "RecordType") -> dict[Role, frozenset[int] | None]:
        """Map each staff role held for this type to the parties it covers; None means all. Not to be changed."""
        return self.once(("roles", record_type.key), lambda: self._scopes_of_roles(record_type))

    def _scopes_of_roles(self, record_type: "RecordType") -> dict[Role, frozenset[int] | None]:
        scopes: dict[Role, frozenset[int] | None] = {}
        for assignment in self._held:
            role = role_for(record_type, Role(assignment.role), assignment.process)
            if role is None:
                continue
            covered = None if assignment.party_id is None else self.below(assignment.party_id)
            known = scopes.get(role, frozenset())
            scopes[role] = None if covered is None or known is None else known | covered
        return scopes

    def scope(self, record_type: "RecordType", level: Access = Access.VIEW) -> frozenset[int] | None:
        """Collect the parties for which a staff role reaches `level` on this type; None means all."""
        return self.once(("scope", record_type.key, level), lambda: self._scope(record_type, level))

    def _scope(self, record_type: "RecordType", level: Access) -> frozenset[int] | None:
        covered: frozenset[int] = frozenset()
        for role, parties in self.role_scopes(record_type).items():
            if role in STAFF and level_of(record_type, role) >= level:
                if parties is None:
                    return None
                covered |= parties
        if not record_type.scope:
            return None if covered and level <= Access.VIEW else frozenset()
        if record_type.seen_with_party and level <= Access.VIEW:
            covered |= self.entrusted(covered)
        return covered

    def entrusted(self, parties: frozenset[int]) -> frozenset[int]:
        """Collect the parties, with all below them, that are shared with `parties` for their staff to serve."""
        if not parties:
            return parties
        shared = remember(
            ("entrusted", parties),
            lambda: list(
                Share.objects.filter(
                    party__in=parties, capacity__in=INSIDE, record__kind="party"
                ).values_list("record", flat=True)
            ),
        )
        return frozenset[int]().union(*map(self.below, shared))

    # -- conditions on rows --------------------------------------------------------------------------

    def visible(self, model: type[Record], *, few: bool = False) -> Q:
        """Return the condition that keeps the rows of `model` (or of Record) which the person may see.

        `few` says that something else leaves only few rows to ask it of, such as what a search finds.
        """
        if self.is_administrator:
            return EVERYTHING
        return self.once(
            ("visible", model, few), lambda: self.as_staff(model, few=few) | self.as_guest(model, few=few)
        )

    def as_staff(self, model: type[Record], *, few: bool = False) -> Q:
        """Keep the rows on which the person holds a staff role, and so sees internal notes too."""
        if self.is_administrator:
            return EVERYTHING
        return self.once(("as staff", model, few), lambda: self._as_staff(model, few))

    def _as_staff(self, model: type[Record], few: bool) -> Q:
        groups: dict[tuple[str, frozenset[int] | None], list[str]] = defaultdict(list)
        for record_type in self._types(model):
            groups[record_type.scope, self.scope(record_type)].append(record_type.key)
        condition = NOTHING
        for (lookup, parties), kinds in groups.items():
            arm = self._inside(lookup, parties, few=few)
            condition |= arm if len(self._types(model)) == 1 else arm & Q(kind__in=kinds)
        return condition

    def as_guest(self, model: type[Record], *, few: bool = False) -> Q:
        """Keep the rows shared with the person or with a party they act for, and those open to all."""
        if not isinstance(self.person, Person) or not self.person.is_active:
            return NOTHING
        mine = Q(person=self.person.pk)
        if self.represented:
            mine |= Q(party__in=self.represented) & ~Q(capacity__in=INSIDE)
        condition = _shared(mine, few=few)
        types = [t for t in self._types(model) if t.has_open_records]
        if types:
            condition |= Q(open_to_all=True)
        return condition

    # -- one record ----------------------------------------------------------------------------------

    def plainly_sees(
        self, record_type: "RecordType", pk: int, party_id: int | None, open_to_all: bool
    ) -> bool:
        """Whether a role or openness already shows the record, so that its shares need not be asked."""
        if self.is_administrator:
            return True
        parties = self.scope(record_type)
        owner = pk if record_type.scope == "pk" else party_id
        return parties is None or owner in parties or (open_to_all and self.person.is_active)

    def seen_among(self, known: Collection[ReferenceSummary]) -> set[int]:
        """Return the ids of the records that the person may see; one query at most, where only a share could show some."""
        plain = {
            one.pk
            for one in known
            if self.plainly_sees(registry.get(one.kind), one.pk, one.party_id, one.open_to_all)
        }
        doubtful = {one.pk for one in known} - plain
        if not doubtful:
            return plain
        shown = Record.objects.filter(self.visible(Record, few=True), pk__in=doubtful)
        return plain | set(shown.values_list("pk", flat=True))

    def roles_on(self, record: Record) -> set[Role]:
        """Collect the roles the person has on this record; REQUESTER for those it is shared with."""
        if isinstance(self.person, System):
            return {Role.ADMINISTRATOR}
        record_type = record.record_type
        owner = record.pk if record_type.scope == "pk" else record.party_id
        shares = self.shares_of(record)
        inside = {share.party_id for share in shares if share.capacity in INSIDE}
        roles: set[Role] = set()
        for role, parties in self.role_scopes(record_type).items():
            if role not in STAFF:
                continue
            if parties is None or owner in parties:
                roles.add(role)
            elif inside & parties:
                roles.add(inside_role(record_type, role))
        if any(
            s.person_id == self.person.pk or s.party_id in self.represented
            for s in shares
            if s.party_id not in inside
        ):
            roles.add(Role.REQUESTER)
        seen = self.scope(record_type)
        if (record_type.seen_with_party and owner in (seen or ())) or (
            not record_type.scope and seen is None
        ):
            roles.add(Role.VIEWER)
        return roles

    def access_to(self, record: Record) -> Access:
        """Return how far the person goes on this record."""
        roles = self.roles_on(record)
        level = max((level_of(record.record_type, role) for role in roles), default=Access.NONE)
        return max(level, Access.VIEW) if record.open_to_all else level

    def sees_internal(self, record: Record) -> bool:
        """Whether internal notes and undeclared fields are shown to the person."""
        return any(
            level_of(record.record_type, role) >= Access.VIEW for role in self.roles_on(record) & STAFF
        )

    def may_edit(self, record: Record) -> bool:
        return self.access_to(record) >= Access.EDIT

    def may_comment(self, record: Record) -> bool:
        return self.access_to(record) >= Access.CONTRIBUTE

    def may_create(self, record_type: "RecordType", party_id: int | None = None) -> bool:
        """Whether the person may create such records: as staff for that party (any, without), or as a requester."""
        return self.may_create_as_staff(record_type, party_id) or self.may_request(record_type)

    def may_create_as_staff(self, record_type: "RecordType", party_id: int | None = None) -> bool:
        if self.is_administrator:
            return True
        parties = self.scope(record_type, Access.EDIT)
        return parties is None or (bool(parties) if party_id is None else party_id in parties)

    def may_place(self, record_type: "RecordType", party_id: int | None) -> bool:
        """Whether the person may put such a record into a party, as staff; without a party it is for all to whom all are."""
        parties = None if self.is_administrator else self.scope(record_type, Access.EDIT)
        return parties is None or party_id in parties

    def may_request(self, record_type: "RecordType") -> bool:
        """Whether the person may raise such a record for themselves."""
        if not isinstance(self.person, Person) or not self.person.is_active:
            return False
        return (
            bool(requestable(record_type).asked_of_requesters)
            and level_of(record_type, Role.REQUESTER) >= Access.CONTRIBUTE
        )

    def may_take(self, step: Transition, record: Record) -> bool:
        """Whether the person may take this step on this record (its state and guard aside)."""
        if step.automatic:
            return isinstance(self.person, System)
        roles = self.roles_on(record)
        if Role.ADMINISTRATOR in roles:
            return True
        if step.by:
            return bool(roles & set(step.by))
        return self.access_to(record) >= Access.EDIT

    # -- helpers -------------------------------------------------------------------------------------

    def _types(self, model: type[Record]) -> "list[RecordType]":
        return registry.all_types() if model is Record else [registry.for_model(model)]

    def _inside(self, lookup: str, parties: frozenset[int] | None, *, few: bool) -> Q:
        if parties is None:
            return EVERYTHING
        if not parties:
            return NOTHING
        return Q(**{f"{lookup}__in": parties}) | _shared(Q(party__in=parties, capacity__in=INSIDE), few=few)

    def shares_of(self, record: Record) -> list[Share]:
        """List with whom the record is shared; read once per loaded record."""
        known = record.__dict__.get("_shares")
        if known is None:
            known = record.__dict__["_shares"] = (
                list(Share.objects.filter(record_id=record.pk)) if record.pk else []
            )
        return known

    @property
    def represented(self) -> frozenset[int]:
        """The parties for which the person may look after what is shared with them (see REPRESENTING)."""
        return self.once("represented", self._represented)

    def _represented(self) -> frozenset[int]:
        parties: set[int] = set()
        for assignment in self._held:
            if assignment.party_id is not None and assignment.role in REPRESENTING:
                parties |= self.below(assignment.party_id)
        return frozenset(parties)

    def below(self, party_id: int) -> frozenset[int]:
        """Collect a party and everything that is part of it."""
        return self._descendants.get(party_id, frozenset({party_id}))

    @cached_property
    def _descendants(self) -> dict[int, frozenset[int]]:
        from stellwerk.kernel.identity.party import Party

        return remember("parties below", lambda: descendants(Party.objects.values_list("pk", "parent_id")))


def _shared(condition: Q, *, few: bool = False) -> Q:
    """Keep the rows that have a share of which `condition` holds.

    PostgreSQL chooses by itself whether to look up the shares of each row or to collect them all first, if it is
    asked whether there is one. SQLite does not choose, and is better off collecting them unless the rows are few.
    """
    shares = Share.objects.filter(condition)
    if few or connection.vendor == "postgresql":
        return Q(Exists(shares.filter(record=OuterRef("pk"))))
    return Q(pk__in=shares.values("record"))


def descendants(pairs: Iterable[tuple[int, int | None]]) -> dict[int, frozenset[int]]:
    """Map each party to itself and everything below it."""
    children: dict[int | None, list[int]] = defaultdict(list)
    for party, parent in pairs:
        children[parent].append(party)
    below: dict[int, frozenset[int]] = {}
    for start in [party for group in children.values() for party in group]:
        seen, frontier = {start}, [start]
        while frontier:
            fresh = [child for child in children.get(frontier.pop(), []) if child not in seen]
            seen.update(fresh)
            frontier.extend(fresh)
        below[start] = frozenset(seen)
    return below
