"""The search table as the ORM sees it; `migration_operations` creates it as each database needs it."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler

from stellwerk.kernel.search import postgresql, sqlite
from stellwerk.kernel.search.query import Query


class WordsField(models.Field[Any, Any]):
    """The words of a record, prepared by the database; only ever asked whether they match."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "tsvector" if connection.vendor == "postgresql" else "text"


class _Matches(models.Lookup[Any]):
    """Whether the words match a `Query`, looking at public words only or at all of them."""

    internal: bool
    prepare_rhs = False
    rhs: Query

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: object
    ) -> tuple[str, list[str | int]]:
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} MATCH %s", [*parameters, sqlite.expression(self.rhs, internal=self.internal)]

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[str | int]]:
        column, parameters = self.process_lhs(compiler, connection)
        # "IS TRUE" keeps the planner from using the index.
        checked, looked_up = f"({column} @@ %s::tsquery) IS TRUE", f"{column} @@ %s::tsquery"
        if not self.rhs.looked_up:
            return checked, [*parameters, postgresql.expression(self.rhs, internal=self.internal)]
        indexed, late = postgresql.parted(self.rhs)
        first = [*parameters, postgresql.expression(indexed, internal=self.internal)]
        if late is None:
            return looked_up, first
        second = [*parameters, postgresql.expression(late, internal=self.internal)]
        return f"({looked_up} AND {checked})", [*first, *second]


@WordsField.register_lookup
class MatchesPublic(_Matches):
    lookup_name = "match_public"
    internal = False


@WordsField.register_lookup
class MatchesAll(_Matches):
    lookup_name = "match_all"
    internal = True


class SearchEntry(models.Model):
    """What can be found of one record: its words, and the texts from which snippets are cut.

    Both names in the database come from SQLite's FTS5: the key of such a table is `rowid`, and the column
    that a match is asked of is called like the table.
    """

    record = models.OneToOneField(
        "kernel.Record",
        models.CASCADE,
        primary_key=True,
        db_column="rowid",
        db_constraint=False,
        related_name="+",
        related_query_name="search_entry",
    )
    words = WordsField(db_column="kernel_search")
    public = models.TextField()
    internal = models.TextField()

    class Meta:
        managed = False
        db_table = "kernel_search"


class SearchRebuild(models.Model):
    """How far building the search anew has come; one row. Records from the id `below` on are done."""

    below = models.BigIntegerField()
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    begun_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.done:,} of {self.total:,}"
