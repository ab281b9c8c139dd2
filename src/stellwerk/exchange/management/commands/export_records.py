"""Write records to a file."""

import sys
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.http import QueryDict
from django.utils.translation import gettext as _

from stellwerk.exchange import formats
from stellwerk.exchange.export import Export
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM, Actor
from stellwerk.kernel.query.selection import Selection


class Command(BaseCommand):
    help = (
        "Writes records to a CSV, XLSX or JSON file, filtered like a list: "
        'export_records incident open.csv --query "open=yes&priority=1". Reading it back changes nothing.'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("type", help="the record type, such as incident")
        parser.add_argument("file", type=Path, help="ends in .csv, .xlsx or .json; - for standard output")
        parser.add_argument("--query", default="", help="filters and order, as in the address of the list")
        parser.add_argument("--columns", default="", help="names with commas between; all without")
        parser.add_argument(
            "--format", default="", help="csv, xlsx or json, where the file name does not say"
        )
        parser.add_argument("--by", default="", help="user name of whoever sees them; everything without")

    def handle(
        self, *, type: str, file: Path, query: str, columns: str, format: str, by: str, **options: object
    ) -> None:
        try:
            form = formats.named(format or file.name)
            selection = Selection.parse(registry.get(type), QueryDict(query), acting(by))
            export = Export(selection, [name for name in columns.split(",") if name])
            if file.name == "-":
                for block in export.stream(form):
                    sys.stdout.buffer.write(block)
                return
            with file.open("wb") as target:
                target.writelines(export.stream(form))
        except (ValidationError, LookupError) as error:
            raise CommandError(" ".join(getattr(error, "messages", error.args))) from None
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.") from None
        self.stdout.write(_("Written to %s.") % file)


def acting(username: str) -> Actor:
    """Return the person who signs in with `username`, or Stellwerk itself where none is named."""
    if not username:
        return SYSTEM
    person: Person | None = Person.objects.filter(username=username).first()
    if person is None:
        raise CommandError(_("Nobody signs in as %s.") % username)
    return person
