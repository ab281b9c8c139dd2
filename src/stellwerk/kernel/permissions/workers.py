"""Who works on a record, and who is in charge of one: nothing is given to somebody who cannot work on it.

A type's `workers` must be able to work on the very record. Where only the sight of it is missing, because it belongs to
another party, the record is shared with theirs. Those `in_charge` of it only have to be in use.
"""

from collections.abc import Collection, Iterable, Iterator

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team, valid_on
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.days import today
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import INSIDE, STAFF, Access
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.permissions.share import Share

NOBODY = 0
"""In the place of a party: no share would help."""


def check_workers(record: Record, before: Record | None, given: Collection[str]) -> None:
    """Refuse people and teams among the `given` fields who have left, or who cannot work on the record."""
    record_type = record.record_type
    names = _changed(record, before, (*record_type.workers, *record_type.in_charge))
    faults = {name: why for name in names if name in given and (why := _unfit(record, name))}
    if faults:
        raise ValidationError(faults)


def parties_to_share_with(record: Record, before: Record | None) -> list[int]:
    """List the parties, by id, whose staff works on the record from now on and does not see it yet."""
    workers = record.record_type.workers
    moved = before is not None and record.party_id != before.party_id
    # Who works on a record keeps it, wherever it goes.
    names = (
        [name for name in workers if _is_named(record, name)] if moved else _changed(record, before, workers)
    )
    return sorted({party for name in names if (party := _missing_party(record, name))})


def open_work(who: Record) -> Iterator[tuple[str, QuerySet[Record]]]:
    """Yield, by type and field, the open records that a person or team works on."""
    for record_type in registry.all_types():
        for name in record_type.workers:
            if record_type.references[name] is type(who):
                records = record_type.model._default_manager.filter(**{name: who.pk}, is_open=True)
                yield name, records


def _changed(record: Record, before: Record | None, names: Iterable[str]) -> list[str]:
    named = (name for name in names if _is_named(record, name))
    if before is None:
        return list(named)
    return [name for name in named if getattr(record, f"{name}_id") != getattr(before, f"{name}_id")]


def _is_named(record: Record, name: str) -> bool:
    return getattr(record, f"{name}_id") is not None


def _unfit(record: Record, name: str) -> str:
    """Say why this person or team cannot have the record; "" when they can."""
    other = getattr(record, name)
    about = {"name": str(other), "records": record.record_type.label_plural}
    if isinstance(other, Person | Team) and not other.is_open:
        return _("%(name)s is no longer active. Select someone else.") % about
    if name in record.record_type.workers and _missing_party(record, name) == NOBODY:
        return _("%(name)s has no role to work on these %(records)s. Select someone else.") % about
    if name in record.record_type.in_charge and isinstance(other, Person) and not _belongs(other, record):
        return _("%(name)s is neither staff nor a member of the organisation. Select someone else.") % about
    return ""


def _belongs(person: Person, record: Record) -> bool:
    own = person.party_id is None or person.party_id in (record.pk, record.party_id)
    return own or any(role.role in STAFF for role in policy_of(person).assignments)


def _missing_party(record: Record, name: str) -> int | None:
    """Return the party with which the record must be shared before this worker can have it; None for none."""
    other = getattr(record, name)
    if isinstance(other, Person):
        return _missing_for([other], record, other.party_id)
    if other.party_id is None and not isinstance(other, Team):
        return None
    if other.party_id is not None and _is_seen_by(other.party_id, record):
        return None
    if isinstance(other, Team):
        members = _members(other)
        return _missing_for(members, record, other.party_id) if members else other.party_id
    return int(other.party_id)


def _missing_for(people: list[Person], record: Record, party: int | None) -> int | None:
    """Return what is missing for one of the people at least to work on the record."""
    reach = False
    for person in people:
        policy = policy_of(person)
        if policy.access_to(record) >= Access.EDIT:
            return None
        covered = policy.scope(record.record_type, Access.EDIT)
        reach = reach or (covered is not None and party in covered)
    return party if reach else NOBODY


def _is_seen_by(party: int, record: Record) -> bool:
    """Whether the record belongs to the party or one below it, or is shared with it to be worked on."""
    if record.party_id == party:
        return True
    policy = policy_of(SYSTEM)
    shares: list[Share] = policy.shares_of(record)
    inside = any(share.party_id == party and share.capacity in INSIDE for share in shares)
    return inside or (record.party_id is not None and record.party_id in policy.below(party))


def _members(team: Team) -> list[Person]:
    members: list[Person] = list(
        Person.objects.filter(valid_on(today(), "memberships__"), memberships__team=team.pk, is_open=True)
    )
    return members
