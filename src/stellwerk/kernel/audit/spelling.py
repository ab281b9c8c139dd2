"""Dates, instants and JSON as SQLite keeps them: as text.

It compares days letter by letter, while Python reads more than one spelling as the same day, and what it cannot read as
none. Of a key that stands in JSON twice it takes the first, Python the last. So what is spelt otherwise counts otherwise
in a query and passes for the same everywhere else. PostgreSQL has types.
"""

from collections.abc import Iterator

from django.db import connection, models

from stellwerk.kernel.model import registry, strict_json
from stellwerk.kernel.model.record import Record

DAY = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]"
TIME = "[0-2][0-9]:[0-5][0-9]:[0-5][0-9]"
DIGIT = "[0-9]"


def misspelt(ids: list[int]) -> Iterator[tuple[int, str]]:
    """Yield the records among `ids`, and their fields, whose dates, instants or JSON stand otherwise than they were written."""
    if connection.vendor != "sqlite" or not ids:
        return
    wanted = set(ids)
    parts = [_part(model, field) for model in _models() for field in _columns(model, models.DateField)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), [min(ids), max(ids)] * len(parts))
        yield from (row for row in cursor.fetchall() if row[0] in wanted)
        parts = [_text(model, field) for model in _models() for field in _columns(model, models.JSONField)]
        cursor.execute(" UNION ALL ".join(parts), [min(ids), max(ids)] * len(parts))
        yield from (
            (pk, name) for pk, name, text in cursor.fetchall() if pk in wanted and not _is_sound(text)
        )


def _models() -> list[type[Record]]:
    return [Record, *(record_type.model for record_type in registry.all_types())]


def _columns(model: type[Record], kind: type) -> "list[models.Field[object, object]]":
    return [field for field in model._meta.local_concrete_fields if isinstance(field, kind)]


def _text(model: type[Record], field: "models.Field[object, object]") -> str:
    """Select the JSON that may have a key twice, as it stands there; names of tables and columns are our own."""
    key, column = model._meta.pk.column, f'"{field.column}"'
    return (
        f'SELECT "{key}", \'{field.name}\', {column} FROM "{model._meta.db_table}" '  # nosec B608 -- names of ours
        f"WHERE \"{key}\" BETWEEN %s AND %s AND {column} LIKE '%%:%%:%%'"
    )


def _is_sound(text: str) -> bool:
    try:
        strict_json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


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
