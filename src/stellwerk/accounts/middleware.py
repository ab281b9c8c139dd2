"""Pages in the reader's own language and time zone."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django_htmx.http import HttpResponseClientRedirect

from stellwerk.accounts.confirming import ask_again, has_confirmed
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.days import zone_of
from stellwerk.kernel.model.errors import NotConfirmed

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


class ConfirmationMiddleware:
    """Have whoever is signed in say once more who they are before something sensitive, and go on with it then."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if isinstance(request.user, Person):
            request.user.must_confirm = lambda: not has_confirmed(request)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, NotConfirmed):
            return None
        answer = ask_again(request)
        if request.headers.get("HX-Request"):
            return HttpResponseClientRedirect(
                answer["Location"]
            )  # the page, not what a script would replace of it
        return answer
