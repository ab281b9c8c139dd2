"""What can stand in the way of a command, and the one sentence that says how to clear it."""

import errno
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, SystemCheckError
from django.db import utils


class OperatorError(Exception):
    """Something that the operator must put right; the message is one sentence that says how."""


# 128 and SIGPIPE's number, which is what a shell reports of a program that the signal ended.
ENDED_BY_READER = 141


@contextmanager
def reporting_operator_errors() -> Iterator[None]:
    """End the process with one sentence and exit code 2 when something can be put right by the operator."""
    try:
        yield
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read along has seen enough, as in `| head`. Python flushes once more at its end: that needs a taker.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ENDED_BY_READER)
    except Exception as error:
        sentence = explain(error)
        if sentence is None:
            raise
        print(f"stellwerk: {sentence}", file=sys.stderr)
        sys.exit(2)


def explain(error: BaseException) -> str | None:
    """Return the sentence for an error that an operator can put right, None for a fault of ours."""
    if isinstance(error, SystemCheckError):
        return str(error)
    if isinstance(error, (OperatorError, ImproperlyConfigured, CommandError)):
        return str(error)
    if isinstance(error, OSError):
        return explain_os_error(error)
    if isinstance(error, utils.DatabaseError):
        return explain_database_error(error)
    return None


def explain_os_error(error: OSError) -> str | None:
    if error.errno == errno.ENOSPC:
        return "The disk is full: free some space, then run the command again."
    if isinstance(error, PermissionError):
        return f"{error.filename} may not be read or written by this user: change its owner or permissions."
    if error.errno == errno.EROFS:
        return f"{error.filename} is on a read-only disk: set STELLWERK_DATA_DIR to another folder."
    return None


NO_ANSWER = "The database server does not answer: start it or correct STELLWERK_DATABASE_URL."
# What the databases' own messages contain, and what to do about it.
DATABASE_OBSTACLES = {
    "disk is full": "The disk is full: free some space, then run the command again.",
    "No space left on device": "The database server's disk is full: free some space there.",
    "readonly database": "The SQLite file may not be written by this user: change its owner.",
    "unable to open database file": "The SQLite file cannot be opened: check STELLWERK_DATA_DIR.",
    "not a database": "The database file is not one of SQLite: restore a backup or name another.",
    "malformed": "The SQLite file is damaged: restore a backup.",
    "Connection refused": NO_ANSWER,
    "couldn't get a connection": NO_ANSWER,
    "timeout expired": NO_ANSWER,
    "failed to resolve host": "The database server's name is unknown: correct STELLWERK_DATABASE_URL.",
    "password authentication failed": "The database refuses the password: correct STELLWERK_DATABASE_URL.",
    'FATAL:  database "': "There is no such database on the server: create it, then run `stellwerk migrate`; "
    "or correct STELLWERK_DATABASE_URL.",
    'FATAL:  role "': "The database server knows no such user: create it or correct STELLWERK_DATABASE_URL.",
    "does not exist": "The database or something in it does not exist: create it, run `stellwerk migrate`.",
    "no such table": "The database has no tables yet: run `stellwerk migrate`.",
    "no such column": "The database is not up to date: make a backup, then run `stellwerk migrate`.",
}


def explain_database_error(error: utils.DatabaseError) -> str | None:
    for part, sentence in DATABASE_OBSTACLES.items():
        if part in str(error):
            return sentence
    return None


def require_free_port(host: str, port: int) -> None:
    """Refuse an address that another program listens on, before anything else is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise OperatorError(f"Port {port} needs administrator rights: choose one above 1023.") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise OperatorError(
                    f"Cannot listen on {host}:{port} ({error.strerror}): correct the address."
                ) from None
            raise OperatorError(
                f"Port {port} is in use: end the other program or choose another port, "
                f"for example `make demo PORT={port + 1}` or STELLWERK_LISTEN={host}:{port + 1}."
            ) from None
