"""Rows out of a dump of PostgreSQL, without a server, and into the PostgreSQL database of the settings."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryFile

from django.db import connection

from stellwerk.kernel.model import numbering, registry
from stellwerk.operations.portable import Row, Table
from stellwerk.operations.postgresql import quoted, require_programs, told
from stellwerk.operations.preflight import OperatorError

MIGRATIONS = Table("django_migrations", ("app", "name"), (None, None))
HEAD = re.compile(rb"COPY public\.\S+ \((.+)\) FROM stdin;")
END = b"\\.\n"
SEQUENCE = re.compile(rb"SELECT pg_catalog\.setval\('public\.(\w+)', (\d+), true\);")
ESCAPED = re.compile(r"\\(.)")
MEANT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}

KEYS = """
    SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype IN ('f', 'u') ORDER BY contype, conname
"""
INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relnamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY 1
"""
GO_ON = (
    "SELECT setval(pg_get_serial_sequence(%s, %s), nullif(greatest(%s, (SELECT max({key}) FROM {table})), 0))"
)


class Dump:
    """A file of pg_dump, which pg_restore turns into text."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def migrations(self) -> set[tuple[str, str]]:
        """Return the migrations that made the tables."""
        return {(str(app), str(name)) for app, name in self.rows(MIGRATIONS)}

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield a table's rows in the portable form, in the order in which they were dumped."""
        return table.read(self._cells(table))

    def last_keys(self, tables: Iterable[Table]) -> dict[str, int]:
        """Return the last key that was ever given, by table."""
        names = {f"{table.name}_{table.columns[0]}_seq": table.name for table in tables if table.numbered}
        return self._last(names)

    def last_numbers(self) -> dict[str, int]:
        """Return the last number that was ever drawn, by prefix."""
        prefixes = [record_type.prefix for record_type in registry.all_types()]
        return self._last({numbering.sequence_name(prefix): prefix for prefix in prefixes})

    def _last(self, names: dict[str, str]) -> dict[str, int]:
        found = (SEQUENCE.match(line) for line in self._text(names))
        return {names[match[1].decode()]: int(match[2]) for match in found if match}

    def _cells(self, table: Table) -> Iterator[tuple[str | None, ...]]:
        lines = self._text([table.name])
        if not (head := next(filter(None, map(HEAD.match, lines)), None)):
            return
        columns = [column.strip('"') for column in head[1].decode().split(", ")]
        chosen = itemgetter(*map(columns.index, table.columns))
        for line in lines:
            if line == END:
                break
            yield chosen(cells(line[:-1].decode()))
        for _rest in lines:  # to the end, where a failure is told
            pass

    def _text(self, names: Iterable[str]) -> Iterator[bytes]:
        """Yield what pg_restore writes of tables and sequences."""
        require_programs("pg_restore")
        options = ["--data-only", "--schema=public", "--file=-", *(f"--table={name}" for name in names)]
        with TemporaryFile("w+") as messages:
            with subprocess.Popen(
                ["pg_restore", *options, str(self.path)], stdout=subprocess.PIPE, stderr=messages
            ) as process:
                assert process.stdout  # nosec B101
                yield from process.stdout
            if process.returncode:
                messages.seek(0)
                raise OperatorError(told("pg_restore", messages.read()))


def cells(line: str) -> list[str | None]:
    """Take a line of COPY's text format apart."""
    found = line.split("\t")
    if "\\" not in line:
        return list(found)
    return [
        None if cell == "\\N" else ESCAPED.sub(lambda sign: MEANT.get(sign[1], sign[1]), cell)
        for cell in found
    ]


class PostgresqlTarget:
    """The PostgreSQL database of the settings, while rows come in."""

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Check references and build indexes at the end, all at once: that takes a fraction of the time."""
        with connection.cursor() as cursor:
            cursor.execute(KEYS)
            keys = cursor.fetchall()
            for table, name, _definition in keys:
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            cursor.execute(INDEXES)
            indexes = cursor.fetchall()
            for name, _definition in indexes:
                cursor.execute(f"DROP INDEX {name}")
            yield
            for _name, definition in indexes:
                cursor.execute(definition)
            for table, name, definition in reversed(keys):
                cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")

    def load(self, table: Table, rows: Iterable[Row]) -> None:
        """Let these rows be all that the table has."""
        columns = ", ".join(map(quoted, table.columns))
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {quoted(table.name)}")  # nosec B608
            with cursor.copy(f"COPY {quoted(table.name)} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield what the table has."""
        columns = ", ".join(map(quoted, table.columns))
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY (SELECT {columns} FROM {quoted(table.name)}) TO STDOUT") as copy,  # nosec B608
        ):
            yield from table.read(copy.rows())

    def go_on_after(self, table: Table, last: int) -> None:
        """Give no key again that was given before."""
        key = table.columns[0]
        query = GO_ON.format(key=quoted(key), table=quoted(table.name))
        with connection.cursor() as cursor:
            cursor.execute(query, [quoted(table.name), key, last])
