"""Reading a log's rows ticket by ticket, in memory that does not grow with the file."""

import hashlib
import json
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import IO

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from stellwerk.importers.findings import Findings
from stellwerk.importers.mapping import LogMapping
from stellwerk.tables import reading

READ_AT_ONCE = 1 << 20
MOST_ROWS = 1_048_576
"""As many as a sheet of a workbook has; CSV files may be longer."""


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
        """Bytes done so far, for showing progress."""

    def digest(self) -> str:
        """Return a hash of the file and of how it is read: the same one means the same import."""
        total = hashlib.sha256(self.mapping.digest.encode())
        with self.path.open("rb") as file:
            while block := file.read(READ_AT_ONCE):
                total.update(block)
        return total.hexdigest()

    def groups(self) -> Iterator[Group]:
        """Yield the tickets in the order in which they first appear, wherever their rows stand."""
        for number, members in groupby(self._sorted(), key=lambda pair: pair[0]):
            yield Group(number, [row for _number, row in members])

    def _rows(self, raw: IO[bytes]) -> Iterator[tuple[str, Row]]:
        table = reading.opened(
            self.path.suffix.lower().lstrip("."),
            raw,
            self.mapping.file.layout,
            self.mapping.used_columns.__contains__,
            MOST_ROWS,
        )
        names = self._columns(table)
        for remark in table.remarks:
            self.findings.remark(remark, table.line)
        for line, cells in table.rows():
            yield from self._row(line, names, [_text(cell) for cell in cells])

    def _row(self, line: int, names: list[str], cells: Sequence[str]) -> Iterator[tuple[str, Row]]:
        beyond = any(cells[len(names) :])
        if beyond or len(cells) < self.narrowest:
            what = _("the row has %(cells)d cells instead of %(columns)d and was left out")
            self.findings.leave_out(what % {"cells": len(cells), "columns": len(names)}, line)
            return
        empty = self.mapping.file.empty
        filled = {name: cell for name, cell in zip(names, cells, strict=False) if cell not in empty}
        number = filled.get(self.mapping.ticket.number)
        if number is None:
            self.findings.leave_out(_("the row names no ticket and was left out"), line)
            return
        for name in self.nameless & filled.keys():
            what = _("the column has no heading, and the mapping doesn't name its position: ignored")
            self.findings.note(what, line, name, filled[name])
        yield number, Row(line, filled)

    def _columns(self, table: reading.Table) -> list[str]:
        """Name the columns as the mapping does: by heading, or by place, such as #4."""
        used, ignored = self.mapping.used_columns, self.mapping.ignored
        places = [f"#{place}" for place, _heading in enumerate(table.headings, start=1)]
        names = [place if place in used else name for place, name in zip(places, table.columns, strict=True)]
        self._check_used(table, names)
        headings = dict(zip(names, table.headings, strict=True))
        unmentioned = [
            name
            for name, place in zip(names, places, strict=True)
            if name not in used and place not in ignored and headings[name] not in ignored
        ]
        self.nameless = {name for name in unmentioned if not headings[name]}
        if forgotten := [table.named(name) for name in unmentioned if headings[name]]:
            raise ValidationError(
                _("The mapping doesn't say what to do with %s. Map them, or list them under ignored.")
                % ", ".join(forgotten)
            )
        self.narrowest = table.narrowest
        return names

    def _check_used(self, table: reading.Table, names: list[str]) -> None:
        missing = sorted(self.mapping.used_columns - set(names) - self.mapping.unfolded_columns)
        if twice := [name for name in missing if table.headings.count(name) > 1]:
            places = [
                f"#{place}" for place, heading in enumerate(table.headings, start=1) if heading == twice[0]
            ]
            raise ValidationError(
                _("The column “%(name)s” appears more than once. Name it by its position, one of %(places)s.")
                % {"name": twice[0], "places": ", ".join(places)}
            )
        if missing:
            shown = ", ".join(heading or name for heading, name in zip(table.headings, names, strict=True))
            raise ValidationError(
                _("The file has no column %(missing)s. Its columns are: %(names)s.")
                % {"missing": ", ".join(missing), "names": shown}
            )

    def _sorted(self) -> Iterator[tuple[str, Row]]:
        """Bring the rows of each ticket together in a temporary database that is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="stellwerk-log-") as folder, self.path.open("rb") as raw:
            database = sqlite3.connect(f"{folder}/rows.sqlite3", isolation_level=None)
            try:
                database.executescript(
                    "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE;"
                    "CREATE TABLE row (ticket TEXT, line INTEGER, cells TEXT);"
                    "CREATE TABLE first (ticket TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID;"
                )
                database.execute("BEGIN")
                rows = 0
                for number, row in self._rows(raw):
                    cells = json.dumps(row.cells)
                    database.execute("INSERT INTO row VALUES (?, ?, ?)", (number, row.line, cells))
                    database.execute("INSERT OR IGNORE INTO first VALUES (?, ?)", (number, row.line))
                    rows += 1
                database.execute("COMMIT")
                ordered = database.execute(
                    "SELECT row.ticket, row.line, cells FROM row JOIN first USING (ticket)"
                    " ORDER BY first.line, row.line"
                )
                for done, (number, line, cells) in enumerate(ordered, start=1):
                    self.position = self.size * done // rows
                    yield number, Row(line, json.loads(cells))
            finally:
                database.close()


def _text(cell: object) -> str:
    """Write a cell as a text; what a workbook knows to be an instant in the way of ISO 8601."""
    if cell is None:
        return ""
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
