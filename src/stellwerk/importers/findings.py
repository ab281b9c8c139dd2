"""What an import could not take as it stands: counted, with the first lines, and written out in full on wish."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TextIO

from django.utils.translation import gettext as _

MOST_KINDS = 500
FIRST_LINES = 5


@dataclass
class Finding:
    """One value of one column that could not be taken, how often, and where first."""

    what: str
    column: str
    value: str
    count: int = 0
    lines: list[int] = field(default_factory=list)
    left_out: bool = False
    """Whether a whole row, update or ticket is missing because of it."""
    remark: bool = False
    """Whether it only says how something was read."""

    def __str__(self) -> str:
        shown = ", ".join(map(str, self.lines)) + (" …" if self.count > len(self.lines) else "")
        subject = (
            f"{self.column} “{self.value}”: " if self.column else f"{self.value}: " if self.value else ""
        )
        times = _("%(count)d times, lines %(lines)s") % {"count": self.count, "lines": shown}
        return f"{subject}{self.what} ({times})"


class Findings:
    """Collects findings with a bounded memory; `sink` gets every single one as a row of CSV."""

    def __init__(self, sink: TextIO | None = None, kept: list[dict[str, Any]] | None = None) -> None:
        self._found: dict[tuple[str, str, str], Finding] = {}
        self._writer = csv.writer(sink) if sink else None
        if self._writer:
            self._writer.writerow(["line", "column", "value", "what"])
        for one in kept or ():
            finding = Finding(**one)
            self._found[finding.what, finding.column, finding.value] = finding

    def leave_out(self, what: str, line: int, column: str = "", value: str = "") -> None:
        """Remember that a row is missing because of what is the matter on its line."""
        self.note(what, line, column, value, left_out=True)

    def remark(self, what: str, line: int, column: str = "", value: str = "") -> None:
        """Remember how something was read that could be read otherwise."""
        self.note(what, line, column, value, remark=True)

    def note(
        self,
        what: str,
        line: int,
        column: str = "",
        value: str = "",
        *,
        left_out: bool = False,
        remark: bool = False,
    ) -> None:
        """Remember that `what` is the matter with a value on a line of the file."""
        if self._writer:
            self._writer.writerow([line, column, value, what])
        key = (what, column, value[:200])
        if key not in self._found and len(self._found) >= MOST_KINDS:
            key = (what, column, "…")
        finding = self._found.setdefault(key, Finding(*key, left_out=left_out, remark=remark))
        finding.count += 1
        if len(finding.lines) < FIRST_LINES:
            finding.lines.append(line)

    def __iter__(self) -> Iterator[Finding]:
        return iter(sorted(self._found.values(), key=lambda finding: finding.lines[:1]))

    def __len__(self) -> int:
        return sum(finding.count for finding in self._found.values())

    @property
    def rows_left_out(self) -> int:
        return sum(finding.count for finding in self._found.values() if finding.left_out)

    @property
    def losses(self) -> int:
        """How often something could not be taken as it stands."""
        return sum(finding.count for finding in self._found.values() if not finding.remark)

    def kept(self) -> list[dict[str, Any]]:
        """Return what a later run can go on from."""
        return [dict(vars(finding)) for finding in self._found.values()]
