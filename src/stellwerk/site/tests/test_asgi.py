"""A request gets a thread when all of it is there, and what cannot be read is refused before."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.http import FileResponse, HttpResponse, StreamingHttpResponse

from stellwerk.kernel.testing.environment import bare_environment
from stellwerk.kernel.testing.loops import run_apart
from stellwerk.site import asgi
from stellwerk.site.asgi import Application, Message, Scope

LIMIT = 2**20
Respond = Callable[[dict[str, Any]], Any]


class Wsgi:
    """A WSGI application that answers as Django's does, and keeps what it was given."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.environs: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        self.environs.append(environ)
        self.bodies.append(environ["wsgi.input"].read())
        response = self.respond(environ)
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        return response


def scope(method: str = "POST", path: str = "/", *headers: tuple[bytes, bytes]) -> Scope:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"q=\xff",
        "headers": list(headers),
        "server": ("127.0.0.1", 80),
        "client": ("192.0.2.7", 5000),
    }


def part(body: bytes, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


GONE: Message = {"type": "http.disconnect"}


def ask(application: Application, asked: Scope, *messages: Message | float) -> list[Message]:
    """Send a request in these parts, numbers being seconds of silence, and return what comes back."""
    sent: list[Message] = []
    left = list(messages)

    async def receive() -> Message:
        while left:
            message = left.pop(0)
            if isinstance(message, dict):
                return message
            await asyncio.sleep(message)
        await asyncio.Event().wait()
        raise AssertionError("waits for ever")

    async def send(message: Message) -> None:
        sent.append(message)

    run_apart(application(asked, receive, send))
    return sent


def answer(sent: list[Message]) -> tuple[int, dict[bytes, bytes], bytes]:
    headers = {name.lower(): value for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message["body"] for message in sent[1:])


def ok(environ: dict[str, Any]) -> HttpResponse:
    return HttpResponse("ok")


CHUNKED = (b"transfer-encoding", b"chunked")


def length(count: int) -> tuple[bytes, bytes]:
    return (b"content-length", str(count).encode())


def test_a_body_in_parts_reaches_the_application_whole_with_its_length() -> None:
    for framing in (length(6), CHUNKED):
        wsgi = Wsgi(ok)
        sent = ask(
            Application(wsgi, 1, LIMIT), scope("POST", "/x", framing), part(b"abc"), part(b"def", False)
        )
        assert answer(sent)[0::2] == (200, b"ok")
        assert wsgi.bodies == [b"abcdef"]
        assert wsgi.environs[0]["CONTENT_LENGTH"] == "6"


def test_a_request_without_a_body_is_not_waited_for() -> None:
    wsgi = Wsgi(ok)
    assert answer(ask(Application(wsgi, 1, LIMIT), scope("GET")))[0] == 200
    assert wsgi.bodies == [b""]


def test_headers_reach_the_application_as_wsgi_names_them() -> None:
    wsgi = Wsgi(ok)
    headers = [
        (b"host", b"desk.example.org"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
        (b"x-forwarded-for", b"192.0.2.1"),
        (b"x_forwarded_for", b"192.0.2.66"),
        (b"x-forwarded-for", b"192.0.2.2"),
        (b"content-type", b"text/plain"),
        (b"accept-language", b"\xe9"),
    ]
    ask(Application(wsgi, 1, LIMIT), scope("GET", "/%C3%A9%ff", *headers))
    environ = wsgi.environs[0]
    assert environ["HTTP_HOST"] == "desk.example.org"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["HTTP_X_FORWARDED_FOR"] == "192.0.2.1,192.0.2.2"
    assert environ["CONTENT_TYPE"] == "text/plain"
    assert environ["HTTP_ACCEPT_LANGUAGE"] == "\xe9"
    assert environ["PATH_INFO"] == "/\xc3\xa9\xff"
    assert environ["QUERY_STRING"] == "q=\xff"
    assert environ["REMOTE_ADDR"] == "192.0.2.7"


@pytest.mark.parametrize("framing", [length(5 * LIMIT + 1), CHUNKED])
def test_a_body_that_is_too_large_is_refused_without_a_thread(framing: tuple[bytes, bytes]) -> None:
    wsgi = Wsgi(ok)
    application = Application(wsgi, 1, LIMIT)
    sent = ask(application, scope("POST", "/", framing), *[part(b"x" * LIMIT)] * 6)
    status, headers, text = answer(sent)
    assert (status, text) == (413, b"This is too large. The limit is 5 MB at once.\n")
    assert headers[b"connection"] == b"close"
    assert wsgi.bodies == []
    assert application.held == 0


def test_a_body_that_ends_early_is_refused_without_a_thread() -> None:
    wsgi = Wsgi(ok)
    application = Application(wsgi, 1, LIMIT)
    assert answer(ask(application, scope("POST", "/", length(9)), part(b"x"), GONE))[0] == 400
    assert answer(ask(application, scope("POST", "/", CHUNKED), part(b"x"), GONE))[0] == 400
    assert wsgi.bodies == []
    assert application.held == 0


def test_a_body_that_comes_too_slowly_is_refused_in_the_words_of_the_api(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asgi, "BODY_TIME_S", 0.2)
    wsgi = Wsgi(ok)
    began = time.monotonic()
    sent = ask(Application(wsgi, 1, LIMIT), scope("POST", "/api/v1/incidents", length(9)), part(b"x"))
    status, headers, text = answer(sent)
    assert (status, headers[b"content-type"]) == (408, b"application/problem+json")
    assert b"The request came in too slowly. Send it again." in text
    assert wsgi.bodies == []
    assert time.monotonic() - began < 5


def test_more_bytes_give_a_body_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "BODY_TIME_S", 0.3)
    monkeypatch.setattr(asgi, "BODY_RATE", 2000)
    large = part(b"x" * 2000)
    wsgi = Wsgi(ok)
    sent = ask(
        Application(wsgi, 1, LIMIT),
        scope("POST", "/", length(4001)),
        large,
        0.6,
        large,
        0.6,
        part(b"x", False),
    )
    assert answer(sent)[0] == 200
    assert wsgi.bodies == [b"x" * 4001]


def test_all_bodies_together_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "BODIES_AT_ONCE", 2)
    wsgi = Wsgi(ok)
    application = Application(wsgi, 1, LIMIT)
    application.held = 2 * LIMIT
    status, headers, _text = answer(ask(application, scope("POST", "/", length(1)), part(b"x", False)))
    assert (status, headers[b"retry-after"]) == (429, b"60")
    assert (wsgi.bodies, application.held) == ([], 2 * LIMIT)


