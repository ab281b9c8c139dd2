"""Write the pages of docs/ that are generated from the code."""

import os
import sys
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
TYPES_INTRODUCTION = """# Record types

Generated from the declarations; `make docs` writes these pages, a test compares them. `stellwerk describe INC` prints
the same.

"""


def pages() -> dict[str, str]:
    """Return the text of every generated page by its name below docs/; Django must be set up."""
    from stellwerk.api import document, urls  # noqa: F401  the addresses fill the table of operations
    from stellwerk.kernel.model import registry
    from stellwerk.kernel.model.description import describe
    from stellwerk.site.settings_list import settings_page

    types = registry.all_types()
    index = "".join(f"- [{record_type.label}](types/{record_type.slug}.md)\n" for record_type in types)
    return {
        "operating/settings.md": settings_page(),
        "openapi.json": document.text(),
        "types.md": TYPES_INTRODUCTION + index,
        **{f"types/{record_type.slug}.md": describe(record_type) for record_type in types},
    }


def main() -> None:
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    for name, page in pages().items():
        path = DOCS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
