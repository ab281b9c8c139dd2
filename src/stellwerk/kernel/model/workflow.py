"""Workflows as plain data: the states a record may be in and the steps between them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models

from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.roles import Role
from stellwerk.vocabulary import Text, Values

if TYPE_CHECKING:
    from stellwerk.kernel.model.record import Record

TONES = ("new", "active", "live", "waiting", "done", "closed", "cancelled", "lit")
"""What a state means to the reader, whatever it is called."""

Guard = Callable[[Any], None]
"""Takes the record as it would be; raises ValidationError with a sentence that says what to do first."""

Phrase = Callable[[Values], str]
"""Takes the values that a step set, in machine values by field; says what was done, to follow a name."""

Effect = Callable[[Any, datetime, Actor], None]
"""Takes the record, the instant and who acts; sets what follows from the step (an instant, an assignee)."""


@dataclass(frozen=True)
class Transition:
    """One named step between states.

    `asks` must be filled when the step is taken, `offers` may be; no other field may be set by it.
    Without `by`, everyone who may edit the record may take it. `natural` marks the step that a page
    offers first. An `automatic` one follows from something else: no person may take it. `page` names the address
    of a page of its own, at which the step is taken instead of the generic one.
    """

    name: str
    label: Text
    source: Sequence[str]
    target: str
    by: Sequence[Role] = ()
    asks: Sequence[str] = ()
    offers: Sequence[str] = ()
    guard: Guard | None = None
    effect: Effect | None = None
    natural: bool = False
    automatic: bool = False
    page: str = ""
    done: Text | Phrase = ""
    """What somebody did who took it, to follow their name: "resolved it"; a Phrase where that depends on values."""
    icon: str = "arrow-right"

    def phrase(self, changes: object) -> str:
        """Say what was done, to follow a name; `changes` are those of the journal's entry, in whatever shape they are."""
        if not callable(self.done):
            return str(self.done)
        pairs = changes.items() if isinstance(changes, dict) else ()
        after = {name: pair[1] for name, pair in pairs if isinstance(pair, list) and len(pair) == 2}
        return str(self.done(after))

    @property
    def fields(self) -> list[str]:
        return [*self.asks, *self.offers]

    def is_worth_offering(self, record: "Record") -> bool:
        """Whether the step may succeed: its guard lets the record pass as it is, or what the step asks for may mend it."""
        if self.guard and not self.fields:
            try:
                self.guard(record)
            except ValidationError:
                return False
        return True


@dataclass(frozen=True)
class Workflow:
    """The states of a record type, the first one, the steps, and the states in which no work is left."""

    statuses: type[models.TextChoices]
    initial: str
    transitions: Sequence[Transition]
    ended: Sequence[str] = ()
    tones: Mapping[str, str] = field(default_factory=dict)
    """How states look: one of TONES; those without a tone look closed."""
    by_name: dict[str, Transition] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {step.name: step for step in self.transitions})

    def steps_from(self, status: str) -> list[Transition]:
        """List the steps that leave `status`, natural ones first."""
        steps = [step for step in self.transitions if status in step.source]
        return sorted(steps, key=lambda step: not step.natural)

    def is_open(self, record: "Record") -> bool:
        return record.status not in self.ended

    def reachable(self) -> set[str]:
        """Collect the states that can be reached from the initial one."""
        seen, frontier = {self.initial}, [self.initial]
        while frontier:
            status = frontier.pop()
            for step in self.steps_from(status):
                if step.target not in seen:
                    seen.add(step.target)
                    frontier.append(step.target)
        return seen