def test_a_file_is_sent_whole_or_from_where_it_stands(tmp_path: Path) -> None:
    content = os.urandom(200_000)
    (tmp_path / "file").write_bytes(content)

    def file(environ: dict[str, Any]) -> FileResponse:
        opened = (tmp_path / "file").open("rb")
        opened.seek(int(environ["PATH_INFO"][1:]))
        return FileResponse(opened)

    for start in (0, 1000):
        sent = ask(Application(Wsgi(file), 1, LIMIT), scope("GET", f"/{start}"))
        status, headers, got = answer(sent)
        assert (status, got == content[start:]) == (200, True)
        assert headers[b"content-length"] == str(200_000 - start).encode()
        assert max(len(message["body"]) for message in sent[1:]) == asgi.BLOCK


def test_an_answer_made_in_pieces_says_its_length_and_a_head_sends_none_of_it() -> None:
    def pieces(environ: dict[str, Any]) -> StreamingHttpResponse:
        return StreamingHttpResponse(b"x" * 1000 for _ in range(150))

    for method, expected in (("GET", 150_000), ("HEAD", 0)):
        sent = ask(Application(Wsgi(pieces), 1, LIMIT), scope(method))
        _status, headers, got = answer(sent)
        assert (headers[b"content-length"], len(got)) == (b"150000", expected)


def test_pieces_that_fail_are_no_answer_that_looks_whole() -> None:
    def pieces() -> Any:
        yield b"x" * 100_000
        raise OSError("the disk is full")

    application = Application(Wsgi(lambda environ: StreamingHttpResponse(pieces())), 1, LIMIT)
    with pytest.raises(OSError, match="the disk is full"):
        ask(application, scope("GET"))


def test_a_client_that_leaves_gives_its_thread_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "PATIENCE_S", 0.05)
    made: list[int] = []
    ended = threading.Event()

    def pieces() -> Any:
        try:
            for number in range(1000):
                made.append(number)
                yield b"x"
                time.sleep(0.02)
        finally:
            ended.set()

    application = Application(Wsgi(lambda environ: StreamingHttpResponse(pieces())), 1, LIMIT)
    ask(application, scope("GET"), GONE)
    assert ended.wait(2)
    assert len(made) < 50


def test_what_waits_for_a_thread_is_not_begun_when_its_client_has_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asgi, "PATIENCE_S", 0.05)
    wsgi = Wsgi(ok)
    application = Application(wsgi, 1, LIMIT)
    free = threading.Event()
    application.pool.submit(free.wait, 20)
    ask(application, scope("GET"), GONE)
    free.set()
    assert answer(ask(application, scope("GET", "/second")))[0] == 200
    assert [environ["PATH_INFO"] for environ in wsgi.environs] == ["/second"]


PROGRAM = """
import time
import django
django.setup()
from django.http import HttpResponse
from stellwerk.site import serving
from stellwerk.site.asgi import Application, Message, Scope

def slow(environ, start_response):
    print("begun", flush=True)
    time.sleep(2)
    start_response("200 OK", [])
    return HttpResponse("finished")

application = Application(slow, 1, 1)

if __name__ == "__main__":
    serving.run_granian(application="program:application")
"""


def test_sigterm_lets_a_running_request_finish(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = bare_environment() | {
        "DJANGO_SETTINGS_MODULE": "stellwerk.site.settings",
        "PYTHONPATH": str(tmp_path),
        "STELLWERK_MODE": "demo",
        "STELLWERK_DATA_DIR": str(tmp_path),
        "STELLWERK_LISTEN": f"127.0.0.1:{port}",
    }
    command = [sys.executable, str(tmp_path / "program.py")]
    with (
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as server,
        socket.socket() as client,
    ):
        assert server.stdout
        deadline = time.monotonic() + 30
        while client.connect_ex(("127.0.0.1", port)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        client.settimeout(20)
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert server.stdout.readline() == b"begun\n"
        server.send_signal(signal.SIGTERM)
        received = b"".join(iter(lambda: client.recv(4096), b""))
        assert server.wait(20) == 0
    assert received.startswith(b"HTTP/1.1 200 OK")
    assert received.endswith(b"finished")
