"""Forms that are sent twice write once; the same mark with other contents is refused."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.write.idempotent_answer import IdempotentAnswer

R = TypeVar("R", bound=Record)

NOT_CONTENT = frozenset({"csrfmiddlewaretoken", "version", "once", "seen", "send"})
"""What a form carries beside what somebody filled in."""


def only(request: HttpRequest, make: Callable[[], R]) -> R:
    """Return what `make` writes, or what it wrote when the same form came before; all or nothing.

    The mark `once` is drawn when the form is shown and stands in it; without one, `make` just runs. Whoever comes second
    waits for the first; if that one fails, nothing is kept and the second one makes it. ValidationError for a mark that
    came with other contents, as after going back in the browser: the page then shows the form with a new one.
    """
    token = request.POST.get("once", "")
    if len(token) > 200:
        raise ValidationError(_("The form is incomplete: open it again."))
    if not token:
        with transaction.atomic():
            return make()
    person: Person = request.user  # type: ignore[assignment]
    key, contents = f"form:{token}", _contents(request)
    try:
        with transaction.atomic():
            answer = IdempotentAnswer.objects.create(
                person=person, key=key, fingerprint=contents, status=201, body="", created_at=timezone.now()
            )
            made = make()
            IdempotentAnswer.objects.filter(pk=answer.pk).update(body=made.reference)
            return made
    except IntegrityError:
        known = IdempotentAnswer.objects.filter(person=person, key=key).first()
        if known is None:
            raise
        if known.fingerprint not in ("", contents):  # version 0.1 kept none
            raise ValidationError(
                _("This form was already sent with a different text. Check the text below and send it again.")
            ) from None
        return Record.objects.get(reference=known.body).specific  # type: ignore[return-value]


def _contents(request: HttpRequest) -> str:
    """Hash what a form was filled with, and where it was sent."""
    given: dict[str, Any] = {name: values for name, values in request.POST.lists() if name not in NOT_CONTENT}
    digest = hashlib.sha256(json.dumps([request.path, given], sort_keys=True).encode())
    for name, files in sorted(request.FILES.lists()):
        for file in files:
            digest.update(f"{name} {file.name} {file.size} ".encode(errors="replace"))
            for chunk in file.chunks():
                digest.update(chunk)
            file.seek(0)
    return digest.hexdigest()
