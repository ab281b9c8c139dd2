"""Whether a JSON list in a row holds a value, asked of either database."""

import json

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Value
from django.db.models.expressions import Expression
from django.db.models.sql.compiler import SQLCompiler


class Holds(Func):
    """True for the rows whose list in `column`, or in its member `member`, holds the value."""

    output_field = BooleanField()

    def __init__(self, column: str | Expression, value: object = None, member: str = "") -> None:
        self.member = member
        # Copies are made of the expressions themselves.
        expressions = (column,) if value is None else (F(str(column)), Value(value))
        super().__init__(*expressions)

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: object
    ) -> tuple[str, tuple[str | int, ...]]:
        (column, first), (value, second) = map(compiler.compile, self.source_expressions)
        path = f'$."{self.member}"' if self.member else "$"
        found = f"EXISTS (SELECT 1 FROM json_each({column}, %s) WHERE value = {value})"  # nosec B608 -- compiled
        return found, (*first, path, *second)

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: object
    ) -> tuple[str, tuple[str | int, ...]]:
        column, first = compiler.compile(self.source_expressions[0])
        found = f"({column} -> %s)" if self.member else column
        path = [self.member] if self.member else []
        # A bare parameter has no type of its own from which JSON could be made.
        value = self.source_expressions[1]
        assert isinstance(value, Value)  # noqa: S101 -- made above
        return f"COALESCE({found} @> %s::jsonb, false)", (*first, *path, json.dumps(value.value))
