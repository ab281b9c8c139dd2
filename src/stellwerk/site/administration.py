"""The commands of the operator: migrate, create-admin, check, backup, restore, and Django's own."""

import argparse
import getpass
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import django
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command, execute_from_command_line, get_commands, load_command_class

from stellwerk.site import data_folder, serving
from stellwerk.site.configuration import ADMIN_PASSWORD_VARIABLE
from stellwerk.site.obstacles import Obstacle


def migrate(options: argparse.Namespace) -> None:
    """Bring the database up to date, and the schedules in it in line with the code."""
    django.setup()
    from stellwerk.kernel.jobs.schedule import synchronise  # models exist only after setup

    data_folder.make(Path(settings.DATA_DIR))
    if settings.ON_SQLITE:
        data_folder.make(Path(settings.DATABASES["default"]["NAME"]).parent, "STELLWERK_DATABASE_URL")
    with data_folder.in_use():
        call_command("migrate", interactive=False, verbosity=1)
        call_command("createcachetable", verbosity=0)
        # Only here: while two versions run side by side, a worker must not drop what the newer one has.
        synchronise(remove=True)


def check(options: argparse.Namespace) -> None:
    """Check settings, declarations, the database and its migrations."""
    django.setup()
    call_command("check", deploy=True, databases=["default"])
    serving.require_migrated()
    print("Everything is in order.")


def admin_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("username", help="what the person signs in with")
    parser.add_argument("--name", help="the person's name (default: the user name)")
    parser.add_argument("--email", default="", help="the person's address")
    parser.epilog = f"The password is asked for, or taken from {ADMIN_PASSWORD_VARIABLE}."


def create_admin(options: argparse.Namespace) -> None:
    """Make a person who holds the role of administrator for everything."""
    django.setup()
    from stellwerk.site.accounts import make_administrator  # models exist only after setup

    password = os.environ.get(ADMIN_PASSWORD_VARIABLE) or ask_password()
    try:
        person = make_administrator(
            options.username, options.name or options.username, options.email, password
        )
    except ValidationError as error:
        raise Obstacle(" ".join(error.messages)) from error
    print(f"{person} ({person.username}) may sign in as administrator.")


def ask_password() -> str:
    if not sys.stdin.isatty():
        raise Obstacle(f"There is nobody to ask for a password: set {ADMIN_PASSWORD_VARIABLE}.")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise Obstacle("The two passwords differ: run the command again.")
    return password


def backup_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?", type=Path, help="the file to write (default: named after the time)"
    )


def backup(options: argparse.Namespace) -> None:
    """Write a backup while people work."""
    django.setup()
    from stellwerk.site.backup.backup import backup as write  # needs the settings

    path = options.file or Path(f"stellwerk-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip")
    with data_folder.in_use():
        manifest = write(path)
    print(f"Wrote {path}: {sum(manifest.tables.values())} rows, {len(manifest.files) - 1} attachments.")


def restore_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the backup")
    parser.add_argument(
        "--replace", action="store_true", help="move data that is there aside instead of refusing"
    )


def restore(options: argparse.Namespace) -> None:
    """Bring a backup back while the server is down."""
    django.setup()
    from stellwerk.site.backup.restore import restore as bring_back  # needs the settings

    with data_folder.alone():
        manifest = bring_back(options.file, options.replace)
    print(f"Restored {sum(manifest.tables.values())} rows and {len(manifest.files) - 1} attachments.")


def run_django(words: str, command: str, arguments: list[str]) -> None:
    """Run a Django command so that its help and its errors name the words that the operator typed."""
    django.setup()
    with data_folder.in_use():
        if not command:
            execute_from_command_line([f"stellwerk {words}", *arguments])
            return
        loaded = load_command_class(get_commands()[command], command)
        loaded.run_from_argv(["stellwerk", words, *arguments])
