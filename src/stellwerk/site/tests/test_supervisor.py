"""The supervisor keeps its children running and ends them cleanly."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from stellwerk.site.supervisor import Child, Supervisor

folder = Path(sys.argv[1])

def steady():
    def end(*_):
        (folder / "ended").touch()
        sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    with open(folder / "steady", "a") as file:
        print(os.getpid(), file=file)
    while True:
        time.sleep(0.05)

if __name__ == "__main__":
    Supervisor([Child("steady", steady)]).run()
"""


@pytest.fixture
def supervisor(tmp_path: Path) -> subprocess.Popen[bytes]:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    return subprocess.Popen([sys.executable, tmp_path / "program.py", tmp_path], stderr=subprocess.DEVNULL)


def started(folder: Path) -> list[int]:
    """Return the process ids of the child's starts so far."""
    file = folder / "steady"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def wait_for_starts(folder: Path, count: int) -> list[int]:
    deadline = time.monotonic() + 20
    while len(started(folder)) < count:
        assert time.monotonic() < deadline, f"{len(started(folder))} starts instead of {count}"
        time.sleep(0.05)
    return started(folder)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_child_that_dies_is_started_again_and_sigterm_ends_all(
    supervisor: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    first = wait_for_starts(tmp_path, 1)[0]
    os.kill(first, signal.SIGKILL)
    second = wait_for_starts(tmp_path, 2)[1]
    assert second != first
    supervisor.terminate()
    assert supervisor.wait(20) == 0
    assert (tmp_path / "ended").exists()
    assert not is_running(second)


if sys.platform == "linux":  # elsewhere nobody tells a child that its parent was killed

    def test_a_child_ends_when_the_supervisor_is_killed(
        supervisor: subprocess.Popen[bytes], tmp_path: Path
    ) -> None:
        child = wait_for_starts(tmp_path, 1)[0]
        supervisor.kill()
        supervisor.wait(20)
        deadline = time.monotonic() + 10
        while not (tmp_path / "ended").exists():
            assert time.monotonic() < deadline, f"process {child} outlived its supervisor"
            time.sleep(0.05)
