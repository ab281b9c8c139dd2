"""What the operator's commands say."""

import time

import pytest

from stellwerk.site.tests.installation import Installation


def test_check_says_in_its_own_words_that_there_is_no_https(filled: Installation) -> None:
    done = filled.run("check")
    assert (done.returncode, done.stderr) == (0, "")
    first, last = done.stdout.splitlines()
    assert first.startswith("People reach http://127.0.0.1:8765 without encryption")
    assert last == "Everything is in order."
    done = filled.run("check", STELLWERK_URL="https://desk.example.org")
    assert (done.stdout, done.stderr) == ("Everything is in order.\n", "")


@pytest.mark.postgresql
@pytest.mark.parametrize("arguments", [["migrate"], ["check"], ["jobs", "list"]])
def test_a_missing_database_is_told_at_once_and_as_such(filled: Installation, arguments: list[str]) -> None:
    begun = time.monotonic()
    refused = filled.run(*arguments, STELLWERK_DATABASE_URL=f"{filled.database_url}_missing")
    assert refused.stderr == (
        "stellwerk: There is no such database on the server: create it, then run `stellwerk migrate`; "
        "or correct STELLWERK_DATABASE_URL.\n"
    )
    assert refused.returncode == 2
    assert time.monotonic() - begun < 9
