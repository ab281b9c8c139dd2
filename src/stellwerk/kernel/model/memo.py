"""Remembering what is looked up again and again but seldom changes: people, roles, parties, services, schemes.

Types that declare `seldom_changes` share one mark in the database, and a write to any of them puts a new one there in
the same transaction. What was looked up under a mark holds wherever the same mark is found; so a web process keeps it
from request to request and asks for the mark only. Marks are drawn at random, so that one that was rolled back never
comes again.

Outside of a `remembering` block nothing is kept: a single write always looks.
"""

import secrets
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import connection, models

from stellwerk.kernel.model.record import Record, twin

V = TypeVar("V")
R = TypeVar("R", bound=Record)
Things = dict[Hashable, Any]

MOST_THINGS = 10_000
"""How many things a process keeps before it begins anew."""


class Edition(models.Model):
    """One row: the mark of the last write to something that seldom changes."""

    mark = models.CharField(max_length=16)

    def __str__(self) -> str:
        return self.mark


class _Own:
    """What one block remembers for itself."""

    def __init__(self) -> None:
        self._things: Things = {}

    def things(self) -> Things | None:
        return self._things

    def forget(self) -> None:
        self._things = {}


class _Shared:
    """What a request shares with those before and after it; it asks for the mark when it first needs anything."""

    def __init__(self) -> None:
        self._bound = False
        self._things: Things | None = None

    def things(self) -> Things | None:
        if not self._bound:
            self._bound, self._things = True, _things_under(_mark())
        return self._things

    def forget(self) -> None:
        """Look from now on: what this request sees of its own write may still be rolled back."""
        self._bound, self._things = True, None


_memory: ContextVar[_Own | _Shared | None] = ContextVar("memory", default=None)
SHELF: dict[str, Things] = {}
"""What this process remembers across requests, by mark; never more than one."""


@contextmanager
def remembering(*, across_requests: bool = False) -> Iterator[None]:
    """Keep what is looked up until the block ends, or for as long as the database bears the same mark."""
    token = _memory.set(_Shared() if across_requests else _Own())
    try:
        yield
    finally:
        _memory.reset(token)


def remember(key: Hashable, look_up: Callable[[], V]) -> V:
    """Return what `look_up` found when it was last asked for `key`; what it finds is never to be changed."""
    things = at_hand()
    if things is None:
        return look_up()
    if key not in things:
        things[key] = look_up()
    found: V = things[key]
    return found


def at_hand() -> Things | None:
    """Return what is remembered here, by key; None where nothing is."""
    memory = _memory.get()
    return memory.things() if memory else None


def record(model: type[R], pk: int) -> R | None:
    """Return a twin of the record as remembered; None when there is no such record."""
    found = remember((model, pk), lambda: model._base_manager.filter(pk=pk).first())
    return twin(found) if found else None


def forget() -> None:
    """Put a new mark, because something that seldom changes was written. Call inside the transaction that wrote it."""
    with connection.cursor() as cursor:
        cursor.execute(_PUT_MARK, [secrets.token_hex(8)])
    memory = _memory.get()
    if memory:
        memory.forget()


def _mark() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT mark FROM kernel_edition")
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def _things_under(mark: str) -> Things | None:
    """Return what the process keeps under the mark; another mark, or too many things, begin anew."""
    if not mark:
        return None
    things = SHELF.get(mark)
    if things is None or len(things) > MOST_THINGS:
        SHELF.clear()
        things = SHELF[mark] = {}
    return things


_PUT_MARK = (
    "INSERT INTO kernel_edition (id, mark) VALUES (1, %s) ON CONFLICT (id) DO UPDATE SET mark = excluded.mark"
)
