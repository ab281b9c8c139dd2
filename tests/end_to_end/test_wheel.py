"""The wheel carries all it needs, and what is installed from it serves the demo."""

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

from stellwerk.kernel.testing.environment import bare_environment

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.sqlite]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "pip",
        "--quiet",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        folder,
        ROOT,
    ]
    subprocess.run(build, check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """A folder with what the wheel installs; its dependencies come from this environment."""
    target = wheel.parent / "installed"
    install = [sys.executable, "-m", "pip", "--quiet", "install", "--no-deps", "--target", target, wheel]
    subprocess.run(install, check=True)
    return target


def test_the_wheel_carries_assets_templates_and_migrations_but_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "stellwerk/frontend/dist/app.css",
        "stellwerk/frontend/dist/app.js",
        "stellwerk/kernel/migrations/0001_initial.py",
        "stellwerk/web/templates/stellwerk/base.html",
        "stellwerk/demo/data/demo.toml",
        "stellwerk/demo/data/scenes/tickets.toml",
        "stellwerk/demo/data/stories/mail.toml",
        "stellwerk/demo/data/pictures/screenshot-1.png",
    ):
        assert needed in names
    assert [
        name for name in names if "/tests/" in name or "node_modules" in name or name.endswith(".ts")
    ] == []
    assert [name for name in names if name.endswith("licenses/LICENSE")] != []
    assert wheel.stat().st_size < 3_000_000


def test_what_is_installed_from_the_wheel_serves_the_demo_and_loads_it_once(
    installed: Path, tmp_path: Path
) -> None:
    first = start(installed, tmp_path)
    assert "Stellwerk runs at http://127.0.0.1:" in first
    assert "gus-demo" in first
    assert "Loading the demo organisation" in first
    second = start(installed, tmp_path)
    assert "Loading the demo organisation" not in second
    assert "gus-demo" in second


def start(installed: Path, folder: Path) -> str:
    """Start the demo, look at its sign-in page, end it, and return what it printed."""
    port = free_port()
    command = [
        sys.executable,
        installed / "bin" / "stellwerk",
        "demo",
        "--port",
        str(port),
        "--data-dir",
        "data",
    ]
    environment = bare_environment() | {"PYTHONPATH": str(installed)}
    with open(folder / "output", "w+", encoding="utf-8") as output:
        demo = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        try:
            page = wait_for(f"http://127.0.0.1:{port}/account/login/", demo)
            assert memory_of_tree(demo.pid) < 200
        finally:
            demo.send_signal(signal.SIGTERM)
            code = demo.wait(30)
        assert code == 0
        output.seek(0)
        printed = output.read()
    assert "/static/stellwerk/app." in page
    assert not port_answers(port)
    return printed


def wait_for(url: str, demo: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and demo.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return str(answer.read().decode())
        except urllib.error.URLError:
            time.sleep(0.2)
    raise AssertionError("the demo did not answer")


def memory_of_tree(pid: int) -> float:
    """Return the proportional memory of a process and all below it in megabytes; 0 where Linux does not tell."""
    place = Path(f"/proc/{pid}")
    if not (place / "smaps_rollup").exists():
        return 0
    own = re.search(r"^Pss:\s+(\d+) kB", (place / "smaps_rollup").read_text(), re.MULTILINE)
    children = [child for path in place.glob("task/*/children") for child in path.read_text().split()]
    return int(own[1] if own else 0) / 1000 + sum(memory_of_tree(int(child)) for child in children)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
