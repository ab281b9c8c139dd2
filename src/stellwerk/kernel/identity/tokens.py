"""Tokens with which other programs act: issued once in plain, kept as SHA-256, revoked at once."""

import hashlib
import secrets
from collections.abc import Sequence
from copy import copy
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from stellwerk.kernel.identity.api_token import ApiToken
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import shared_cache

PREFIX = "sw_"
"""Begins every secret, so that scanners for leaked secrets recognise it."""
HINT_LENGTH = 10
LIFETIME = timedelta(days=90)
"""How long a token works for which nothing else is said."""
USE_NOTED_EVERY = timedelta(minutes=1)


def issue_token(
    person: Person,
    name: str,
    scopes: Sequence[str] = (ApiToken.Scope.READ,),
    *,
    expires_at: datetime | None = None,
    endless: bool = False,
) -> tuple[ApiToken, str]:
    """Make a token that acts as `person`; return it with its secret, which can never be shown again.

    It ends at `expires_at`, after 90 days where nothing is said, and never only where it is to be `endless`.
    Raises ValidationError by field when the name is empty, a scope unknown or the expiry past.
    """
    now = timezone.now()
    faults = {}
    if not name.strip() or len(name) > 120:
        faults["name"] = _("Say in a few words what the token is for.")
    if not scopes or set(scopes) - set(ApiToken.Scope.values):
        faults["scopes"] = _("Choose read, write or both.")
    if expires_at is not None and expires_at <= now:
        faults["expires_at"] = _("Choose a moment in the future, or none.")
    if faults:
        raise ValidationError(faults)
    if expires_at is None and not endless:
        expires_at = now + LIFETIME
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        person=person,
        name=name.strip(),
        digest=digest(secret),
        hint=secret[:HINT_LENGTH],
        scopes=sorted({str(scope) for scope in scopes}),
        created_at=now,
        expires_at=expires_at,
    )
    return token, secret


def revoke(token: ApiToken) -> None:
    """End a token; the very next request with it is refused."""
    with transaction.atomic():
        shared_cache.invalidate()
        ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def find(secret: str) -> ApiToken | None:
    """Return the valid token of an active person with this secret, its use noted; None otherwise."""
    now = timezone.now()
    token = _known(digest(secret))
    if token is None or not token.person.is_active:
        return None
    if token.expires_at is not None and token.expires_at <= now:
        return None
    _note_use(token, now)
    return token


def _known(hashed: str) -> ApiToken | None:
    """Look the token up with its person, unless both are remembered; a wrong one is looked for each time."""
    cached = shared_cache.current()
    if cached is None:
        return ApiToken.objects.select_related("person").filter(digest=hashed, revoked_at=None).first()
    token = cached.get((ApiToken, hashed))
    if not isinstance(token, ApiToken):
        token = ApiToken.objects.filter(digest=hashed, revoked_at=None).first()
        if token is None:
            return None
        cached[ApiToken, hashed] = token
    token = copy(token)
    token._state.fields_cache = {"person": shared_cache.record(Person, token.person_id)}
    return token


def _note_use(token: ApiToken, now: datetime) -> None:
    cached = shared_cache.current()
    key = ("used", token.pk)
    noted = (cached or {}).get(key)
    last = noted if isinstance(noted, datetime) else token.last_used_at
    if last is None or abs(now - last) >= USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        if cached is not None:
            cached[key] = now


def digest(secret: str) -> str:
    """Hash a secret; one round is enough for 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()
