"""Backing up and bringing back a PostgreSQL database with PostgreSQL's own pg_dump and pg_restore."""

import os
import shutil
import subprocess
from pathlib import Path

from django.db import connection, transaction

from stellwerk.operations.preflight import OperatorError
from stellwerk.site.databases import APPLICATION

MEMBER = "database.dump"
COUNTED = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""
EXTENSIONS = """
    SELECT extname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE n.nspname = %s
"""

OTHERS = """
    SELECT DISTINCT application_name FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE %s
    AND application_name <> current_setting('application_name') ORDER BY application_name
"""


def require_alone() -> None:
    """Refuse while other processes of Stellwerk, on any machine, are connected to the database."""
    with connection.cursor() as cursor:
        cursor.execute(OTHERS, [f"{APPLICATION} %"])
        others = [name.removeprefix(APPLICATION).strip() for (name,) in cursor.fetchall()]
    if others:
        raise OperatorError(
            f"Stellwerk is running on this database (machine:process {', '.join(others)}): stop its servers, "
            "workers and imports first. Nothing was changed."
        )


def dump(folder: Path) -> tuple[Path, dict[str, int]]:
    """Write a dump into folder; returns it and the rows per table in the snapshot it was taken from."""
    require_programs("pg_dump")
    target = folder / MEMBER
    options = ["--format=custom", "--compress=1", "--exclude-schema=replaced_*", f"--file={target}"]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        call("pg_dump", *options, f"--snapshot={snapshot}")
        counts = row_counts()
    return target, counts


def row_counts() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(COUNTED)
        return {name: count_rows(name) for (name,) in cursor.fetchall()}


def count_rows(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # nosec B608
        return int(cursor.fetchone()[0])


def bring_back(dump: Path, expected: dict[str, int], aside: str) -> None:
    """Restore the dump beside the present tables, which stay in the schema `aside`.

    Should the restore fail or bring other rows than the manifest says, the present tables are put back.
    """
    move_schema("public", aside)
    try:
        call(
            "pg_restore",
            "--single-transaction",
            "--no-owner",
            "--no-privileges",
            f"--dbname={name()}",
            str(dump),
        )
        if row_counts() != expected:
            raise OperatorError("The restored tables have other rows than the manifest says.")
    except OperatorError as error:
        put_back(aside)
        raise OperatorError(f"{error} The database is as it was before.") from error


def move_schema(schema: str, aside: str) -> None:
    """Rename the schema and make a new empty one; extensions stay where the new tables look for them."""
    with transaction.atomic(), connection.cursor() as cursor:
        extensions = extensions_in(schema)
        cursor.execute(f"ALTER SCHEMA {quoted(schema)} RENAME TO {quoted(aside)}")
        cursor.execute(f"CREATE SCHEMA {quoted(schema)}")
        for extension in extensions:
            cursor.execute(f"ALTER EXTENSION {extension} SET SCHEMA {quoted(schema)}")


def extensions_in(schema: str) -> list[str]:
    """Return the quoted names of the extensions in the schema."""
    with connection.cursor() as cursor:
        cursor.execute(EXTENSIONS, [schema])
        return [quoted(extension) for (extension,) in cursor.fetchall()]


def put_back(aside: str) -> None:
    failed = f"{aside}_failed"
    move_schema("public", failed)
    with transaction.atomic(), connection.cursor() as cursor:
        for extension in extensions_in("public"):
            cursor.execute(f"ALTER EXTENSION {extension} SET SCHEMA {quoted(aside)}")
        cursor.execute("DROP SCHEMA public")
        cursor.execute(f"ALTER SCHEMA {quoted(aside)} RENAME TO public")
    drop(failed)


def drop(schema: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA {quoted(schema)} CASCADE")


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def name() -> str:
    return str(connection.settings_dict["NAME"])


def require_programs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            raise OperatorError(
                f"{program} is not installed: install PostgreSQL's client programs "
                "(Debian, Ubuntu: `apt-get install postgresql-client`)."
            )


def call(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs against our database; its last line becomes the obstacle."""
    require_programs(program)
    done = subprocess.run(
        [program, *arguments], env=os.environ | connection_variables(), capture_output=True, text=True
    )
    if done.returncode:
        raise OperatorError(told(program, done.stderr))


def told(program: str, messages: str) -> str:
    """Return the one of a program's messages that says why it failed."""
    lines = messages.strip().splitlines() or ["no message"]
    telling = next((line for line in lines if "error:" in line), lines[-1])
    return f"{telling if telling.startswith(program) else f'{program}: {telling}'}."


def connection_variables() -> dict[str, str]:
    """Return the environment that leads PostgreSQL's programs to the database, without a password in `ps`."""
    settings = connection.settings_dict
    variables = {
        "PGHOST": settings["HOST"],
        "PGPORT": str(settings["PORT"]),
        "PGUSER": settings["USER"],
        "PGPASSWORD": settings["PASSWORD"],
        "PGDATABASE": settings["NAME"],
    }
    options = {
        f"PG{key.upper()}": str(value) for key, value in settings["OPTIONS"].items() if key.startswith("ssl")
    }
    return {key: value for key, value in (variables | options).items() if value}
