"""Root of all addresses."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path


def alive(request: HttpRequest) -> HttpResponse:
    """Answer that the web server runs, for load balancers; touches no database."""
    return HttpResponse("ok", content_type="text/plain")


urlpatterns: list[URLPattern | URLResolver] = [
    path("alive", alive, name="alive"),
    path("account/", include("stellwerk.kernel.accounts.urls")),
]
