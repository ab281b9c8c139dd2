"""From one kind of database to the other: the rows of a backup into tables that were made for them."""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import islice, zip_longest
from pathlib import Path
from typing import Protocol

import psycopg
from django.db import IntegrityError, connection, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps

from stellwerk.kernel.model import numbering
from stellwerk.kernel.search import index as search_index
from stellwerk.kernel.search.row import SearchPart, SearchRow
from stellwerk.operations import postgresql
from stellwerk.operations.portable import SEARCH, Row, Table, Tally, table_of, tally
from stellwerk.operations.postgresql_rows import Dump, PostgresqlTarget
from stellwerk.operations.preflight import OperatorError
from stellwerk.operations.sqlite_rows import SqliteFile, SqliteTarget

COUNTERS = "kernel_counter"
LEFT_BEHIND = {"django_migrations", "stellwerk_cache", COUNTERS}
"""What the other side makes by itself: its migrations, throttles, and numbers in its own way."""
AT_ONCE = 1000


class Source(Protocol):
    """Where rows come from."""

    def migrations(self) -> set[tuple[str, str]]: ...
    def rows(self, table: Table) -> Iterator[Row]: ...
    def last_keys(self, tables: Iterable[Table]) -> dict[str, int]: ...
    def last_numbers(self) -> dict[str, int]: ...


class Target(Protocol):
    """Where rows come in."""

    def filling(self) -> AbstractContextManager[None]: ...
    def load(self, table: Table, rows: Iterable[Row]) -> None: ...
    def rows(self, table: Table) -> Iterator[Row]: ...
    def go_on_after(self, table: Table, last: int) -> None: ...


def into_postgresql(file: Path, expected: dict[str, int], aside: str) -> None:
    """Bring in the rows of an SQLite file, all or none; the present tables stay in the schema `aside`."""
    with transaction.atomic():
        postgresql.move_schema("public", aside)
        move(SqliteFile(file), PostgresqlTarget(), expected)


def into_sqlite(dump: Path, expected: dict[str, int], new: Path) -> None:
    """Write the rows of a dump of PostgreSQL into a new SQLite file."""
    with working_on(new):
        move(Dump(dump), SqliteTarget(), expected)


@contextmanager
def working_on(new: Path) -> Iterator[None]:
    """Let the connection lead to a new SQLite file, which is worth nothing should this fail."""
    connection.close()
    place = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = str(new)
    try:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode=OFF")
            cursor.execute("PRAGMA temp_store=FILE")  # or sorting for an index takes memory for all rows
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = place


def move(source: Source, target: Target, expected: dict[str, int]) -> None:
    """Make the tables as the source has them, fill them, and compare every row with the source's."""
    apps = make_tables(source.migrations())
    tables = [table_of(model) for model in apps.get_models(include_auto_created=True) if is_moved(model)]
    require_known(expected, tables)
    try:
        with target.filling():
            tallies = {table: load(source, table, target) for table in tables}
            tallies[SEARCH] = index(source, apps)
            go_on(source, target, tables)
    except IntegrityError as error:
        raise OperatorError(
            f"What the rows in the backup refer to is not there ({one_line(error)})."
        ) from error
    for table, passed in tallies.items():
        if passed.rows != expected[table.name]:
            raise OperatorError(f"{table.name} in the backup has other rows than its manifest says.")
        if tally(target.rows(table)) != passed:
            raise OperatorError(
                f"{first_difference(source, table, target)} cannot be kept here as it was there."
            )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # both databases plan badly right after a large load


def make_tables(applied: set[tuple[str, str]]) -> StateApps:
    """Bring an empty database to where the backup's was, and return the models of that state."""
    executor = MigrationExecutor(connection)
    known = executor.loader.graph.node_map
    if unknown := applied - set(known):
        raise OperatorError(
            f"The backup's tables were made by something that is not installed here ({named(unknown)}): restore it "
            "with the Stellwerk that made it, and take a new backup once that is up to date."
        )
    last = [key for key in sorted(applied) if applied.isdisjoint(child.key for child in known[key].children)]
    return executor.migrate(last).apps


def is_moved(model: type[models.Model]) -> bool:
    return model._meta.managed and not model._meta.proxy and model._meta.db_table != COUNTERS


def require_known(expected: dict[str, int], tables: list[Table]) -> None:
    """Refuse rather than drop rows of tables that are not ours."""
    known = {table.name for table in tables} | LEFT_BEHIND
    unknown = {name for name, rows in expected.items() if rows and name not in known and not is_search(name)}
    if unknown:
        raise OperatorError(
            f"The backup has tables that are not Stellwerk's ({', '.join(sorted(unknown))}): it can only be "
            "restored into the kind of database that it is of."
        )


def is_search(name: str) -> bool:
    """Tell whether it is the search table, or one of those in which SQLite keeps it."""
    return name == SEARCH.name or name.startswith(f"{SEARCH.name}_")


def load(source: Source, table: Table, target: Target) -> Tally:
    """Move a table's rows and return what passed by."""
    passed = Tally()
    try:
        target.load(table, passed.passing(source.rows(table)))
    except (psycopg.Error, sqlite3.Error) as error:
        line = re.search(r"COPY \S+, line (\d+)", str(error))
        row = nth(source.rows(table), int(line[1]) if line else passed.rows)
        raise OperatorError(f"{table.name} {row[0]} cannot be kept here ({one_line(error)}).") from error
    return passed


def nth(rows: Iterator[Row], number: int) -> Row:
    return next(islice(rows, number - 1, None))


def index(source: Source, apps: StateApps) -> Tally:
    """Index what the source's search had of each record, in this database's way."""
    passed = Tally()
    rows = passed.passing(source.rows(SEARCH))
    records = apps.get_model("kernel", "Record")._default_manager
    while some_rows := list(islice(rows, AT_ONCE)):
        batch = [
            (pk, str(public), str(internal)) for pk, public, internal in some_rows if isinstance(pk, int)
        ]
        some = records.filter(pk__in=[row[0] for row in batch])
        heads = {pk: head for pk, *head in some.values_list("pk", "kind", "reference", "title")}
        search_index.index(SearchRow(pk, *heads[pk], *texts) for pk, *texts in batch if pk in heads)
        search_index.index(SearchPart(*row) for row in batch if row[0] < 0)
    return passed


def go_on(source: Source, target: Target, tables: list[Table]) -> None:
    """Give no key and no number again that was given there."""
    last = source.last_keys(tables)
    for table in tables:
        if table.numbered:
            target.go_on_after(table, last.get(table.name, 0))
    for prefix, number in source.last_numbers().items():
        numbering.go_on_after(prefix, number)


def first_difference(source: Source, table: Table, target: Target) -> str:
    """Name a row that is not the same on both sides."""
    for before, after in zip_longest(source.rows(table), target.rows(table)):
        if before != after:
            break
    return f"{table.name} {(before or after)[0]}"


def named(migrations: set[tuple[str, str]]) -> str:
    return ", ".join(f"{app}.{name}" for app, name in sorted(migrations)[:3])


def one_line(error: Exception) -> str:
    return " ".join(str(error).split())
