"""Write the pages of docs/ that are generated from the code."""

from pathlib import Path

from stellwerk.site.configuration import settings_page

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = {"operating/settings.md": settings_page}


def main() -> None:
    for name, page in PAGES.items():
        path = DOCS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
