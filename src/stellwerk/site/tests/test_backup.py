"""Backup and restore through the command line, each installation with a database of its own."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from django.db import connection

from stellwerk.operations import postgresql
from stellwerk.operations.preflight import OperatorError
from stellwerk.site.tests.installation import Installation, Make


def test_a_backup_comes_back_whole_and_a_damaged_one_changes_nothing(
    make_installation: Make, tmp_path: Path
) -> None:
    first = make_installation("first")
    first.succeed("migrate")
    first.succeed("create-admin", "ada", "--name", "Ada")
    attachment = first.data_dir / "attachments" / "ab" / "abcdef"
    attachment.parent.mkdir(parents=True)
    attachment.write_bytes(b"a log file")
    path = tmp_path / "one.zip"
    assert "1 attachments" in first.succeed("backup", str(path))

    second = make_installation("second")
    assert "1 attachments" in second.succeed("restore", str(path))
    assert second.people() == ["ada"]
    assert second.data_dir.stat().st_mode & 0o777 == 0o700
    assert (second.data_dir / "attachments" / "ab" / "abcdef").read_bytes() == b"a log file"

    second.succeed("create-admin", "bob")
    refused = second.run("restore", str(path))
    assert refused.returncode == 2
    assert "There is data already" in refused.stderr
    damaged = damaged_copy(path)
    refused = second.run("restore", "--replace", str(damaged))
    assert refused.returncode == 2
    assert f"{damaged} is damaged" in refused.stderr
    assert second.people() == ["ada", "bob"]
    assert list(second.data_dir.glob("replaced_*")) == []

    second.succeed("restore", "--replace", str(path))
    assert second.people() == ["ada"]
    assert [kept.name for kept in second.data_dir.glob("replaced_*/attachments/ab/*")] == ["abcdef"]


def damaged_copy(path: Path) -> Path:
    """Return a copy of the file with one byte in its middle changed."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    copy = path.with_name("damaged.zip")
    copy.write_bytes(content)
    return copy


def test_a_backup_is_never_overwritten(make_installation: Make, tmp_path: Path) -> None:
    path = tmp_path / "one.zip"
    path.write_bytes(b"the only copy")
    refused = make_installation("only").run("backup", str(path))
    assert refused.returncode == 2
    assert "exists already" in refused.stderr
    assert path.read_bytes() == b"the only copy"


def test_a_restore_is_refused_while_a_worker_runs_and_allowed_once_it_was_killed(
    filled: Installation, tmp_path: Path
) -> None:
    path = tmp_path / "one.zip"
    filled.succeed("backup", str(path))
    filled.succeed("create-admin", "bob")
    with working(filled) as worker, working(filled):
        refused = filled.run("restore", "--replace", str(path))
        assert refused.returncode == 2
        assert "Stellwerk is running on" in refused.stderr
        assert "stop its servers, workers and imports first" in refused.stderr
        assert filled.people() == ["ada", "bob"]
        worker.kill()
        assert filled.run("restore", "--replace", str(path)).returncode == 2
    filled.succeed("restore", "--replace", str(path))
    assert filled.people() == ["ada"]


@contextmanager
def working(installation: Installation) -> Iterator[subprocess.Popen[str]]:
    """Run a worker, and kill it in the end so that it cannot tidy up."""
    worker = subprocess.Popen(
        installation.command("worker"), env=installation.environment(), stderr=subprocess.PIPE, text=True
    )
    assert worker.stderr is not None
    with worker, closing(worker.stderr):
        assert "worker started" in worker.stderr.readline()
        yield worker
        worker.kill()


@pytest.mark.postgresql
def test_a_worker_on_another_machine_is_seen_by_its_connection(filled: Installation, tmp_path: Path) -> None:
    path = tmp_path / "one.zip"
    filled.succeed("backup", str(path))
    elsewhere = Installation(tmp_path / "elsewhere", filled.database_url)
    with working(elsewhere) as worker:
        refused = filled.run("restore", "--replace", str(path))
        assert refused.returncode == 2
        assert f":{worker.pid}): stop its servers" in refused.stderr
    filled.succeed("restore", "--replace", str(path))


