"""Prove that nobody touched the journals."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from stellwerk.kernel.records.record import Record
from stellwerk.kernel.records.verification import Verification


class Command(BaseCommand):
    help = (
        "verify: checks the hash chains of all records or of those named, what the records hold against it, "
        "and comments and files against their entries. Names every fault; ends with 1 when there is one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["verify"])
        parser.add_argument("references", nargs="*", help="such as INC-000042; all records without")

    def handle(self, *, action: str, references: list[str], **options: Any) -> None:
        records = Record.objects.all()
        if references:
            wanted = {reference.upper() for reference in references}
            records = records.filter(reference__in=wanted)
            unknown = wanted - set(records.values_list("reference", flat=True))
            if unknown:
                raise CommandError(_("There is no record %s.") % ", ".join(sorted(unknown)))
        self._verify(Verification(records))

    def _verify(self, verification: Verification) -> None:
        begun, faults = time.monotonic(), 0
        for fault in verification.faults():
            faults += 1
            self.stdout.write(str(fault))
        figures = {
            "records": verification.seen,
            "entries": verification.entries,
            "files": len(verification.blobs),
            "seconds": time.monotonic() - begun,
            "faults": faults,
        }
        self.stdout.write(
            _(
                "%(records)d records, %(entries)d entries, %(files)d files in %(seconds).1f s: %(faults)d faults."
            )
            % figures
        )
        if faults:
            raise SystemExit(1)
