"""An installation of version 0.1 comes over with one command: in place, or as a backup, into either database.

`data/` holds one such installation, backed up on SQLite and, restored there, on PostgreSQL. Version 0.1 made it (commit
d9aade9) with the secret key of the tests: `stellwerk migrate`, `stellwerk manage shell < data/fill.txt`,
`stellwerk backup`. It cannot be made again by later versions, which write other things.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection

from stellwerk.site.tests.installation import Installation, installations

pytestmark = pytest.mark.slow

DATA = Path(__file__).parent / "data"
TOKEN = "sw_the-token-of-the-probe"  # noqa: S105  of the installation in data/


def in_place(installation: Installation) -> None:
    """Put database and files where version 0.1 had them, and migrate."""
    with zipfile.ZipFile(DATA / f"{connection.vendor}.zip") as backup:
        backup.extractall(installation.data_dir)
    if connection.vendor == "sqlite":
        os.replace(installation.data_dir / "database.sqlite3", installation.data_dir / "stellwerk.sqlite3")
    else:
        dump = installation.data_dir / "database.dump"
        subprocess.run(
            ["pg_restore", "--no-owner", f"--dbname={installation.database_url}", dump], check=True
        )
    installation.succeed("migrate")


def by_the_other_backup(installation: Installation) -> None:
    """Restore a backup of the other kind of database."""
    other = {"sqlite": "postgresql", "postgresql": "sqlite"}[connection.vendor]
    installation.succeed("restore", str(DATA / f"{other}.zip"))


@dataclass
class Browser:
    """Somebody at a running server; nobody in particular until they sign in."""

    port: int
    opener: urllib.request.OpenerDirector = field(
        default_factory=lambda: urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    )

    def ask(self, path: str, data: bytes | None = None, **more: Any) -> tuple[int, str]:
        """Return status and text of what is answered in the end."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, **more)
        try:
            with self.opener.open(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def page(self, path: str) -> str:
        status, text = self.ask(path)
        assert status == 200, (path, status)
        return text

    def post(self, path: str, form: dict[str, str], of: str) -> str:
        """Send a form that stands on the page `of`."""
        (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', self.page(of)))
        status, text = self.ask(path, urlencode(form | {"csrfmiddlewaretoken": token}).encode())
        assert status == 200, (path, status)
        return text

    def sign_in(self, name: str) -> "Browser":
        form = {"login": name, "password": f"{name}-demo"}
        assert 'name="password"' not in self.post("/account/login/", form, of="/account/login/")
        return self

    def api(self, path: str, change: dict[str, Any] | None = None, **headers: str) -> Any:
        """Ask the API with the token of version 0.1; return what is in the answer."""
        given = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"} | headers
        body = None if change is None else json.dumps(change).encode()
        method = "GET" if change is None else "PATCH"
        status, text = self.ask(f"/api/v1/{path}", body, headers=given, method=method)
        assert status == 200, (path, status, text)
        return json.loads(text)


@contextlib.contextmanager
def served(installation: Installation) -> Iterator[Browser]:
    """Serve pages and jobs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    place = {"STELLWERK_LISTEN": f"127.0.0.1:{port}", "STELLWERK_URL": f"http://127.0.0.1:{port}"}
    process = subprocess.Popen(
        installation.command("serve"),
        env=installation.environment() | place,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        browser = Browser(port)
        wait_for(lambda: browser.ask("/alive")[0] == 200)
        yield browser
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def wait_for(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if condition():
                return
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("come_over", [in_place, by_the_other_backup])
def test_an_installation_of_version_0_1_comes_over_with_one_command(come_over: Any, tmp_path: Path) -> None:
    with installations(tmp_path) as make:
        installation = make("old")
        installation.data_dir.mkdir()
        come_over(installation)
        assert "Everything is in order." in installation.succeed("check")
        assert "The search index was rebuilt: 28 of 28 records." in installation.succeed("search", "rebuild")
        with served(installation) as browser:
            expect_records(browser)
            expect_pages(Browser(browser.port).sign_in("arno"))
            expect_portal(Browser(browser.port).sign_in("gus"))
            expect_imports(Browser(browser.port).sign_in("maria"))
        jobs = installation.succeed("jobs", "list")
        for job in ("check_draft(2)", "forget_content(", "send_notification(1)"):
            assert re.search(rf"SUCCESSFUL  1 attempts  \S+\.{re.escape(job)}", jobs), jobs
        told = installation.succeed("journal", "verify")
        assert re.match(r"28 records, \d+ entries, 1 files in \S+ s: 0 faults\.\n", told), told


def test_a_backup_of_version_0_1_comes_back(tmp_path: Path) -> None:
    with installations(tmp_path) as make:
        installation = make("same")
        told = installation.succeed("restore", str(DATA / f"{connection.vendor}.zip"))
        assert re.match(r"28 records, 56 entries, 1 files in \S+ s: 0 faults\.\n", told), told
        assert installation.people() == ["arno", "gus", "maria", "nobody", "root"]


def expect_records(browser: Browser) -> None:
    """What version 0.1 stored reads as it did, and can be written on."""
    custom = {
        "room": "B 12",
        "floor": 4,
        "since": "2026-01-02",
        "colour": "red",
        "cause": "INC-000001",
        "urgent": True,
    }
    before = browser.api("incidents/INC-000002")
    assert (before["version"], before["custom"]) == (3, custom)
    after = browser.api("incidents/INC-000002", {"custom": {"floor": 5}}, **{"If-Match": '"3"'})
    assert (after["version"], after["custom"]) == (4, custom | {"floor": 5})
    verbs = [entry["verb"] for entry in browser.api("incidents/INC-000002/journal")["items"]]
    assert sorted(verbs) == ["change", "change", "change", "create"]
    merged = browser.api("incidents/INC-000003")
    assert (merged["status"], merged["resolution_code"]) == ("cancelled", "duplicate")
    found = browser.api("incidents?q=zeppelin")["items"]
    assert [each["reference"] for each in found] == ["INC-000008"]


def expect_pages(arno: Browser) -> None:
    """Lists, saved views, records and their histories open; the token got an end, the job its result."""
    assert "From the phone" in arno.page("/incidents/")
    assert "INC-000002" not in arno.page("/incidents/?status=new&status=cancelled&q=still&view=v1")
    assert "INC-000002" in arno.page("/incidents/?custom.colour=red&view=v2")
    assert (
        'Cause</dt><dd class="property-value is-editable"><span class="property-show"><a class="reference" '
        in (arno.page("/records/INC-000002/"))
    )
    assert "Undo merge into INC-000001" in arno.page("/records/INC-000003/")
    apart = arno.post("/tickets/INC-000003/unmerge/", {}, of="/records/INC-000003/")
    assert "Undo merge" not in apart
    assert "Mail stands still as well" in apart
    assert "Half a" in arno.page("/records/INC-000001/")
    assert "mail.log" in arno.page("/records/INC-000007/")
    arno.page("/records/INC-000002/history/")
    assert "zeppelin" in arno.page("/records/INC-000008/")
    until = re.search(r"“Probe” works until (\d{4}-\d\d-\d\d)", arno.page("/notifications/"))
    assert until
    assert 88 <= (date.fromisoformat(until[1]) - datetime.now(UTC).date()).days <= 90
    wait_for(lambda: "large.csv was checked" in arno.page("/notifications/"))


def expect_portal(gus: Browser) -> None:
    """A requester sees what is theirs or was shown to them; not what was only entered for them by mistake."""
    for number, status in {1: 200, 2: 200, 3: 200, 4: 404, 5: 200, 6: 404, 7: 200, 8: 200}.items():
        answered, text = gus.ask(f"/portal/tickets/INC-{number:06}/")
        assert answered == status, number
        assert "zeppelin" not in text
    assert "A bigger mailbox" in gus.page("/portal/tickets/")


def expect_imports(maria: Browser) -> None:
    """A file that was looked at waits to be confirmed."""
    assert "tickets.csv" in maria.page("/incidents/import/1/")
