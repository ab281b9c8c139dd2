"""Where a browser may be led: not every address that takes a form has a page."""

from urllib.parse import urlsplit

from django.urls import Resolver404, resolve


def takes_get(path: str) -> bool:
    """Whether a page stands at a path, so that a browser may be led there."""
    try:
        view = resolve(path).func
    except Resolver404:
        return False
    allowed = allowed_methods(view)
    return allowed is None or "GET" in allowed


def allowed_methods(view: object) -> list[str] | None:
    """Return what `require_http_methods` allows at a view, or None where it is not asked."""
    while view is not None:
        # It stands nowhere but in the decorator's closure.
        free = getattr(getattr(view, "__code__", None), "co_freevars", ())
        if "request_method_list" in free:
            cells = getattr(view, "__closure__", ())
            allowed: list[str] = cells[free.index("request_method_list")].cell_contents
            return allowed
        view = getattr(view, "__wrapped__", None)
    return None


def nearest_page(address: str) -> str:
    """Return the address, or where it answers no browser, the nearest page above it."""
    path = urlsplit(address).path
    if takes_get(path):
        return address
    while path != "/" and not takes_get(path):
        path = path.rstrip("/").rpartition("/")[0] + "/"
    return path
