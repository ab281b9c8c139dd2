"""The ASGI application that granian serves: a thread is given to a request only once all of it is there.

Django answers in few threads, and a thread that waits for a client answers nobody else. So the event loop reads each
body to its end, within a time and a size, before a thread sees the request; and a thread gives the whole answer back
before the first byte goes out. Headers are read by granian in the same manner (see serving.py).
"""

import asyncio
import io
import os
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Protocol, Required, TypedDict
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.utils.translation import gettext as _

from stellwerk.api.problems import CONTENT_TYPE, Problem
from stellwerk.site.wsgi import application as django

Headers = list[tuple[bytes, bytes]]


class Scope(TypedDict):
    """What ASGI says of a request, as far as it is asked here."""

    type: str

    method: str
    path: str
    raw_path: bytes
    query_string: bytes
    headers: Headers
    scheme: str
    http_version: str
    server: tuple[str, int]
    client: tuple[str, int]


class Message(TypedDict, total=False):
    """A part of a request or of an answer."""

    type: Required[str]
    body: bytes
    more_body: bool
    status: int
    headers: Headers


class Response(Protocol):
    """What a WSGI application returns here: Django's answers all close what they hold."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None: ...


Environ = dict[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
WsgiApplication = Callable[[Environ, Callable[..., Any]], Any]
"""Its answers are Responses, which is more than the standard promises."""

IN_MEMORY = 64 * 1024
"""So many bytes of a body, or of an answer that is made in pieces, are kept in memory; the rest in a temporary file."""
BLOCK = 64 * 1024
BODY_TIME_S = 20
BODY_RATE = 16 * 1024
"""A body has BODY_TIME_S, and a second more for each BODY_RATE bytes of it that have come."""
SMALL_CHUNK = 1024
LONGEST_PAUSE_S = 2.0
STALLED_S = 60
"""A client that takes nothing of its answer for so long gets no more of it."""
PATIENCE_S = 0.5
"""Only a request that takes longer is worth watching whether its client is still there."""
FILES_AT_ONCE = 4
"""One request may bring so many files of the largest size."""
BODIES_AT_ONCE = 16
"""So many of the largest bodies may be on their way at the same time: they fill the disk, not the memory."""
FRAMING = {b"content-length", b"transfer-encoding"}


@dataclass
class Body:
    """A request's body, as far as it has come."""

    file: IO[bytes] = field(default_factory=lambda: SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115  as long as its request
    size: int = 0


@dataclass
class Answer:
    """A whole answer: its content is bytes, or an open file that is read to its end."""

    status: int
    headers: Headers
    content: bytes | IO[bytes]


class Application:
    """Serves a WSGI application to clients of any speed.

    threads: how many requests it works on at the same time. limit: the bytes of the largest file that a request may
    bring.
    """

    def __init__(self, application: WsgiApplication, threads: int, limit: int) -> None:
        self.application = application
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self.body_limit = FILES_AT_ONCE * limit + 2**20  # what a form adds to its files
        self.bodies_limit = BODIES_AT_ONCE * limit
        self.held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = Body()
        try:
            if has_body(scope):
                await self.read(scope, receive, body)
            answer = await self.answer(scope, receive, body)
        except Problem as problem:
            answer = refusal(scope, problem)
        finally:
            self.held -= body.size
        await send_answer(answer, send, head_only=scope["method"] == "HEAD")

    async def read(self, scope: Scope, receive: Receive, body: Body) -> None:
        """Read the whole body. Raises Problem for one that is too large, too slow or broken, or ends early."""
        if declared_length(scope) > self.body_limit:
            raise self.too_large()
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(BODY_TIME_S) as deadline:
                async for chunk in chunks_of(receive):
                    body.size += len(chunk)
                    self.held += len(chunk)
                    if body.size > self.body_limit:
                        raise self.too_large()
                    if self.held > self.bodies_limit:
                        text = _("Too much is being sent right now. Try again in a minute.")
                        raise Problem(429, "too-many-uploads", text, headers={"Retry-After": "60"})
                    body.file.write(chunk)
                    deadline.reschedule(began + BODY_TIME_S + body.size / BODY_RATE)
        except TimeoutError:
            raise Problem(408, "too-slow", _("The request came in too slowly. Send it again.")) from None
        body.file.seek(0)

    def too_large(self) -> Problem:
        text = _("This is too large. The limit is %d MB at once.") % (self.body_limit // 2**20)
        return Problem(413, "too-large", text)

    async def answer(self, scope: Scope, receive: Receive, body: Body) -> Answer:
        """Let a thread answer. Raises Problem where the client leaves first: what waits for a thread is not begun."""
        gone = threading.Event()
        loop = asyncio.get_running_loop()
        job = loop.run_in_executor(self.pool, self.work, environ_of(scope, body), gone)
        if not (await asyncio.wait({job}, timeout=PATIENCE_S))[0]:
            watch = asyncio.ensure_future(until_gone(receive))
            waiting: set[asyncio.Future[Answer] | asyncio.Future[None]] = {job, watch}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            watch.cancel()
            if not job.done():
                gone.set()
                job.cancel()
                raise broken()
        return job.result()

    def work(self, environ: Environ, gone: threading.Event) -> Answer:
        """Call the application and collect all of its answer; in a thread."""
        head: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            head[:] = [(status, headers)]

        response: Response = self.application(environ, start_response)
        try:
            content = content_of(response, gone)
        finally:
            response.close()
        ((status, headers),) = head
        return Answer(
            int(status[:3]),
            [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            content,
        )


def broken() -> Problem:
    return Problem(400, "malformed", _("The request was cut off before its end. Send it again."))


def has_body(scope: Scope) -> bool:
    return any(name in FRAMING for name, _value in scope["headers"])


def declared_length(scope: Scope) -> int:
    return max((int(value) for name, value in scope["headers"] if name == b"content-length"), default=0)


async def chunks_of(receive: Receive) -> AsyncIterator[bytes]:
    """Yield the parts of a body; from a client that sends few bytes at a time they are taken ever less often."""
    pause = 0.01
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise broken()
        chunk = message.get("body", b"")
        yield chunk
        if not message.get("more_body"):
            return
        if len(chunk) < SMALL_CHUNK:
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)


async def until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def environ_of(scope: Scope, body: Body) -> Environ:
    """Return the WSGI environment of a request whose body is there."""
    host, port = scope["server"]
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": scope["client"][0],
        "CONTENT_LENGTH": str(body.size),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body.file,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    environ.update(header_variables(scope["headers"]))
    return environ


def header_variables(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers as WSGI names them.

    A name with an underscore is left out: it would pass for one with a hyphen, which a proxy may have set.
    """
    variables: dict[str, str] = {}
    for name, value in headers:
        if name in FRAMING or b"_" in name:
            continue
        variable = name.decode("latin-1").upper().replace("-", "_")
        key = variable if variable == "CONTENT_TYPE" else f"HTTP_{variable}"
        text = value.decode("latin-1")
        if key in variables:
            text = ("; " if key == "HTTP_COOKIE" else ",").join((variables[key], text))
        variables[key] = text
    return variables


def content_of(response: Response, gone: threading.Event) -> bytes | IO[bytes]:
    """Return all that a response sends; what is made in pieces is made to its end, unless nobody waits for it."""
    if not getattr(response, "streaming", False):
        return b"".join(response)
    if file := file_of(response):
        return file
    made: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  until it is sent
    for chunk in response:
        if gone.is_set():
            break
        made.write(chunk)
    made.seek(0)
    return made


def file_of(response: object) -> IO[bytes] | None:
    """Return a handle of our own on the file of the disk that a response sends, or None where it is none."""
    try:
        file = response.file_to_stream  # type: ignore[attr-defined]  # only where Django sends a file
        own = os.fdopen(os.dup(file.fileno()), "rb")
        own.seek(file.tell())
    except (AttributeError, io.UnsupportedOperation):
        return None
    return own


def refusal(scope: Scope, problem: Problem) -> Answer:
    """Return the answer to a request that is not even read: as the API says it, or as plain text."""
    headers: Headers = [
        (b"connection", b"close"),
        (b"x-content-type-options", b"nosniff"),
        *((name.lower().encode(), value.encode()) for name, value in problem.headers.items()),
    ]
    if scope["path"].startswith("/api/"):
        headers.append((b"content-type", CONTENT_TYPE.encode()))
        return Answer(problem.status, headers, problem.response().content)
    headers.append((b"content-type", b"text/plain; charset=utf-8"))
    return Answer(problem.status, headers, f"{problem.detail}\n".encode())


async def send_answer(answer: Answer, send: Send, *, head_only: bool) -> None:
    """Send an answer as fast as the client takes it, and no further than it does."""
    content, headers = answer.content, answer.headers
    if isinstance(content, bytes):
        await send(start_of(answer.status, headers))
        await send({"type": "http.response.body", "body": b"" if head_only else content})
        return
    with content:
        if not any(name.lower() == b"content-length" for name, _value in headers):
            headers.append((b"content-length", str(size_of(content)).encode()))
        await send(start_of(answer.status, headers))
        for block in blocks_of(content) if not head_only else ():
            part: Message = {"type": "http.response.body", "body": block, "more_body": True}
            try:
                await asyncio.wait_for(send(part), STALLED_S)
            except TimeoutError:
                return  # the length that was promised tells the client that this is not all
        await send({"type": "http.response.body", "body": b""})


def start_of(status: int, headers: Headers) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


def blocks_of(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block


def size_of(file: IO[bytes]) -> int:
    """Return how many bytes a file has from where it stands."""
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(here)
    return end - here


application = Application(django, settings.CONFIGURATION.number("web_threads"), settings.UPLOAD_LIMIT)
