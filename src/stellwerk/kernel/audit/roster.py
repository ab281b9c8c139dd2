"""The roster: which records there are and how their journals end, kept in a signed file outside the database.

Whoever alters the database cannot take it along: a record that is gone, or was put back to an older state together
with its journal, is known here. It grows by what was written since, and takes no line back by itself: where the
journal does not hold any more what the roster knows, the line stays, and `journal verify` says so.
"""

import hmac
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from stellwerk.kernel.journal.journal import Fault, keyed

TABLES = """
CREATE TABLE IF NOT EXISTS line (
    record INTEGER PRIMARY KEY, reference TEXT NOT NULL, count INTEGER NOT NULL, head TEXT NOT NULL, seal TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS header (
    one INTEGER PRIMARY KEY, at TEXT NOT NULL, entry INTEGER NOT NULL, lines INTEGER NOT NULL, seal TEXT NOT NULL
);
"""


class Line(NamedTuple):
    """A record as the roster knows it: its journal had so many `entries`, the last with the digest `head`."""

    record: int
    reference: str
    entries: int
    head: str


@dataclass(frozen=True)
class Roster:
    """A roster as it was written at `at`, up to the journal entry with the id `entry`; an altered one has no lines."""

    path: Path
    at: datetime
    entry: int
    lines: int
    intact: bool

    @classmethod
    def current(cls) -> Self | None:
        """Open the installation's roster; None where there is none yet."""
        path = roster_path()
        if not path.exists():
            return None
        try:
            with closing(opened(path)) as file:
                header = file.execute("SELECT at, entry, lines, seal FROM header").fetchone()
                (lines,) = file.execute("SELECT COUNT(*) FROM line").fetchone()
        except sqlite3.DatabaseError:
            return cls(path, timezone.now(), 0, 0, intact=False)
        if header is None:
            return None
        *told, seal = header
        intact = _same(seal, _seal(*told)) and told[2] == lines
        return cls(path, datetime.fromisoformat(told[0]), told[1], lines, intact)

    def known(self, ids: Sequence[int]) -> dict[int, Line]:
        """Return what is known of records, by their ids."""
        marks = ",".join("?" * len(ids))
        return {line.record: line for line, _right in self._lines(f"record IN ({marks})", ids)}

    def missing(self, above: int, up_to: int | None, there: Collection[int]) -> Iterator[Fault]:
        """Yield the records with ids in the range that are known here, but are not `there` any more."""
        last = 2**63 - 1 if up_to is None else up_to
        for line, _right in self._lines("record > ? AND record <= ?", (above, last)):
            if line.record not in there:
                what = _("the record was removed, with its journal of %d entries.") % line.entries
                yield Fault(line.reference, line.entries, what)

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with the roster itself."""
        if not self.intact:
            yield Fault(str(self.path), 0, _("the roster was changed after it was written."))
        for line, right in self._lines("1"):
            if not right:
                yield Fault(
                    line.reference,
                    line.entries,
                    _("its line in the roster was changed after it was written."),
                )

    def _lines(self, condition: str, values: Sequence[int] = ()) -> Iterator[tuple[Line, bool]]:
        """Go through lines, each with whether its seal is right."""
        if not self.intact:
            return
        columns = "record, reference, count, head, seal"
        with closing(opened(self.path)) as file:
            found = file.execute(f"SELECT {columns} FROM line WHERE {condition}", values)  # noqa: S608  # nosec B608 -- conditions of this class
            for *told, seal in found:
                yield Line(*told), _same(seal, _seal(*told))


def roster_path() -> Path:
    return Path(settings.STELLWERK_ROSTER)


def opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=60)


def write(lines: Iterable[Line], at: datetime, entry: int) -> None:
    """Add lines to the roster, in place of what it knew of their records, and close it with its header."""
    path = roster_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(opened(path)) as file:
        file.executescript(TABLES)
        with file:
            told = ((*line, _seal(*line)) for line in lines)
            file.executemany("REPLACE INTO line VALUES (?, ?, ?, ?, ?)", told)
            (count,) = file.execute("SELECT COUNT(*) FROM line").fetchone()
            header = at.astimezone(UTC).isoformat(), entry, count
            file.execute("REPLACE INTO header VALUES (1, ?, ?, ?, ?)", (*header, _seal(*header)))


def _seal(*told: object) -> str:
    return keyed("roster|" + "|".join(str(each) for each in told))


def _same(one: object, other: str) -> bool:
    return hmac.compare_digest(str(one).encode(), other.encode())
