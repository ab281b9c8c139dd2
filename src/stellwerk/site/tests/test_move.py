"""An installation moves between SQLite and PostgreSQL by its backup, and every row arrives."""

import io
import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from shutil import copy
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connection, models, transaction

from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.links.services import link
from stellwerk.kernel.activity.watching.services import watch
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.jobs.schedule import synchronise
from stellwerk.kernel.model import numbering, registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.search.models import SearchEntry
from stellwerk.kernel.testing.samples import a_change, sample
from stellwerk.kernel.write.services import change
from stellwerk.operations import move, portable, postgresql, sqlite
from stellwerk.operations.backup import backup
from stellwerk.operations.postgresql_rows import PostgresqlTarget, cells
from stellwerk.operations.preflight import OperatorError
from stellwerk.operations.sqlite_rows import SqliteFile
from stellwerk.site.tests.installation import Installation, Make
from stellwerk.site.tests.test_backup import damaged_copy

ODD = "\\N\t\\\n\r'\"😀ß"
VALUES: dict[str, Any] = {
    "BigIntegerField": -(2**63),
    "BinaryField": bytes(range(256)),
    "BooleanField": True,
    "CharField": ODD,
    "DateField": date(2024, 2, 29),
    "DateTimeField": datetime(2026, 3, 29, 1, 0, 0, 120_000, tzinfo=UTC),
    "FileField": "ab/abcdef",
    "GenericIPAddressField": "2001:db8::1",
    "IntegerField": -7,
    "JSONField": {"b": [1, 0.1, True, None, ODD], "a": {}},
    "PositiveBigIntegerField": 2**63 - 1,
    "PositiveIntegerField": 2**31 - 1,
    "PositiveSmallIntegerField": 2**15 - 1,
    "SlugField": "a-slug",
    "SmallIntegerField": -(2**15),
    "TextField": f"{ODD}\n\\.\n" * 1000,
    "UUIDField": UUID(int=7),
}
MADE_ANEW = ["kernel.counter", "kernel.searchentry", "kernel.edition"]
"""What has no rows that could be compared: numbers, words, and the mark of the last write."""


def fill(model: type[models.Model]) -> None:
    """Give a table that nothing was written to a row with a value in every column."""
    if not model._meta.managed or model._meta.label_lower in MADE_ANEW or model._base_manager.exists():
        return
    values: dict[str, Any] = {}
    for field in model._meta.local_concrete_fields:
        if isinstance(field, models.ForeignKey):
            fill(field.related_model)
            values[field.name] = field.related_model._base_manager.first()
        elif not isinstance(field, models.AutoField):
            value = VALUES[field.get_internal_type()]
            values[field.name] = value[: field.max_length] if isinstance(value, str) else value
    model._base_manager.create(**values)


def fill_every_table() -> None:
    """Write as people do, and beyond that a row into every table that is still empty."""
    synchronise(remove=True)
    SearchEntry.objects.all().delete()  # what tests before this one have left, whose records are gone
    for record_type in registry.all_types():
        change(sample(record_type), a_change(sample(record_type)), by=SYSTEM)
    ticket = sample(registry.get("incident"), text=f"Quokka {ODD}")
    comment(ticket, "The wombat has left", by=SYSTEM)
    attach(ticket, ContentFile(bytes(range(256))), "all.log", by=SYSTEM)
    watch(ticket, Person.objects.get(pk=ticket.requester_id), by=SYSTEM)
    link(ticket, "related", sample(registry.get("incident")), by=SYSTEM)
    for model in apps.get_models(include_auto_created=True):
        fill(model)


Rows = dict[tuple[str, str], dict[str, Any]]


def rows_here() -> Rows:
    written = io.StringIO()
    call_command("dumpdata", use_base_manager=True, exclude=MADE_ANEW, stdout=written)
    return by_key(written.getvalue())


