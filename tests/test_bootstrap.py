"""Whatever keeps `make demo` from starting is one sentence with the remedy."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "tools" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_too_old_a_python_is_told_which_one_is_needed(bootstrap: ModuleType) -> None:
    with pytest.raises(bootstrap.Obstacle, match=r"Python 3\.9 is too old, 3\.11 or newer is needed"):
        bootstrap.require_python((3, 9, 2))
    bootstrap.require_python((3, 11, 0))


def test_a_python_without_venv_is_told_which_package_brings_it(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        sys.modules, "ensurepip", None
    )  # what Debian's python3 without python3-venv looks like
    with pytest.raises(bootstrap.Obstacle, match="apt-get install python3-venv"):
        bootstrap.require_venv()


def test_a_full_disk_is_told_how_much_is_needed(bootstrap: ModuleType) -> None:
    with pytest.raises(bootstrap.Obstacle, match="has 12 MB free, 900 MB are needed"):
        bootstrap.require_space("runtime", 12_000_000)
    bootstrap.require_space("runtime", 5_000_000_000)


def test_a_disk_that_fills_up_on_the_way_is_told_too(bootstrap: ModuleType) -> None:
    output = "error: Failed to write\n  Caused by: No space left on device (os error 28)"
    assert bootstrap.explain(["uv"], output) == "The disk is full: free some space, then run make again."


def test_the_obstacle_is_the_only_thing_on_the_terminal(bootstrap: ModuleType) -> None:
    program = "import sys; sys.path.insert(0, 'tools'); sys.modules['ensurepip'] = None; import bootstrap; "
    program += "bootstrap.is_installed = lambda wanted: False; bootstrap.main(['runtime'])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("stellwerk: This Python cannot make virtual environments")
    assert done.stderr.count("\n") == 1


def test_the_bootstrap_can_be_read_by_an_older_python() -> None:
    source = (ROOT / "tools" / "bootstrap.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 7))


def test_no_lock_names_an_index() -> None:
    for lock in [*ROOT.glob("requirements/*.txt"), ROOT / "src/stellwerk/frontend/package-lock.json"]:
        text = lock.read_text(encoding="utf-8")
        assert "index-url" not in text
        assert '"resolved"' not in text
        assert "--hash=sha256:" in text or '"integrity"' in text
