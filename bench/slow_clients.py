"""What slow clients cost everybody else: `.venv/bin/python bench/slow_clients.py [--port 8919] [--count 1000]`.

Serves a demo of its own (bench/var/demo), holds connections open that send a byte a second, and asks for pages without
and with them in turn. Prints pages per second, the slowest of them, threads and memory. Needs Linux.
"""

import argparse
import asyncio
import contextlib
import http.cookiejar
import re
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.load import cpu_seconds, memory_mb, tree  # noqa: E402

HOST = "127.0.0.1"
ROUNDS = 6
SECONDS = 5.0
CLIENTS = 4
PAGES = ("/alive", "/incidents/")

FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
PARTS = b"Content-Type: multipart/form-data; boundary=b\r\n"
DRIP = 2000
"""So many bytes a slow client has to send: more than it comes to."""


def begin_post(path: bytes, *headers: bytes) -> bytes:
    """Return the head of a POST, all but its body."""
    return b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + b"".join(headers) + b"\r\n"


SHAPES: dict[str, tuple[bytes, Callable[[int], bytes]]] = {
    "silent": (b"", lambda turn: b""),
    "dripping headers": (b"GET /alive HTTP/1.1\r\nHost: localhost\r\nX: ", lambda turn: b"x"),
    "dripping body": (
        begin_post(b"/account/login/", FORM, b"Content-Length: %d\r\n" % DRIP),
        lambda turn: b"x",
    ),
    "dripping chunks": (
        begin_post(b"/account/login/", FORM, b"Transfer-Encoding: chunked\r\n"),
        lambda turn: b"1\r\nx\r\n",
    ),
    "body never sent": (
        begin_post(b"/account/login/", FORM, b"Expect: 100-continue\r\nContent-Length: 64\r\n"),
        lambda turn: b"",
    ),
    "unfinished parts": (
        begin_post(b"/account/login/", PARTS, b"Content-Length: %d\r\n" % DRIP)
        + b'--b\r\nContent-Disposition: form-data; name="x"; filename="x"\r\n\r\n',
        lambda turn: b"x",
    ),
}
"""How each kind of slow client begins, and what it sends each second."""


class SlowClients:
    """Connections that take their time, and come back when they are closed."""

    def __init__(self, host: str, port: int, count: int) -> None:
        self.address = (host, port)
        self.count = count
        self.open = 0
        self.tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "SlowClients":
        shapes = list(SHAPES.values())
        self.tasks = [asyncio.create_task(self._hold(*shapes[n % len(shapes)])) for n in range(self.count)]
        deadline = time.monotonic() + 60
        while self.open < self.count and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        return self

    async def __aexit__(self, *failure: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _hold(self, beginning: bytes, next_of: Callable[[int], bytes]) -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(*self.address)
                self.open += 1
                try:
                    writer.write(beginning)
                    await self._drip(reader, writer, next_of)
                finally:
                    self.open -= 1
                    writer.close()
            await asyncio.sleep(0.5)

    async def _drip(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        next_of: Callable[[int], bytes],
    ) -> None:
        for turn in range(DRIP):
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                if not await asyncio.wait_for(reader.read(1000), 1):
                    return
            writer.write(next_of(turn))


def threads_of(root: int) -> int:
    return sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in tree(root))


async def load(
    port: int, path: str, cookie: str, seconds: float = SECONDS, clients: int = CLIENTS
) -> tuple[float, float]:
    """Ask for a page over and over; return the pages per second, and the seconds that the slowest took."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n".encode()
    began, took = time.monotonic(), []

    async def ask() -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        while (asked := time.monotonic()) - began < seconds:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            if " 200 " not in head:
                raise RuntimeError(head.splitlines()[0])
            await reader.readexactly(int(head.split("content-length:")[1].split()[0]))
            took.append(time.monotonic() - asked)
        writer.close()

    await asyncio.gather(*(ask() for _ in range(clients)))
    return len(took) / (time.monotonic() - began), max(took)


def signed_in(port: int) -> str:
    """Sign in as an agent of the demo, and return the cookie."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    address = f"http://{HOST}:{port}/account/login/"
    page = browser.open(address).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    if token is None:
        raise SystemExit("The sign-in page has no form.")
    form = {"login": "lena", "password": "lena-demo", "csrfmiddlewaretoken": token[1]}
    browser.open(address, urllib.parse.urlencode(form).encode()).close()
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


async def measure(port: int, pid: int, count: int) -> None:
    """Load the pages alone and beside slow clients in turn; the machine's other work falls on both."""
    cookie = signed_in(port)
    for path in PAGES:
        await load(port, path, cookie, 2)  # warm
    await asyncio.sleep(2)
    threads, memory = threads_of(pid), memory_mb(tree(pid))[1]
    rates: dict[tuple[str, bool], list[float]] = {
        (path, slow): [] for path in PAGES for slow in (False, True)
    }
    costs: dict[tuple[str, bool], list[float]] = {key: [] for key in rates}
    slowest, most = 0.0, 0
    for turn in range(ROUNDS):
        slow = turn % 2 == 1
        async with SlowClients(HOST, port, count if slow else 0) as clients:
            await asyncio.sleep(5 if slow else 1)
            for path in PAGES:
                before = cpu_seconds(tree(pid))
                rate, longest = await load(port, path, cookie)
                rates[path, slow].append(rate)
                costs[path, slow].append((cpu_seconds(tree(pid)) - before) / SECONDS / rate * 1000)
                slowest = max(slowest, longest) if slow else slowest
            if slow:
                most = max(most, memory_mb(tree(pid))[1])
                print(
                    f"{clients.open} slow clients; threads {threads} before, {threads_of(pid)} now",
                    flush=True,
                )
    for path in PAGES:
        rate, beside = (statistics.median(rates[path, slow]) for slow in (False, True))
        cost, dearer = (statistics.median(costs[path, slow]) for slow in (False, True))
        print(
            f"{path}: {rate:.1f} a second alone, {beside:.1f} beside slow clients: {beside / rate:.0%}",
            end="; ",
        )
        print(f"CPU per page {cost:.2f} ms alone, {dearer:.2f} ms beside them")
    print(f"slowest page beside them {slowest:.2f} s; memory {memory} MB before, {most} MB with them")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8919)
    parser.add_argument("--count", type=int, default=1000)
    options = parser.parse_args()
    command = [sys.executable, "-m", "stellwerk.site.cli", "demo", "--port", str(options.port)]
    command += ["--data-dir", str(ROOT / "bench" / "var" / "demo")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            wait_for(options.port, server)
            asyncio.run(measure(options.port, server.pid, options.count))
        finally:
            server.terminate()


def wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    """Wait until the server answers."""
    while server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://{HOST}:{port}/alive", timeout=5).close()
            return
        time.sleep(0.2)
    raise SystemExit("The server ended by itself.")


if __name__ == "__main__":
    main()
