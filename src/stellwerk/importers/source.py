"""Reading a log's rows ticket by ticket, in memory that does not grow with the file."""

import csv
import hashlib
import io
import json
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from stellwerk.importers.findings import Findings
from stellwerk.importers.mapping import LogMapping

LONGEST_CELL = 2_000_000
READ_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the log: its number in the file and its cells by column; empty ones are left out."""

    line: int
    cells: dict[str, str]

    def get(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class Group:
    """All rows of one ticket, in the order of the file."""

    number: str
    rows: list[Row]


class LogFile:
    """A log on disk, read according to its mapping."""

    def __init__(self, path: Path, mapping: LogMapping, findings: Findings) -> None:
        self.path, self.mapping, self.findings = path, mapping, findings
        self.size = path.stat().st_size
        self.position = 0
        """Bytes read so far, for showing progress."""

    def digest(self) -> str:
        """Return a hash of the file and of how it is read: the same one means the same import."""
        total = hashlib.sha256(self.mapping.digest.encode())
        with self.path.open("rb") as file:
            while block := file.read(READ_AT_ONCE):
                total.update(block)
        return total.hexdigest()

    def groups(self) -> Iterator[Group]:
        """Yield the tickets in the order in which they first appear."""
        rows = self._sorted() if self.mapping.file.scattered else self._rows()
        for number, members in groupby(rows, key=lambda pair: pair[0]):
            yield Group(number, [row for _number, row in members])

    def _rows(self) -> Iterator[tuple[str, Row]]:
        with self.path.open("rb") as raw:
            text = io.TextIOWrapper(raw, encoding=self.mapping.file.encoding, newline="")
            csv.field_size_limit(LONGEST_CELL)
            reader = csv.reader(text, delimiter=self.mapping.file.delimiter)
            line = 1
            try:
                header = self._header(next(reader, []))
                line = reader.line_num + 1
                for cells in reader:
                    self.position = raw.tell()
                    yield from self._row(line, header, cells)
                    line = reader.line_num + 1
            except UnicodeDecodeError:
                fault = _("Near line %(line)d the file is not written in %(encoding)s: state its encoding.")
                names = {"line": line, "encoding": self.mapping.file.encoding}
                raise ValidationError(fault % names) from None
            except csv.Error as error:
                raise ValidationError(
                    _("Line %(line)d: %(fault)s") % {"line": line, "fault": error}
                ) from None

    def _row(self, line: int, header: list[str], cells: list[str]) -> Iterator[tuple[str, Row]]:
        if not cells:
            return
        if len(cells) != len(header):
            what = _("the row has %(cells)d cells instead of %(columns)d and was left out")
            self.findings.note(what % {"cells": len(cells), "columns": len(header)}, line)
            return
        empty = self.mapping.file.empty
        stripped = zip(header, map(str.strip, cells), strict=True)
        filled = {name: cell for name, cell in stripped if cell not in empty}
        number = filled.get(self.mapping.ticket.number)
        if number is None:
            self.findings.note(_("the row names no ticket and was left out"), line)
            return
        yield number, Row(line, filled)

    def _header(self, names: list[str]) -> list[str]:
        names = [name.strip() for name in names]
        mapped = self.mapping.used_columns
        missing = sorted(mapped - set(names))
        if missing:
            raise ValidationError(
                _("The file has no column %(missing)s; its columns are: %(names)s.")
                % {"missing": ", ".join(missing), "names": ", ".join(names)}
            )
        forgotten = [name for name in names if name not in mapped and name not in self.mapping.ignored]
        if forgotten:
            raise ValidationError(
                _("The mapping does not say what to do with %s: map them, or list them under ignored.")
                % ", ".join(forgotten)
            )
        if len(set(names)) != len(names):
            raise ValidationError(_("Two columns of the file have the same name."))
        return names

    def _sorted(self) -> Iterator[tuple[str, Row]]:
        """Bring the rows of each ticket together in a temporary database that is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="stellwerk-log-") as folder:
            database = sqlite3.connect(f"{folder}/rows.sqlite3", isolation_level=None)
            try:
                database.executescript(
                    "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE;"
                    "CREATE TABLE row (ticket TEXT, line INTEGER, cells TEXT);"
                    "CREATE TABLE first (ticket TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID;"
                )
                database.execute("BEGIN")
                for number, row in self._rows():
                    cells = json.dumps(row.cells)
                    database.execute("INSERT INTO row VALUES (?, ?, ?)", (number, row.line, cells))
                    database.execute("INSERT OR IGNORE INTO first VALUES (?, ?)", (number, row.line))
                database.execute("COMMIT")
                ordered = database.execute(
                    "SELECT row.ticket, row.line, cells FROM row JOIN first USING (ticket)"
                    " ORDER BY first.line, row.line"
                )
                for number, line, cells in ordered:
                    yield number, Row(line, json.loads(cells))
            finally:
                database.close()
