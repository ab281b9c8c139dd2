"""When a session ends: some time after its last use, and two weeks after it began in any case.

A session's row says until when it may rest; use puts that off, though not with every request, because each time writes.
"""

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from stellwerk.accounts.middleware import GetResponse

BEGAN = "began"
UNATTENDED = "X-Unattended"
"""The header with which a page asks for news by itself; that is no sign of somebody being there."""
WRITTEN_ANEW = 0.1
"""The part of the rest that may pass before a use is noted."""


class SessionStore(db.SessionStore):
    """Sessions in the database that remember how long they may still rest."""

    rests_until: datetime | None = None

    def _get_session_from_db(self) -> object:
        found = super()._get_session_from_db()  # type: ignore[misc]
        self.rests_until = found.expire_date if found else None
        return found

    def get_expiry_age(self, **kwargs: object) -> int:
        """Return the seconds that the session may rest; one that was begun under a longer setting follows the new one."""
        return int(min(super().get_expiry_age(**kwargs), settings.SESSION_COOKIE_AGE))


class IdleMiddleware:
    """Put off the end of a session that is used, and end one that has lasted too long."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            if time.time() - request.session.get(BEGAN, time.time()) > settings.SESSION_LONGEST:
                logout(request)
            elif UNATTENDED not in request.headers and _is_to_be_noted(request.session):
                request.session.modified = True
        return self.get_response(request)


def _is_to_be_noted(session: SessionBase) -> bool:
    if not isinstance(session, SessionStore) or session.rests_until is None:
        return False
    rest = timedelta(seconds=settings.SESSION_COOKIE_AGE)
    left = session.rests_until - timezone.now()
    return not rest * (1 - WRITTEN_ANEW) <= left <= rest
