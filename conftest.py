"""Fixtures and reports that every test has."""

pytest_plugins = ["stellwerk.kernel.testing.fixtures", "tests.browser", "tests.run"]
