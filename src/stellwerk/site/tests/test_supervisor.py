"""The supervisor keeps its children running and ends them cleanly."""

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from stellwerk.site.supervisor import Child, Supervisor

folder = Path(sys.argv[1])

def steady(signs):
    signs.send_bytes(b"serving")
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

FAILING = """
import sys, time
from pathlib import Path
from stellwerk.site.supervisor import Child, Supervisor

folder = Path(sys.argv[1])

def failing(signs):
    with open(folder / "starts", "a") as file:
        print(time.monotonic(), file=file)
    if (folder / "serves").exists():
        signs.send_bytes(b"serving")
    sys.exit(1)

if __name__ == "__main__":
    Supervisor([Child("failing", failing)]).run()
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


def test_a_child_that_served_is_back_at_once_however_often_it_dies(
    supervisor: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    for count in range(1, 6):
        pid = wait_for_starts(tmp_path, count)[-1]
        time.sleep(0.5)  # it says that it serves
        killed = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        wait_for_starts(tmp_path, count + 1)
        assert time.monotonic() - killed < 2
    supervisor.terminate()
    assert supervisor.wait(20) == 0


def test_starts_that_fail_get_growing_pauses_until_one_serves(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(FAILING, encoding="utf-8")
    started = subprocess.Popen([sys.executable, tmp_path / "program.py", tmp_path], stderr=subprocess.DEVNULL)
    try:
        starts = wait_for_times(tmp_path, 4)
        assert [round(later - earlier) for earlier, later in pairwise(starts)] == [0, 1, 3]
        (tmp_path / "serves").touch()  # the fifth start, 7 seconds later, and those after it
        fifth, sixth, seventh = wait_for_times(tmp_path, 7)[4:]
        assert fifth - starts[3] > 6
        assert seventh - fifth < 4
        assert sixth - fifth < 2
    finally:
        started.terminate()
        assert started.wait(20) == 0


def wait_for_times(folder: Path, count: int) -> list[float]:
    """Return when the child was started, as soon as that happened so often."""
    file = folder / "starts"
    deadline = time.monotonic() + 40
    while not file.exists() or len(file.read_text().split()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return [float(line) for line in file.read_text().split()]


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
