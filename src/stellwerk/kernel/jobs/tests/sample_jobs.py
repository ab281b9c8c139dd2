"""Jobs that the tests enqueue; jobs must live in a module that a worker can import."""

import time
import uuid
from datetime import UTC, datetime

from stellwerk.kernel.jobs.job import GiveUp, current_job_id, job
from stellwerk.kernel.jobs.models import Schedule

ran: list[object] = []


def leave_a_trace(name: str) -> None:
    """Write a row of its own for each time that it is called."""
    Schedule.objects.create(
        name=f"trace {name} {uuid.uuid4()}", enabled=False, next_at=datetime.max.replace(tzinfo=UTC)
    )


def traces(name: str) -> int:
    return Schedule.objects.filter(name__startswith=f"trace {name} ").count()


@job()
def note(value: int) -> int:
    ran.append(value)
    return value + 1


@job()
def note_own_id() -> None:
    ran.append(current_job_id())


@job(retries=2, first_delay=10, growth=4, longest_delay=60)
def fail(message: str) -> None:
    ran.append(message)
    raise OSError(message)


@job()
def give_up() -> None:
    ran.append("tried")
    raise GiveUp("There is no such address.")


@job(retries=0, atomic=True)
def write_and_fail() -> None:
    leave_a_trace("failed")
    raise OSError("too late")


@job(retries=1)
def hang() -> None:
    """Stands for a job that takes its worker with it."""
    ran.append("hung")


@job(retries=20, atomic=True)
def slowly(name: str) -> None:
    leave_a_trace(name)
    time.sleep(0.05)
