"""The verbs: the one way to write a record.

`create`, `change` and `transition` check access, validate, number, save, write the journal, keep the
search and the shares, and publish what happened, in one transaction. Pages, API, mail, import and jobs
all call them. `by` says who acts: a person, or SYSTEM. `at` (aware) is for history brought from
elsewhere; such entries are marked with `brought_from`.

Errors: ValidationError (what to mend, by field), PermissionDenied (visible, but not allowed), StaleWrite
(somebody else was faster).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from stellwerk.kernel.custom_fields import values as custom
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal import journal
from stellwerk.kernel.journal.entry import QUIET, Entry, Verb
from stellwerk.kernel.journal.journal import EntryContext
from stellwerk.kernel.model import numbering, registry, shared_cache
from stellwerk.kernel.model.actor import SYSTEM, Actor, System
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.errors import FieldErrors, NotConfirmed, StaleWrite
from stellwerk.kernel.model.record import Record, copy_of
from stellwerk.kernel.model.references import prefetch
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.model.roles import Capacity
from stellwerk.kernel.model.values import Changes, difference, machine_values
from stellwerk.kernel.model.via import Via
from stellwerk.kernel.model.workflow import Transition
from stellwerk.kernel.permissions.guest_view import is_guest, writes_for_guests
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.permissions.rights import require_share
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.permissions.workers import check_workers, parties_to_share_with
from stellwerk.kernel.write import validation
from stellwerk.kernel.write.events import Event, Subject
from stellwerk.kernel.write.writer import (
    DIRECT,
    PARTICIPATES,
    SHARED_AS_BEFORE,
    ShareChanges,
    Writer,
)
from stellwerk.vocabulary import JsonObject, JsonValue, Values

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class ChangeContext:
    """Who does what, when, why: the circumstances of one write."""

    verb: str
    by: Actor
    name: str = ""
    reason: str = ""
    at: datetime | None = None
    brought_from: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.by, Person | System):
            raise TypeError(f"by= must be a person or SYSTEM, not {self.by!r}.")

    def entry_context(self, record: Record) -> EntryContext:
        """Fix the instants: an entry is never earlier than the one before it, even if the clock steps back."""
        now = timezone.now()
        moment = self.at or now
        if record.journal_count and moment < record.updated_at:
            if self.at:
                raise ValidationError(
                    _("%(reference)s already has an entry of %(last)s. Import history in ascending order.")
                    % {"reference": record.reference, "last": record.updated_at.isoformat()}
                )
            moment = record.updated_at
        return EntryContext(
            self.verb, moment, now, self.by.pk, self.name, self.reason, False, self.brought_from
        )


def create(
    model: type[R],
    values: Values,
    *,
    by: Actor,
    via: Via = Via.SYSTEM,
    at: datetime | None = None,
    reason: str = "",
    brought_from: str = "",
    writer: Writer = DIRECT,
) -> R:
    """Create a record of `model` from `values` (field names to Python or machine values) and return it."""
    record_type = registry.for_model(model)
    context = ChangeContext(Verb.CREATE, by, reason=reason, at=at, brought_from=brought_from)
    with writer.atomic():
        record = model(kind=record_type.key, status=record_type.initial_status)
        settable, own = _left_to_creator(record_type, by, via, writer)
        values = {**values, **{name: pk for name, pk in own.items() if name in (settable or ())}}
        validation.assign(record_type, record, {**record_type.defaults(by, via), **own})
        _set(record_type, record, values, by, writer, settable)
        _derive(record_type, record, None, values, writer)
        if not writer.brings_history:
            _require_create(record_type, record, by)
        if not writer.brings_history:
            check_workers(record, None, values)
        validation.validate(record_type, record, None)
        if not writer.brings_history:
            _authorise(record_type, record, None, by, writer)
        record.reference = numbering.reference(record_type.prefix, writer.number(record_type.prefix))
        entry_context = context.entry_context(record)
        record.created_at = entry_context.at
        shares = ShareChanges(list(participant_shares(record).values()))
        entry = _entry(record_type, record, entry_context, difference({}, machine_values(record)), shares)
        writer.created(record, entry, shares.made)
        _share_with_workers(record, None, context, writer)
        writer.publish(Event(record, entry, by, notifies=writer.notifies))
    return record


def change(
    record: R,
    values: Values,
    *,
    by: Actor,
    version: int | None = None,
    at: datetime | None = None,
    reason: str = "",
    brought_from: str = "",
    writer: Writer = DIRECT,
) -> R:
    """Set `values` on the record and return it is now; without a difference nothing is written.

    `version` is the one the writer last saw; StaleWrite when one of these fields was changed since.
    """
    context = ChangeContext(Verb.CHANGE, by, reason=reason, at=at, brought_from=brought_from)
    with writer.atomic():
        record, before = lock(record, writer)
        record_type = record.record_type
        if not writer.brings_history:
            _require_edit(record, by)
        _refuse_stale(record, values, version, by)
        _set(record_type, record, values, by, writer, record_type.editable_fields)
        return _change(record_type, record, before, values, context, writer)


def transition(
    record: R,
    name: str,
    values: Values | None = None,
    *,
    by: Actor,
    version: int | None = None,
    at: datetime | None = None,
    reason: str = "",
    brought_from: str = "",
    writer: Writer = DIRECT,
) -> R:
    """Take the step `name` of the record's workflow, setting only the fields that it asks for or offers.

    `version` is the one the writer last saw; StaleWrite when any field was changed since.
    """
    values = values or {}
    context = ChangeContext(Verb.TRANSITION, by, name=name, reason=reason, at=at, brought_from=brought_from)
    with writer.atomic():
        record, before = lock(record, writer)
        record_type = record.record_type
        step = _step(record_type, name)
        if not writer.brings_history and not policy_of(by).may_take(step, record):
            raise PermissionDenied(
                _("You don't have permission for “%(step)s” on %(reference)s.")
                % {"step": step.label, "reference": record.reference}
            )
        _refuse_stale(record, values, version, by, whole=True)
        _require_status(step, record)
        _set(record_type, record, values, by, writer, step.fields, step.asks)
        return _change(record_type, record, before, values, context, writer, step)


def share(record: Record, with_whom: Record, capacity: str, *, by: Actor) -> Share:
    """Show the record to a party or a person in `capacity`; sharing again changes the capacity, if it differs."""
    capacity = Capacity(capacity)
    with transaction.atomic():
        record, _before = lock(record, DIRECT)
        _require_edit(record, by)
        require_share(record, with_whom, capacity, by)
        end = {"person": with_whom} if isinstance(with_whom, Person) else {"party": with_whom}
        known = Share.objects.filter(record_id=record.pk, **end).first()
        if known and known.capacity == capacity and shared_by_hand(record, {with_whom.pk}):
            return known
        before = _about(known) if known else None
        shared = known or Share(record_id=record.pk, **end)
        shared.capacity = capacity
        shared.save()
        note(record, ChangeContext(Verb.SHARE, by), {"@share": [before, _about(shared)]})
    return shared


def unshare(record: Record, with_whom: Record, *, by: Actor) -> None:
    """Stop showing the record to a party or person."""
    with transaction.atomic():
        record, _before = lock(record, DIRECT)
        _require_edit(record, by)
        require_share(record, with_whom, None, by)
        end = {"person_id": with_whom.pk} if isinstance(with_whom, Person) else {"party_id": with_whom.pk}
        known = Share.objects.filter(record_id=record.pk, **end).first()
        if known:
            known.delete()
            note(record, ChangeContext(Verb.UNSHARE, by), {"@share": [_about(known), None]})


def note(
    record: Record,
    context: ChangeContext,
    changes: Changes,
    *,
    internal: bool = False,
    writer: Writer = DIRECT,
    subject: Subject | None = None,
    shares: ShareChanges = SHARED_AS_BEFORE,
) -> Entry:
    """Append an entry about something that stands beside the record (a comment, a file, a link, a share).

    Its keys begin with "@" and so take no part in a replay. Call inside a transaction, with the record locked.
    `subject` is that something, for the handlers of the event; it need not be saved yet. Quiet verbs, such as
    watching, leave version and last update as they are, and nobody is notified of them.
    """
    entry_context = context.entry_context(record)
    entry_context = EntryContext(**{**entry_context.__dict__, "internal": internal})
    quiet = context.verb in QUIET
    if not quiet:
        record.version += 1
        record.updated_at = entry_context.at
    entry = journal.append(record, entry_context, changes)
    writer.changed(record, entry, (), shares)
    if not quiet:
        writer.publish(Event(record, entry, context.by, subject))
    return entry


def participant_shares(record: Record) -> dict[int, Share]:
    """Map the people and parties that see the record as its participants to the shares that they are due."""
    record_type = record.record_type
    due: dict[int, Share] = {}
    for name in requestable(record_type).participants:
        pk = getattr(record, f"{name}_id")
        if pk is not None and pk not in due and pk != record.party_id:
            if record_type.references[name] is Person:
                due[pk] = Share(record_id=record.pk, person_id=pk, capacity=Capacity.REQUESTER)
            else:
                due[pk] = Share(record_id=record.pk, party_id=pk, capacity=Capacity.CUSTOMER)
    return due


def shared_by_hand(record: Record, whom: Collection[int]) -> set[int]:
    """Keep those of the people and parties with whom somebody shared the record; their share is nobody's to end."""
    last: dict[int, str] = {}
    entries = Entry.objects.filter(record_id=record.pk, verb__in=(Verb.SHARE, Verb.UNSHARE))
    for verb, changes in entries.order_by("number").values_list("verb", "changes"):
        about = changes["@share"][0] or changes["@share"][1]
        last[about["with"]] = verb
    return {pk for pk in whom if last.get(pk) == Verb.SHARE}