@pytest.mark.sqlite
def test_a_restore_is_refused_while_any_program_has_the_file_open(
    filled: Installation, tmp_path: Path
) -> None:
    path = tmp_path / "one.zip"
    filled.succeed("backup", str(path))
    with closing(sqlite3.connect(filled.data_dir / "stellwerk.sqlite3")) as other:
        other.execute("SELECT count(*) FROM kernel_person").fetchone()
        refused = filled.run("restore", "--replace", str(path))
        assert refused.returncode == 2
        assert "Another program has" in refused.stderr
    assert list(filled.data_dir.glob("replaced_*")) == []
    (filled.data_dir / "stellwerk.sqlite3").write_bytes(b"damaged" * 1000)
    refused = filled.run("restore", str(path))
    assert "not one of SQLite" in refused.stderr
    filled.succeed("restore", "--replace", str(path))
    assert filled.people() == ["ada"]


OTHER_KEY = "another key than that of the installation of which the backup is"


def test_a_backup_under_another_key_is_refused_in_one_sentence_before_anything_happens(
    filled: Installation, make_installation: Make, tmp_path: Path
) -> None:
    path = tmp_path / "one.zip"
    filled.succeed("backup", str(path))
    second = make_installation("second")
    refused = second.run("restore", str(path), STELLWERK_SECRET_KEY=OTHER_KEY)
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        "stellwerk: The backup is of an installation with another key: set STELLWERK_SECRET_KEY "
        "(and STELLWERK_JOURNAL_KEY, if it was set) as there. Nothing was changed."
    ]
    second.succeed("restore", str(path))
    doubted = second.run("journal", "verify", STELLWERK_SECRET_KEY=OTHER_KEY)
    assert doubted.returncode == 2
    assert "Not one record bears a seal of this key" in doubted.stderr
    assert doubted.stdout == ""


def test_what_is_not_there_is_said_in_a_sentence(make_installation: Make, tmp_path: Path) -> None:
    empty = make_installation("empty")
    for arguments, sentence in (
        (["restore", str(tmp_path / "none.zip")], "none.zip cannot be read (No such file or directory)"),
        (["backup", str(tmp_path / "one.zip")], "There is nothing to back up: the database has no tables."),
        (["backup", str(tmp_path / "none" / "one.zip")], f"There is no folder {tmp_path / 'none'}"),
    ):
        refused = empty.run(*arguments)
        assert refused.returncode == 2
        assert refused.stderr.splitlines() == [refused.stderr.strip()]
        assert refused.stderr.startswith("stellwerk: ")
        assert sentence in refused.stderr
    assert not (tmp_path / "one.zip").exists()


@pytest.mark.parametrize("command", ["migrate", "serve", "worker"])
def test_a_data_folder_that_cannot_be_made_is_said_in_a_sentence(tmp_path: Path, command: str) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        refused = Installation(place).run(command)
        assert refused.returncode == 2
        assert refused.stderr.startswith(f"stellwerk: The folder {place} cannot be made (")
        assert refused.stderr.endswith("): correct STELLWERK_DATA_DIR.\n")


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_postgresql_puts_the_present_tables_back_when_a_restore_fails(tmp_path: Path) -> None:
    dump, counts = postgresql.dump(tmp_path)
    with pytest.raises(
        OperatorError, match=r"other rows than the manifest says\. The database is as it was before"
    ):
        postgresql.bring_back(dump, counts | {"kernel_record": 7}, "aside")
    (tmp_path / "broken.dump").write_bytes(dump.read_bytes()[:2000])
    with pytest.raises(OperatorError, match=r"pg_restore: .*The database is as it was before"):
        postgresql.bring_back(tmp_path / "broken.dump", counts, "aside")
    assert postgresql.row_counts() == counts
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'aside%'")
        assert cursor.fetchone() == (0,)
