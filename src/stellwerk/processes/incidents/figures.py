"""The desk in figures: what came in and went out, and what is open, counted by the database in a few passes."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, Count, Func, Q, QuerySet, SmallIntegerField, Value, When
from django.db.models.fields import CharField
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from stellwerk.kernel.model.record import Record

AGES = (1, 3, 7, 14, 30, 90)
"""Days that divide open tickets by age; the last group is older than all of them."""


class Hour(Func):
    """The hour of an instant in UTC, as text; few enough groups to sort into days of any time zone afterwards."""

    output_field = CharField()

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: str
    ) -> tuple[str, tuple[str | int, ...]]:
        return super().as_sql(compiler, connection, template="substr(%(expressions)s, 1, 13)", **extra)

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: str
    ) -> tuple[str, tuple[str | int, ...]]:
        template = "to_char(date_trunc('hour', %(expressions)s AT TIME ZONE 'UTC'), 'YYYY-MM-DD HH24')"
        return super().as_sql(compiler, connection, template=template, **extra)


@dataclass
class DeskFigures:
    """What is open now: by age, team, service and priority; with how many unassigned and waiting."""

    total: int = 0
    unassigned: int = 0
    waiting: int = 0
    by: dict[str, Counter[int | None]] = field(default_factory=dict)


def per_day(tickets: QuerySet[Record], field_name: str, days: list[date]) -> list[int]:
    """Count tickets whose instant `field_name` falls on each of the days, in the current time zone."""
    span = (beginning(days[0]), beginning(days[-1] + timedelta(days=1)))
    rows = (
        tickets.filter(**{f"{field_name}__gte": span[0], f"{field_name}__lt": span[1]})
        .order_by()
        .values_list(Hour(field_name))
        .annotate(number=Count("*"))
    )
    found: Counter[date] = Counter()
    for hour, number in rows:
        found[timezone.localtime(_instant(hour)).date()] += number
    return [found[day] for day in days]


def open_now(tickets: QuerySet[Any], now: datetime) -> DeskFigures:
    """Count what is open in one pass, by everything that the page divides it by.

    An open ticket has no instant of resolution; saying so lets the database use the index of those.
    """
    rows = (
        tickets.filter(is_open=True, resolved_at=None)
        .order_by()
        .annotate(age=_age(now))
        .values("team", "service", "priority", "age")
        .annotate(
            number=Count("pk"),
            unassigned=Count("pk", filter=Q(assigned_to=None)),
            waiting=Count("pk", filter=~Q(waiting_for="")),
        )
    )
    found = DeskFigures(by={name: Counter() for name in ("team", "service", "priority", "age")})
    for row in rows:
        found.total += row["number"]
        found.unassigned += row["unassigned"]
        found.waiting += row["waiting"]
        for name, counter in found.by.items():
            counter[row[name]] += row["number"]
    return found


def days_until(last: date, number: int) -> list[date]:
    """List so many days, `last` being the last."""
    return [last - timedelta(days=ago) for ago in reversed(range(number))]


def beginning(day: date) -> datetime:
    """Return the instant at which a day begins in the current time zone."""
    return timezone.make_aware(datetime(day.year, day.month, day.day))  # noqa: DTZ001 -- made aware here


def _age(now: datetime) -> Case:
    """Number the groups of age, from the youngest."""
    younger = [
        When(created_at__gte=now - timedelta(days=days), then=Value(at)) for at, days in enumerate(AGES)
    ]
    return Case(*younger, default=Value(len(AGES)), output_field=SmallIntegerField())


def _instant(hour: str) -> datetime:
    return datetime.fromisoformat(f"{hour}:00").replace(tzinfo=UTC)
