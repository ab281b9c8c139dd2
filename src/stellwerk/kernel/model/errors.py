"""What can go wrong beyond Django's own ValidationError, PermissionDenied and Http404."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from stellwerk.vocabulary import Values

if TYPE_CHECKING:
    from stellwerk.kernel.model.record import Record


FULL = ("disk is full", "No space left on device")
"""What SQLite, PostgreSQL and the file system say when there is no room left."""


def said_by_database(error: Exception) -> str:
    """Tell people why the database, or the disk it lies on, could not take what they wrote."""
    if is_full(error):
        return _(
            "The server's disk is full. Nothing was saved. Tell whoever runs the server, then try again."
        )
    return _("The database is busy. Nothing was saved. Try again.")


def is_full(error: BaseException) -> bool:
    """Whether an error of a database or a file means that the disk is full."""
    return getattr(error, "errno", None) == errno.ENOSPC or any(words in str(error) for words in FULL)


class NotConfirmed(Exception):
    """Who acts must first say once more who they are: by password, passkey or code."""

    def __str__(self) -> str:
        return _("Confirm who you are with your password, passkey or code first, then repeat this.")


class StaleWrite(Exception):
    """Somebody else changed the record since the writer last read it; carries both versions, as the writer counts them."""

    def __init__(self, current: "Record", theirs: Values, yours: Values, version: int, now: int) -> None:
        self.current = current
        self.theirs = theirs
        self.yours = yours
        self.version = version
        self.now = now
        super().__init__(str(self))

    def __str__(self) -> str:
        return _(
            "Someone else changed %(reference)s while you were working on it (you saw version %(yours)d, "
            "it's now at %(theirs)d). Compare both versions and apply your change again."
        ) % {"reference": self.current.reference, "yours": self.version, "theirs": self.now}


class FieldErrors(dict[str, object]):
    """What is wrong with the fields of one write, told together; the first fault of a field counts."""

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep the faults by field that the block raises; those of the whole are raised at once."""
        try:
            yield
        except ValidationError as error:
            if not hasattr(error, "error_dict"):
                raise
            for name, faults in error.error_dict.items():
                self.setdefault(name, faults)

    def refuse(self) -> None:
        if self:
            raise ValidationError(dict(self))
