"""Index all records anew, or tell how far that is."""

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from stellwerk.kernel.search.models import SearchRebuild
from stellwerk.kernel.write import rebuilding


class Command(BaseCommand):
    help = (
        "rebuild: indexes all records anew, or goes on where that was interrupted; people can work meanwhile. "
        "status: tells how far it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["rebuild", "status"])

    def handle(self, *, action: str, **options: object) -> None:
        at = rebuilding.progress()
        if action == "rebuild":
            at = at if at and at.below else rebuilding.begin(timezone.now())
            rebuilding.go_on(report=self._report)
            at = rebuilding.progress()
        if at is None:
            self.stdout.write(_("The search index has never been rebuilt, and doesn't need to be."))
        elif at.below:
            self.stdout.write(_("Rebuilding the search index: %s records.") % at)
        else:
            self.stdout.write(_("The search index was rebuilt: %s records.") % at)

    def _report(self, at: SearchRebuild) -> None:
        if at.done % 5_000 < 100:
            self.stderr.write(_("%s records") % at)
