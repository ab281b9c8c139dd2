"""Measure speed and size: `make bench`, or `make bench BENCH="--sizes 10000 --seconds 3 --databases sqlite"`.

Fills databases (kept in bench/var and as stellwerk_bench_N on PostgreSQL for the next run), starts the real server on
each and loads it from this process. Prints a table and writes it to bench/results/.
STELLWERK_BENCH_DATABASE_URL names the PostgreSQL server; without it one is looked for on this machine.
"""

import argparse
import contextlib
import getpass
import hashlib
import http.client
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.load import Load, Measurement, memory_mb, tree  # noqa: E402
from bench.scenarios import Scenario, scenarios  # noqa: E402

VAR = ROOT / "bench" / "var"
RESULTS = ROOT / "bench" / "results"
HOST = "127.0.0.1"
CLIENTS = (1, 8)
START_TIMEOUT_S = 60
WARM_UP_S = 1.0
SETTLE_S = 3.0
GROWTH_ALLOWED = 1.2


@dataclass(frozen=True)
class Target:
    """One database with so many tickets."""

    database: str
    size: int
    url: str

    @property
    def folder(self) -> Path:
        return VAR / f"{self.database}-{self.size}"

    @property
    def known(self) -> Path:
        return self.folder / "known.json"

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "stellwerk.site.cli", "serve"]

    def environment(self, port: int = 8000) -> dict[str, str]:
        """Run as in production: durable commits, no limit on requests."""
        own = {
            "MODE": "production",
            "SECRET_KEY": " ".join(["benchmark"] * 6),
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": self.url,
            "LISTEN": f"{HOST}:{port}",
            "URL": f"http://{HOST}:{port}",
            "API_RATE": "0",
            "LOG_LEVEL": "ERROR",
            "WEB_PROCESSES": "1" if self.database == "sqlite" else "2",
        }
        # What is installed has its bytecode; compiling all of it at each start would be measured instead.
        left_out = ("STELLWERK_", "PYTHONDONTWRITEBYTECODE")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        return inherited | {f"STELLWERK_{name}": value for name, value in own.items()}


@dataclass
class Result:
    """What was found on one target."""

    target: Target
    queries: dict[str, int] = field(default_factory=dict)
    measured: dict[str, list[Measurement]] = field(default_factory=dict)
    idle_mb: tuple[int, int] = (0, 0)
    loaded_mb: tuple[int, int] = (0, 0)


def main() -> int:
    options = arguments()
    load_before = os.getloadavg()[0]
    results = []
    for target in targets(options):
        print(f"\n{target.database}, {target.size:,} tickets", flush=True)
        fill(target, fresh=options.fresh)
        results.append(measure(target, options.seconds, options.only))
    report = written(results, options.seconds, load_before)
    print(f"\n{report}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y-%m-%d-%H%M}.md"
    path.write_text(report, encoding="utf-8")
    print(f"Written to {path.relative_to(ROOT)}.")
    return (
        1 if any(m.failures for result in results for each in result.measured.values() for m in each) else 0
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure Stellwerk's speed and size.")
    sizes = os.environ.get("SIZES", "10000,100000,1000000")
    parser.add_argument("--sizes", default=sizes, help="numbers of tickets (default: %(default)s)")
    parser.add_argument("--databases", default="sqlite,postgresql", help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=5, help="per scenario and number of clients")
    parser.add_argument("--only", default="", help="part of a scenario's name")
    parser.add_argument("--fresh", action="store_true", help="fill anew what an earlier run left")
    return parser.parse_args()


# -- databases ---------------------------------------------------------------------------------------


def targets(options: argparse.Namespace) -> Iterator[Target]:
    sizes = [int(size.replace("_", "")) for size in options.sizes.replace(" ", ",").split(",") if size]
    server = postgresql_server() if "postgresql" in options.databases else ""
    if "postgresql" in options.databases and not server:
        print("PostgreSQL: skipped, none is reachable; name one with STELLWERK_BENCH_DATABASE_URL.")
    for size in sizes:
        if "sqlite" in options.databases:
            path = VAR / f"sqlite-{size}" / "stellwerk.sqlite3"
            yield Target("sqlite", size, f"sqlite://{path}")
        if server:
            yield Target(
                "postgresql", size, urlsplit(server)._replace(path=f"/stellwerk_bench_{size}").geturl()
            )


def postgresql_server() -> str:
    given = os.environ.get("STELLWERK_BENCH_DATABASE_URL")
    for url in [given] if given else [f"postgres://{getpass.getuser()}@{HOST}:5432/postgres"]:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(url, connect_timeout=3).close()
            return url
    return ""


def fill(target: Target, *, fresh: bool) -> None:
    """Fill the database unless an earlier run with the same tables did."""
    stamp = target.folder / "stamp"
    wanted = fingerprint()
    if not fresh and stamp.exists() and stamp.read_text() == wanted:
        print("  as an earlier run filled it", flush=True)
        return
    target.folder.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    empty(target)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "bench/fill.py", str(target.size)],
        cwd=ROOT,
        env=target.environment(),
        stdout=subprocess.PIPE,
        check=True,
    )
    target.known.write_bytes(done.stdout)
    stamp.write_text(wanted)
    print(f"  filled in {time.monotonic() - began:.0f} s", flush=True)


