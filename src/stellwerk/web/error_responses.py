"""From what the domain raises to what a browser is told: one sentence, the right status, nothing half-written."""

import logging

from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from stellwerk.kernel.model.errors import StaleWrite, is_full, said_by_database
from stellwerk.kernel.model.routes import nearest_page
from stellwerk.web.dialogs import GetResponse, is_in_dialog

logger = logging.getLogger("stellwerk.web")


class ErrorMiddleware:
    """Answer what a page let through: 422 for values that do not fit, 409 for a write that came too late, 503 for no room."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if answer.status_code == 405 and not answer.content and not request.path_info.startswith("/api/"):
            return _without_page(request, answer)
        return answer

    def process_view(self, request: HttpRequest, *view: object) -> HttpResponse | None:
        """Answer addresses with a null character, which one database takes for a text and the other does not."""
        if request.path_info.startswith("/api/"):
            return None  # answers in its own words
        if "\x00" in request.path_info:
            raise Http404
        if any("\x00" in value for values in request.GET.lists() for value in values[1]):
            return refusal(request, ValidationError(_("The text contains a null character. Remove it.")), 422)
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, ValidationError):
            return refusal(request, error, 422)
        if isinstance(error, StaleWrite):
            return _error_page(request, str(error), 409)
        if isinstance(error, OperationalError) or is_full(error):
            logger.warning("the database could not take it", exc_info=error)
            return _error_page(request, said_by_database(error), 503, frame="")
        return None


def _without_page(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """Say that an address takes forms only, with the way to the page above it."""
    context = {"nearest": nearest_page(request.path)}
    drawn = render(request, "stellwerk/errors/405.html", context, status=405)
    drawn["Allow"] = answer["Allow"]
    return drawn


def refusal(request: HttpRequest, error: ValidationError, status: int = 400) -> HttpResponse:
    """Return the error page that says what is wrong with an address or form."""
    return _error_page(request, sentence(error), status)


def _error_page(request: HttpRequest, message: str, status: int, **more: str) -> HttpResponse:
    """Draw the error page; with `frame=""` by itself, where the database may not answer what the frame shows."""
    template = "parts/dialog_refusal" if is_in_dialog(request) else f"errors/{status}"
    return render(request, f"stellwerk/{template}.html", {"message": message, **more}, status=status)


def sentence(error: ValidationError) -> str:
    """Join the messages of a ValidationError, those by field first told once."""
    return " ".join(dict.fromkeys(str(message) for message in error.messages))
