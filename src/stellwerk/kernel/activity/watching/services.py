"""Following a record."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from stellwerk.kernel.activity.watching.models import Watcher
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Verb
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.write.services import ChangeContext, note
from stellwerk.kernel.write.writer import locked


def watch(record: Record, person: Person, *, by: Actor) -> Watcher:
    """Have `person` told of what happens on the record; watching twice changes nothing.

    Everybody may watch what they see; who may edit the record may add others who see it.
    """
    _require(record, person, by)
    if not person.is_open:
        raise ValidationError({"person": _("%s is no longer active. Select somebody else.") % person})
    if not Record.objects.visible_to(person).filter(pk=record.pk).exists():
        raise ValidationError(
            {
                "person": _("%(person)s can't see %(reference)s. Share it with them first.")
                % {"person": person, "reference": record.reference}
            }
        )
    with transaction.atomic():
        record = locked(record.specific)
        watcher, new = Watcher.objects.get_or_create(record_id=record.pk, person=person)
        if new:
            note(
                record, ChangeContext(Verb.WATCH, by), {"@watch": [None, {"with": person.pk}]}, internal=True
            )
    return watcher


def unwatch(record: Record, person: Person, *, by: Actor) -> None:
    """Stop telling `person` of what happens on the record."""
    _require(record, person, by)
    with transaction.atomic():
        record = locked(record.specific)
        if Watcher.objects.filter(record_id=record.pk, person=person).delete()[0]:
            note(
                record,
                ChangeContext(Verb.UNWATCH, by),
                {"@watch": [{"with": person.pk}, None]},
                internal=True,
            )


def watchers_of(record: Record) -> QuerySet[Person]:
    """Select the people who watch the record, by name."""
    people: QuerySet[Person] = Person.objects.filter(watched__record_id=record.pk, is_open=True)
    return people.order_by("title", "pk")


def _require(record: Record, person: Person, by: Actor) -> None:
    if person.pk != by.pk and not policy_of(by).may_edit(record):
        raise PermissionDenied(_("You can only choose for yourself whether to watch %s.") % record.reference)
