"""One process that starts others, starts them again when they fail, and ends them cleanly."""

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Literal

import structlog

from stellwerk.operations.preflight import reporting_operator_errors

if TYPE_CHECKING:
    from multiprocessing.context import ForkContext, SpawnContext

log = structlog.get_logger("stellwerk.supervisor")

TICK_S = 0.2
END_TIMEOUT_S = 20
LONGEST_PAUSE_S = 30
# A child that has run this long counts as healthy, as one does that has said that it serves.
HEALTHY_S = 60
PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """A function that runs in a process of its own for as long as the supervisor runs.

    It is given the end of a pipe, into which it sends something as soon as it serves.
    """

    name: str
    run: Callable[[Connection], None]
    process: BaseProcess | None = None
    signs: Connection | None = None
    started: float = 0
    failures: int = 0
    pause: float = field(default=0)

    def start(self) -> None:
        self.signs, sender = multiprocessing.Pipe(duplex=False)
        self.process = process_for(partial(self.run, sender), f"stellwerk {self.name}")
        self.started = time.monotonic()
        self.process.start()
        sender.close()  # the child's own is the only one left

    def is_alive(self) -> bool:
        return self.process is not None and self.process.is_alive()

    def has_served(self) -> bool:
        try:
            return self.signs is not None and self.signs.poll() and bool(self.signs.recv_bytes())
        except EOFError:  # it ended without a sign
            return False

    def note_failure(self) -> None:
        """Start one that has served again at once; wait ever longer for one that fails before it does."""
        lived = time.monotonic() - self.started
        self.failures = 1 if self.has_served() or lived > HEALTHY_S else self.failures + 1
        self.pause = min(2.0 ** (self.failures - 1) - 1, LONGEST_PAUSE_S)
        code = self.process.exitcode if self.process else None
        log.error("process failed", process=self.name, exit_code=code, restart_in_s=self.pause)


class Supervisor:
    """Keeps children running until SIGTERM or SIGINT."""

    def __init__(self, children: list[Child]) -> None:
        self.children = children
        self.ending = False

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        for child in self.children:
            child.start()
        while not self.ending:
            for child in self.children:
                self._look_after(child)
            time.sleep(TICK_S)
        self._end_children()

    def _end(self, signum: int, frame: object) -> None:
        self.ending = True

    def _look_after(self, child: Child) -> None:
        if child.is_alive() or self.ending:
            return
        if child.process is not None:
            child.note_failure()
            child.process.close()
            if child.signs:
                child.signs.close()
            child.process, child.signs, child.started = None, None, time.monotonic()
        if time.monotonic() - child.started >= child.pause:
            child.start()

    def _end_children(self) -> None:
        processes = [child.process for child in self.children if child.process is not None]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + END_TIMEOUT_S
        for process in processes:
            process.join(max(0, deadline - time.monotonic()))
            if process.is_alive():
                log.error("process did not end, killing it", process=process.name)
                process.kill()
                process.join()


def run_apart(work: Callable[[], None]) -> None:
    """Do the work in a process that ends afterwards, so that its memory and connections end with it."""
    process = process_for(work, "stellwerk")
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(process.exitcode)


def process_for(run: Callable[[], None], name: str) -> BaseProcess:
    if start_method() == "fork":
        context: ForkContext | SpawnContext = multiprocessing.get_context("fork")
    else:
        context = multiprocessing.get_context("spawn")
    return context.Process(target=_run_child, args=(run, os.getpid()), name=name)


def start_method() -> Literal["fork", "spawn"]:
    """Return fork where it is safe: children then share what the supervisor has imported."""
    return "fork" if sys.platform == "linux" else "spawn"


def _run_child(run: Callable[[], None], parent: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with_parent(parent)
    with reporting_operator_errors():
        run()


def end_with_parent(parent: int) -> None:
    """Ask Linux to end this process should its parent be killed; elsewhere the operator has to."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit(1)
