"""The web server is killed under load: what it acknowledged is there, once, and its journals verify."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from stellwerk.kernel.testing.environment import bare_environment

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]

CLIENTS = 4
KILLS = 3
TOKEN = """
from datetime import date
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.identity.tokens import issue_token
from stellwerk.kernel.write.services import create
maria = create(Person, {"title": "Maria", "username": "maria"}, by=SYSTEM)
given = {"person": maria, "role": "administrator", "valid_from": date(2020, 1, 1)}
create(RoleAssignment, given, by=SYSTEM)
print("TOKEN", issue_token(maria, "load", ["read", "write"])[1])
"""


class Installation:
    """A Stellwerk of its own: SQLite with full durability, on a free port of this machine."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = folder / "stellwerk.sqlite3"
        self.environment = bare_environment() | {
            "STELLWERK_SECRET_KEY": "only for this test, only for this test, only for this test",
            "STELLWERK_DATA_DIR": str(folder),
            "STELLWERK_URL": self.url,
            "STELLWERK_LISTEN": f"127.0.0.1:{self.port}",
            "STELLWERK_API_RATE": "0",
            "STELLWERK_LOG_LEVEL": "ERROR",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, *words: str) -> str:
        command = [sys.executable, "-m", "stellwerk.site.cli", *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self) -> None:
        """Start the web server in a process group of its own and wait until it answers."""
        command = [sys.executable, "-m", "stellwerk.site.cli", "web"]
        self.process = subprocess.Popen(command, env=self.environment, start_new_session=True)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.url}/alive", timeout=5).close()
                return
            except OSError:
                assert self.process.poll() is None, "the server ended by itself"
                time.sleep(0.1)
        raise AssertionError("the server did not answer")

    def kill(self) -> None:
        """End every process of the server at once, without a chance to tidy up."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)


@pytest.fixture
def installation(tmp_path: Path) -> Any:
    made = Installation(tmp_path)
    made.run("migrate")
    yield made
    made.kill()


class Load:
    """Clients that create tickets, each request under its own key and sent again until it is answered."""

    def __init__(self, installation: Installation, token: str) -> None:
        self.url = f"{installation.url}/api/v1/incidents"
        self.token = token
        self.ended = threading.Event()
        self.acknowledged: dict[str, str] = {}
        self.asked: set[str] = set()
        self.refused: list[str] = []
        self.threads = [threading.Thread(target=self._work, args=(number,)) for number in range(CLIENTS)]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def end(self) -> None:
        self.ended.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()

    def _work(self, client: int) -> None:
        number = 0
        while not self.ended.is_set():
            number += 1
            key = f"{client}-{number}"
            self.asked.add(key)
            while key not in self.acknowledged:
                self._post(key)

    def _post(self, key: str) -> None:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        headers["Content-Type"] = "application/json"
        body = json.dumps({"title": key, "requester": "PER-000001"}).encode()
        request = urllib.request.Request(self.url, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                self.acknowledged[key] = json.load(answer)["reference"]
        except (OSError, ValueError) as error:
            if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                self.refused.append(str(error.read()))
                self.ended.set()
                raise
            time.sleep(0.05)


def test_nothing_acknowledged_is_lost_or_doubled_by_a_crash(installation: Installation) -> None:
    said = installation.run("manage", "shell", "-c", TOKEN)
    load = Load(installation, said.split("TOKEN ")[1].split()[0])
    installation.start()
    load.start()
    for _ in range(KILLS):
        reached = len(load.acknowledged) + 20
        deadline = time.monotonic() + 40
        while len(load.acknowledged) < reached and time.monotonic() < deadline:
            time.sleep(0.01)
        installation.kill()
        installation.start()
    load.end()
    assert load.refused == []
    installation.kill()
    found = dict(stored(installation.database))
    assert len(found) == len(stored(installation.database))
    assert found == load.acknowledged
    assert load.asked == set(found)
    assert len(found) >= KILLS * 20
    assert ": 0 faults." in installation.run("journal", "verify")


def stored(database: Path) -> list[tuple[str, str]]:
    """Read the tickets from the file itself."""
    with sqlite3.connect(database) as connection:
        query = "SELECT title, reference FROM kernel_record WHERE kind = 'incident'"
        return list(connection.execute(query))
