"""Small forms that open in a dialog over the page: the same addresses as without scripts, asked for by htmx."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.http import HttpResponseClientRedirect

GetResponse = Callable[[HttpRequest], HttpResponse]


class DialogMiddleware:
    """Let a redirect lead the whole page on: a script would follow it unseen and draw that page inside the dialog."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if is_in_dialog(request) and answer.has_header("Location"):
            return HttpResponseClientRedirect(answer["Location"])
        return answer


def is_in_dialog(request: HttpRequest) -> bool:
    """Whether the answer goes into the page's dialog, which a script then names as its target."""
    asked = getattr(request, "htmx", None)
    return bool(asked and asked.target == "dialog")


def small_form(
    request: HttpRequest, page: str, context: dict[str, object], status: int = 200
) -> HttpResponse:
    """Draw a small form alone where a script asks for it, else on the template `page`."""
    alone = getattr(request, "htmx", False)
    template = "stellwerk/parts/dialog_form.html" if alone else page
    return render(request, template, context, status=status)
