"""The mutator: every operator breaks what it names, nothing else, and broken code is called by whoever imported it."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PLACE = Path(__file__).resolve().parent.parent / "tools" / "mutants.py"


@pytest.fixture
def mutants() -> Iterator[Any]:
    """The tool, which is a script and no package."""
    found = spec_from_file_location("mutants", PLACE)
    assert found is not None
    assert found.loader is not None
    sys.modules["mutants"] = tool = module_from_spec(found)
    found.loader.exec_module(tool)
    yield tool
    del sys.modules["mutants"]


SOURCE = """
from policy import standing_of, Access


def may(person, record) -> bool:
    if person.left:
        return False
    return person.active and record.level >= Access.EDIT


def seen(rows, person):
    return rows.filter(party=1, kind="x").exclude(gone=True)


def asked(person, record):
    require(person)
    if not may(person, record):
        raise PermissionDenied


def condition(a, b):
    return standing_of(a) | b


def innocent(a, b):
    return a and b
"""
"""What each operator makes of it is listed below; `innocent` uses nothing of the policy."""


@pytest.fixture
def module(mutants: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    path = tmp_path / "guarding.py"
    path.write_text(
        SOURCE.replace(
            "from policy import standing_of, Access", "class Access:\n    EDIT, FULL, CONTRIBUTE = 3, 4, 2"
        )
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(mutants, "modules", lambda: {"guarding": path})
    import guarding

    yield guarding
    del sys.modules["guarding"]


def test_each_operator_makes_what_it_says(mutants: Any, tmp_path: Path) -> None:
    path = tmp_path / "guarding.py"
    path.write_text(SOURCE)
    keys = {each.key.removeprefix("guarding:") for each in mutants.mutants_of("guarding", path, ("policy",))}
    assert {key for key in keys if key.startswith("condition:")} == {
        "condition: drop arm b: standing_of(a) | b",
        "condition: drop arm standing_of(a): standing_of(a) | b",
    }
    assert {key.split(": ")[1] for key in keys if key.startswith("may:")} == {
        "negate",
        "return True",
        "return False",
        "drop condition person.active",
        "drop condition record.level >= Access.EDIT",
        "swap and, or",
        "compare by Lt",
        "compare by Gt",
        "level CONTRIBUTE",
        "level FULL",
    }
    assert {key.split(": ")[1] for key in keys if key.startswith("asked:")} == {
        "drop check",
        "negate",
        "drop raise",
    }
    assert not [key for key in keys if key.startswith("innocent")]


def test_a_module_without_the_policy_is_left_alone(mutants: Any, tmp_path: Path) -> None:
    path = tmp_path / "guarding.py"
    path.write_text(SOURCE)
    assert mutants.mutants_of("guarding", path, ("elsewhere",)) == []


def test_broken_code_is_called_by_who_imported_it_before(mutants: Any, module: ModuleType) -> None:
    asked = module.seen
    mine = mutants.mutants_of("guarding", Path(str(module.__file__)), ("guarding",))
    broken = next(each for each in mine if each.function == "seen" and each.operator == "drop exclude")
    rows = Rows()
    asked(rows, None)
    assert rows.asked == ["filter", "exclude"]
    assert mutants.put_in_place(broken)
    rows = Rows()
    asked(rows, None)
    assert rows.asked == ["filter", "all"]


class Rows:
    """Stands for a queryset: notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> object:
        self.asked.append(name)
        return lambda *_args, **_kwargs: self


def test_there_are_enough_and_each_is_named_once(mutants: Any) -> None:
    declared = mutants.declared()
    # In a thread: CPython 3.11 miscounts the depth of what it parses beside the greenlets of a browser.
    with ThreadPoolExecutor(1) as thread:
        keys = [each.key for each in thread.submit(mutants.all_mutants, declared["policy"]).result()]
    assert len(keys) >= 300
    assert len(keys) == len(set(keys))
    unknown = {each["mutant"] for each in declared.get("equivalent", [])} - set(keys)
    assert not unknown, "declared, but there is no such mutant any more"
    assert all(each["why"] for each in declared.get("equivalent", []))
    assert len(declared.get("equivalent", [])) <= declared["equivalent_at_most"] * len(keys)
