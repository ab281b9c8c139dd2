"""What the operator's commands say."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from stellwerk.operations.preflight import ENDED_BY_READER
from stellwerk.site.tests.installation import Installation


def test_check_says_in_its_own_words_that_there_is_no_https(filled: Installation) -> None:
    done = filled.run("check")
    assert (done.returncode, done.stderr) == (0, "")
    first, last = done.stdout.splitlines()
    assert first.startswith("People reach http://127.0.0.1:8765 without encryption")
    assert last == "Everything is in order."
    done = filled.run("check", STELLWERK_URL="https://desk.example.org")
    assert (done.stdout, done.stderr) == ("Everything is in order.\n", "")


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["serve"],
        ["web"],
        ["worker"],
        ["migrate"],
        ["create-admin", "eve"],
        ["journal", "verify"],
        ["import", "log", "x.csv", "--mapping", "x"],
        ["settings"],
    ],
)
def test_every_command_refuses_a_faulty_setting_in_the_same_words(
    tmp_path: Path, arguments: list[str]
) -> None:
    installation = Installation(tmp_path / "data")
    refused = installation.run(*arguments, STELLWERK_TIME_ZONE="Europe/Nowhere")
    assert refused.stderr == (
        "stellwerk: STELLWERK_TIME_ZONE must be the name of a time zone, such as Europe/Berlin, "
        "not 'Europe/Nowhere'.\n"
    )
    assert refused.returncode == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.sqlite
def test_settings_are_told_as_they_are_in_force(tmp_path: Path) -> None:
    told = Installation(tmp_path / "data").run("settings", STELLWERK_WEB_THREADS="2")
    assert (told.returncode, told.stderr) == (0, "")
    assert "STELLWERK_WEB_THREADS = 2 (environment, default 4)" in told.stdout.splitlines()
    assert f"STELLWERK_DATA_DIR = {tmp_path / 'data'} (environment, default var)" in told.stdout.splitlines()


@pytest.mark.sqlite
@pytest.mark.parametrize("arguments", [["settings"], ["describe", "incident"], ["jobs", "figures"]])
def test_a_reader_who_has_seen_enough_ends_a_command_in_silence(
    filled: Installation, arguments: list[str]
) -> None:
    reading, writing = os.pipe()
    command = subprocess.Popen(
        filled.command(*arguments),
        env=filled.environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    os.close(reading)
    _, errors = command.communicate(timeout=60)
    assert (command.returncode, errors) == (ENDED_BY_READER, "")


@pytest.mark.sqlite
def test_the_demo_refuses_a_port_that_is_none(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "data")
    refused = installation.run("demo", "--port", "99999", "--data-dir", str(installation.data_dir))
    assert refused.stderr.endswith("--port: must be a whole number from 1 to 65535, not '99999'\n")
    assert refused.returncode == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["import", "log", "none.csv", "--mapping", "x"], "There is no file none.csv."),
        (["import", "incident", "none.csv"], "none.csv: No such file or directory."),
        (["journal", "verify", "INC-999999"], "There is no record INC-999999."),
    ],
)
def test_commands_of_django_refuse_in_the_same_voice(
    filled: Installation, arguments: list[str], sentence: str
) -> None:
    refused = filled.run(*arguments)
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", f"stellwerk: {sentence}\n")


def test_an_administrator_whose_user_name_is_taken_is_refused_with_the_remedy(filled: Installation) -> None:
    refused = filled.run("create-admin", "Ada")
    assert refused.stderr == (
        "stellwerk: ada (PER-000001) has the user name ada already: choose another one; for a lost password, run "
        "`stellwerk password ada`; in Stellwerk, another administrator can give them the role.\n"
    )
    assert refused.returncode == 2
    assert filled.people() == ["ada"]


@pytest.mark.postgresql
@pytest.mark.parametrize("arguments", [["migrate"], ["check"], ["jobs", "figures"]])
def test_a_missing_database_is_told_at_once_and_as_such(filled: Installation, arguments: list[str]) -> None:
    begun = time.monotonic()
    refused = filled.run(*arguments, STELLWERK_DATABASE_URL=f"{filled.database_url}_missing")
    assert refused.stderr == (
        "stellwerk: There is no such database on the server: create it, then run `stellwerk migrate`; "
        "or correct STELLWERK_DATABASE_URL.\n"
    )
    assert refused.returncode == 2
    assert time.monotonic() - begun < 9