def rows_of(installation: Installation) -> Rows:
    excluded = [f"--exclude={name}" for name in MADE_ANEW]
    return by_key(installation.succeed("manage", "dumpdata", "--all", *excluded))


def by_key(dumped: str) -> Rows:
    return {(row["model"], str(row["pk"])): row["fields"] for row in json.loads(dumped)}


GO_ON = """
from django.contrib.auth.models import Group
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.search import index
from stellwerk.kernel.testing.samples import sample
ticket = sample(registry.get("incident"))
comment(ticket, "The next comment", by=SYSTEM)
found = [
    Record.objects.get(pk=pk).title.split()[0]
    for text in ("wombat", "next")
    for pk in index.find(Record.objects.all(), text, internal=True).ids
]
print(ticket.reference, Group.objects.create(name='next').pk, *found)
"""


@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_an_installation_moves_there_and_back_and_every_row_is_the_same(
    make_installation: Make, tmp_path: Path
) -> None:
    fill_every_table()
    removed = Group.objects.create(name="removed").pk
    Group.objects.get(pk=removed).delete()
    (drawn,) = numbering.take("INC")
    before = rows_here()
    manifest = backup(tmp_path / "one.zip")
    assert {name for name, rows in manifest.tables.items() if not rows} <= move.LEFT_BEHIND

    small = Installation(tmp_path / "small")
    small.succeed("restore", str(tmp_path / "one.zip"))
    assert rows_of(small) == before
    small.succeed("backup", str(tmp_path / "two.zip"))
    grown = make_installation("grown")
    grown.succeed("restore", str(tmp_path / "two.zip"))
    assert rows_of(grown) == before
    assert grown.succeed("check").splitlines()[-1] == "Everything is in order."
    for installation in (small, grown):
        told = installation.succeed("manage", "shell", "--verbosity=0", "-c", GO_ON).split()
        assert told == [f"INC-{drawn + 1:06d}", str(removed + 1), "Quokka", "Sample"]
        installation.succeed("journal", "verify")


@pytest.fixture(scope="module")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SQLite file of an installation in which Ada is the administrator."""
    made = Installation(tmp_path_factory.mktemp("small"))
    made.succeed("migrate")
    made.succeed("create-admin", "ada")
    return made.data_dir / "stellwerk.sqlite3"


ADA = "(SELECT record_ptr_id FROM kernel_person)"
TOO_LONG = f"UPDATE kernel_record SET title = printf('%0999d', 7) WHERE id = {ADA}"
REFUSED = {
    TOO_LONG: "kernel_record 2 cannot be kept here (value too long for type character varying",
    f"UPDATE kernel_record SET title = 'A' || char(0) WHERE id = {ADA}": "kernel_record 2 cannot be kept here (",
    f"UPDATE kernel_record SET title = x'00ff' WHERE id = {ADA}": "kernel_record 2 cannot be kept here as it was",
    f"UPDATE kernel_record SET custom = '{{\"a\": 1e+16}}' WHERE id = {ADA}": "kernel_record 2 cannot be kept here as",
    f"UPDATE kernel_record SET created_at = 'soon' WHERE id = {ADA}": "created_at of kernel_record 2 is not readable",
    f"UPDATE kernel_record SET party_id = 4711 WHERE id = {ADA}": "What the rows in the backup refer to is not there",
    "CREATE TABLE theirs AS SELECT 1 AS one": "The backup has tables that are not Stellwerk's (theirs)",
    "DELETE FROM kernel_search": "kernel_search in the backup has other rows than its manifest says",
}


def changed(file: Path, statement: str) -> Path:
    """Change the file as nobody but a database's owner can."""
    with closing(sqlite3.connect(file)) as database:
        database.execute(statement)
        database.commit()
    return file


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize(("statement", "sentence"), REFUSED.items(), ids=range(len(REFUSED)))
def test_what_postgresql_cannot_keep_is_named(
    small_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str, sentence: str
) -> None:
    # Making the tables takes seconds, and those of the test database are the same.
    monkeypatch.setattr(move, "make_tables", lambda applied: apps)
    file = changed(Path(copy(small_file, tmp_path)), statement)
    expected = sqlite.row_counts(file) | {"kernel_search": 2}
    with pytest.raises(OperatorError) as refused, transaction.atomic():
        move.move(SqliteFile(file), PostgresqlTarget(), expected)
    assert sentence in str(refused.value)