# -- steps of the verbs --------------------------------------------------------------------------------


def lock(record: R, writer: Writer) -> tuple[R, R]:
    """Lock the record and keep a copy of it is before the write."""
    record = writer.lock(record.specific)
    return record, copy_of(record)


def _refuse_stale(
    record: Record, values: Values, version: int | None, by: Actor, *, whole: bool = False
) -> None:
    """Raise StaleWrite when one of the fields was changed since `version`; of the `whole` record, when any was.

    A guest's version counts what guests may read, and nothing else makes their write stale.
    """
    if version is None:
        return
    if is_guest(by, record):
        writes = writes_for_guests([record])[record.pk]
        now, later = len(writes), (write.fields for write in writes[max(version, 0) :])
        changed = frozenset[str]().union(*later)
    else:
        now = record.version
        changed = changed_since(record, version) if version < now else frozenset()
    if version > now or (whole and changed) or not changed.isdisjoint(values):
        raise StaleWrite(record, machine_values(record), dict(values), version, now)


def changed_since(record: Record, version: int) -> frozenset[str]:
    """Return the fields that were changed after `version`; what was said or linked since then is no change of them."""
    writes = Entry.objects.filter(record_id=record.pk).exclude(verb__in=QUIET).order_by("number")
    later = writes[max(version, 0) :].values_list("changes", flat=True)
    return frozenset(name for changes in later for name in changes if not name.startswith("@"))


