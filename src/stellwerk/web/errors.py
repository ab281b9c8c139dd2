"""The error pages that Django asks for; 403 and 404 it draws itself, within the frame of who is signed in."""

import sys

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

TOO_LARGE = (RequestDataTooBig, TooManyFieldsSent)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what cannot be read, or is too large to be read."""
    status = 413 if isinstance(exception, TOO_LARGE) else 400
    return _drawn(request, status)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer after an unforeseen error; the page is drawn without anything that may be broken, too."""
    if isinstance(sys.exc_info()[1], DatabaseError):
        return _plain(500)
    return _drawn(request, 500)


def _drawn(request: HttpRequest, status: int) -> HttpResponse:
    """Draw a page within the reader's frame, and where that fails as well, by itself."""
    try:
        return render(request, _template(status), status=status)
    except Exception:  # whatever it was has been logged by the first error, or will be by the next request
        return _plain(status)


def _plain(status: int, **context: object) -> HttpResponse:
    return HttpResponse(render_to_string(_template(status), context), status=status)


def _template(status: int) -> str:
    return f"stellwerk/errors/{status}.html"
