"""Prove that nobody touched the journals."""

import time

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _noop

from stellwerk.kernel.audit.housekeeping import renew_roster
from stellwerk.kernel.audit.roster import Roster
from stellwerk.kernel.audit.verification import Verification, key_fits
from stellwerk.kernel.model.record import Record

OTHER_KEY = _noop(
    "Not one record bears a seal of this key: STELLWERK_SECRET_KEY (or STELLWERK_JOURNAL_KEY) is most probably not "
    "the one with which the journals were written. Set that one and verify again."
)


class Command(BaseCommand):
    help = (
        "verify: checks the hash chains of all records or of those named, what the records hold against it, "
        "and comments and files against their entries. Names the faults; ends with 1 when there is one. "
        "renew: puts the roster aside and writes it anew, after the database was brought back in another way."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["verify", "renew"])
        parser.add_argument("references", nargs="*", help="such as INC-000042; all records without")
        parser.add_argument("--most", type=int, default=100, help="how many faults to name; all are counted")

    def handle(self, *, action: str, references: list[str], most: int, **options: object) -> None:
        if not key_fits():
            raise CommandError(_(OTHER_KEY))
        if action == "renew":
            self.stdout.write(_("The roster lists %d records.") % renew_roster())
            return
        records = Record.objects.all()
        if references:
            wanted = {reference.upper() for reference in references}
            records = records.filter(reference__in=wanted)
            unknown = wanted - set(records.values_list("reference", flat=True))
            if unknown:
                raise CommandError(_("There is no record %s.") % ", ".join(sorted(unknown)))
        self._verify(Verification(records, Roster.current(), whole=not references), most)

    def _verify(self, verification: Verification, most: int) -> None:
        begun, faults = time.monotonic(), 0
        for fault in verification.faults():
            faults += 1
            if faults <= most:
                self.stdout.write(str(fault))
        if faults > most:
            self.stdout.write(_("and %d more") % (faults - most))
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
        if verification.whole:
            self.stdout.write(_not_covered(verification))
        if faults:
            raise SystemExit(1)


def _not_covered(verification: Verification) -> str:
    if verification.roster is None:
        return _(
            "There is no roster yet, so records that were removed or put back to an older state can't be "
            "found."
        )
    told = {"count": verification.young, "at": verification.roster.at.isoformat(timespec="seconds")}
    return (
        _(
            "%(count)d records were written after the roster of %(at)s. Removing or putting back younger "
            "ones can't be found."
        )
        % told
    )