def fingerprint() -> str:
    """Tell one shape of the tables, and one way to fill them, from another."""
    digest = hashlib.sha256()
    for path in [*sorted(ROOT.glob("src/stellwerk/**/migrations/0*.py")), ROOT / "bench" / "fill.py"]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def empty(target: Target) -> None:
    if target.database == "sqlite":
        for path in target.folder.glob("stellwerk.sqlite3*"):
            path.unlink()
        return
    name = sql.Identifier(urlsplit(target.url).path.lstrip("/"))
    server = urlsplit(target.url)._replace(path="/postgres").geturl()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))


# -- measuring ---------------------------------------------------------------------------------------


def measure(target: Target, seconds: float, only: str) -> Result:
    result = Result(target)
    known = json.loads(target.known.read_text(encoding="utf-8"))
    chosen = [scenario for scenario in scenarios(known) if only in scenario.name]
    with serving(target) as (port, server):
        processes = tree(server.pid)
        time.sleep(SETTLE_S)
        result.idle_mb = memory_mb(processes)
        result.queries = counted(target)  # now, because starting the server collected the static files
        load = Load(HOST, port, processes)
        # Reading comes first, so that what creating leaves behind does not disturb it.
        for scenario in sorted(chosen, key=lambda each: each.writes):
            load.run(scenario.request, 2, WARM_UP_S)
            result.measured[scenario.name] = [load.run(scenario.request, n, seconds) for n in CLIENTS]
            print_measurement(scenario, result)
        result.loaded_mb = memory_mb(tree(server.pid))
    return result


def counted(target: Target) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, "bench/queries.py", str(target.known)],
        cwd=ROOT,
        env=target.environment(),
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, int] = json.loads(done.stdout)
    return found


