"""Write the pages of docs/ that are generated from the code."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def pages() -> dict[str, Callable[[], str]]:
    """Map each generated page to what makes it; the code can be imported once Django is set up."""
    from stellwerk.kernel.api import document, urls  # noqa: F401  the addresses fill the table of operations
    from stellwerk.site.configuration import settings_page

    return {"operating/settings.md": settings_page, "openapi.json": document.text}


def main() -> None:
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    for name, page in pages().items():
        path = DOCS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
