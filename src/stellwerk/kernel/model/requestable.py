"""Requestable: what somebody asks for and somebody else works on, such as a ticket."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from typing_extensions import TypeVar

from stellwerk.kernel.model.declaration import RecordType, View
from stellwerk.vocabulary import Values

if TYPE_CHECKING:
    from stellwerk.kernel.model.actor import Actor
    from stellwerk.kernel.model.record import Record

R = TypeVar("R", bound="Record", default="Record")


@dataclass(frozen=True)
class ReplyTemplate:
    """A text to answer with, its placeholders filled; `internal` ones are for notes."""

    title: str
    body: str
    internal: bool = False


class Requestable(RecordType[R]):
    """A type whose records people ask for, follow in the portal and have in their hands."""

    work: ClassVar[Sequence[View]] = ()
    """What waits for the reader's hands, shown on their own page; views of one name flow together."""
    asked_of_requesters: ClassVar[Sequence[str]] = ()
    """Fields that a requester may fill when raising such a record; empty: requesters raise none."""
    participants: ClassVar[Sequence[str]] = ()
    """Foreign keys to the people and customers who see the record as its requesters; the first is the requester."""
    portal_page: ClassVar[str] = ""
    """The name of the address at which somebody without a staff role reads the record; empty: the generic page."""
    open_implies: ClassVar[Values] = {}
    """What the type's own fields hold while a record is open; lists of open ones say so, that an index may serve."""
    assignee: ClassVar[str] = ""
    """The field that says in whose hands a record is; who may change it can take the record themselves."""

    def reply_templates(self, record: R, by: "Actor", text: str = "") -> list[ReplyTemplate]:
        """List the texts that `by` may answer with on this record: the first ones, or those that `text` finds."""
        return []


_ASKED_BY_NOBODY: Requestable = Requestable()


def requestable(record_type: "RecordType[R]") -> Requestable[R]:
    """Return what a type declares about being asked for; a declaration of nothing for types that nobody asks for."""
    return record_type if isinstance(record_type, Requestable) else cast("Requestable[R]", _ASKED_BY_NOBODY)
