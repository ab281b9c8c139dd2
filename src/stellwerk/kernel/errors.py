"""What can go wrong beyond Django's own ValidationError, PermissionDenied and Http404."""

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from stellwerk.kernel.records.record import Record


class StaleWrite(Exception):
    """Somebody else changed the record since the writer last read it; carries both versions."""

    def __init__(
        self, current: "Record", theirs: dict[str, Any], yours: dict[str, Any], version: int
    ) -> None:
        self.current = current
        self.theirs = theirs
        self.yours = yours
        self.version = version
        super().__init__(str(self))

    def __str__(self) -> str:
        return _(
            "%(reference)s was changed by somebody else while you worked on it (you saw version "
            "%(yours)d, it is now at %(theirs)d). Look at both versions and apply your change again."
        ) % {"reference": self.current.reference, "yours": self.version, "theirs": self.current.version}