def _set(
    record_type: RecordType,
    record: Record,
    values: Values,
    by: Actor,
    writer: Writer,
    settable: Iterable[str] | None,
    asked: Iterable[str] = (),
) -> None:
    """Set the values, those that are `settable` (None for all), and see to it that nothing `asked` is empty.

    All that is wrong with single values is told together, before anything is derived from them.
    """
    if writer.brings_history:
        validation.assign(record_type, record, values)
        return
    faults = FieldErrors(writer.found)
    with faults.collecting():
        _refuse_unknown(values, settable)
    with faults.collecting():
        validation.assign(record_type, record, _without(values, faults))
    prefetch(record_type, record)
    with faults.collecting():
        validation.check_references(record, _without(values, faults), by)
    with faults.collecting():
        custom.check(record_type, record, _without(values, faults), by)
    with faults.collecting():
        _require_asked(record, asked)
    if faults:
        with faults.collecting():
            validation.require_references(record_type, record)
        with faults.collecting():
            validation.check_fields(record_type, record, _without(values, faults))
    faults.refuse()


def _without(values: Values, faults: FieldErrors) -> Values:
    return {name: value for name, value in values.items() if name not in faults} if faults else values


def _require_asked(record: Record, names: Iterable[str]) -> None:
    field = record.record_type.field
    missing = [name for name in names if getattr(record, field(name).attname) in (None, "")]
    if missing:
        raise ValidationError(dict.fromkeys(missing, _("Fill this in to continue.")))


