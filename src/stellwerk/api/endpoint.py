"""Answering a request: who asks, how often, may they, and has the same request come before."""

import hashlib
import json
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Unpack

from allauth.core.internal.httpkit import get_client_ip
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils import timezone
from django.utils.translation import gettext as _

from stellwerk.api import problems, repeating
from stellwerk.api.call import JSON, Answer, Call, Where
from stellwerk.api.operation import Operation
from stellwerk.api.problems import Problem
from stellwerk.api.rates import RateLimit
from stellwerk.kernel.identity import tokens
from stellwerk.kernel.identity.api_token import ApiToken
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.days import zone_of
from stellwerk.kernel.write.idempotent_answer import IdempotentAnswer

LIMIT = RateLimit(settings.STELLWERK_API_RATE)
LONGEST_KEY = 255


class Endpoint:
    """All methods of one address; without any, it answers that there is nothing."""

    # A bearer token is not sent by browsers on their own; sessions are checked in `_in_session`.
    csrf_exempt = True

    def __init__(self, operations: Iterable[Operation] = ()) -> None:
        self.operations = {operation.method: operation for operation in operations}

    def __call__(self, request: HttpRequest, **where: Unpack[Where]) -> HttpResponseBase:
        try:
            response = self._answer(request, where)
        except Exception as error:
            response = problems.of(error).response()
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def _answer(self, request: HttpRequest, where: Where) -> HttpResponseBase:
        person, token = authenticated(request)
        seconds = LIMIT.wait((token.pk, "token") if token else (person.pk, "person"))
        if seconds:
            raise problems.too_many(seconds)
        operation = self._operation(request)
        _require_scope(operation, token)
        _check_query(operation, request)
        with timezone.override(zone_of(person)):  # a token brings no session that would set it
            answer = _once(operation, Call(request, person, token, where))
        return answer.response() if isinstance(answer, Answer) else answer

    def _operation(self, request: HttpRequest) -> Operation:
        if not self.operations:
            raise problems.slash_too_many() if request.path.endswith("/") else problems.not_found()
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method not in self.operations:
            allowed = ", ".join(self.operations)
            raise Problem(
                405,
                "method-not-allowed",
                _("This address only accepts %s.") % allowed,
                headers={"Allow": allowed},
            )
        return self.operations[method]


def authenticated(request: HttpRequest) -> tuple[Person, ApiToken | None]:
    """Return who asks: by bearer token, or by the session of a browser; 401 otherwise."""
    scheme, _blank, secret = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return _in_session(request), None
    if not travels_safely(request):
        raise _in_the_clear()
    token = tokens.find(secret.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise _not_signed_in()
    return token.person, token


def travels_safely(request: HttpRequest) -> bool:
    """Whether nobody on the way could read the request: it came over https, or never left this machine.

    Behind a proxy, what it says of scheme and caller counts, as the setting `proxies` has it.
    """
    if request.is_secure():
        return True
    forwarded = settings.ALLAUTH_TRUSTED_PROXY_COUNT and "X-Forwarded-Proto" in request.headers
    if forwarded and "X-Forwarded-For" not in request.headers:
        return False  # who forwards is not who calls
    try:
        return _is_loopback(get_client_ip(request))
    except ImproperlyConfigured:  # fewer addresses than there are proxies
        return False


def _is_loopback(address: str | None) -> bool:
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def _in_the_clear() -> Problem:
    return Problem(
        403,
        "https-required",
        _(
            "This token was sent without encryption, where others can read it. Revoke it, create a new one, "
            "and send that to an https:// address only."
        ),
    )


def _in_session(request: HttpRequest) -> Person:
    if not request.user.is_authenticated:
        raise _not_signed_in()
    if request.method not in ("GET", "HEAD") and _lacks_csrf_token(request):
        raise Problem(
            403,
            "csrf",
            _("This request didn't come from a Stellwerk page. Use a token, or send X-CSRFToken."),
        )
    return request.user


def _lacks_csrf_token(request: HttpRequest) -> bool:
    check = CsrfViewMiddleware(lambda _request: HttpResponse())
    check.process_request(request)
    return check.process_view(request, lambda _request: HttpResponse(), (), {}) is not None


def _not_signed_in() -> Problem:
    return Problem(
        401,
        "not-signed-in",
        _("Send a valid token that hasn't expired or been revoked: Authorization: Bearer sw_..."),
        headers={"WWW-Authenticate": "Bearer"},
    )


def _require_scope(operation: Operation, token: ApiToken | None) -> None:
    wanted = ApiToken.Scope.WRITE if operation.writes else ApiToken.Scope.READ
    if token is not None and wanted not in token.scopes:
        raise Problem(
            403, "scope", _("This token doesn't have the scope “%s”. Use one that does.") % wanted.value
        )


def _check_query(operation: Operation, request: HttpRequest) -> None:
    faults = {}
    for name, values in request.GET.lists():
        if not operation.understands(name):
            faults[name] = _("Unknown parameter.")
        elif any("\x00" in value for value in values):
            faults[name] = _("The text contains a null character. Remove it.")
    if faults:
        raise ValidationError(faults)


# -- the same request again --------------------------------------------------------------------------


def _once(operation: Operation, call: Call) -> Answer | HttpResponseBase:
    """Run the operation; a POST with an Idempotency-Key that was answered before gets that answer again."""
    key = call.request.headers.get("Idempotency-Key")
    if key is None or call.request.method != "POST":
        return operation.run(call)
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise Problem(
            400, "malformed", _("Idempotency-Key must be 1 to %d printable ASCII characters.") % LONGEST_KEY
        )
    claim = IdempotentAnswer(
        person=call.person, key=key, fingerprint=_fingerprint(call.request), created_at=timezone.now()
    )
    try:
        with transaction.atomic():
            # Whoever repeats the request meanwhile waits here until this transaction ends.
            claim.save(force_insert=True)
            return _kept(claim, operation.run(call))
    except IntegrityError:
        known = IdempotentAnswer.objects.filter(person=call.person, key=key).first()
        if known is None:
            raise
        return _again(known, claim.fingerprint, call)


def _kept(claim: IdempotentAnswer, answer: Answer | HttpResponseBase) -> Answer | HttpResponseBase:
    if isinstance(answer, Answer):
        claim.status, claim.headers, claim.body = answer.status, dict(answer.headers), answer.text
        claim.save(update_fields=["status", "headers", "body"])
    return answer


def _again(known: IdempotentAnswer, fingerprint: str, call: Call) -> HttpResponse:
    if known.fingerprint != fingerprint:
        raise Problem(
            422,
            "key-used",
            _("This Idempotency-Key was already used for another request. Choose a new one."),
            errors={"Idempotency-Key": [_("Already used for another request.")]},
        )
    repeating.require_still(call, json.loads(known.body or "{}"))
    headers = {**known.headers, "Idempotent-Replayed": "true"}
    return HttpResponse(known.body, status=known.status, content_type=JSON, headers=headers)


def _fingerprint(request: HttpRequest) -> str:
    """Hash what makes a request the same: address and content, but not how a form was divided into parts."""
    digest = hashlib.sha256(request.get_full_path().encode())
    if request.content_type != "multipart/form-data":
        digest.update(request.body)
        return digest.hexdigest()
    digest.update(json.dumps(dict(request.POST.lists()), sort_keys=True).encode())
    for file in (file for _name, files in request.FILES.lists() for file in files):
        digest.update(f"{file.name} {file.size} ".encode(errors="replace"))
        for chunk in file.chunks():
            digest.update(chunk)
        file.seek(0)
    return digest.hexdigest()
