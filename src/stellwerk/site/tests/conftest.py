"""Installations, each with a database of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stellwerk.site.tests.installation import Installation, Make, installations


@pytest.fixture
def make_installation(tmp_path: Path) -> Iterator[Make]:
    """Give a function that makes empty installations on the kind of database that this run is about."""
    with installations(tmp_path) as make:
        yield make


@pytest.fixture
def filled(make_installation: Make) -> Installation:
    """An installation in which Ada is the administrator."""
    made = make_installation("first")
    made.succeed("migrate")
    made.succeed("create-admin", "ada")
    return made
