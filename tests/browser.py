"""A real browser for tests: ask for `page`, which is open on the live server."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

PROGRAMS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
# Root, as in a container, has no sandbox; the rest keeps the browser from calling home.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """Return the path of the Chromium on this machine."""
    named = os.environ.get("STELLWERK_TEST_CHROMIUM")
    return named or next((path for path in map(shutil.which, PROGRAMS) if path), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium for the whole run."""
    path = chromium()
    if path is None:
        pytest.skip(
            "no Chromium found: install it (Debian: apt-get install chromium) to run the browser tests"
        )
    # Playwright keeps an event loop in this thread, in which Django would refuse to touch the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, live_server: object) -> Iterator[Page]:
    """An empty page whose addresses begin at the live server."""
    context = browser.new_context(base_url=str(live_server))
    yield context.new_page()
    context.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a browser, so that `-m browser` finds it."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
