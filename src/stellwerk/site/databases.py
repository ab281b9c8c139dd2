"""How Stellwerk talks to its database: SQLite by default, PostgreSQL by address."""

import os
import platform
from pathlib import Path
from typing import Any

from django.db import connection

from stellwerk.site.configuration import Configuration
from stellwerk.site.setting_types import parse_database_url

SQLITE_FILE = "stellwerk.sqlite3"
BUSY_TIMEOUT_S = 20
APPLICATION = "stellwerk"
LONGEST_MACHINE = 40  # PostgreSQL keeps 63 characters of the whole


def database(configuration: Configuration, data_dir: Path) -> dict[str, Any]:
    """Return Django's settings of the one database."""
    url = configuration.text("database_url") or f"sqlite://{data_dir / SQLITE_FILE}"
    given = parse_database_url(url)
    if given["ENGINE"].endswith("sqlite3"):
        return given | sqlite(durable=configuration.text("mode") == "production")
    return given | postgresql(given["OPTIONS"], configuration.number("database_connections"))


def sqlite(durable: bool) -> dict[str, Any]:
    """Return SQLite's options; durable means that a commit survives a power cut.

    IMMEDIATE takes the write lock when a transaction begins, so that two writers wait for each other instead
    of failing half-way with "database is locked".
    """
    pragmas = {
        "journal_mode": "WAL",
        "synchronous": "FULL" if durable else "NORMAL",
        "temp_store": "MEMORY",
        "cache_size": "-16000",
    }
    return {
        "OPTIONS": {
            "timeout": BUSY_TIMEOUT_S,
            "transaction_mode": "IMMEDIATE",
            "init_command": ";".join(f"PRAGMA {name}={value}" for name, value in pragmas.items()),
        },
        # A closed connection forgets its page cache and prepared statements; checks cost nothing on a file.
        "CONN_MAX_AGE": None,
    }


def postgresql(options: dict[str, Any], connections: int) -> dict[str, Any]:
    """Return PostgreSQL's options with a pool, because granian's threads come and go.

    Taking a connection from the pool costs as little as keeping one per thread (0.14 ms a request with one
    query; a new connection each time costs 7 ms). The health check is one more round trip,
    and lets a restart of the database server pass unnoticed.
    """
    pool = {"min_size": 1, "max_size": connections, "timeout": 10, "max_lifetime": 3600}
    # With a million records the planner takes access conditions for costly and compiles them: 2 s for a query of 1 ms.
    settings = f"-c jit=off {options.get('options', '')}".strip()
    ours = {"pool": pool, "options": settings, "application_name": application_name()}
    return {"OPTIONS": options | ours, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}


def application_name() -> str:
    """Return by what the database server's list of connections, and a restore, know this process and its children."""
    return f"{APPLICATION} {platform.node()[:LONGEST_MACHINE]}:{os.getpid()}"


def without_pool() -> None:
    """Let this process connect by itself: a command needs one connection, and hears at once why there is none."""
    connection.settings_dict["OPTIONS"].pop("pool", None)
