"""Measure what grows with the number of record types: `python bench/many_types.py [--types 80] [--tests] [--databases ...]`.

Writes made-up types of every shape (bench/made_up.py) beside the real ones until there are so many, fills a small
installation of them, and measures its start, its memory and the pages that ask every type. `--tests` runs the whole
test suite with them, too. Exits with 1 when an aim is missed. What it writes lies in bench/var.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.load import Load, Request, memory_mb, tree  # noqa: E402
from bench.made_up import write_dummies  # noqa: E402
from bench.run import (  # noqa: E402
    HOST,
    RESULTS,
    SETTLE_S,
    VAR,
    WARM_UP_S,
    Target,
    empty,
    machine,
    postgresql_server,
    serving,
    versions,
)

PACKAGES = VAR / "types"
SETTINGS = "bench.many_types_settings"
TICKETS = 2_000
TYPES_OF_OURS = "from stellwerk.kernel.model import registry; print(len(registry.all_types()))"
SUITE_AIM_MINUTES = 40


@dataclass(frozen=True)
class TypesTarget(Target):
    """A small installation whose settings add the made-up types."""

    @property
    def folder(self) -> Path:
        return VAR / f"types-{self.database}"

    @property
    def command(self) -> list[str]:
        """The command line insists on the settings of an installation, so that they are named in its place."""
        program = f"from stellwerk.site import cli; cli.SETTINGS_MODULE = {SETTINGS!r}; cli.main(['serve'])"
        return [sys.executable, "-c", program]

    def environment(self, port: int = 8000) -> dict[str, str]:
        return super().environment(port) | with_dummies()


@dataclass(frozen=True)
class Figure:
    """One measured value beside what is wanted of it."""

    name: str
    value: float
    unit: str
    most: float | None = None

    @property
    def missed(self) -> bool:
        return self.most is not None and self.value > self.most

    def __str__(self) -> str:
        aim = "" if self.most is None else f" | ≤ {self.most:g} {'**missed**' if self.missed else 'met'}"
        return f"| {self.name} | {self.value:,.1f} {self.unit}{aim or ' | '} |"


def main() -> int:
    options = arguments()
    count = options.types - real_types()
    make_dummies(count)
    print(f"{options.types} types, {count} of them made up", flush=True)
    lines, missed = [f"# {options.types} record types, {count} of them made up", "", f"{machine()}.", ""], 0
    for target in targets(options.databases):
        found = list(measured(target))
        missed += sum(figure.missed for figure in found)
        lines += [f"## {versions(target)}", "", "| what | measured | aim |", "|---|---|---|"]
        lines += [*map(str, found), ""]
    if options.tests:
        found = list(suite())
        missed += sum(figure.missed for figure in found)
        lines += ["## The test suite", "", "| what | measured | aim |", "|---|---|---|", *map(str, found), ""]
    report = "\n".join(lines)
    print(report)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"types-{options.types}.md").write_text(report, encoding="utf-8")
    return 1 if missed else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what grows with the number of record types.")
    parser.add_argument(
        "--types", type=int, default=80, help="how many there are to be (default: %(default)s)"
    )
    parser.add_argument("--databases", default="sqlite,postgresql", help="default: %(default)s")
    parser.add_argument("--tests", action="store_true", help="run the test suite with them, too")
    return parser.parse_args()


# -- the types ---------------------------------------------------------------------------------------


def real_types() -> int:
    program = f"import django; django.setup(); {TYPES_OF_OURS}"
    environment = production() | {"DJANGO_SETTINGS_MODULE": "stellwerk.site.settings"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    return int(done.stdout)


def make_dummies(count: int) -> None:
    """Write the package and its migration anew."""
    shutil.rmtree(PACKAGES, ignore_errors=True)
    write_dummies(PACKAGES, count)
    subprocess.run(
        [sys.executable, "manage.py", "makemigrations", "dummies", "--verbosity", "0"],
        cwd=ROOT,
        env=production() | with_dummies(),
        check=True,
    )


def production() -> dict[str, str]:
    return Target("sqlite", 0, f"sqlite://{VAR}/types.sqlite3").environment()


def with_dummies() -> dict[str, str]:
    return {"DJANGO_SETTINGS_MODULE": SETTINGS, "PYTHONPATH": f"{ROOT}{os.pathsep}{PACKAGES}"}


# -- measuring ---------------------------------------------------------------------------------------


def targets(databases: str) -> Iterator[TypesTarget]:
    if "sqlite" in databases:
        yield TypesTarget("sqlite", TICKETS, f"sqlite://{VAR}/types-sqlite/stellwerk.sqlite3")
    if "postgresql" in databases and (server := postgresql_server()):
        yield TypesTarget("postgresql", TICKETS, f"{server.rpartition('/')[0]}/stellwerk_bench_types")


def measured(target: TypesTarget) -> Iterator[Figure]:
    known = filled(target)
    with serving(target):
        """The first start collects the static files; what is measured is every other one."""
    began = time.monotonic()
    with serving(target) as (port, server):
        yield Figure("start, until it answers", time.monotonic() - began, "s", 2.5)
        processes = tree(server.pid)
        time.sleep(SETTLE_S)
        yield Figure("memory of the idle tree, proportional", memory_mb(processes)[1], "MB", 160)
        load = Load(HOST, port, processes)
        queries = counted(target)
        for page in PAGES:
            request = page.request(known)
            load.run(request, 1, WARM_UP_S)
            found = load.run(request, 1, 3)
            if found.failures:
                raise SystemExit(f"{page.name}: {found.failures[0]}")
            yield Figure(f"{page.name}: time", found.median, "ms", page.most_ms)
            yield Figure(f"{page.name}: queries", queries[page.name], "", page.most_queries)
            yield Figure(f"{page.name}: size", found.size / 1000, "kB", page.most_kb)


def filled(target: TypesTarget) -> dict[str, Any]:
    target.folder.mkdir(parents=True, exist_ok=True)
    empty(target)
    environment = target.environment()
    command = [sys.executable, "bench/fill.py", str(TICKETS)]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    target.known.write_bytes(done.stdout)
    subprocess.run(
        [sys.executable, "bench/fill_types.py", str(target.known)], cwd=ROOT, env=environment, check=True
    )
    found: dict[str, Any] = json.loads(target.known.read_text(encoding="utf-8"))
    return found


def counted(target: TypesTarget) -> dict[str, int]:
    command = [sys.executable, "bench/queries.py", str(target.known), "bench.many_types"]
    done = subprocess.run(
        command, cwd=ROOT, env=target.environment(), stdout=subprocess.PIPE, check=True, text=True
    )
    found: dict[str, int] = json.loads(done.stdout)
    return found


@dataclass(frozen=True)
class Page:
    """A page that asks every type, or that every type has, and what is wanted of it."""

    name: str
    path: str
    most_ms: float | None = None
    most_queries: float | None = None
    most_kb: float | None = None

    def request(self, known: dict[str, Any]) -> Any:
        cookie = {"Cookie": f"stellwerk_session={known['session']}", "Accept-Encoding": "identity"}
        path = self.path.format(ticket=known["references"][0], keeper=known["keeper"], dummy=known["dummy"])
        return lambda _number: Request("GET", path, cookie)


PAGES = [
    Page("record page, ticket", "/records/{ticket}/", most_kb=60),
    Page("record page, made-up type", "/records/{dummy}/", most_kb=60),
    Page("what refers to a person", "/records/{keeper}/referring/", most_ms=60, most_queries=12),
    Page("home", "/"),
    Page("list page", "/incidents/"),
]


def scenarios(known: dict[str, Any]) -> list[Any]:
    """List the pages as bench/queries.py counts them."""

    @dataclass(frozen=True)
    class Counted:
        name: str
        request: Any

    return [Counted(page.name, page.request(known)) for page in PAGES]


# -- the test suite ----------------------------------------------------------------------------------


def suite() -> Iterator[Figure]:
    """Run everything that `make test` runs, with the made-up types."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("STELLWERK_BENCH_")}
    environment = inherited | with_dummies() | {"STELLWERK_BENCH_SETTINGS": "tests.settings"}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "tools/run_tests.py", f"--ds={SETTINGS}"], cwd=ROOT, env=environment
    )
    minutes = (time.monotonic() - began) / 60
    yield Figure("the whole suite", minutes, "minutes", SUITE_AIM_MINUTES)
    yield Figure("runs that failed", float(done.returncode), "", 0)


if __name__ == "__main__":
    sys.exit(main())
