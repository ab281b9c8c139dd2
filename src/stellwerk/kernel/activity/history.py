"""Bringing many records with their past from elsewhere: the same verbs, written in bulk.

    with History("service desk log of 2016", by=operator) as history:
        incident = history.create(Incident, {...}, by=caller, at=moment)
        incident = history.transition(incident, "resolve", {...}, by=agent, at=later)
        history.comment(incident, "Works again.", by=agent, at=later)

Rows are collected and inserted together; between `flush`es a record exists in memory only. Access is the
operator's, so the acting people are named, not asked; guards do not apply to what has happened. No
reaction is set off. Values still have to fit their fields.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from stellwerk.kernel.activity.comments import services as comments
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.model import numbering, shared_cache
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.via import Via
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.write import services
from stellwerk.kernel.write.bulk import ROWS_AT_ONCE, Bulk
from stellwerk.kernel.write.events import Event
from stellwerk.vocabulary import Values

R = TypeVar("R", bound=Record)

NUMBERS_AT_ONCE = 200


class History(Bulk):
    """A writer for the verbs that collects what they write; see the module."""

    brings_history = True

    def __init__(self, brought_from: str, *, by: Actor) -> None:
        if not policy_of(by).is_administrator:
            raise PermissionDenied(_("Only administrators can import history."))
        super().__init__()
        self.brought_from = brought_from
        self._numbers: dict[str, list[int]] = {}

    def __enter__(self) -> Self:
        self._shared_cache = shared_cache.remembering()
        self._shared_cache.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shared_cache.__exit__(kind, error, trace)
        if kind is None:
            self.flush()

    # -- the verbs, as they are called elsewhere ---------------------------------------------------------

    def create(self, model: type[R], values: Values, *, by: Actor, at: datetime, reason: str = "") -> R:
        self._flush_when_full()
        return services.create(
            model,
            values,
            by=by,
            via=Via.FILE,
            at=at,
            reason=reason,
            brought_from=self.brought_from,
            writer=self,
        )

    def change(self, record: R, values: Values, *, by: Actor, at: datetime, reason: str = "") -> R:
        with _unharmed(record):
            return services.change(
                record, values, by=by, at=at, reason=reason, brought_from=self.brought_from, writer=self
            )

    def transition(
        self,
        record: R,
        name: str,
        values: Values | None = None,
        *,
        by: Actor,
        at: datetime,
        reason: str = "",
    ) -> R:
        with _unharmed(record):
            return services.transition(
                record, name, values, by=by, at=at, reason=reason, brought_from=self.brought_from, writer=self
            )

    def comment(
        self, record: Record, body: str, *, by: Actor, at: datetime, internal: bool = False
    ) -> Comment:
        return comments.comment(
            record, body, by=by, at=at, internal=internal, brought_from=self.brought_from, writer=self
        )

    # -- what the verbs ask of a writer --------------------------------------------------------------------

    def lock(self, record: R) -> R:
        """Whoever brings history locks what it continues, many at a time."""
        return record

    def number(self, prefix: str) -> int:
        if not self._numbers.get(prefix):
            with transaction.atomic():
                self._numbers[prefix] = numbering.take(prefix, NUMBERS_AT_ONCE)[::-1]
        return self._numbers[prefix].pop()

    def publish(self, event: Event) -> None:
        """What happened long ago sets nothing off."""

    # -- writing ---------------------------------------------------------------------------------------------

    def flush(self) -> None:
        with transaction.atomic():
            super().flush()
            for prefix, unused in self._numbers.items():
                numbering.give_back(prefix, unused)
            self._numbers.clear()

    def _flush_when_full(self) -> None:
        if len(self._new) >= ROWS_AT_ONCE:
            self.flush()


@contextmanager
def _unharmed(record: Record) -> Iterator[None]:
    """Leave the record as it was when a write is refused: nobody reads it from the database again."""
    before, referred = dict(record.__dict__), dict(record._state.fields_cache)
    try:
        yield
    except ValidationError:
        record.__dict__.clear()
        record.__dict__.update(before)
        record._state.fields_cache = referred
        raise
