"""Root of all addresses."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path


def alive(request: HttpRequest) -> HttpResponse:
    """Answer that the web server runs, for load balancers; touches no database."""
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


handler400 = "stellwerk.kernel.web.errors.bad_request"
handler500 = "stellwerk.kernel.web.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("alive", alive, name="alive"),
    path("", include("stellwerk.kernel.api.urls")),
    path("account/", include("stellwerk.kernel.accounts.urls")),
    path("portal/", include("stellwerk.processes.incidents.portal.urls")),
    path("", include("stellwerk.processes.incidents.urls")),
    # Last: record types take any first segment.
    path("", include("stellwerk.kernel.web.urls")),
    path("", include("stellwerk.kernel.exchange.urls")),
]
