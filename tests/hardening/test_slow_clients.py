"""Slow and broken clients: nobody else waits for them, and nothing of theirs is a fault of the server."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bench.slow_clients import FORM, SHAPES, SlowClients, begin_post, load, threads_of
from stellwerk.kernel.testing.loops import run_apart
from stellwerk.site.tests.installation import Installation, installations

pytestmark = pytest.mark.slow

SLOW = 200
SIGN_IN = """
from datetime import date
from django.test import Client
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.write.services import create
client = Client()
maria = create(Person, {"title": "Maria", "username": "maria"}, by=SYSTEM)
given = {"person": maria, "role": "administrator", "valid_from": date(2020, 1, 1)}
create(RoleAssignment, given, by=SYSTEM)
client.force_login(maria)
print("COOKIE", client.cookies["stellwerk_session"].value)
"""


class Server:
    """A web server of a test's own, with somebody signed in."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.static = installation.data_dir / "static"
        self.log = folder / "log"
        settings = {
            "STELLWERK_LISTEN": f"127.0.0.1:{self.port}",
            "STELLWERK_URL": f"http://127.0.0.1:{self.port}",
            "STELLWERK_LOG_LEVEL": "WARNING",
        }
        for words in (["migrate"], ["manage", "shell", "-c", SIGN_IN]):
            done = installation.run(*words, **settings)
            assert done.returncode == 0, done.stderr
        self.cookie = f"stellwerk_session={done.stdout.split('COOKIE ')[1].split()[0]}"
        environment = installation.environment() | settings
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                installation.command("web"), env=environment, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + 60
        while not self.is_alive():
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def is_alive(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/alive", timeout=10) as answer:
                return bool(answer.read() == b"ok")
        except OSError:
            return False

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    def faults(self) -> list[str]:
        """Return the lines of the log that tell of a fault of the server's own."""
        lines = [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines() if line]
        return [
            line["event"]
            for line in lines
            if "exception" in line
            or (line["level"] in ("error", "critical") and line["logger"] != "django.security.DisallowedHost")
        ]

    def send(self, *parts: bytes, leave: bool = False) -> bytes:
        """Send something on a connection of its own, and return all that comes back until it is silent."""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.settimeout(1)
            received = b""
            try:
                for given in parts:
                    connection.sendall(given)
                while not leave and (more := connection.recv(65536)):
                    received += more
            except TimeoutError:
                pass
            except ConnectionError:
                received = received or b"closed"
        return received


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("slow")
    with installations(folder) as make:
        started = Server(make("slow"), folder)
        yield started
        started.end()


def test_nobody_waits_for_two_hundred_slow_clients(server: Server) -> None:
    async def slowest_beside_slow_clients() -> dict[str, float]:
        slowest = {}
        for path in ("/alive", "/incidents/"):
            await load(server.port, path, server.cookie, 2)
        threads = threads_of(server.process.pid)
        async with SlowClients("127.0.0.1", server.port, SLOW) as clients:
            await asyncio.sleep(3)
            assert clients.open >= SLOW - len(SHAPES)  # one may be on its way back
            for path in ("/alive", "/incidents/"):
                slowest[path] = (await load(server.port, path, server.cookie, 4, clients=1))[1]
            assert threads_of(server.process.pid) == threads
        return slowest

    slowest = run_apart(slowest_beside_slow_clients())
    assert max(slowest.values()) < 1, slowest
    assert server.is_alive()
    assert server.faults() == []


def test_nobody_waits_for_clients_that_do_not_read_their_answers(server: Server) -> None:
    files = [path for path in server.static.rglob("*.js") if path.stat().st_size > 300_000]
    largest = max(files, key=lambda path: path.stat().st_size)
    sent = get(path=f"/static/{largest.relative_to(server.static)}".encode())
    with ExitStack() as held:
        for _ in range(20):
            client = held.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", server.port))
            client.sendall(sent)
        time.sleep(1)
        began = time.monotonic()
        assert server.is_alive()
        assert time.monotonic() - began < 1
        received = bytearray()
        client.settimeout(10)
        while len(received) < largest.stat().st_size:
            received += client.recv(65536)
    assert received.startswith(b"HTTP/1.1 200 OK")
    assert bytes(received[-1000:]) in largest.read_bytes()
    assert server.faults() == []


HOST = b"Host: localhost\r\n"
PARTS = b"Content-Type: multipart/form-data; boundary=b\r\n"
CHUNKS = b"Transfer-Encoding: chunked\r\n"
API = b"/api/v1/incidents"


def get(*headers: bytes, path: bytes = b"/alive") -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"".join(headers) + b"\r\n"


def post(body: bytes, *headers: bytes, path: bytes = b"/account/login/") -> bytes:
    return begin_post(path, b"Content-Length: %d\r\n" % len(body), *headers) + body


BROKEN: dict[str, bytes] = {
    "no HTTP": b"\x16\x03\x01\x00\xa5\x01\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "no host": b"GET /alive HTTP/1.1\r\n\r\n",
    "two hosts": get(HOST, path=b"/incidents/"),
    "header too long": get(b"X: " + b"x" * 300_000 + b"\r\n"),
    "too many headers": get(*[b"X%d: x\r\n" % number for number in range(300)]),
    "address too long": get(path=b"/alive?" + b"x" * 300_000),
    "address in no encoding": get(path=b"/\xff\xfe"),
    "header on two lines": get(b"X: a\r\n b\r\n"),
    "space before the colon": get(b"Transfer-Encoding : chunked\r\n"),
    "length in words": begin_post(b"/alive", b"Content-Length: five\r\n"),
    "length below zero": begin_post(b"/alive", b"Content-Length: -1\r\n"),
    "length with a sign": begin_post(b"/alive", b"Content-Length: +5\r\n") + b"abcde",
    "two lengths": begin_post(b"/alive", b"Content-Length: 5\r\nContent-Length: 6\r\n") + b"abcdef",
    "length of a city": begin_post(b"/alive", b"Content-Length: 99999999999999\r\n"),
    "length of a city for the API": begin_post(API, b"Content-Length: 99999999999999\r\n"),
    "length of a galaxy": begin_post(b"/alive", b"Content-Length: 9999999999999999999999999\r\n"),
    "length and chunks": begin_post(b"/account/login/", FORM, b"Content-Length: 44\r\n", CHUNKS)
    + b"0\r\n\r\nGET /evil HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "unknown coding": begin_post(b"/alive", b"Transfer-Encoding: xchunked\r\n") + b"0\r\n\r\n",
    "chunks that are not last": begin_post(b"/alive", b"Transfer-Encoding: chunked, identity\r\n")
    + b"0\r\n\r\n",
    "chunks in HTTP/1.0": b"POST /alive HTTP/1.0\r\n" + HOST + CHUNKS + b"\r\n0\r\n\r\n",
    "chunk of no size": begin_post(b"/alive", CHUNKS) + b"zz\r\nabc\r\n0\r\n\r\n",
    "chunk of any size": begin_post(b"/alive", CHUNKS) + b"ffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "chunk with a long remark": begin_post(b"/alive", CHUNKS)
    + b"3;"
    + b"x" * 300_000
    + b"\r\nabc\r\n0\r\n\r\n",
    "form in UTF-16": post(b"x=1", FORM[:-2] + b"; charset=utf-16\r\n"),
    "form in zip": post(b"x=1", FORM[:-2] + b"; charset=zip\r\n"),
    "form in UTF-16 for the API": post(b"x=1", FORM[:-2] + b"; charset=utf-16\r\n", path=API),
    "parts without a boundary": post(b"--b\r\n", b"Content-Type: multipart/form-data\r\n"),
    "parts without a boundary for the API": post(b"x", b"Content-Type: multipart/form-data\r\n", path=API),
    "parts with half a boundary": post(b"--b\r\n", PARTS[:-3] + b"\xff\xfe\r\n"),
    "parts without an end": post(b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\nabc', PARTS),
    "form of odd bytes": post(b"login=%ff\xff&\x00=%00&password=%", FORM),
    "no JSON": post(b"{", b"Content-Type: application/json\r\n", path=API),
    "JSON in zip": post(b"{}", b"Content-Type: application/json; charset=zip\r\n", path=API),
}


def test_what_cannot_be_read_is_refused_or_closed_and_is_no_fault(server: Server) -> None:
    for name, sent in BROKEN.items():
        received = server.send(sent)
        statuses = [line.split()[1] for line in received.split(b"\r\n") if line.startswith(b"HTTP/1.")]
        assert len(statuses) <= 1, (name, received)
        assert all(status.startswith(b"4") for status in statuses), (name, received)
        assert statuses or received in (b"", b"closed"), (name, received)
    assert server.is_alive()
    assert server.faults() == []


def test_requests_one_behind_the_other_are_answered_in_their_order(server: Server) -> None:
    asked = [get(path=path) for path in (b"/alive", b"/nothing/here/", b"/alive")]
    asked.insert(1, post(b"x=1", FORM, path=b"/alive"))
    received = server.send(*asked)
    assert re.findall(rb"HTTP/1\.1 (\d+)", received) == [b"200", b"403", b"404", b"200"]


def test_a_body_in_chunks_and_one_that_waits_to_be_asked_for_are_read(server: Server) -> None:
    chunks = (
        begin_post(b"/api/v1/incidents", b"Content-Type: application/json\r\n", CHUNKS)
        + b"2\r\n{}\r\n0\r\n\r\n"
    )
    assert server.send(chunks).startswith(b"HTTP/1.1 401 ")
    expect = begin_post(API, b"Expect: 100-continue\r\n", b"Content-Length: 2\r\n")
    received = server.send(expect, b"{}")
    assert [line for line in received.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")] == [
        b"HTTP/1.1 100 Continue",
        b"HTTP/1.1 401 Unauthorized",
    ]


def test_clients_that_leave_early_free_their_threads_and_are_no_fault(server: Server) -> None:
    cookie = f"Cookie: {server.cookie}\r\n".encode()
    left: list[bytes] = [
        get(cookie, path=b"/incidents/"),
        get(cookie, path=b"/incidents/export/?format=xlsx"),
        begin_post(b"/account/login/", FORM, b"Content-Length: 500\r\n") + b"login=maria",
        begin_post(b"/account/login/", FORM, CHUNKS) + b"30\r\nlogin=maria",
        begin_post(b"/account/login/", FORM, b"Content-Length: 5000000\r\n") + b"x" * 100_000,
        b"GET /ali",
    ]
    for sent in left * 5:
        server.send(sent, leave=True)
    began = time.monotonic()
    answers: list[Any] = [server.is_alive() for _ in range(4)]
    assert answers == [True] * 4
    assert time.monotonic() - began < 2
    assert server.faults() == []


def test_the_server_ends_in_time_although_clients_hold_their_connections(server: Server) -> None:
    async def ends_in() -> float:
        async with SlowClients("127.0.0.1", server.port, 30):
            await asyncio.sleep(1)
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            await asyncio.get_running_loop().run_in_executor(None, server.process.wait, 30)
            return time.monotonic() - began

    assert run_apart(ends_in()) < 20
    assert server.process.returncode == 0
