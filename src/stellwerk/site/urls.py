"""Root of all addresses."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path


def alive(request: HttpRequest) -> HttpResponse:
    """Answer that the web server runs, for load balancers; touches no database."""
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


handler400 = "stellwerk.web.errors.bad_request"
handler500 = "stellwerk.web.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("alive", alive, name="alive"),
    path("", include("stellwerk.api.urls")),
    path("account/", include("stellwerk.accounts.urls")),
    path("portal/", include("stellwerk.processes.incidents.portal.urls")),
    path("", include("stellwerk.processes.incidents.urls")),
    # Last: record types take any first segment.
    path("", include("stellwerk.web.urls")),
    path("", include("stellwerk.exchange.urls")),
]
