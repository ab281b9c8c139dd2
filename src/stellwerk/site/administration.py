"""The commands of the operator: migrate, create-admin, password, check, backup, restore, and Django's own."""

import argparse
import getpass
import io
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import django
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command, execute_from_command_line, get_commands, load_command_class
from django.db.models import Q

from stellwerk.operations.preflight import OperatorError
from stellwerk.site import data_folder, serving
from stellwerk.site.configuration import ADMIN_PASSWORD_VARIABLE, read
from stellwerk.site.databases import without_pool
from stellwerk.site.settings_list import settings_text


def set_up() -> None:
    django.setup()
    without_pool()


def migrate(options: argparse.Namespace) -> None:
    """Bring the database up to date, and the schedules in it in line with the code."""
    set_up()
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
    set_up()
    # What is wrong is raised or goes to standard error; that Django counts no issues is no news.
    call_command("check", deploy=True, databases=["default"], stdout=io.StringIO())
    serving.require_migrated()
    if not settings.HTTPS:
        print(
            f"People reach {settings.STELLWERK_URL} without encryption, which is safe on one machine only: elsewhere "
            "put a web server with https in front, and set STELLWERK_URL to its https:// address."
        )
    print("Everything is in order.")


def print_settings(options: argparse.Namespace) -> None:
    """Print every setting as it is in force and what it decides, the faulty ones too, and then refuse those."""
    print(settings_text(os.environ), end="", flush=True)
    read()


def admin_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("username", help="what the person signs in with")
    parser.add_argument("--name", help="the person's name (default: the user name)")
    parser.add_argument("--email", default="", help="the person's address")
    parser.epilog = f"The password is asked for, or taken from {ADMIN_PASSWORD_VARIABLE}."


def create_admin(options: argparse.Namespace) -> None:
    """Make a person who holds the role of administrator for everything."""
    set_up()
    from stellwerk.kernel.identity.person import Person  # models exist only after setup
    from stellwerk.site.accounts import make_administrator

    if known := Person.objects.filter(username=options.username.lower()).first():
        raise OperatorError(
            f"{known} ({known.reference}) has the user name {known.username} already: choose another one; for a lost "
            f"password, run `stellwerk password {known.username}`; in Stellwerk, another administrator can give them "
            "the role."
        )
    password = os.environ.get(ADMIN_PASSWORD_VARIABLE) or ask_password()
    try:
        person = make_administrator(
            options.username, options.name or options.username, options.email, password
        )
    except ValidationError as error:
        raise OperatorError(" ".join(error.messages)) from error
    print(f"{person} ({person.username}) may sign in as administrator.")


def password_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the user name or address that the person signs in with")


def password(options: argparse.Namespace) -> None:
    """Print a link with which a person chooses a new password."""
    set_up()
    from stellwerk.accounts.links import make_link
    from stellwerk.kernel.identity.person import Person  # models exist only after setup
    from stellwerk.kernel.model.actor import SYSTEM  # models exist only after setup

    signs_in = Q(username=options.name.lower()) | Q(email=options.name.lower())
    person = Person.objects.filter(signs_in, is_service=False).first()
    if person is None:
        raise OperatorError(
            f"Nobody signs in as {options.name}: correct the name, or make an administrator with `stellwerk create-admin`."
        )
    try:
        link = make_link(person, by=SYSTEM)
    except ValidationError as error:
        raise OperatorError(" ".join(error.messages)) from error
    print(f"{link}\n")
    print(
        f"Whoever opens this chooses the password of {person}, once and within "
        f"{settings.PASSWORD_RESET_TIMEOUT // 3600} hours, while the server runs."
    )


def ask_password() -> str:
    if not sys.stdin.isatty():
        raise OperatorError(f"There is nobody to ask for a password: set {ADMIN_PASSWORD_VARIABLE}.")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise OperatorError("The two passwords differ: run the command again.")
    return password


def backup_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?", type=Path, help="the file to write (default: named after the time)"
    )


def backup(options: argparse.Namespace) -> None:
    """Write a backup while people work."""
    set_up()
    from stellwerk.operations.backup import backup as write  # needs the settings

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
    set_up()
    from stellwerk.operations.restore import restore as bring_back  # needs the settings

    with data_folder.alone():
        manifest = bring_back(options.file, options.replace)
    print(f"Restored {sum(manifest.tables.values())} rows and {len(manifest.files) - 1} attachments.")


def run_django(words: str, command: str, arguments: list[str]) -> None:
    """Run a Django command so that its help and its errors name the words that the operator typed."""
    set_up()
    with data_folder.in_use():
        if not command:
            execute_from_command_line([f"stellwerk {words}", *arguments])
            return
        loaded = load_command_class(get_commands()[command], command)
        # So that it raises what went wrong, and all commands say that alike.
        loaded.run_from_argv(["stellwerk", words, "--traceback", *arguments])
