"""Taking back a write, by its journal entry."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from stellwerk.kernel.custom_fields import values as custom
from stellwerk.kernel.journal.entry import Entry, Verb
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.values import load_machine, machine_values
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.permissions.workers import check_workers
from stellwerk.kernel.write import services, validation
from stellwerk.kernel.write.writer import DIRECT

UNDOABLE = frozenset({Verb.CHANGE, Verb.TRANSITION})


def undo(entry: Entry, *, by: Actor) -> Record:
    """Give the fields that `entry` changed their former values again, as a write of its own.

    ValidationError when one of them has changed since: what came later is not thrown away.
    """
    with transaction.atomic():
        record, before = services.lock(entry.record.specific, DIRECT)
        if not policy_of(by).may_edit(record):
            raise PermissionDenied(
                _("You can read %s, but you don't have permission to change it.") % record.reference
            )
        if entry.verb not in UNDOABLE:
            raise ValidationError(_("Only changes and steps can be undone."))
        _require_step(record, entry, by)
        values = machine_values(record)
        changed = {name: pair for name, pair in entry.changes.items() if not name.startswith("@")}
        later = [name for name, (_old, new) in changed.items() if values.get(name) != new]
        if later:
            raise ValidationError(
                _("Can't undo: %s has changed since. Set it by hand.") % ", ".join(sorted(later))
            )
        load_machine(record, {**values, **{name: old for name, (old, _new) in changed.items()}})
        _require_sight(record, entry, by)
        check_workers(record, before, entry.changes)
        context = services.ChangeContext(
            Verb.UNDO, by, name=entry.name, reason=_("Undid entry %d.") % entry.number
        )
        return services.write(record, before, context)


def _require_step(record: Record, entry: Entry, by: Actor) -> None:
    """Refuse to take back a step that was not theirs to take, such as the requester's confirmation."""
    workflow = record.record_type.workflow
    step = workflow.by_name.get(entry.name) if workflow and entry.verb == Verb.TRANSITION else None
    if step and not policy_of(by).may_take(step, record):
        raise PermissionDenied(
            _("You don't have permission to undo “%(step)s” on %(reference)s.")
            % {"step": step.label, "reference": record.reference}
        )


def _require_sight(record: Record, entry: Entry, by: Actor) -> None:
    """Refuse to refer again to what `by` may not see, as any other write would."""
    try:
        validation.check_references(record, entry.changes, by)
        custom.require_sight(record.record_type, record, entry.changes, by)
    except ValidationError:
        raise ValidationError(
            _("Can't undo: it referred to something that you can't see. Set it by hand.")
        ) from None
