"""Pages in the reader's own language and time zone."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from stellwerk.kernel.access.person import Person
from stellwerk.kernel.days import zone_of

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
            timezone.activate(zone_of(person))
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()
