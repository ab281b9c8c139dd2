"""Sending forms as a browser does: only what the page offers, so that a test cannot pass on a misspelt name."""

from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse
from django.test import Client

CONTROLS = ("input", "select", "textarea", "button")


class _Forms(HTMLParser):
    """The forms of a page: by address the names that each has, with the values of hidden ones."""

    def __init__(self) -> None:
        super().__init__()
        self.by_address: dict[str, dict[str, str | None]] = {}
        self._open: dict[str, str | None] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form" and (given.get("method") or "").lower() == "post":
            self._open = self.by_address.setdefault(given.get("action") or "", {})
        elif tag in CONTROLS and self._open is not None and given.get("name"):
            hidden = given.get("type") == "hidden"
            self._open[str(given["name"])] = (given.get("value") or "") if hidden else None

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def submit(client: Client, page: str, values: dict[str, object], *, address: str = "") -> HttpResponse:
    """Send the form that stands on `page` and posts to `address` (the page itself, without) with `values`.

    Hidden controls are sent along as they stand there. Raises AssertionError where the page has no such form or
    the form lacks one of the names.
    """
    shown: Any = client.get(page)
    assert shown.status_code == 200, f"{page} answers {shown.status_code}: there is no form to send"
    forms = _Forms()
    forms.feed(shown.content.decode())
    controls = forms.by_address.get(address or page)
    if controls is None:
        raise AssertionError(f"{page} has no form that posts to {address or page}")
    unknown = sorted(set(values) - set(controls))
    assert not unknown, f"the form has no {', '.join(unknown)}, but {', '.join(sorted(controls))}"
    kept = {name: value for name, value in controls.items() if value is not None}
    answer: Any = client.post(address or page, {**kept, **values})
    return answer  # type: ignore[no-any-return]
