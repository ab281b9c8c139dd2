"""Forms that are sent twice write once; the same mark with other contents is refused, and the text is kept.

The tag `form_marks` draws a mark into every form that writes. What a form writes and that its mark is used up are one
transaction: whoever sends it a second time meanwhile waits, and is then answered as the first one was.
"""

import hashlib
import json
import secrets
from collections.abc import Callable

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.cookie import MessageDecoder, MessageEncoder
from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.write.idempotent_answer import IdempotentAnswer
from stellwerk.web.dialogs import GetResponse
from stellwerk.web.record.drafts import NOT_CONTENT
from stellwerk.web.unsent import show_again

MARK = "once"
WRITES = ("INSERT", "UPDATE", "DELETE")


def new_mark() -> str:
    """Return a mark for one form: what is sent with it counts once."""
    return secrets.token_urlsafe(12)


class OnceMiddleware:
    """Answer a form whose mark was used up as it was answered before, or show it again where its contents differ.

    A mark is used up when the form has written something. One that was refused or only asked for more may be sent again.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        marked = request.method == "POST" and not request.path.startswith("/api/")
        if not (marked and isinstance(request.user, Person) and request.POST.get(MARK)):
            return self.get_response(request)
        # The buttons beside a record share one form: each address is a form of its own.
        key = hashlib.sha256(f"{request.POST[MARK]} {request.path}".encode()).hexdigest()
        claim = IdempotentAnswer(
            person_id=request.user.pk,
            key=f"form:{key}",
            fingerprint=_fingerprint(request),
            created_at=timezone.now(),
        )
        try:
            with transaction.atomic():
                claim.save(force_insert=True)
                return self._first(request, claim)
        except IntegrityError:
            known = IdempotentAnswer.objects.filter(person=claim.person_id, key=claim.key).first()
            if known is None:
                raise
            return _again(request, known, claim.fingerprint)

    def _first(self, request: HttpRequest, claim: IdempotentAnswer) -> HttpResponse:
        """Answer the form, and keep what is answered where something was written; call inside a transaction."""
        writes = _Writes()
        with connection.execute_wrapper(writes):
            answer = self.get_response(request)
        if answer.status_code >= 500:
            transaction.set_rollback(True)
        elif answer.status_code >= 400 or not writes.seen:
            claim.delete()
        else:
            claim.status, claim.headers = answer.status_code, {"Location": answer.get("Location", "")}
            claim.body = json.dumps(_messages(request), cls=MessageEncoder)
            claim.save(update_fields=["status", "headers", "body"])
        return answer


class _Writes:
    """Notes whether a statement that writes went to the database."""

    def __init__(self) -> None:
        self.seen = False

    def __call__(self, execute: Callable[..., object], sql: str, *given: object) -> object:
        self.seen = self.seen or sql.lstrip()[:6].upper() in WRITES
        return execute(sql, *given)


def _messages(request: HttpRequest) -> list[Message]:
    """Return what the answer to this request will say at the next page, translated as it is said now."""
    queued = getattr(getattr(request, "_messages", None), "_queued_messages", [])
    return [Message(one.level, str(one.message), one.extra_tags) for one in queued]


def _again(request: HttpRequest, known: IdempotentAnswer, fingerprint: str) -> HttpResponse:
    """Answer a form whose mark is used up; what it answered with a page of its own, such as a secret, is not kept."""
    if known.fingerprint != fingerprint:
        text = _("This form was already sent with a different text. Check the text below and send it again.")
        return show_again(request, text, 422)
    if not known.headers.get("Location"):
        return show_again(request, _("This form was already sent. To do it once more, send it again."), 409)
    for message in json.loads(known.body or "[]", cls=MessageDecoder):
        messages.add_message(request, message.level, message.message, message.extra_tags)
    return HttpResponse(status=known.status, headers={"Location": known.headers["Location"]})


def _fingerprint(request: HttpRequest) -> str:
    """Hash what a form was filled with, and where it was sent."""
    given = {name: values for name, values in request.POST.lists() if name not in NOT_CONTENT}
    digest = hashlib.sha256(json.dumps([request.get_full_path(), given], sort_keys=True).encode())
    for name, files in sorted(request.FILES.lists()):
        for file in files:
            digest.update(f"{name} {file.name} {file.size} ".encode(errors="replace"))
            for chunk in file.chunks():
                digest.update(chunk)
            file.seek(0)
    return digest.hexdigest()
