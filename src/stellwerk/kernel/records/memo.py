"""Remembering what many writes in a row look up again and again, such as the scheme in force.

Outside of `remembering()` nothing is kept: a single write always looks.
"""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

V = TypeVar("V")

_kept: ContextVar[dict[Hashable, Any] | None] = ContextVar("kept", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Keep what is looked up until the block ends."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def remember(key: Hashable, look_up: Callable[[], V]) -> V:
    """Return what `look_up` found when it was last asked for `key` in this block."""
    kept = _kept.get()
    if kept is None:
        return look_up()
    if key not in kept:
        kept[key] = look_up()
    found: V = kept[key]
    return found
