"""By which way a record comes in."""

from enum import Enum, auto


class Via(Enum):
    """By which way a new record comes in: told by whoever calls `create`, so that defaults may follow from it."""

    DESK = auto()
    """A form that staff fills in."""
    PORTAL = auto()
    """A form that requesters fill in."""
    API = auto()
    FILE = auto()
    """An import, of records or of a log."""
    SYSTEM = auto()
    """The system's own doing: set-up, jobs, what one thing sets off in another."""
