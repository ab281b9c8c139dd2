"""References such as INC-000042: one line of numbers per prefix, unique, never given twice.

On PostgreSQL a sequence gives them, so that creating records never waits for another writer; a number
drawn by a write that failed is not used again, which leaves a gap. SQLite has one writer at a time and
counts in a table without gaps.
"""

from django.db import connection, models


class Counter(models.Model):
    """The last number given for a prefix (SQLite)."""

    prefix = models.CharField(max_length=8, primary_key=True)
    last = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.prefix} {self.last}"


def reference(prefix: str, number: int) -> str:
    return f"{prefix}-{number:06d}"


def take(prefix: str, count: int = 1) -> list[int]:
    """Draw `count` fresh numbers for `prefix`, ascending. Call inside a transaction."""
    if connection.vendor == "postgresql":
        return _take_from_sequence(prefix, count)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_ON, [prefix, count])
        last = int(cursor.fetchone()[0])
    return list(range(last - count + 1, last + 1))


def give_back(prefix: str, numbers: list[int]) -> None:
    """Return drawn numbers (descending) that were not used, where nobody has drawn since; a sequence keeps the gap."""
    if connection.vendor != "postgresql" and numbers:
        Counter.objects.filter(prefix=prefix, last=numbers[0]).update(last=numbers[-1] - 1)


def prepare(prefixes: list[str]) -> None:
    """Create the sequences that are missing, and move on those that are behind (PostgreSQL).

    Called after every migration. A sequence is behind its records after a restore of tables alone.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for prefix in prefixes:
            name = sequence_name(prefix)
            cursor.execute(f"CREATE SEQUENCE IF NOT EXISTS {name}")
            cursor.execute(_MOVE_ON, [name, f"{prefix}-%", name])


_COUNT_ON = (
    "INSERT INTO kernel_counter (prefix, last) VALUES (%s, %s) "
    "ON CONFLICT (prefix) DO UPDATE SET last = kernel_counter.last + excluded.last RETURNING last"
)

_MOVE_ON = """
    SELECT setval(%s::regclass, given.last) FROM (
        SELECT max(split_part(reference, '-', 2)::bigint) AS last FROM (
            SELECT reference FROM kernel_record WHERE reference LIKE %s ORDER BY id DESC LIMIT 100
        ) AS latest
    ) AS given
    WHERE given.last > coalesce(pg_sequence_last_value(%s::regclass), 0)
"""


def go_on_after(prefix: str, last: int) -> None:
    """Draw numbers after `last` from now on: it is the last that another database gave."""
    if connection.vendor != "postgresql":
        Counter.objects.update_or_create(prefix=prefix, defaults={"last": last})
        return
    name = sequence_name(prefix)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SEQUENCE IF NOT EXISTS {name}")
        cursor.execute("SELECT setval(%s::regclass, nullif(%s, 0))", [name, last])


def sequence_name(prefix: str) -> str:
    if not prefix.isalpha() or not prefix.isascii():
        raise ValueError(f"A prefix is made of letters A-Z, not {prefix!r}.")
    return f"kernel_number_{prefix.lower()}"


def _take_from_sequence(prefix: str, count: int) -> list[int]:
    with connection.cursor() as cursor:
        if count == 1:
            cursor.execute("SELECT nextval(%s::regclass)", [sequence_name(prefix)])
        else:
            cursor.execute(
                "SELECT nextval(%s::regclass) FROM generate_series(1, %s)", [sequence_name(prefix), count]
            )
        return [int(row[0]) for row in cursor.fetchall()]
