"""Create or change records from a file."""

from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from stellwerk.exchange import formats
from stellwerk.exchange.importing import CHANGE, CREATE, ERROR, UNCHANGED, Line, Outcome, RecordImport
from stellwerk.exchange.management.commands.export_records import acting
from stellwerk.kernel.model import registry

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

    def handle(self, *, type: str, file: Path, dry_run: bool, **options: Any) -> None:
        try:
            task = RecordImport(registry.get(type), by=acting(options["by"]), key=options["key"])
            form = formats.named(file.name)
            with file.open("rb") as source:
                rows = form.read(source)
                outcome = task.rehearse(rows, SHOWN) if dry_run else task.run(rows, SHOWN)
        except (ValidationError, LookupError) as error:
            raise CommandError(" ".join(getattr(error, "messages", error.args))) from None
        except PermissionDenied as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.") from None
        self._report(outcome, dry_run=dry_run)

    def _report(self, outcome: Outcome, *, dry_run: bool) -> None:
        for line in outcome.faults or (outcome.lines if dry_run else ()):
            self.stdout.write(told(line))
        counts = {name: outcome.counts[name] for name in (CREATE, CHANGE, UNCHANGED, ERROR)}
        self.stdout.write(
            _("%(create)d to create, %(change)d to change, %(unchanged)d unchanged, %(error)d with a fault.")
            % counts
        )
        if outcome.counts[ERROR]:
            raise CommandError(_("Nothing was written: mend the lines above and import the file again."))
        self.stdout.write(_("Dry run: nothing was written.") if dry_run else _("Done."))


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
