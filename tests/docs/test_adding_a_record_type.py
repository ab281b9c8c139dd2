"""The worked example of docs/adding-a-record-type.md is taken from the page, installed and used."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding-a-record-type.md"
SETTINGS = "from tests.settings import *\nINSTALLED_APPS = [*INSTALLED_APPS, 'rooms']\n"
USE = """
import django
django.setup()
from django.core.management import call_command
from django.test import Client
from django.test.utils import get_runner, setup_test_environment
from django.db import connection
setup_test_environment()
connection.creation.create_test_db(verbosity=0)
try:
    from rooms.room import Room
    from stellwerk.kernel.access.person import SYSTEM
    from stellwerk.kernel.api.tokens import issue_token
    from stellwerk.kernel.records.services import change, create
    from stellwerk.kernel.testing.fixtures import grant, make_person
    root = make_person("Root")
    grant(root, "administrator")
    room = create(Room, {"title": "Blue room", "seats": 12, "equipment": "Whiteboard"}, by=root)
    assert room.reference == "ROO-000001", room.reference
    client = Client()
    client.force_login(root)
    for path in ("/rooms/", "/records/ROO-000001/", "/rooms/new/", "/rooms/?q=whiteboard", "/rooms/export/?format=csv"):
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert path == "/rooms/new/" or b"Blue room" in body, path
    _token, secret = issue_token(root, "test", ["read", "write"])
    answer = Client().get("/api/v1/rooms/ROO-000001", headers={"Authorization": f"Bearer {secret}"})
    assert answer.json()["seats"] == 12, answer.content
finally:
    connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
print("used")
"""


def code_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)


def test_the_file_is_short() -> None:
    lines = [line for line in code_blocks()[0].splitlines() if line.strip()]
    assert len(lines) <= 25


@pytest.mark.slow
def test_the_worked_example_works(tmp_path: Path) -> None:
    package = tmp_path / "rooms"
    package.mkdir()
    (package / "__init__.py").touch()
    for name, code in zip(("room.py", "models.py"), code_blocks(), strict=True):
        (package / name).write_text(code)
    (tmp_path / "rooms_settings.py").write_text(SETTINGS)
    assert "No changes" not in run(tmp_path, "-m", "django", "makemigrations", "rooms")
    run(tmp_path, "-m", "django", "check")
    described = run(tmp_path, "-m", "django", "describe", "ROO")
    assert "seats" in described
    assert run(tmp_path, "-c", USE).strip().endswith("used")


def run(folder: Path, *arguments: str) -> str:
    """Run Python with the example's settings; return what it printed, fail with what it complained of."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT), str(ROOT / "src")]),
        "DJANGO_SETTINGS_MODULE": "rooms_settings",
    }
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
