"""Bring in the event log of another tool."""

import sys
import time
from contextlib import ExitStack
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from stellwerk.importers.importing import Figures, LogImporter
from stellwerk.importers.mapping import load, shipped
from stellwerk.importers.source import LogFile
from stellwerk.kernel.model import registry


class Command(BaseCommand):
    help = (
        "Brings in the event log of another tool, one row per update: tickets with their history, people, "
        "teams and categories. May be interrupted and repeated: nothing is doubled. See docs/importing.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the log, as CSV or XLSX")
        names = ", ".join(shipped())
        parser.add_argument("--mapping", required=True, help=f"a TOML file, or one that ships: {names}")
        parser.add_argument("--dry-run", action="store_true", help="read and report only")
        parser.add_argument(
            "--again", action="store_true", help="look for missing rows though it is complete"
        )
        parser.add_argument(
            "--strict",
            action="store_true",
            help="end with status 1 when anything could not be taken as it stands",
        )
        parser.add_argument("--report", type=Path, help="write every finding to this CSV file")

    def handle(
        self,
        *,
        file: Path,
        mapping: str,
        report: Path | None,
        dry_run: bool,
        again: bool,
        strict: bool,
        **options: object,
    ) -> None:
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        with ExitStack() as stack:
            try:
                sink = stack.enter_context(report.open("w", encoding="utf-8", newline="")) if report else None
                importer = LogImporter(file, load(mapping), sink=sink)
                self._run(importer, dry_run=dry_run, again=again)
                if importer.figures.tickets == importer.figures.refused:
                    raise CommandError(_("Nothing was imported: every ticket was left out."))
                if strict and importer.findings.losses:
                    sys.exit(1)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from None
            except OSError as error:
                raise CommandError(f"{error.filename or file}: {error.strerror}.") from None

    def _run(self, importer: LogImporter, *, dry_run: bool, again: bool) -> None:
        progress = Progress(self)
        if dry_run:
            importer.rehearse(progress.show)
            progress.end()
            self.stdout.write(_("Dry run: nothing was saved."))
        elif not importer.run(progress.show, again=again):
            self.stdout.write(_("This file was already imported completely. Use --again to check once more."))
        progress.end()
        self._report(importer)

    def _report(self, importer: LogImporter) -> None:
        for line in summary(importer.figures):
            self.stdout.write(line)
        if importer.findings:
            self.stdout.write(_("%d findings:") % len(importer.findings))
        for finding in importer.findings:
            self.stdout.write(f"  {finding}")


class Progress:
    """Shows how far an import is: rewrites one line on a terminal, else writes one now and then."""

    SECONDS_BETWEEN = 10

    def __init__(self, command: BaseCommand) -> None:
        self.out, self.begun, self.shown = command.stderr, time.monotonic(), 0.0
        self.terminal = sys.stderr.isatty()
        self.done_before: int | None = None

    def show(self, file: LogFile, figures: Figures) -> None:
        now = time.monotonic()
        done = figures.updates + figures.known_updates
        if self.done_before is None:
            self.done_before = done
            self.begun = self.shown = now
        if now - self.shown < (0.2 if self.terminal else self.SECONDS_BETWEEN):
            return
        self.shown = now
        share = 100 * file.position // max(file.size, 1)
        rate = (done - self.done_before) / max(now - self.begun, 0.001)
        text = _("%(tickets)d tickets, %(updates)d updates, %(share)d %%, %(rate)d per second") % {
            "tickets": figures.tickets,
            "updates": done,
            "share": share,
            "rate": rate,
        }
        self.out.write(f"\r{text}  " if self.terminal else text, ending="" if self.terminal else "\n")

    def end(self) -> None:
        if self.terminal and self.shown:
            self.out.write("")
            self.shown = 0.0


def summary(figures: Figures) -> list[str]:
    """Put the figures into lines of words."""
    lines = [
        _(
            "%(tickets)d tickets: %(new)d new, %(extended)d continued, %(unchanged)d unchanged, %(refused)d "
            "left out."
        )
        % vars(figures),
        _(
            "%(updates)d updates imported, %(known_updates)d already known, %(late_updates)d too late, "
            "%(refused_updates)d left out; %(notes)d notes."
        )
        % vars(figures),
    ]
    if figures.rows_left_out:
        lines.append(_("Rows of the file left out: %d.") % figures.rows_left_out)
    if figures.made:
        made = [f"{count} {registry.get(key).label_plural}" for key, count in figures.made.items()]
        lines.append(_("Created: %s.") % ", ".join(made))
    return lines
