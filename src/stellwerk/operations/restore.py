"""`stellwerk restore`: check a backup wholly, then put it in place, then check what is in place."""

import os
import shutil
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from stellwerk import __version__
from stellwerk.kernel.audit.roster import roster_path
from stellwerk.kernel.jobs.schedule import synchronise
from stellwerk.kernel.journal.journal import key_mark
from stellwerk.operations import archive, move, postgresql, sqlite
from stellwerk.operations.backup import has_table
from stellwerk.operations.preflight import OperatorError

MEMBERS = {"sqlite": sqlite.MEMBER, "postgresql": postgresql.MEMBER}


def restore(path: Path, replace: bool) -> archive.Manifest:
    """Bring a backup back; what was there before is moved aside, never deleted."""
    if connection.vendor == "postgresql":
        postgresql.require_alone()
    with archive.verified(path) as (opened, manifest):
        require_version(manifest)
        require_same_key(manifest)
        if not replace:
            require_empty_target()
        put_in_place(opened, manifest, f"replaced_{datetime.now(UTC):%Y%m%d_%H%M%S}")
    # An older backup gets the tables that this version expects; the journal then proves the contents.
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    synchronise(remove=True)
    call_command("journal", "verify")
    call_command("journal", "renew")
    return manifest


def put_in_place(opened: zipfile.ZipFile, manifest: archive.Manifest, aside: str) -> None:
    data_dir = Path(settings.DATA_DIR)
    data_dir.mkdir(parents=True, exist_ok=True)
    # On the data folder's disk, so that moving into place is a rename.
    with tempfile.TemporaryDirectory(dir=data_dir, prefix=".restore-") as folder:
        dump = Path(folder) / MEMBERS[manifest.engine]
        for name in manifest.files:
            archive.extract(opened, name, Path(folder) / name)
        if manifest.engine == "sqlite":
            sqlite.check(dump, manifest.tables)
        if manifest.engine != connection.vendor:
            dump = moved(dump, manifest, aside)
        elif manifest.engine == "postgresql":
            postgresql.bring_back(dump, manifest.tables, aside)
        if connection.vendor == "sqlite":
            sqlite.put_in_place(dump, data_dir / aside)
        put_attachments_in_place(Path(folder) / archive.ATTACHMENTS, data_dir / aside)
        put_roster_aside(data_dir / aside)


def moved(dump: Path, manifest: archive.Manifest, aside: str) -> Path:
    """Move a database to the other kind; on SQLite, return the file that is to be put in place."""
    new = dump.with_name(sqlite.MEMBER)
    try:
        if connection.vendor == "sqlite":
            move.into_sqlite(dump, manifest.tables, new)
        else:
            move.into_postgresql(dump, manifest.tables, aside)
    except OperatorError as error:
        raise OperatorError(f"{error} Nothing was changed.") from error
    return new


def put_attachments_in_place(new: Path, aside: Path) -> None:
    place = Path(settings.ATTACHMENTS_DIR)
    if place.exists():
        aside.mkdir(parents=True, exist_ok=True)
        os.replace(place, aside / place.name)
    new.mkdir(parents=True, exist_ok=True)
    os.replace(new, place)


def put_roster_aside(aside: Path) -> None:
    """The roster knows what was there before, which is not what is in place now."""
    if roster_path().exists():
        aside.mkdir(parents=True, exist_ok=True)
        shutil.move(roster_path(), aside / roster_path().name)


def require_version(manifest: archive.Manifest) -> None:
    if as_numbers(manifest.version) > as_numbers(__version__):
        raise OperatorError(
            f"The backup was made by Stellwerk {manifest.version}, this is {__version__}: "
            "install that version or a later one. Nothing was changed."
        )


def require_same_key(manifest: archive.Manifest) -> None:
    if manifest.journal_key and manifest.journal_key != key_mark():
        raise OperatorError(
            "The backup is of an installation with another key: set STELLWERK_SECRET_KEY (and "
            "STELLWERK_JOURNAL_KEY, if it was set) as there. Nothing was changed."
        )


def as_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def require_empty_target() -> None:
    if holds_records() or any(Path(settings.ATTACHMENTS_DIR).rglob("*")):
        raise OperatorError(
            "There is data already: restore into an empty installation, or with --replace, "
            "which moves the present data aside. Nothing was changed."
        )


def holds_records() -> bool:
    """Tell whether the database has any record; one without tables has none."""
    record = apps.get_model("kernel", "Record")
    return has_table(record._meta.db_table) and bool(record.objects.exists())
