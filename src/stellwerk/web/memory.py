"""What seldom changes is looked up once by a web process, not by every request."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from stellwerk.kernel.model.shared_cache import remembering

GetResponse = Callable[[HttpRequest], HttpResponse]


class MemoryMiddleware:
    """Remember across requests, for the length of each."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with remembering(across_requests=True):
            return self.get_response(request)
