"""Pages in the reader's own language and time zone."""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from stellwerk.kernel.access.person import Person

GetResponse = Callable[[HttpRequest], HttpResponse]


class PreferencesMiddleware:
    """Activate the signed-in person's language and time zone for the length of the request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        person = request.user
        if isinstance(person, Person):
            if person.language:
                translation.activate(person.language)
                request.LANGUAGE_CODE = translation.get_language()
            zone = _zone(person.time_zone)
            if zone:
                timezone.activate(zone)
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
