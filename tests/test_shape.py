"""The script that measures the shape of the sources finds what it is there to find."""

import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
shape: dict[str, Any] = runpy.run_path(str(ROOT / "tools" / "shape.py"))

CLEAN = '''"""A module."""

from stellwerk.kernel.low.thing import Thing


def label(thing: Thing) -> str:
    """Return what people call it."""
    return thing.name
'''


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small package with two rooms, one above the other, and nothing to find."""
    _put(tmp_path, "kernel/low/thing.py", "class Thing:\n    name = 'thing'\n")
    _put(tmp_path, "kernel/high/label.py", CLEAN)
    return tmp_path


def _put(tree: Path, name: str, text: str) -> None:
    path = tree / "stellwerk" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _figure(tree: Path, key: str) -> float:
    found: float = next(figure.value for figure in shape["measure"](tree) if figure.key == key)
    return found


def _places(tree: Path, key: str) -> list[str]:
    return next(list(figure.places) for figure in shape["measure"](tree) if figure.key == key)


def test_a_clean_tree_has_nothing_that_is_held(tree: Path) -> None:
    held = {figure.key: figure.value for figure in shape["measure"](tree) if figure.held}
    assert held == {
        "inner_imports": 0,
        "any": 0,
        "room_circle": 0,
        "file_circle": 0,
        "circular_files": 0,
        "kind_asking": 0,
        "guest_deciding": 0,
    }


@pytest.mark.parametrize(
    "seeded",
    [
        "from stellwerk.kernel.high import label\n",
        "def name() -> None:\n    from stellwerk.kernel.high.label import label\n",
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from stellwerk.kernel.high.label import label\n",
        "from ..high import label\n",
        "import stellwerk.kernel.high.label\n",
    ],
    ids=["plain", "inside a function", "for type checkers", "relative", "import"],
)
def test_a_circle_is_found_however_it_is_written(tree: Path, seeded: str) -> None:
    _put(tree, "kernel/low/thing.py", seeded + "class Thing:\n    name = 'thing'\n")
    assert _figure(tree, "room_circle") == 2
    assert _figure(tree, "file_circle") == 2
    assert _places(tree, "room_circle") == ["stellwerk.kernel.high", "stellwerk.kernel.low"]


def test_a_circle_over_three_rooms_is_one_circle(tree: Path) -> None:
    _put(tree, "kernel/top/page.py", "from stellwerk.kernel.high import label\n")
    _put(tree, "kernel/low/thing.py", "from stellwerk.kernel.top import page\n")
    assert _figure(tree, "room_circle") == 3
    assert _figure(tree, "circular_files") == 3


def test_any_is_counted_behind_every_alias(tree: Path) -> None:
    _put(tree, "kernel/low/data.py", "from typing import Any\n\nData = dict[str, Any]\nRows = list[Data]\n")
    _put(
        tree,
        "kernel/high/use.py",
        "from stellwerk.kernel.low.data import Data, Rows\n\n\n"
        "def read(rows: Rows, *, first: 'Data') -> Data:\n    kept: Rows = rows\n    return first or kept[0]\n",
    )
    assert _figure(tree, "any") == 4


def test_a_class_that_is_called_like_an_alias_elsewhere_is_no_any(tree: Path) -> None:
    _put(tree, "kernel/low/data.py", "from typing import Any\n\nThing = dict[str, Any]\n")
    assert _figure(tree, "any") == 0


def test_an_import_inside_a_function_is_counted(tree: Path) -> None:
    _put(tree, "kernel/high/late.py", "def late() -> None:\n    import json\n\n    json.dumps({})\n")
    (place,) = _places(tree, "inner_imports")
    assert place.endswith("stellwerk/kernel/high/late.py:2")


@pytest.mark.parametrize(
    "question",
    [
        "name.startswith('custom.')",
        "name in record_type.references",
        "name not in self.record_type.references",
        "name == 'status'",
        "isinstance(field, models.DateField | models.DateTimeField)",
        "isinstance(field, (models.ForeignKey,))",
        "field.type == 'reference'",
    ],
)
def test_asking_for_the_kind_of_a_value_is_found_outside_the_room_of_fields(
    tree: Path, question: str
) -> None:
    body = f"def draw(name, field, record_type, self):\n    return 1 if {question} else 2\n"
    _put(tree, "kernel/fields/kind.py", body)
    assert _figure(tree, "kind_asking") == 0
    _put(tree, "web/cell.py", body)
    assert [place.rpartition(" ")[2] for place in _places(tree, "kind_asking")] == ["draw"]


def test_each_place_that_decides_what_guests_read_is_counted(tree: Path) -> None:
    _put(tree, "web/guest.py", "def shown(record_type):\n    return set(record_type.shown_to_requesters)\n")
    _put(
        tree,
        "kernel/low/declared.py",
        "class TicketType:\n    shown_to_requesters = ['title']\n",
    )
    assert _figure(tree, "guest_deciding") == 1


def test_a_helper_that_is_called_once_is_told(tree: Path) -> None:
    _put(tree, "web/help.py", "def page():\n    return _part()\n\n\ndef _part():\n    return 1\n")
    assert _figure(tree, "called_once") > 0


def test_tests_and_migrations_are_not_measured(tree: Path) -> None:
    for folder in ("tests", "migrations"):
        _put(tree, f"kernel/low/{folder}/each.py", "from stellwerk.kernel.high import label\n" * 50)
    assert _figure(tree, "room_circle") == 0
    assert _figure(tree, "kernel_lines") == 10


def test_a_figure_that_got_worse_is_named_and_one_that_got_better_is_not(tree: Path) -> None:
    _put(
        tree,
        "kernel/low/thing.py",
        "from stellwerk.kernel.high import label\n\nclass Thing:\n    name = 'x'\n",
    )
    figures = shape["measure"](tree)
    kept = {figure.key: 0 for figure in figures if figure.held} | {"any": 7}
    told = shape["worsened"](figures, kept)
    assert [sentence.partition(":")[0] for sentence in told] == [
        "kernel rooms in the largest import circle",
        "files in the largest import circle",
        "files in any import circle",
    ]
    assert shape["worsened"](figures, {figure.key: figure.value for figure in figures}) == []


def test_what_is_kept_is_only_ever_tightened(tree: Path) -> None:
    figures = shape["measure"](tree)
    kept = {figure.key: figure.value for figure in figures if figure.held}
    written = shape["written"](figures, kept | {"any": 7, "kind_asking": -1})
    assert "\nany = 0\n" in written
    assert "\nkind_asking = -1\n" in written
