"""Machine values: how a field's value stands in the journal, the API and the exchange files."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from django.db import models

from stellwerk.vocabulary import JsonValue

MachineValue: TypeAlias = JsonValue

_PLAIN = frozenset({str, int, bool, float, type(None)})
"""Types that are machine values as they are; most values are of them."""


def to_machine(value: Any) -> MachineValue:
    """Turn a Python value into what JSON can hold without loss; instants become UTC in ISO 8601."""
    if type(value) in _PLAIN:
        return value  # type: ignore[no-any-return]
    for kinds, turned in _TURNED:
        if isinstance(value, kinds):
            return turned(value)
    return value  # type: ignore[no-any-return]


_TURNED: tuple[tuple[type | tuple[type, ...], Callable[[Any], MachineValue]], ...] = (
    (datetime, lambda value: value.astimezone(UTC).isoformat()),
    (date, lambda value: value.isoformat()),
    ((Decimal, UUID), str),
    (models.Model, lambda value: value.pk),
    (models.enums.Choices, lambda value: value.value),
)


def in_utc(instant: datetime) -> datetime:
    """Turn an instant into UTC; ValueError where its offset leads beyond the calendar."""
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{instant} is beyond the calendar") from None
