"""Publishing what happened, to the handlers of the one table of reactions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model.actor import Actor

if TYPE_CHECKING:
    from stellwerk.kernel.model.record import Record


@dataclass(frozen=True)
class Outcome:
    """What a comment or a file set going that whoever wrote it should know: a sentence, and where it goes on."""

    text: str
    record: "Record"


class Subject(Protocol):
    """A comment or a file."""

    outcome: Outcome | None


@dataclass(frozen=True)
class Event:
    """A journal entry that was just written, with its record, who acted, and the comment or file that it is about.

    `notifies` is false when it is one of many that an import writes.
    """

    record: "Record"
    entry: Entry
    by: Actor
    subject: Subject | None = None
    notifies: bool = True

    @property
    def topics(self) -> list[str]:
        """What handlers may listen to, such as "incident.transition.resolve", "incident.transition", "*.transition", "*"."""
        verb, kind = self.entry.verb, self.record.kind
        named = [f"{kind}.{verb}.{self.entry.name}"] if self.entry.name else []
        return [*named, f"{kind}.{verb}", f"*.{verb}", "*"]

    def tell(self, text: str, record: "Record") -> None:
        """Tell whoever wrote what came of it."""
        if self.subject is not None:
            self.subject.outcome = Outcome(text, record)


Handler = Callable[[Event], None]


def publish(event: Event) -> None:
    """Run the handlers for an event inside the current transaction; brought history sets off none."""
    if event.entry.brought_from:
        return
    reactions = _reactions()
    for topic in event.topics:
        for handler in reactions.get(topic, ()):
            handler(event)


@lru_cache(maxsize=1)
def _reactions() -> Mapping[str, Sequence[Handler]]:
    return import_string(settings.STELLWERK_REACTIONS)  # type: ignore[no-any-return]
