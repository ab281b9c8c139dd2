"""What stands in the way of a command is said in one sentence with the remedy."""

import errno
import socket

import pytest
from django.db import DatabaseError, OperationalError, ProgrammingError

from stellwerk.operations.preflight import (
    OperatorError,
    explain,
    reporting_operator_errors,
    require_free_port,
)


def test_a_busy_port_is_named_with_another_to_choose() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(OperatorError, match=f"Port {port} is in use.*PORT={port + 1}"):
            require_free_port("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(OperatorError, match=r"Cannot listen on 192\.0\.2\.1:8765"):
        require_free_port("192.0.2.1", 8765)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/srv/x"), "/srv/x may not be read or written"),
        (OperationalError("database or disk is full"), "The disk is full"),
        (OperationalError("attempt to write a readonly database"), "change its owner"),
        (OperationalError("connection failed: port 5432 failed: Connection refused"), "does not answer"),
        (DatabaseError("file is not a database"), "is not one of SQLite"),
        (
            OperationalError('failed: FATAL:  database "desk" does not exist'),
            "no such database on the server",
        ),
        (OperationalError('failed: FATAL:  role "desk" does not exist'), "knows no such user"),
        (ProgrammingError('relation "kernel_record" does not exist'), "stellwerk migrate"),
    ],
)
def test_an_error_of_the_machine_becomes_a_sentence(error: Exception, sentence: str) -> None:
    assert sentence in (explain(error) or "")


def test_a_fault_of_ours_stays_a_traceback() -> None:
    assert explain(ZeroDivisionError("division by zero")) is None
    with pytest.raises(ZeroDivisionError), reporting_operator_errors():
        raise ZeroDivisionError


def test_the_sentence_goes_to_stderr_and_the_exit_code_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, reporting_operator_errors():
        raise OperatorError("Port 8765 is in use.")
    assert ended.value.code == 2
    assert capsys.readouterr().err == "stellwerk: Port 8765 is in use.\n"
