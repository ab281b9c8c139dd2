"""docs/adding-a-record-type.md is followed word by word, in a copy of the checkout, and what comes out is used."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stellwerk.kernel.testing.environment import bare_environment

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-record-type.md").read_text(encoding="utf-8")
STEP = re.compile(
    r"`(?P<file>src/[\w/]+\.py)`[^`]*```python\n(?P<code>.*?)```|```sh\n(?P<commands>.*?)```", re.S
)
APPS = re.compile(r"^(STELLWERK_APPS) = \[\n.*?^\]\n", re.S | re.M)
USE = """
from django.test import Client
from stellwerk.kernel.identity.tokens import issue_token
from stellwerk.site.accounts import make_administrator
root = make_administrator("root", "Root", "", "a password only for this")
client = Client(HTTP_HOST="localhost")
client.force_login(root)
assert b'name="equipment"' in client.get("/rooms/new/").content
made = client.post("/rooms/new/", {"title": "Blue room", "seats": "12", "equipment": "Whiteboard"})
assert made.headers["Location"] == "/records/ROO-000001/", (made.status_code, made.headers)
for path in ("/rooms/", "/records/ROO-000001/", "/rooms/?q=whiteboard", "/rooms/export/?format=csv"):
    answer = client.get(path)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert answer.status_code == 200 and b"Blue room" in body, (path, answer.status_code)

_token, secret = issue_token(root, "test", ["read", "write"])
program = Client(HTTP_HOST="localhost", headers={"Authorization": f"Bearer {secret}"})
assert program.get("/api/v1/rooms").json()["total"]["count"] == 1
assert program.get("/api/v1/rooms/ROO-000001").json()["seats"] == 12
made = program.post("/api/v1/rooms", {"title": "Red room"}, content_type="application/json")
assert made.json()["reference"] == "ROO-000002", made.content
"""


def test_the_file_is_short() -> None:
    declaration = next(step["code"] for step in STEP.finditer(PAGE) if step["file"])
    lines = [line for line in declaration.splitlines() if line.strip()]
    assert len(lines) <= 25


@pytest.mark.slow
def test_a_reader_who_follows_the_page_has_rooms(tmp_path: Path) -> None:
    checkout = copy_of_the_checkout(tmp_path / "checkout")
    printed = follow(checkout)
    assert "Create model Room" in printed
    assert "Applying rooms.0001_initial... OK" in printed
    assert "equipment" in printed.partition("Applying rooms")[2]
    run(checkout, "./manage.py shell", given=USE)


def copy_of_the_checkout(folder: Path) -> Path:
    """Copy what a fresh checkout holds once `make demo` has run in it, without the demo organisation."""
    shutil.copytree(
        ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("node_modules", "__pycache__")
    )
    shutil.copy2(ROOT / "manage.py", folder)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "var" / "demo").mkdir(parents=True)
    run(folder, "./manage.py collectstatic --no-input")
    return folder


def follow(checkout: Path) -> str:
    """Write the files and run the commands of the page, in its order; return what was printed."""
    printed = []
    for step in STEP.finditer(PAGE):
        if step["commands"]:
            printed.append(run(checkout, step["commands"]))
            continue
        file, code = checkout / step["file"], step["code"]
        if file.exists():
            before, _name, after = APPS.split(file.read_text(encoding="utf-8"))
            code = before + code + after
        file.write_text(code, encoding="utf-8")
    return "\n".join(printed)


def run(checkout: Path, commands: str, given: str = "") -> str:
    """Run commands as the reader does, whose checkout is the one that is installed; fail with their complaints."""
    done = subprocess.run(
        ["sh", "-ec", f". .venv/bin/activate\n{commands}"],
        cwd=checkout,
        env={**bare_environment(), "PYTHONPATH": str(checkout / "src")},
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
