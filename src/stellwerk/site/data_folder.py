"""The data folder: made where it is missing, and kept from a restore by whoever uses it.

The mark of use is a lock of the operating system on a file in the folder. Children inherit it, and it ends with the
last of them, however they end: nothing is left over to be tidied up.
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from stellwerk.operations.preflight import OperatorError

if sys.platform != "win32":  # there, a file that is in use cannot be moved aside anyway
    import fcntl

LOCK = "in-use"
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
"""What some network disks answer; attachments of PostgreSQL installations may lie there."""


def make(path: Path, setting: str = "STELLWERK_DATA_DIR") -> None:
    """Make a folder with all above it, or name the setting that must name another."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(
            f"The folder {path} cannot be made ({error.strerror}): correct {setting}."
        ) from None


@contextmanager
def in_use() -> Iterator[None]:
    """Keep restores away until this process and those that it starts have ended."""
    folder = Path(settings.DATA_DIR)
    if not folder.is_dir():
        yield
        return
    with _locked(folder, exclusive=False) as locked:
        if not locked:
            raise OperatorError(f"A backup is being restored into {folder}: wait until that is done.")
        yield


@contextmanager
def alone() -> Iterator[None]:
    """Refuse while others use the data folder, and keep them away meanwhile."""
    folder = Path(settings.DATA_DIR)
    make(folder)
    with _locked(folder, exclusive=True) as locked:
        if not locked:
            raise OperatorError(
                f"Stellwerk is running on {folder}: stop its servers, workers and imports first. "
                "Nothing was changed."
            )
        yield


@contextmanager
def _locked(folder: Path, *, exclusive: bool) -> Iterator[bool]:
    """Hold the lock, if it is to be had; many may share it, or one has it exclusively."""
    file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _take(file, exclusive=exclusive)
    finally:
        os.close(file)


def _take(file: int, *, exclusive: bool) -> bool:
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
    return True
