"""Create or change records from a file."""

import sys
from pathlib import Path

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from stellwerk.exchange import formats
from stellwerk.exchange.importing import CHANGE, CREATE, ERROR, UNCHANGED, Line, Outcome, RecordImport
from stellwerk.exchange.management.commands.export_records import acting
from stellwerk.kernel.model import registry
from stellwerk.tables.layout import Layout

SHOWN = 50


class Command(BaseCommand):
    help = (
        "Creates or changes records from a CSV, XLSX or JSON file, all or nothing. The first row names the "
        "columns as an export does; a row with an empty reference creates a record."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("type", help="the record type, such as incident")
        parser.add_argument("file", type=Path, help="ends in .csv, .xlsx or .json")
        parser.add_argument("--key", default="reference", help="the column that tells the record of a row")
        parser.add_argument("--by", default="", help="user name of whoever imports; Stellwerk without")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, line by line")
        parser.add_argument(
            "--strict", action="store_true", help="refuse a file of which something is left out"
        )
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="HEADING=FIELD",
            help="what a column is; HEADING may be its place, such as #4; no FIELD leaves it out",
        )
        parser.add_argument("--sheet", default="", help="the sheet of a workbook; the first without")
        parser.add_argument("--header-line", type=int, default=0, help="the line that names the columns")
        parser.add_argument("--encoding", default="", help="of a CSV file, such as cp1250; found out without")
        parser.add_argument(
            "--delimiter", default="", help="of a CSV file: a character, comma, semicolon, tab or pipe"
        )

    def handle(
        self,
        *,
        type: str,
        file: Path,
        dry_run: bool,
        strict: bool,
        by: str,
        key: str,
        column: list[str],
        encoding: str,
        delimiter: str,
        sheet: str,
        header_line: int,
        **options: object,
    ) -> None:
        try:
            task = RecordImport(
                registry.get(type),
                by=acting(by),
                key=key,
                columns=dict(map(_stated, column)),
                strict=strict,
            )
            layout = Layout(encoding, delimiter, sheet, header_line)
            with file.open("rb") as source:
                table = formats.opened(file.name, source, layout, task.headings.knows)
                self._check(task, table)
                outcome = task.rehearse(table.rows, SHOWN) if dry_run else task.run(table.rows, SHOWN)
        except (ValidationError, LookupError) as error:
            raise CommandError(" ".join(getattr(error, "messages", error.args))) from None
        except PermissionDenied as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.") from None
        self._report(outcome, table, dry_run=dry_run, strict=strict)

    def _check(self, task: RecordImport, table: formats.Opened) -> None:
        for remark in table.remarks:
            self.stderr.write(remark)
        task.headings.check(table.columns)
        if unknown := task.headings.unknown(table.columns):
            raise CommandError(
                _("There are no fields called %(names)s. Assign them with --column “%(first)s=FIELD”, ")
                % {"names": ", ".join(f"“{name}”" for name in unknown), "first": unknown[0]}
                + _("or leave them out with --column “%s=”.") % unknown[0]
                + nothing_in(table)
            )

    def _report(self, outcome: Outcome, table: formats.Opened, *, dry_run: bool, strict: bool) -> None:
        for line in outcome.faults or (outcome.lines if dry_run else ()):
            self.stdout.write(told(line))
        counts = {name: outcome.counts[name] for name in (CREATE, CHANGE, UNCHANGED, ERROR)}
        self.stdout.write(
            _("%(create)d to create, %(change)d to change, %(unchanged)d unchanged, %(error)d with errors.")
            % counts
        )
        if outcome.left_out:
            self.stdout.write(_("Rows with something left out: %d.") % outcome.left_out)
        if strict and outcome.left_out:
            self.stderr.write(_("Nothing was saved, because --strict allows nothing to be left out."))
            sys.exit(1)
        if outcome.counts[ERROR]:
            raise CommandError(_("Nothing was saved. Correct the lines above and import the file again."))
        if not outcome.counts.total():
            raise CommandError(
                _("Nothing was imported: the file has no rows below its headings.") + nothing_in(table)
            )
        self.stdout.write(_("Dry run: nothing was saved.") if dry_run else _("Done."))


def _stated(text: str) -> tuple[str, str]:
    heading, equals, name = text.rpartition("=")
    if not equals:
        raise ValidationError(_("Give --column as HEADING=FIELD, not as “%s”.") % text)
    return heading.strip(), name.strip()


def nothing_in(table: formats.Opened) -> str:
    """Point to the other sheets of a workbook."""
    if len(table.sheets) < 2:
        return ""
    return " " + _("Its sheets are: %s. Choose one with --sheet.") % ", ".join(table.sheets)


def told(line: Line) -> str:
    """Put a line of the outcome into words."""
    subject = " ".join(filter(None, (line.reference, line.title)))
    if line.errors:
        return _("Line %(line)d (%(subject)s): %(faults)s") % {
            "line": line.number,
            "subject": subject,
            "faults": " ".join(line.errors),
        }
    changes = ", ".join(f"{name}: {before!r} → {after!r}" for name, (before, after) in line.changes.items())
    return f"{line.number} {line.action} {subject}: {changes} {' '.join(line.warnings)}".rstrip()
