"""Walking through everything that somebody can read: pages, parts, exports and the API, by the links that they give."""

import io
import logging
import re
import zipfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.core.cache import cache
from django.test import Client

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.testing.families import for_crawls

LINKS = re.compile(r'(?:href|hx-get|data-suggest|data-url|data-more-url|action)="([^"#]+)')
LEFT_OUT = re.compile(
    r"^/(static|account/(logout|2fa|oidc|password|reauthenticate)|design-system)|"
    r"/(bulk|reply|order|watch|remove|cancel|say|files)/$|ordering="
)
"""The sign-in's own pages, what answers to POST only, and the same list in another order."""
CHANGING = re.compile(
    r'csrfmiddlewaretoken" value="[^"]*"|"X-CSRFToken": "[^"]*"|nonce="[^"]*"|name="once"[^>]*|'
    r"<time[^>]*>[^<]*</time>|20\d\d-\d\d-\d\dT[^&\"<\s]*|\d+ \w{3} 20\d\d,? \d\d:\d\d"
)
"""What differs from answer to answer although nothing has happened: tokens, and when something was or how long ago."""


def starting_points(search: str) -> Iterator[str]:
    """List the addresses from which everything else is reached, and searches for a word everywhere."""
    yield from ("/", "/desk/", "/notifications/", "/access/", "/account/", "/account/tokens/")
    yield from ("/portal/", "/portal/services/", "/portal/tickets/", "/portal/tickets/?show=all")
    yield from ("/portal/new/incident/", "/portal/new/service_request/", f"/portal/services/?q={search}")
    yield from (f"/search/?q={search}", f"/palette/?q={search}", f"/lookup/?q={search}")
    yield from ("/api/v1/me", "/api/v1/types", f"/api/v1/search?q={search}", f"/api/v1/search?q={search[:4]}")
    for record_type in for_crawls():
        slug = record_type.slug
        yield from (f"/{slug}/{part}" for part in ("", "new/", f"?q={search}", "export/?format=csv"))
        yield from (f"/options/{slug}/{part}" for part in ("", f"?q={search}"))
        yield from (f"/api/v1/{slug}{part}" for part in ("", f"?q={search}"))


def crawl(
    person: Person,
    extra: Iterable[str] = (),
    *,
    search: str,
    per_shape: int = 1,
    look: Callable[[str, Any, str], None] | None = None,
) -> dict[str, str]:
    """Return what the person is told at every address: those above, `extra`, and what they link to.

    Of links that differ only in numbers and parameters, `per_shape` are followed. `look` is shown every answer.
    """
    cache.clear()
    logging.disable(
        logging.ERROR
    )  # many refusals are expected, and writing them down takes longer than they do
    client = Client(raise_request_exception=True)
    client.force_login(person)
    waiting = deque(dict.fromkeys([*starting_points(search), *extra]))
    told: dict[str, str] = {}
    shapes: Counter[str] = Counter()
    while waiting:
        path = waiting.popleft()
        response = client.get(path)
        assert response.status_code < 500, path
        text = text_of(response)
        if look:
            look(path, response, text)
        told[path] = f"{response.status_code} {response.headers.get('Location', '')} {text}"
        for link in links_in(path, told[path]):
            shape = re.sub(r"\d+", "", link.partition("?")[0])
            if link not in told and link not in waiting and shapes[shape] < per_shape:
                shapes[shape] += 1
                waiting.append(link)
    logging.disable(logging.NOTSET)
    return {CHANGING.sub("", path): CHANGING.sub("", text) for path, text in told.items()}


def links_in(path: str, text: str) -> Iterator[str]:
    for found in LINKS.findall(text):
        parts = urlsplit(urljoin(f"http://testserver{path}", unescape(found)))
        link = f"{parts.path}?{parts.query}" if parts.query else parts.path
        if parts.netloc == "testserver" and not LEFT_OUT.match(link):
            yield link


def text_of(response: object) -> str:
    """Read an answer's text; workbooks are unpacked."""
    streaming = getattr(response, "streaming", False)
    content = b"".join(response.streaming_content) if streaming else response.content  # type: ignore[attr-defined]
    if content.startswith(b"PK\x03\x04"):
        book = zipfile.ZipFile(io.BytesIO(content))
        return "".join(book.read(name).decode() for name in book.namelist() if name.startswith("xl/"))
    return str(content.decode(errors="replace"))
