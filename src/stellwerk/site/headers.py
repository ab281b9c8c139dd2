"""Headers: those of responses that Django does not set itself, and those of requests that it does not stand."""

import codecs
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from stellwerk.api.problems import Problem

# Stellwerk uses none of these; passkeys stay allowed.
PERMISSIONS_POLICY = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class PermissionsPolicyMiddleware:
    """Switch off the browser features that no page uses."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response


class NoStoreMiddleware:
    """Keep answers that depend on who is signed in out of caches, and from the next person at the computer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if "cookie" in response.headers.get("Vary", "").lower():
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class EncodingMiddleware:
    """Refuse forms in another encoding than UTF-8, and ignore what else a request says of its encoding.

    Django would decode the address by it, also with codecs that decode no text, and fails on such forms once more
    while it makes the page that says so.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.encoding and codecs.lookup(request.encoding).name != "utf-8":
            if request.content_type in FORMS:
                return not_utf8(request)
            request.encoding = "utf-8"
        return self.get_response(request)


def not_utf8(request: HttpRequest) -> HttpResponse:
    problem = Problem(415, "unsupported-media-type", _("Forms are read as UTF-8. Leave the charset out."))
    if request.path_info.startswith("/api/"):
        return problem.response()
    return HttpResponse(f"{problem.detail}\n", status=415, content_type="text/plain; charset=utf-8")