def _change(
    record_type: RecordType,
    record: R,
    before: R,
    values: Values,
    context: ChangeContext,
    writer: Writer,
    step: Transition | None = None,
) -> R:
    if step:
        _apply_step(record, step, context, writer)
    _derive(record_type, record, before, values, writer)
    if not writer.brings_history:
        check_workers(record, before, values)
    return write(record, before, context, writer, step)


def _derive(record_type: RecordType, record: R, before: R | None, values: Values, writer: Writer) -> None:
    """Set what follows from the values; of brought history, what it states itself stands."""
    validation.require_references(record_type, record)
    if not writer.brings_history:
        record_type.derive(record, before)
        return
    fields = [record_type.field(name).attname for name in values if not name.startswith("custom.")]
    stated = [(name, getattr(record, name)) for name in fields]
    record_type.derive(record, before)
    for name, value in stated:
        if getattr(record, name) != value:
            setattr(record, name, value)


def write(
    record: R, before: R, context: ChangeContext, writer: Writer = DIRECT, step: Transition | None = None
) -> R:
    """Validate and save what was set on a record that was taken up; without a difference only a step is noted.

    Brought history keeps an update that changed nothing, too, when it has a word about it.
    """
    record_type = record.record_type
    changes = difference(machine_values(before), machine_values(record))
    if not changes and not step and not (writer.brings_history and context.reason):
        return record
    if not writer.brings_history:
        _require_place(record_type, record, before, context.by)
    validation.validate(record_type, record, before)
    if not writer.brings_history:
        _authorise(record_type, record, before, context.by, writer)
    fields = [name for name in changes if not name.startswith("custom.")]
    shares = _share_changes(record, before, writer)
    entry = _entry(record_type, record, context.entry_context(record), changes, shares)
    writer.changed(record, entry, fields, shares)
    _share_with_workers(record, before, context, writer)
    writer.publish(Event(record, entry, context.by, notifies=writer.notifies))
    return record


def _apply_step(record: Record, step: Transition, context: ChangeContext, writer: Writer) -> None:
    if step.guard and not writer.brings_history:
        step.guard(record)
    record.status = str(step.target)
    if step.effect:
        step.effect(record, context.entry_context(record).at, context.by)


def _entry(
    record_type: RecordType,
    record: Record,
    entry_context: EntryContext,
    changes: Changes,
    shares: ShareChanges,
) -> Entry:
    if shares.made or shares.ended:
        ended: list[JsonValue] = [{"with": pk, "capacity": capacity} for pk, capacity in shares.ended.items()]
        made: list[JsonValue] = [_about(share) for share in shares.made]
        changes["@shares"] = [ended or None, made or None]
    record.is_open = record_type.is_open(record)
    record.open_to_all = record_type.open_to_all(record)
    record.version += 1
    record.updated_at = entry_context.at
    return journal.append(record, entry_context, changes)


def _about(share: Share) -> JsonObject:
    """What the journal says of a share."""
    return {"with": share.person_id or share.party_id, "capacity": str(share.capacity)}


def _share_changes(record: Record, before: Record, writer: Writer) -> ShareChanges:
    """Share the record with who takes part in it now, and no longer with who did before."""
    due, was_due = participant_shares(record), participant_shares(before)
    if due.keys() == was_due.keys():
        return SHARED_AS_BEFORE
    have = writer.shares(record)
    ended = {pk for pk in was_due.keys() - due.keys() if have.get(pk) in PARTICIPATES}
    if record.pk and ended:  # what is collected and not yet written is shared by nobody's hand
        ended -= shared_by_hand(record, ended)
    return ShareChanges([due[pk] for pk in due if pk not in have], {pk: have[pk] for pk in sorted(ended)})


