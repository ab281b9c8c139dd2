"""What becomes of the open work of people who leave and of teams that are dissolved."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils.translation import gettext as _

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.permissions.workers import open_work
from stellwerk.kernel.write.events import Event
from stellwerk.kernel.write.services import change


def hand_over_work(event: Event) -> None:
    """Give the open work to who was named, or else, of a person, back to its teams."""
    ended = event.record
    if not isinstance(ended, Person | Team):
        return
    reason = _("%s is no longer active.") % ended
    for name, records in open_work(ended):
        for record in records.order_by("pk"):
            if ended.work_goes_to_id and not policy_of(event.by).may_edit(record):
                raise PermissionDenied(
                    _(
                        "You can't hand over open work that you don't have permission to change. Ask someone who works "
                        "on it."
                    )
                )
            try:
                change(record, {name: ended.work_goes_to_id}, by=SYSTEM, reason=reason)
            except ValidationError as error:
                sentences = " ".join(dict.fromkeys(str(message) for message in error.messages))
                raise ValidationError({"work_goes_to": f"{record.reference}: {sentences}"}) from None
