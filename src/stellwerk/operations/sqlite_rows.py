"""Rows out of an SQLite file, and into the SQLite database of the settings."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from stellwerk.operations.portable import Row, Table
from stellwerk.operations.preflight import OperatorError

INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"


class SqliteFile:
    """An SQLite file with an installation's tables, read as it is stored: Django would convert the values."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def migrations(self) -> set[tuple[str, str]]:
        """Return the migrations that made the tables."""
        return set(self._select("SELECT app, name FROM django_migrations"))

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield a table's rows in the portable form, in the order in which they were written."""
        columns = ", ".join(map(quoted, table.columns))
        return table.read(self._select(f"SELECT {columns} FROM {quoted(table.name)} ORDER BY rowid"))  # nosec B608

    def last_keys(self, tables: Iterable[Table]) -> dict[str, int]:
        """Return the last key that was ever given, by table."""
        return dict(self._select("SELECT name, seq FROM sqlite_sequence"))

    def last_numbers(self) -> dict[str, int]:
        """Return the last number that was ever drawn, by prefix."""
        return dict(self._select("SELECT prefix, last FROM kernel_counter"))

    def _select(self, query: str) -> Iterator[Any]:
        try:
            with closing(sqlite3.connect(self.path)) as database:
                yield from database.execute(query)
        except sqlite3.DatabaseError as error:
            raise OperatorError(f"The SQLite file in the backup cannot be read ({error}).") from error


class SqliteTarget:
    """The SQLite database of the settings, while rows come in."""

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Check references and build indexes at the end, all at once: that takes a fraction of the time."""
        with connection.constraint_checks_disabled(), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(INDEXES)
            indexes = cursor.fetchall()
            for name, _sql in indexes:
                cursor.execute(f"DROP INDEX {quoted(name)}")
            yield
            for _name, sql in indexes:
                cursor.execute(sql)
            connection.check_constraints()

    def load(self, table: Table, rows: Iterable[Row]) -> None:
        """Let these rows be all that the table has."""
        columns, places = ", ".join(map(quoted, table.columns)), ", ".join("?" * len(table.columns))
        # Not through Django's cursor, which takes apart its own placeholders again and again.
        database = connection.connection
        database.execute(f"DELETE FROM {quoted(table.name)}")  # nosec B608
        database.executemany(f"INSERT INTO {quoted(table.name)} ({columns}) VALUES ({places})", rows)  # nosec B608

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield what the table has; what is being filled is not seen yet."""
        return SqliteFile(Path(connection.settings_dict["NAME"])).rows(table)

    def go_on_after(self, table: Table, last: int) -> None:
        """Give no key again that was given before."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE sqlite_sequence SET seq = max(seq, %s) WHERE name = %s", [last, table.name]
            )
            if not cursor.rowcount:
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table.name, last])


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
