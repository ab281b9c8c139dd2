"""The command `stellwerk`: one table of commands, each a few words to a function or to a Django command."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stellwerk import __version__
from stellwerk.operations.preflight import reporting_operator_errors
from stellwerk.site import administration, demonstration, serving

SETTINGS_MODULE = "stellwerk.site.settings"


@dataclass(frozen=True)
class Command:
    """One word after `stellwerk`: what it is for, what it takes, what it does."""

    name: str
    help: str
    run: Callable[[argparse.Namespace], None]
    arguments: Callable[[argparse.ArgumentParser], object] = lambda parser: None


@dataclass(frozen=True)
class Django:
    """A command whose substance is a Django command; everything after its words is handed on."""

    words: str
    help: str
    command: str


COMMANDS = [
    Command(
        "demo", "try it: demo organisation, sign-ins, server", demonstration.run, demonstration.arguments
    ),
    Command("serve", "run the web server and the jobs together", serving.serve),
    Command("web", "run the web server only", serving.web),
    Command("worker", "run the jobs only", serving.worker),
    Command("migrate", "bring the database up to date", administration.migrate),
    Command(
        "create-admin",
        "make a person who may do everything",
        administration.create_admin,
        administration.admin_arguments,
    ),
    Command(
        "password",
        "make a link with which a person chooses a new password",
        administration.password,
        administration.password_arguments,
    ),
    Command(
        "settings", "list the settings, what they decide and what is in force", administration.print_settings
    ),
    Command("check", "check settings, database and declarations", administration.check),
    Command(
        "backup",
        "write database and attachments to one file",
        administration.backup,
        administration.backup_arguments,
    ),
    Command("restore", "bring a backup back", administration.restore, administration.restore_arguments),
]
DJANGO_COMMANDS = [
    Django("import log", "bring in the event log of another tool", "import_log"),
    Django("import", "create or change records from a CSV, XLSX or JSON file", "import_records"),
    Django("export", "write records to a CSV, XLSX or JSON file", "export_records"),
    Django("journal", "verify: check the journal's hash chains; renew: write its roster anew", "journal"),
    Django("search", "rebuild: index all records anew; status: how far that is", "search"),
    Django("describe", "print a record type's fields, routes, access and workflow", "describe"),
    Django("jobs", "list, retry and count what the job queue holds", "jobs"),
    Django("manage", "run any other Django command", ""),
]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments name."""
    # Whatever another Django project has left in the environment does not concern us.
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS_MODULE
    # Database, attachments and backups are their owner's alone, whatever the shell says.
    os.umask(0o077)
    with reporting_operator_errors():
        dispatch(list(sys.argv[1:] if arguments is None else arguments))


def dispatch(arguments: list[str]) -> None:
    for django in DJANGO_COMMANDS:
        words = django.words.split()
        if arguments[: len(words)] == words:
            administration.run_django(django.words, django.command, arguments[len(words) :])
            return
    options = parser().parse_args(arguments)
    options.run(options)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stellwerk",
        description="Stellwerk, the service management system.",
        epilog="`stellwerk COMMAND --help` says more. `stellwerk settings` lists what can be set.",
    )
    parser.add_argument("--version", action="version", version=f"Stellwerk {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        added = commands.add_parser(command.name, help=command.help, description=command.help)
        command.arguments(added)
        added.set_defaults(run=command.run)
    for django in DJANGO_COMMANDS:
        # Listed for the help text only: dispatch() hands these on before argparse sees them.
        commands.add_parser(django.words, help=django.help)
    return parser


if __name__ == "__main__":
    main()
