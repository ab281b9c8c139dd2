"""Dates and instants as SQLite keeps them: as text.

It compares them letter by letter, while Python reads more than one spelling as the same day, and what it cannot read as
none. So a day spelt otherwise counts otherwise in a query and passes for the same everywhere else. PostgreSQL has types.
"""

from collections.abc import Iterator

from django.db import connection, models

from stellwerk.kernel.model import registry
from stellwerk.kernel.model.record import Record

DAY = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]"
TIME = "[0-2][0-9]:[0-5][0-9]:[0-5][0-9]"
DIGIT = "[0-9]"


def misspelt(ids: list[int]) -> Iterator[tuple[int, str]]:
    """Yield the records among `ids`, and their fields, whose dates or instants stand otherwise than they were written."""
    if connection.vendor != "sqlite" or not ids:
        return
    parts = [_part(model, field) for model in _models() for field in _dated(model)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), [min(ids), max(ids)] * len(parts))
        wanted = set(ids)
        yield from (row for row in cursor.fetchall() if row[0] in wanted)


def _models() -> list[type[Record]]:
    return [Record, *(record_type.model for record_type in registry.all_types())]


def _dated(model: type[Record]) -> "list[models.Field[object, object]]":
    return [field for field in model._meta.local_concrete_fields if isinstance(field, models.DateField)]


def _part(model: type[Record], field: "models.Field[object, object]") -> str:
    """Select what fits neither spelling that the database layer writes; names of tables and columns are our own."""
    key, column = model._meta.pk.column, f'"{field.column}"'
    spellings = [DAY]
    if isinstance(field, models.DateTimeField):
        spellings = [f"{DAY} {TIME}", f"{DAY} {TIME}.{DIGIT * 6}"]
    fits = " OR ".join(f"{column} GLOB '{spelling}'" for spelling in spellings)
    return (
        f'SELECT "{key}", \'{field.name}\' FROM "{model._meta.db_table}" '  # nosec B608 -- names of ours
        f'WHERE "{key}" BETWEEN %s AND %s AND {column} IS NOT NULL AND NOT ({fits})'
    )
