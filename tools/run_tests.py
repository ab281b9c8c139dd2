"""Run all tests once per database and say what was skipped: `python tools/run_tests.py [pytest arguments]`.

STELLWERK_TEST_DATABASE_URL names the PostgreSQL to use; without it one is looked for on this machine.
STELLWERK_TEST_STRICT=1 fails when anything is skipped.
"""

import getpass
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import psycopg
from assets import FRONTEND, BuildError, install_packages

ROOT = Path(__file__).resolve().parent.parent
URL_VARIABLE = "STELLWERK_TEST_DATABASE_URL"
STRICT = bool(os.environ.get("STELLWERK_TEST_STRICT"))
# A name of our own, so that two checkouts on one machine do not drop each other's test database.
DATABASE = f"stellwerk_{hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]}"
NO_TESTS_COLLECTED = 5


def main(arguments: list[str]) -> int:
    install_packages(FRONTEND, development=True)  # axe, for the browser tests
    url = postgresql_url()
    codes = {"SQLite": run_pytest(arguments, "")}
    if url:
        codes["PostgreSQL"] = run_pytest(arguments, url)
    print()
    for database, code in codes.items():
        print(f"{database}: {'passed' if code == 0 else 'FAILED'}")
    if not url:
        print(
            f"PostgreSQL: skipped, none is reachable; name one with {URL_VARIABLE}=postgres://user@host/name"
        )
    return 1 if any(codes.values()) or (STRICT and not url) else 0


def run_pytest(arguments: list[str], url: str) -> int:
    print(f"\nTests on {'PostgreSQL' if url else 'SQLite'}", flush=True)
    # Compiled modules are kept, whatever the machine says: the tests start hundreds of commands, each 0.8 s faster so.
    dropped = (URL_VARIABLE, "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    if url:
        environment[URL_VARIABLE] = url
    workers = [] if any(argument.startswith("-n") for argument in arguments) else ["-n", "auto"]
    code = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *workers, *arguments], cwd=ROOT, env=environment
    )
    return 0 if code.returncode == NO_TESTS_COLLECTED and arguments else code.returncode


def postgresql_url() -> str:
    """Return the address of a PostgreSQL in which this user may create databases, or nothing."""
    if os.environ.get(URL_VARIABLE):
        return os.environ[URL_VARIABLE]
    user = getpass.getuser()
    for place in (f"postgres://{user}@127.0.0.1:5432/", f"postgres://{user}@/"):
        if may_create_databases(place, user):
            suffix = "?host=/var/run/postgresql" if place.endswith("@/") else ""
            return f"{place}{DATABASE}{suffix}"
    return ""


def may_create_databases(place: str, user: str) -> bool:
    host = {"host": "/var/run/postgresql"} if place.endswith("@/") else {}
    try:
        with psycopg.connect(place + "postgres", connect_timeout=2, **host) as connection:
            row = connection.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = %s", [user]
            )
            found = row.fetchone()
    except psycopg.Error:
        return False
    return bool(found and found[0])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BuildError as error:
        sys.exit(f"stellwerk: {error}")
