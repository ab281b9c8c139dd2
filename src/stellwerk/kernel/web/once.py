"""Forms that are sent twice create once."""

from collections.abc import Callable
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from stellwerk.kernel.access.person import Person
from stellwerk.kernel.api.models import IdempotentAnswer
from stellwerk.kernel.records.record import Record

R = TypeVar("R", bound=Record)


def only(token: str, person: Person, make: Callable[[], R]) -> R:
    """Return what `make` creates, or what it created when the same token came before.

    The token is drawn when the form is shown and stands in it. Whoever comes second waits for the first; if
    that one fails, nothing is kept and the second one makes it.
    """
    if not token or len(token) > 200:
        raise ValidationError(_("The form is incomplete: open it again."))
    key = f"form:{token}"
    try:
        with transaction.atomic():
            answer = IdempotentAnswer.objects.create(
                person=person, key=key, status=201, body="", created_at=timezone.now()
            )
            made = make()
            IdempotentAnswer.objects.filter(pk=answer.pk).update(body=made.reference)
            return made
    except IntegrityError:
        known = IdempotentAnswer.objects.filter(person=person, key=key).first()
        if known is None:
            raise
        return Record.objects.get(reference=known.body).specific  # type: ignore[return-value]