@contextlib.contextmanager
def serving(target: Target) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run `stellwerk serve`, web and jobs together, until the caller is done."""
    port = free_port()
    server = subprocess.Popen(target.command, cwd=ROOT, env=target.environment(port))
    try:
        wait_until_alive(port, server)
        yield port, server
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_until_alive(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        if server.poll() is not None:
            raise SystemExit(f"The server ended with code {server.returncode}.")
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(HOST, port, timeout=2)
            connection.request("GET", "/alive")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise SystemExit(f"The server did not answer within {START_TIMEOUT_S} s.")


# -- telling -----------------------------------------------------------------------------------------


def print_measurement(scenario: Scenario, result: Result) -> None:
    for found in result.measured[scenario.name]:
        print(
            f"  {scenario.name:22} {found.clients} clients: {found.median:7.1f} ms median, {found.p95:7.1f} ms p95, "
            f"{found.per_second:6.1f}/s, {found.cpu:5.1f} ms CPU, {found.size:,} bytes",
            *found.failures,
            sep="\n    " if found.failures else "",
            flush=True,
        )


def written(results: list[Result], seconds: float, load_before: float) -> str:
    """Write the report in Markdown."""
    busy = load_before > (os.cpu_count() or 1) / 4
    lines = [
        f"# Measured on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "",
        f"{machine()}. {seconds:g} s per figure, in one run; `stellwerk serve` with durable commits, load driver on the "
        "same machine. Ten per cent of the tickets are open. CPU is that of the web and job processes, without the "
        "database server's. "
        f"Load before: {load_before:.1f}"
        f"{'; **the machine was busy with other work, so times and rates are far from what it can do**.' if busy else '.'}",
        "",
    ]
    for result in results:
        lines += [*table(result), ""]
    return "\n".join([*lines, *growth(results)]) + "\n"


def table(result: Result) -> list[str]:
    target = result.target
    idle, loaded = result.idle_mb, result.loaded_mb
    lines = [
        f"## {versions(target)}, {target.size:,} tickets",
        "",
        "| request | clients | median ms | p95 ms | per second | CPU ms | queries | bytes | aim |",
        "|---|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    known = json.loads(target.known.read_text(encoding="utf-8"))
    for scenario in scenarios(known):
        for found in result.measured.get(scenario.name, []):
            lines.append(
                f"| {scenario.name} | {found.clients} | {found.median:.1f} | {found.p95:.1f} | {found.per_second:.0f} "
                f"| {found.cpu:.1f} | {result.queries[scenario.name]} | {found.size:,} | {verdict(scenario, found)} |"
            )
    return [
        *lines,
        "",
        f"Memory of all processes: idle {idle[1]} MB proportional ({idle[0]} MB resident), "
        f"after the load {loaded[1]} MB ({loaded[0]} MB).",
    ]


def verdict(scenario: Scenario, found: Measurement) -> str:
    """Say which aims were met: times with one client, rates with eight."""
    aims = []
    if scenario.aim_ms and found.clients == 1:
        aims.append((found.median < scenario.aim_ms, f"< {scenario.aim_ms:g} ms"))
    if scenario.aim_per_second and found.clients > 1:
        aims.append((found.per_second >= scenario.aim_per_second, f"≥ {scenario.aim_per_second:g}/s"))
    if scenario.aim_bytes and found.clients == 1:
        aims.append((found.size < scenario.aim_bytes, f"< {scenario.aim_bytes // 1000} kB"))
    return ", ".join(f"{aim} {'met' if met else '**missed**'}" for met, aim in aims)


def growth(results: list[Result]) -> list[str]:
    """Compare the smallest with the largest size, by medians with one client."""
    lines: list[str] = []
    for database in dict.fromkeys(result.target.database for result in results):
        own = sorted((r for r in results if r.target.database == database), key=lambda r: r.target.size)
        if len(own) < 2:
            continue
        small, large = own[0], own[-1]
        lines += ["", f"## Growth on {database}, {small.target.size:,} to {large.target.size:,} tickets", ""]
        for name in small.measured:
            if name in large.measured:
                ratio = large.measured[name][0].median / small.measured[name][0].median
                lines.append(
                    f"- {name}: × {ratio:.2f}{'' if ratio < GROWTH_ALLOWED else ' (**aim: below 1.2**)'}"
                )
    return lines


def machine() -> str:
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    return f"{os.cpu_count()} × {cpu}, {memory} GB, Python {platform.python_version()}"


def versions(target: Target) -> str:
    if target.database == "sqlite":
        import sqlite3  # only its version is wanted

        return f"SQLite {sqlite3.sqlite_version}"
    with psycopg.connect(target.url) as connection:
        row: Any = connection.execute("SHOW server_version").fetchone()
    return f"PostgreSQL {row[0].split()[0]}"


if __name__ == "__main__":
    sys.exit(main())
