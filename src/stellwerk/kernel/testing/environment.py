"""What a program that a test starts may know of the test's own process."""

import os

OURS = ("STELLWERK_", "DJANGO_")


def bare_environment() -> dict[str, str]:
    """Return the environment without Stellwerk's and Django's settings, which the tests, or a developer, have set."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
