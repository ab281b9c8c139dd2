"""The records that are there before the first story: rows of tables, written through the verbs at their instants."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

from stellwerk.demo import read
from stellwerk.kernel.activity.history import History
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM, Actor
from stellwerk.kernel.model.record import Record

ABOUT_THE_ROW = ("key", "at", "hour", "by", "steps", "asks")
"""What a row says beside the values of fields; data/organisation.toml explains them."""


@dataclass(frozen=True)
class Row:
    """One row of a table: what was written of the record `key` of a type, so many days ago at an hour."""

    type: str
    key: str
    given: Mapping[str, Any]

    @property
    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.given.items() if name not in ABOUT_THE_ROW}


def rows() -> Iterator[Row]:
    """Read all rows in the order in which they are written."""
    for file in read("demo.toml")["records"]:
        for table in read(file)["table"]:
            for given in table["rows"]:
                named = given if "columns" not in table else dict(zip(table["columns"], given, strict=True))
                row = {**table.get("with", {}), **named}
                for name in [name for name, value in row.items() if value in ("@at", "@by")]:
                    row[name] = row[row[name].removeprefix("@")]
                yield Row(table["type"], str(row.get(table.get("key", "key"), "")), row)


class Written:
    """The records that were written, by type and key, and the history that they are written into."""

    def __init__(self, history: History, today: date) -> None:
        self.history, self.today = history, today
        self.records: dict[tuple[str, str], Record] = {}

    def actor(self, key: str) -> Actor:
        """Return who acts: a person, or the system for an empty key."""
        return self.person(key) if key else SYSTEM

    def person(self, key: str) -> Person:
        return cast("Person", self.records["person", key])

    def write(self, row: Row) -> None:
        """Create or change the record of a row, then take its steps."""
        record_type, by = registry.get(row.type), self.actor(row.given.get("by", ""))
        values, at = (
            self.resolved(row.type, row.values),
            self._instant(row.given["at"], row.given.get("hour", 9)),
        )
        record = self.records.get((row.type, row.key)) if row.key else None
        if record is None:
            record = self.history.create(record_type.model, values, by=by, at=at)
            self.records[row.type, row.key or record.reference] = record
        else:
            self.history.change(record, values, by=by, at=at)
        for step, days, who in row.given.get("steps", ()):
            moment = self._instant(days, row.given.get("hour", 9))
            self.history.transition(record, step, by=self.actor(who), at=moment)

    def resolved(self, type_key: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Put records in the place of their keys, and days in that of their number of days ago."""
        references = registry.get(type_key).references
        targets = {name: registry.for_model(model).key for name, model in references.items()}
        found = {}
        for name, value in values.items():
            if name in targets and isinstance(value, str):
                target = targets[name]
                value = self.records[target, value] if value else None
                if value is not None and value.pk is None:
                    self.history.flush()
            elif name in read("demo.toml")["days_ago"]:
                value = self.today - timedelta(days=value)
            found[name] = value
        return found

    def _instant(self, days: int, hour: int) -> datetime:
        return datetime.combine(self.today - timedelta(days=days), time(hour), tzinfo=UTC)
