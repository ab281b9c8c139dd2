"""Declaring a job: a function that runs later, at least once, and again after a failure.

    @job(retries=8)
    def send_mail(notification_id: int) -> None: ...

    send_mail.enqueue(notification.pk)      # in the transaction that makes it necessary

The queue may run a job twice: after a failure, or when the machine stops half-way. So a job looks first whether
its work is done, sends `current_job_id()` along as idempotency key, or is declared `atomic`: then what it writes
to the database and its own completion are one transaction and happen exactly once.
"""

import random
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import ParamSpec, TypeVar

from django.utils.module_loading import import_string
from django_tasks import task
from django_tasks.base import Task

P = ParamSpec("P")
T = TypeVar("T")


class GiveUp(Exception):
    """Raised by a job that would fail in the same way again: it is not tried again."""


@dataclass(frozen=True)
class Policy:
    """How often a failed job is tried again and how long it waits, in seconds."""

    retries: int = 8
    first_delay: float = 5
    growth: float = 4
    longest_delay: float = 3600
    atomic: bool = False

    def delay(self, failures: int) -> timedelta:
        """Return how long to wait after so many failures; up to half less, so that not all come back at once."""
        longest = min(self.longest_delay, self.first_delay * self.growth ** min(failures - 1, 60))
        return timedelta(seconds=longest * random.uniform(0.5, 1))  # noqa: S311  # nosec B311 -- spreads load only


_policies: dict[str, Policy] = {}
_current: ContextVar[str] = ContextVar("current_job")


def job(
    *,
    retries: int = Policy.retries,
    first_delay: float = Policy.first_delay,
    growth: float = Policy.growth,
    longest_delay: float = Policy.longest_delay,
    atomic: bool = False,
    priority: int = 0,
) -> Callable[[Callable[P, T]], Task[P, T]]:
    """Make a module-level function a job; its arguments must be plain JSON values."""
    policy = Policy(retries, first_delay, growth, longest_delay, atomic)

    def declare(function: Callable[P, T]) -> Task[P, T]:
        declared = task(priority=priority)(function)
        _policies[declared.module_path] = policy
        return declared

    return declare


def policy_of(task_path: str) -> Policy:
    """Return what was declared for the job with this dotted path; others than ours, and jobs that are gone, get the usual.

    The job's module is imported first: a process that just began may not have come across the declaration yet.
    """
    with suppress(Exception):  # whoever runs it is told
        import_string(task_path)
    return _policies.get(task_path, Policy())


def current_job_id() -> str:
    """Return the id of the job that is running: the same in each of its attempts."""
    return _current.get()


running_job = _current
