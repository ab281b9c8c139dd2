"""Installations, each with a database of its own."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection

from stellwerk.site.tests.installation import Installation, Make, administer


@pytest.fixture
def make_installation(tmp_path: Path) -> Iterator[Make]:
    """Give a function that makes empty installations on the kind of database that this run is about."""
    databases: list[str] = []

    def make(name: str) -> Installation:
        data_dir = tmp_path / name
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


@pytest.fixture
def filled(make_installation: Make) -> Installation:
    """An installation in which Ada is the administrator."""
    made = make_installation("first")
    made.succeed("migrate")
    made.succeed("create-admin", "ada")
    return made