def _share_with_workers(
    record: Record, before: Record | None, context: ChangeContext, writer: Writer
) -> None:
    """Show the record to the parties whose staff works on it from now on; the journal notes each of them."""
    if writer.brings_history or writer.rehearses or not record.record_type.workers:
        return
    for party in parties_to_share_with(record, before):
        made = Share(record_id=record.pk, party_id=party, capacity=Capacity.PROVIDER)
        known = writer.shares(record).get(party)
        before_it: JsonObject | None = {"with": party, "capacity": known} if known else None
        note(
            record,
            ChangeContext(Verb.SHARE, context.by, at=context.at),
            {"@share": [before_it, _about(made)]},
            writer=writer,
            shares=ShareChanges([made], {party: known} if known else {}),
        )


def _step(record_type: RecordType, name: str) -> Transition:
    step = record_type.workflow.by_name.get(name) if record_type.workflow else None
    if step is None:
        raise ValidationError(
            _("%(type)s has no step called “%(name)s”.") % {"type": record_type.label, "name": name}
        )
    return step


def _require_status(step: Transition, record: Record) -> None:
    if record.status not in step.source:
        raise ValidationError(
            _("“%(step)s” isn't possible while %(reference)s is “%(status)s”.")
            % {"step": step.label, "reference": record.reference, "status": record.get_status_display()}
        )


def _left_to_creator(
    record_type: RecordType, by: Actor, via: Via, writer: Writer
) -> tuple[Iterable[str] | None, dict[str, object]]:
    """Return what the creator may set (None: all) and what is given: requesters, and all in the portal, ask for themselves."""
    if writer.brings_history or isinstance(by, System):
        return None, {}
    if via is not Via.PORTAL and policy_of(by).may_create_as_staff(record_type):
        return record_type.editable_fields, {}
    if not policy_of(by).may_request(record_type):
        raise PermissionDenied(_("You don't have permission to create %s.") % record_type.label_plural)
    return requestable(record_type).asked_of_requesters, dict.fromkeys(
        requestable(record_type).participants[:1], by.pk
    )


def _require_create(record_type: RecordType, record: Record, by: Actor) -> None:
    policy = policy_of(by)
    if policy.may_place(record_type, record_type.placed_in(record)):
        return
    own = (
        requestable(record_type).participants
        and getattr(record, f"{requestable(record_type).participants[0]}_id") == by.pk
    )
    if not (own and policy.may_request(record_type)):
        raise PermissionDenied(
            _("You can't create %s there. Choose a party that your role covers.") % record_type.label_plural
        )


def _require_place(record_type: RecordType, record: Record, before: Record, by: Actor) -> None:
    """Refuse to move a record where the person could not create one."""
    place = record_type.placed_in(record)
    if place == record_type.placed_in(before):
        return
    if not policy_of(by).may_place(record_type, place):
        raise PermissionDenied(
            _("You can't move %(reference)s there. Choose a party that your role covers.")
            % {"reference": record.reference}
        )


def _require_edit(record: Record, by: Actor) -> None:
    if not policy_of(by).may_edit(record):
        raise PermissionDenied(
            _("You can read %s, but you don't have permission to change it.") % record.reference
        )


def _authorise(
    record_type: RecordType, record: Record, before: Record | None, by: Actor, writer: Writer
) -> None:
    """Ask the type; who only rehearses need not confirm who they are."""
    if before is None and record_type.seldom_changes and not writer.rehearses:
        # What others write is there or waits before it is asked who holds what; changes lock their record so.
        shared_cache.hold()
    try:
        record_type.authorise(record, before, by)
    except NotConfirmed:
        if not writer.rehearses:
            raise


def _refuse_unknown(values: Values, settable: Iterable[str] | None) -> None:
    if settable is None:
        return
    settable = set(settable)
    unknown = [name for name in values if name not in settable and not name.startswith("custom.")]
    if unknown:
        raise ValidationError(dict.fromkeys(unknown, _("This field can't be set here.")))


__all__ = ["SYSTEM", "change", "create", "share", "transition", "unshare"]