@pytest.mark.postgresql
@pytest.mark.django_db
def test_a_move_that_fails_leaves_everything_as_it_was(small_file: Path, tmp_path: Path) -> None:
    before = postgresql.row_counts()
    unknown = "INSERT INTO django_migrations (app, name, applied) VALUES ('theirs', '0001', '')"
    for statement, sentence in (
        (TOO_LONG, "value too long"),
        (unknown, r"made by something that is not installed here \(theirs\.0001\)"),
    ):
        file = changed(Path(copy(small_file, tmp_path)), statement)
        with pytest.raises(OperatorError, match=sentence):
            move.into_postgresql(file, sqlite.row_counts(file), "aside")
        assert postgresql.row_counts() == before
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'aside'")
            assert cursor.fetchone() == (0,)


@pytest.mark.slow
@pytest.mark.postgresql
def test_a_move_is_checked_like_any_restore_and_changes_nothing_when_refused(
    filled: Installation, tmp_path: Path
) -> None:
    filled.succeed("backup", str(tmp_path / "one.zip"))
    small = Installation(tmp_path / "small")
    small.succeed("migrate")
    small.succeed("create-admin", "bob")
    with psycopg.connect(filled.database_url) as server:
        server.execute("CREATE TABLE theirs AS SELECT 1 AS one")
    filled.succeed("backup", str(tmp_path / "theirs.zip"))
    other_key = {"STELLWERK_SECRET_KEY": "another key than that of the installation of which the backup is"}
    for name, settings, sentence in (
        ("one.zip", {}, "There is data already"),
        ("--replace theirs.zip", {}, "tables that are not Stellwerk's (theirs)"),
        ("--replace one.zip", other_key, "The backup is of an installation with another key"),
        ("--replace one.zip", {"PATH": str(tmp_path)}, "pg_restore is not installed"),
        (f"--replace {damaged_copy(tmp_path / 'one.zip').name}", {}, "is damaged"),
    ):
        *options, file = name.split()
        refused = small.run("restore", *options, str(tmp_path / file), **settings)
        assert refused.returncode == 2
        assert sentence in refused.stderr
        assert refused.stderr.endswith("Nothing was changed.\n")
        assert small.people() == ["bob"]
    assert [path.name for path in small.data_dir.iterdir() if path.name.startswith(("replaced", "."))] == []

    small.succeed("restore", "--replace", str(tmp_path / "one.zip"))
    assert small.people() == ["ada"]
    assert [path.name for path in small.data_dir.glob("replaced_*/*")] == ["stellwerk.sqlite3"]


def test_every_table_can_be_moved() -> None:
    for model in filter(move.is_moved, apps.get_models(include_auto_created=True)):
        assert portable.table_of(model).columns[0] == model._meta.pk.column


def test_a_line_of_copy_is_taken_apart() -> None:
    assert cells("1\t\\N\t\t\\\\N\\\\\\t\\n\\r\\b\\f\\v'\"") == ["1", None, "", "\\N\\\t\n\r\b\f\v'\""]


def test_a_tally_is_of_all_rows_in_any_order() -> None:
    rows = [(1, "a", None), (2, "b", b"\0"), (2, "b", b"\0")]
    assert portable.tally(rows) == portable.tally(reversed(rows))
    for others in (rows[:2], [*rows[:2], rows[0]], [rows[0], rows[1], (2, "b", "\0")]):
        assert portable.tally(others) != portable.tally(rows)
