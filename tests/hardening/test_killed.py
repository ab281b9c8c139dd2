"""The web server is killed every few seconds: it is back within two, and nothing of it is left behind."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.load import tree
from stellwerk.site.tests.installation import installations

pytestmark = pytest.mark.slow

BACK_WITHIN_S = 2


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """Serve an installation; return the port and the supervisor's process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with installations(tmp_path) as make:
        installation = make("killed")
        installation.succeed("migrate")
        environment = installation.environment() | {"STELLWERK_LISTEN": f"127.0.0.1:{port}"}
        process = subprocess.Popen(
            installation.command("serve"), env=environment, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            wait_until_alive(port, 60)
            yield port, process.pid
            process.terminate()
            assert process.wait(30) == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_until_alive(port: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/alive", timeout=2),
        ):
            return
        assert time.monotonic() < deadline, f"not back within {seconds} s"
        time.sleep(0.05)


def web_processes(supervisor: int) -> tuple[int, int]:
    """Return granian's main process and its worker: the only child of the supervisor that has a child."""
    children = [pid for pid in tree(supervisor) if parent_of(pid) == supervisor]
    (pair,) = [tree(pid) for pid in children if len(tree(pid)) == 2]
    return pair[0], pair[1]


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


@pytest.mark.parametrize("which", ["worker", "main", "in turn"])
def test_a_web_process_that_is_killed_every_few_seconds_is_back_within_two(
    which: str, served: tuple[int, int]
) -> None:
    port, supervisor = served
    group = os.getpgid(supervisor)
    for turn in range(5):
        main, worker = web_processes(supervisor)
        os.kill(main if which == "main" or (which == "in turn" and turn % 2) else worker, signal.SIGKILL)
        time.sleep(0.1)  # a request that is on its way to what was killed would be no answer
        wait_until_alive(port, BACK_WITHIN_S)
        time.sleep(2)
        wait_until_alive(port, 0.5)
    members = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    left = [pid for pid in members if group_of(pid) == group and pid not in tree(supervisor)]
    assert left == []


def group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None
