"""An installation of a test's own, worked on through the command line."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from django.conf import settings
from django.db import connection

from stellwerk.kernel.testing.environment import bare_environment

PASSWORD = "correct horse battery"  # noqa: S105  of the test's own installation


@dataclass
class Installation:
    """A data folder and a database, and the command `stellwerk` that works on them."""

    data_dir: Path
    database_url: str = ""

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = self.environment() | settings
        return subprocess.run(self.command(*arguments), env=environment, capture_output=True, text=True)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "stellwerk.site.cli", *arguments]

    def environment(self) -> dict[str, str]:
        return bare_environment() | {
            # That of the tests: keys move with a backup.
            "STELLWERK_SECRET_KEY": settings.SECRET_KEY,
            "STELLWERK_DATA_DIR": str(self.data_dir),
            "STELLWERK_DATABASE_URL": self.database_url,
            "STELLWERK_ADMIN_PASSWORD": PASSWORD,
            "STELLWERK_LOG_LEVEL": "INFO",
        }

    def succeed(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def people(self) -> list[str]:
        """Return who can sign in, asked of the database itself."""
        query = "SELECT username FROM kernel_person ORDER BY username"
        if self.database_url:
            with psycopg.connect(self.database_url) as server:
                return [row[0] for row in server.execute(query)]
        with closing(sqlite3.connect(self.data_dir / "stellwerk.sqlite3")) as file:
            return [row[0] for row in file.execute(query)]


Make = Callable[[str], Installation]


@contextmanager
def installations(folder: Path) -> Iterator[Make]:
    """Give a function that makes empty installations below a folder, and drop their databases in the end."""
    databases: list[str] = []

    def make(name: str) -> Installation:
        data_dir = folder / name
        if connection.vendor == "sqlite":
            return Installation(data_dir)
        # A run has several processes, which may not have a test database of their own yet.
        database = f"{connection.settings_dict['NAME']}_{os.getpid()}_{name}"
        administer(f'CREATE DATABASE "{database}"')
        databases.append(database)
        settings = connection.settings_dict
        password = f":{quote(settings['PASSWORD'])}" if settings["PASSWORD"] else ""
        place = f"{quote(settings['USER'])}{password}@{settings['HOST']}:{settings['PORT'] or 5432}"
        return Installation(data_dir, f"postgres://{place}/{database}")

    yield make
    for database in databases:
        administer(f'DROP DATABASE "{database}"')


def administer(statement: str) -> None:
    """Run a statement outside of any test database."""
    settings = connection.settings_dict
    place = {"host": settings["HOST"], "port": settings["PORT"] or 5432, "dbname": "postgres"}
    with psycopg.connect(
        user=settings["USER"], password=settings["PASSWORD"], autocommit=True, **place
    ) as server:
        server.execute(statement)
