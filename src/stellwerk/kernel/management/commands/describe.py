"""Print what a record type is."""

from django.core.management.base import BaseCommand, CommandError, CommandParser

from stellwerk.kernel.model import registry
from stellwerk.kernel.model.description import describe


class Command(BaseCommand):
    help = "Prints a record type's fields, access, workflow and routes; without a type, lists all types."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("type", nargs="?", help="prefix or key, such as INC or incident")

    def handle(self, *args: object, type: str | None = None, **options: object) -> None:
        if type is None:
            for record_type in registry.all_types():
                self.stdout.write(f"{record_type.prefix:<5} {record_type.key}")
            return
        try:
            record_type = registry.for_prefix(type) if type.isupper() else registry.get(type)
        except LookupError as error:
            raise CommandError(str(error.args[0])) from error
        self.stdout.write(describe(record_type), ending="")
