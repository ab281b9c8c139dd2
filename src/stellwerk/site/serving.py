"""`stellwerk serve`, `web` and `worker`: granian for pages and API, the job runner, and both in one tree."""

import argparse
import gc
import hashlib
import importlib
import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor
from django.urls import get_resolver

from stellwerk.operations.preflight import OperatorError, require_free_port
from stellwerk.site import data_folder
from stellwerk.site.databases import without_pool
from stellwerk.site.setting_types import parse_listen_address
from stellwerk.site.supervisor import Child, Supervisor, end_with_parent, run_apart, start_method

APPLICATION = "stellwerk.site.asgi:application"
WORKER_END_TIMEOUT_S = 15
HEADER_TIMEOUT_MS = 20_000
HEADER_LIMIT = 64 * 1024
# A connection costs 20 kB and no thread: slow clients may hold thousands before anybody else is kept waiting.
CONNECTIONS = 8192


def serve(options: argparse.Namespace) -> None:
    """Run the web server and the jobs under one supervisor."""
    with in_place():
        prepare()
        run_tree()


def run_tree() -> None:
    preload()
    Supervisor([Child("web", run_granian), Child("jobs", run_jobs)]).run()


def web(options: argparse.Namespace) -> None:
    """Run the web server only."""
    with in_place():
        prepare()
        preload()
        run_granian()


def worker(options: argparse.Namespace) -> None:
    """Run the jobs only."""
    with in_place():
        run_jobs()


@contextmanager
def in_place() -> Iterator[None]:
    """Set Django up, and hold the data folder as long as something runs on it."""
    django.setup()
    data_folder.make(Path(settings.DATA_DIR))
    with data_folder.in_use():
        yield


def prepare() -> None:
    """Make sure that serving can succeed, before anything is started."""
    require_free_port(*address())
    run_apart(prepare_data)


def prepare_data() -> None:
    without_pool()
    require_migrated()
    collect_static_files()


def require_migrated() -> None:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise OperatorError("The database is not up to date: make a backup, then run `stellwerk migrate`.")


def collect_static_files() -> None:
    """Collect, hash and compress the static files, unless nothing has changed since the last time."""
    stamp = Path(settings.STATIC_ROOT) / ".stamp"
    wanted = static_fingerprint()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(wanted, encoding="utf-8")


def static_fingerprint() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            source = Path(storage.path(path)).stat()
            digest.update(f"{path} {source.st_size} {source.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def preload() -> None:
    """Import what the children need, so that they share it: two thirds of their memory."""
    importlib.import_module("stellwerk.site.asgi")
    get_resolver().url_patterns  # noqa: B018  the property imports all views
    connections.close_all()
    gc.collect()
    # What is there now lives as long as the process: keep the collector from touching the shared pages.
    gc.freeze()


def run_granian(signs: Connection | None = None, application: str = APPLICATION) -> None:
    """Serve until a signal ends it; what runs then is finished. A sign is sent when it serves."""
    from granian import Granian  # a worker has no use for it
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    multiprocessing.set_start_method(start_method(), force=True)
    host, port = address()
    configuration = settings.CONFIGURATION
    Granian(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        workers=configuration.number("web_processes"),
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS, max_buffer_size=HEADER_LIMIT),
        backlog=CONNECTIONS,
        backpressure=CONNECTIONS,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=WORKER_END_TIMEOUT_S,
        log_level=LogLevels.warning,
        log_dictconfig=settings.LOGGING,
    ).serve(target_loader=partial(load, application, os.getpid(), signs), wrap_loader=False)


def load(application: str, parent: int, signs: Connection | None) -> Any:
    """Return the application, in a worker of granian's; from now on that serves, and ends with its parent."""
    end_with_parent(parent)
    module, _colon, name = application.partition(":")
    loaded = getattr(importlib.import_module(module), name)
    if signs:
        signs.send_bytes(b"serving")
    return loaded


def run_jobs(signs: Connection | None = None) -> None:
    """Run the schedule and the job queue until a signal ends it."""
    call_command("jobs", "run")


def address() -> tuple[str, int]:
    """Return where the web server listens."""
    return parse_listen_address(settings.CONFIGURATION.text("listen"))
