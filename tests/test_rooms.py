"""What import-linter cannot see of the rooms: Django's own pages stay out of the kernel, and no table moves."""

import ast
from pathlib import Path

from django.apps import apps

import stellwerk

SOURCES = Path(stellwerk.__file__).parent
PAGES = ("django.http", "django.forms", "django.template", "django.views", "django.shortcuts")
BEGAN_IN_THE_KERNEL = {"Draft", "ImportDraft", "LogImport", "SavedView"}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_the_kernel_knows_no_pages() -> None:
    pages = {
        str(path.relative_to(SOURCES))
        for path in (SOURCES / "kernel").rglob("*.py")
        if not {"tests", "testing"} & set(path.parts)
        and any(name.startswith(PAGES) for name in imported(path))
    }
    assert pages == set()


def test_models_that_left_the_kernel_keep_their_tables() -> None:
    for name in BEGAN_IN_THE_KERNEL:
        model = apps.get_model("kernel", name)
        assert not model.__module__.startswith("stellwerk.kernel.")
        assert model._meta.db_table == f"kernel_{name.lower()}"
