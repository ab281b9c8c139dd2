"""`stellwerk backup`: database and attachments into one file, while people work."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection

from stellwerk import __version__
from stellwerk.kernel.journal.journal import key_mark
from stellwerk.operations import archive, postgresql, sqlite
from stellwerk.operations.preflight import OperatorError


def backup(path: Path) -> archive.Manifest:
    """Write a backup to path, which must not exist, and return what it holds."""
    if path.exists():
        raise OperatorError(f"{path} exists already: choose another name, a backup is never overwritten.")
    if not path.absolute().parent.is_dir():
        raise OperatorError(f"There is no folder {path.absolute().parent}: make it, or choose another.")
    if not has_table("kernel_record"):
        raise OperatorError(
            "There is nothing to back up: the database has no tables. Check STELLWERK_DATA_DIR and "
            "STELLWERK_DATABASE_URL, or begin with `stellwerk migrate`."
        )
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    # Beside the backup, because that disk must have room for it anyway.
    with tempfile.TemporaryDirectory(dir=path.absolute().parent, prefix=".backup-") as folder:
        dump, tables = dump_database(Path(folder))
        manifest = archive.Manifest(__version__, made_at, connection.vendor, tables, key_mark())
        archive.write(path, manifest, [(dump.name, dump), *attachments()])
    return manifest


def has_table(name: str) -> bool:
    """Whether the database has the table, without making an SQLite file where there is none."""
    if connection.vendor == "sqlite" and not Path(connection.settings_dict["NAME"]).exists():
        return False
    return name in connection.introspection.table_names()


def dump_database(folder: Path) -> tuple[Path, dict[str, int]]:
    return sqlite.dump(folder) if connection.vendor == "sqlite" else postgresql.dump(folder)


def attachments() -> Iterator[tuple[str, Path]]:
    """Yield the stored files after the database was copied: a file that it names is there by then."""
    root = Path(settings.ATTACHMENTS_DIR)
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield archive.ATTACHMENTS + path.relative_to(root).as_posix(), path
