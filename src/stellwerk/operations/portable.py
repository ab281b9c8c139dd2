"""Rows in a form that is the same whichever database they come from, so that they can be moved and compared.

It is the form in which Django writes to SQLite. PostgreSQL understands it as well, so that only what is read
has to be converted.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from ipaddress import ip_address
from operator import index
from typing import Any, SupportsIndex

from django.db import models

from stellwerk.operations.preflight import OperatorError

Row = tuple[object, ...]
Reader = Callable[[Any], object]

_decode, _encode = json.JSONDecoder().decode, json.JSONEncoder(sort_keys=True).encode


def whole(value: str | SupportsIndex) -> int:
    return int(value) if isinstance(value, str) else index(value)


def instant(value: str) -> str:
    """Return an instant in UTC without a zone, as Django writes it; SQLite sorts by this text."""
    moment = datetime.fromisoformat(value)
    return str(moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment)


def json_text(value: str) -> str:
    return _encode(_decode(value))


def octets(value: str | bytes | memoryview) -> bytes:
    return bytes.fromhex(value.removeprefix("\\x")) if isinstance(value, str) else bytes(value)


def address(value: str) -> str:
    return str(ip_address(value))


def uuid(value: str) -> str:
    return value.replace("-", "")


READERS: dict[str, Reader | None] = {
    "AutoField": whole,
    "BigAutoField": whole,
    "BigIntegerField": whole,
    "IntegerField": whole,
    "PositiveBigIntegerField": whole,
    "PositiveIntegerField": whole,
    "PositiveSmallIntegerField": whole,
    "SmallIntegerField": whole,
    "BinaryField": octets,
    "BooleanField": {0: 0, 1: 1, "f": 0, "t": 1}.__getitem__,
    "CharField": None,
    "DateField": None,
    "DateTimeField": instant,
    "FileField": None,
    "GenericIPAddressField": address,
    "JSONField": json_text,
    "SlugField": None,
    "TextField": None,
    "UUIDField": uuid,
}
"""By Django's internal type of a field: how a value of either database is read; None leaves it is."""

NUMBERED = ("AutoField", "BigAutoField")
"""The types of keys that the database gives."""


@dataclass(frozen=True)
class Table:
    """A table's columns, the key before all others, and how their values are read."""

    name: str
    columns: tuple[str, ...]
    readers: tuple[Reader | None, ...]
    numbered: bool = False
    """Whether the database gives the keys."""

    def read(self, rows: Iterable[Sequence[object]]) -> Iterator[Row]:
        """Yield rows of a database in the portable form."""
        converted = [(at, reader) for at, reader in enumerate(self.readers) if reader]
        for row in rows:
            values = list(row)
            for at, reader in converted:
                if values[at] is not None:
                    try:
                        values[at] = reader(values[at])
                    except (ValueError, TypeError, LookupError) as error:
                        raise OperatorError(
                            f"{self.columns[at]} of {self.name} {row[0]} is not readable ({error!r})."
                        ) from error
            yield tuple(values)


def table_of(model: type[models.Model]) -> Table:
    """Describe the table of a model."""
    key = model._meta.pk
    fields = sorted(model._meta.local_concrete_fields, key=lambda field: field is not key)
    return Table(
        model._meta.db_table,
        tuple(str(field.column) for field in fields),
        tuple(READERS[own_type(field)] for field in fields),
        key.get_internal_type() in NUMBERED,
    )


def own_type(field: "models.Field[Any, Any]") -> str:
    """Return the internal type of a field's values; a reference holds those of what it refers to."""
    while isinstance(points := field.remote_field, models.ManyToOneRel):
        field = points.get_related_field()
    return str(field.get_internal_type())


SEARCH = Table("kernel_search", ("rowid", "public", "internal"), (whole, None, None))
"""What is searched in; the words beside it are made by each database in its own way."""


class Tally:
    """How many rows passed by, and a digest over all of them in whatever order they came."""

    def __init__(self) -> None:
        self.rows, self.digest = 0, 0

    def passing(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the rows and count them."""
        for row in rows:
            found = blake2b(repr(row).encode(), digest_size=16).digest()
            self.rows, self.digest = self.rows + 1, self.digest + int.from_bytes(found) & (1 << 128) - 1
            yield row

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and (self.rows, self.digest) == (other.rows, other.digest)

    __hash__ = None  # type: ignore[assignment]


def tally(rows: Iterable[Row]) -> Tally:
    """Count rows to their end."""
    counted = Tally()
    for _ in counted.passing(rows):
        pass
    return counted
