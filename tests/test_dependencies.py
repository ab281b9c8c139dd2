"""docs/dependencies.md names exactly what the project depends on."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
KINDS = ("dependencies", "devDependencies")


def documented() -> set[str]:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| ([@\w./-]+) \|", page, re.MULTILINE)) - {"package"}


def required() -> set[str]:
    lines = [line for path in ROOT.glob("requirements/*.in") for line in path.read_text().splitlines()]
    python = {re.split(r"[\[=]", line)[0] for line in lines if line and not line.startswith("#")}
    packages = [
        json.loads((ROOT / folder / "package.json").read_text(encoding="utf-8"))
        for folder in ("src/stellwerk/frontend", "tools/api_lint")
    ]
    return python.union(*(package.get(kind, ()) for package in packages for kind in KINDS))


def test_every_dependency_is_explained_and_nothing_else() -> None:
    assert documented() == required()


def test_every_dependency_is_pinned_exactly() -> None:
    for path in ROOT.glob("requirements/*.in"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not line or line.startswith("#") or re.fullmatch(r"[\w-]+(\[[\w,]+\])?==[\d.]+", line), (
                line
            )
