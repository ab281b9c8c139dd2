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
from typing import TypeAlias, TypeVar, cast

from django.db import connection, models

from stellwerk.kernel.model.record import Record, copy_of

V = TypeVar("V")
R = TypeVar("R", bound=Record)
Cached: TypeAlias = dict[Hashable, object]

MOST_CACHED = 10_000
"""How many things a process keeps before it begins anew."""


class Edition(models.Model):
    """One row: the mark of the last write to something that seldom changes."""

    mark = models.CharField(max_length=16)

    def __str__(self) -> str:
        return self.mark


class _Own:
    """What one block remembers for itself."""

    def __init__(self) -> None:
        self._cached: Cached = {}

    def cached(self) -> Cached | None:
        return self._cached

    def invalidate(self) -> None:
        self._cached = {}


class _Shared:
    """What a request shares with those before and after it; it asks for the mark when it first needs anything."""

    def __init__(self) -> None:
        self._bound = False
        self._cached: Cached | None = None

    def cached(self) -> Cached | None:
        if not self._bound:
            self._bound, self._cached = True, _cached_under(_cache_version())
        return self._cached

    def invalidate(self) -> None:
        """Look from now on: what this request sees of its own write may still be rolled back."""
        self._bound, self._cached = True, None


_memory: ContextVar[_Own | _Shared | None] = ContextVar("memory", default=None)
SHARED: dict[str, Cached] = {}
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
    cached = current()
    if cached is None:
        return look_up()
    if key not in cached:
        cached[key] = look_up()
    return cast("V", cached[key])  # the key says what lies under it


def current() -> Cached | None:
    """Return what is remembered here, by key; None where nothing is."""
    memory = _memory.get()
    return memory.cached() if memory else None


def record(model: type[R], pk: int) -> R | None:
    """Return a twin of the record as remembered; None when there is no such record."""
    found = remember((model, pk), lambda: model._base_manager.filter(pk=pk).first())
    return copy_of(found) if found else None


def invalidate() -> None:
    """Put a new mark, because something that seldom changes was written. Call inside the transaction that wrote it."""
    with connection.cursor() as cursor:
        cursor.execute(_PUT_VERSION, [secrets.token_hex(8)])
    memory = _memory.get()
    if memory:
        memory.invalidate()


def hold() -> None:
    """Let nobody else write what seldom changes until the transaction ends; without one there is nothing to hold."""
    if connection.in_atomic_block:
        invalidate()


def _cache_version() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT mark FROM kernel_edition")
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def _cached_under(mark: str) -> Cached | None:
    """Return what the process keeps under the mark; another mark, or too many things, begin anew."""
    if not mark:
        return None
    cached = SHARED.get(mark)
    if cached is None or len(cached) > MOST_CACHED:
        SHARED.clear()
        cached = SHARED[mark] = {}
    return cached


_PUT_VERSION = (
    "INSERT INTO kernel_edition (id, mark) VALUES (1, %s) ON CONFLICT (id) DO UPDATE SET mark = excluded.mark"
)
