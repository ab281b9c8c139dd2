"""A closed-loop HTTP load driver and the accounts of /proc; standard library only."""

import http.client
import os
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
TIMEOUT_S = 120


@dataclass(frozen=True)
class Request:
    """One request; the answer must have the status and contain `proof`."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None = None
    status: int = 200
    proof: bytes = b""


@dataclass(frozen=True)
class Measurement:
    """What a run of one scenario showed; times in milliseconds, CPU of the server's processes per request."""

    clients: int
    requests: int
    per_second: float
    median: float
    p95: float
    cpu: float
    size: int
    failures: tuple[str, ...] = ()


class Load:
    """Clients that each send the next request once the last one is answered, over connections kept alive."""

    def __init__(self, host: str, port: int, processes: Iterable[int]) -> None:
        self.host, self.port = host, port
        self.processes = list(processes)

    def run(self, request: Callable[[int], Request], clients: int, seconds: float) -> Measurement:
        run = _Run(self, request, time.perf_counter() + seconds)
        before, began = cpu_seconds(self.processes), time.perf_counter()
        threads = [threading.Thread(target=run.client) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        elapsed, spent = time.perf_counter() - began, cpu_seconds(self.processes) - before
        count = len(run.times)
        return Measurement(
            clients,
            count,
            count / elapsed,
            1000 * statistics.median(run.times),
            1000 * quantile(run.times, 0.95),
            1000 * spent / count,
            int(statistics.median(run.sizes)),
            tuple(run.failures[:3]),
        )


class _Run:
    """What the clients of one run share."""

    def __init__(self, load: Load, request: Callable[[int], Request], end: float) -> None:
        self.load, self.request, self.end = load, request, end
        self.times: list[float] = []
        self.sizes: list[int] = []
        self.failures: list[str] = []
        self._next = iter(range(10**9))
        self._lock = threading.Lock()

    def client(self) -> None:
        connection = http.client.HTTPConnection(self.load.host, self.load.port, timeout=TIMEOUT_S)
        while time.perf_counter() < self.end:
            with self._lock:
                request = self.request(next(self._next))
            began = time.perf_counter()
            failure, size = _send(connection, request)
            taken = time.perf_counter() - began
            with self._lock:
                self.times.append(taken)
                self.sizes.append(size)
                if failure:
                    self.failures.append(failure)
        connection.close()


def _send(connection: http.client.HTTPConnection, request: Request) -> tuple[str, int]:
    try:
        connection.request(request.method, request.path, body=request.body, headers=request.headers)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return f"{request.path}: {error!r}", 0
    if answer.status != request.status or request.proof not in content:
        return f"{request.path}: {answer.status} {content[:200]!r}", len(content)
    return "", len(content)


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


# -- /proc -------------------------------------------------------------------------------------------


def tree(root: int) -> list[int]:
    """List a process and everything below it."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (stat := _stat(int(name))):
            children.setdefault(int(stat[1]), []).append(int(name))
    found, waiting = [], [root]
    while waiting:
        process = waiting.pop()
        found.append(process)
        waiting += children.get(process, [])
    return found


def cpu_seconds(processes: Iterable[int]) -> float:
    """Sum up the processor time of processes, in user and system mode."""
    return sum(int(stat[11]) + int(stat[12]) for process in processes if (stat := _stat(process))) / TICKS


def memory_mb(processes: Iterable[int]) -> tuple[int, int]:
    """Sum up resident and proportional memory, in MB; shared pages count in parts in the second."""
    resident = proportional = 0
    for process in processes:
        try:
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue
        resident += int(re.search(r"^Rss:\s+(\d+)", text, re.M)[1])  # type: ignore[index]
        proportional += int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])  # type: ignore[index]
    return resident // 1024, proportional // 1024


def _stat(process: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name: state, parent, ..."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()
