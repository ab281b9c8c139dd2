"""Backing up and bringing back an SQLite file, while others read and write it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from django.db import connection

from stellwerk.operations.preflight import OperatorError

MEMBER = "database.sqlite3"


def dump(folder: Path) -> tuple[Path, dict[str, int]]:
    """Write a consistent copy of the database into folder; returns it and its rows per table."""
    copy = folder / MEMBER
    connection.ensure_connection()
    with closing(sqlite3.connect(copy)) as target:
        connection.connection.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")
    return copy, row_counts(copy)


def row_counts(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as database:
        names = [
            name
            for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            )
            if not name.startswith("sqlite_")
        ]
        return {name: count_rows(database, name) for name in names}


def count_rows(database: sqlite3.Connection, table: str) -> int:
    quoted = '"' + table.replace('"', '""') + '"'
    return int(database.execute(f"SELECT count(*) FROM {quoted}").fetchone()[0])  # nosec B608


def check(path: Path, expected: dict[str, int]) -> None:
    """Refuse a file that SQLite finds faulty or that has other rows than the manifest says."""
    with closing(sqlite3.connect(path)) as database:
        verdict = database.execute("PRAGMA integrity_check").fetchone()[0]
    if verdict != "ok":
        raise OperatorError(f"The database in the backup is faulty ({verdict}). Nothing was changed.")
    if row_counts(path) != expected:
        raise OperatorError(
            "The database in the backup has other rows than its manifest says. Nothing was changed."
        )


def put_in_place(new: Path, aside: Path) -> None:
    """Move the present file aside and the new one to its place."""
    connection.close()
    place = Path(connection.settings_dict["NAME"])
    if place.exists():
        require_unused(place)
    for suffix in ("", "-wal", "-shm"):
        present = place.with_name(place.name + suffix)
        if present.exists():
            aside.mkdir(parents=True, exist_ok=True)
            os.replace(present, aside / present.name)
    place.parent.mkdir(parents=True, exist_ok=True)
    os.replace(new, place)


def require_unused(place: Path) -> None:
    """Refuse while any program has the file open: leaving the write-ahead log is possible for the last one only."""
    with closing(sqlite3.connect(place, timeout=0)) as database:
        try:
            database.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.DatabaseError as error:
            # A damaged file is no reason against a restore, but for one.
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise OperatorError(
                    f"Another program has {place} open: end it first. Nothing was changed."
                ) from None
