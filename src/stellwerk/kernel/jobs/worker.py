"""The process that works through the queue.

Its main thread takes one job after the other. A second thread, the keeper, shows that the process is alive, puts
back what died with other processes, and enqueues what the clock has set off, even while a long job runs.
"""

import os
import platform
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from traceback import format_exception
from types import FrameType
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError, close_old_connections, connections, transaction
from django.db.models import F
from django.utils import timezone
from django_tasks import TaskContext, TaskResultStatus
from django_tasks.utils import normalize_json
from django_tasks_db.models import DBTaskResult, get_date_max

from stellwerk.kernel.jobs.former_names import present_name
from stellwerk.kernel.jobs.job import GiveUp, Policy, policy_of, running_job
from stellwerk.kernel.jobs.models import JobWorker
from stellwerk.kernel.jobs.schedule import enqueue_due, load_plans, synchronise

log = structlog.get_logger("stellwerk.jobs")

POLL_S = 1.0
BEAT_S = 5.0
LOST_AFTER_S = 30.0
_LONGEST_PAUSE_S = 30.0
_LONGEST_TRACEBACK = 20_000


class NotMine(Exception):
    """The job was put back meanwhile, because this worker seemed dead; its result no longer counts."""


@dataclass
class Heartbeat:
    """How far another worker had counted, and since when (monotonic) it has not gone on."""

    beats: int
    since: float


class Worker:
    """Takes jobs from the queue until it is told to stop."""

    def __init__(self, *, beat_s: float = BEAT_S, lost_after_s: float = LOST_AFTER_S) -> None:
        self.id = uuid.uuid4()
        self.beat_s = beat_s
        self.lost_after_s = lost_after_s
        self.stopping = False
        self.working = False
        self.pause = POLL_S
        self._signed_on = False
        self._busy = False
        self._heartbeats: dict[uuid.UUID, Heartbeat] = {}
        self._stopped = threading.Event()

    def run(self, *, most: int | None = None, drain: bool = False) -> int:
        """Work until a signal or `stop` ends it, a job in hand is finished first; return the number of jobs.

        With `drain` or `most` it ends when nothing is ready any more, or after so many jobs.
        """
        self._start()
        with self._kept():
            return self.drain(most=most) if drain or most else self._work_on()

    def drain(self, *, most: int | None = None) -> int:
        """Run what is ready now, at most so many jobs, and return how many that were."""
        done = 0
        while not self.stopping and (most is None or done < most) and self.work_once():
            done += 1
        return done

    def work_once(self) -> bool:
        """Run the next job that is ready; False when there is none."""
        claimed = self._claim()
        if claimed is None:
            return False
        self.working = True
        try:
            self._run(claimed)
        finally:
            self.working = False
        return True

    def stop(self, signum: int = 0, frame: FrameType | None = None) -> None:
        """Stop after the job in hand; asked a second time, put that job back and stop at once."""
        if self.stopping and self.working:
            raise KeyboardInterrupt
        self.stopping = True

    def stop_on_signals(self) -> None:
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)

    # -- the main thread ----------------------------------------------------------------------------

    def _start(self) -> None:
        load_plans()
        while not self.stopping:
            try:
                synchronise()
                self._sign_on()
            except (DatabaseError, InterfaceError) as error:
                self._survive(error)
                time.sleep(self.pause)
            else:
                log.info("worker started", worker=str(self.id), place=_place())
                return

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Have the keeper at work meanwhile."""
        keeper = threading.Thread(target=self._keep, name="jobs keeper", daemon=True)
        keeper.start()
        try:
            yield
        except KeyboardInterrupt:
            log.warning("job put back, stopping at once", worker=str(self.id))
        finally:
            self._stopped.set()
            keeper.join(timeout=self.beat_s)
            self._sign_off()

    def _work_on(self) -> int:
        done = 0
        while not self.stopping:
            if self._worked():
                done += 1
            else:
                time.sleep(self.pause)
        return done

    def _worked(self) -> bool:
        """Run a job if there is one, and outlive trouble with the database."""
        try:
            close_old_connections()
            if self.pause > POLL_S:
                self._take_back_own_job()
            worked = self.work_once()
        except (DatabaseError, InterfaceError) as error:
            self._survive(error)
            return False
        self.pause = POLL_S
        return worked

    def _survive(self, error: Exception) -> None:
        """Wait for the database to come back, longer each time."""
        self.pause = min(self.pause * 2, _LONGEST_PAUSE_S)
        log.warning("database trouble", error=str(error).strip(), pause_s=self.pause)
        connections.close_all()

    def _claim(self) -> "DBTaskResult[..., object] | None":
        # Reading takes no lock, which matters to others on SQLite; a busy queue is not asked twice.
        if not self._busy and not DBTaskResult.objects.ready().exists():
            return None
        with transaction.atomic():
            taken = DBTaskResult.objects.ready().get_locked()
            if taken is not None:
                taken.task_path = present_name(taken.task_path)
                taken.claim(str(self.id))
                self._hold(taken)
        self._busy = taken is not None
        return taken

    def _hold(self, row: "DBTaskResult[..., object]") -> None:
        """Note which job would have to be put back if this process died."""
        held = JobWorker.objects.filter(pk=self.id).update(job=row.pk, job_since=row.started_at)
        if self._signed_on and not held:  # taken for dead
            JobWorker.objects.create(pk=self.id, place=_place(), job=row.pk, job_since=row.started_at)

    def _run(self, row: "DBTaskResult[..., object]") -> None:
        started = time.monotonic()
        policy = policy_of(row.task_path)
        token = running_job.set(str(row.pk))
        try:
            self._call(row, policy)
        except NotMine:
            log.warning("job was put back while it ran", **_about(row))
        except Exception as error:
            self._note_failure(row, policy, error)
        except BaseException:
            self._put_back(row)
            raise
        else:
            log.info("job done", seconds=round(time.monotonic() - started, 3), **_about(row))
        finally:
            running_job.reset(token)

    def _call(self, row: "DBTaskResult[..., object]", policy: Policy) -> None:
        load_plans()
        task = row.task
        call = partial(task.call, *_context(row, task), *row.args_kwargs["args"], **row.args_kwargs["kwargs"])
        if policy.atomic:
            with transaction.atomic():
                self._note_success(row, call())
        else:
            self._note_success(row, call())

    def _note_success(self, row: "DBTaskResult[..., object]", value: object) -> None:
        self._finish(
            row,
            status=TaskResultStatus.SUCCESSFUL,
            return_value=normalize_json(value),
            exception_class_path="",
            traceback="",
            finished_at=timezone.now(),
        )

    def _note_failure(self, row: "DBTaskResult[..., object]", policy: Policy, error: Exception) -> None:
        attempts = len(row.worker_ids)
        again = attempts <= policy.retries and not isinstance(error, GiveUp)
        try:
            self._finish(row, **_next_step(again=again, policy=policy, attempts=attempts), **_failure(error))
        except NotMine:
            log.warning("job was put back while it ran", **_about(row))
            return
        report = log.warning if again else log.error
        report("job failed", error=repr(error), tried_again=again, **_about(row))

    def _put_back(self, row: "DBTaskResult[..., object]") -> None:
        """Leave the job to others as if it had not been begun."""
        self._finish(row, status=TaskResultStatus.READY, worker_ids=row.worker_ids[:-1], started_at=None)

    @transaction.atomic
    def _finish(self, row: "DBTaskResult[..., object]", **values: object) -> None:
        """Write what became of the job, provided that it is still this worker's."""
        mine = DBTaskResult.objects.filter(
            pk=row.pk, status=TaskResultStatus.RUNNING, started_at=row.started_at
        )
        if not mine.update(**values):
            raise NotMine
        JobWorker.objects.filter(pk=self.id).update(job=None)

    @transaction.atomic
    def _take_back_own_job(self) -> None:
        """After database trouble, put back the job whose end could not be written."""
        held = JobWorker.objects.filter(pk=self.id).values_list("job", flat=True).first()
        if held:
            _requeue(held)
            JobWorker.objects.filter(pk=self.id).update(job=None)

    # -- the keeper's thread ------------------------------------------------------------------------

    def _keep(self) -> None:
        while True:
            try:
                self.keep_once()
            except Exception as error:
                log.warning("keeper in trouble", error=str(error).strip())
                connections.close_all()
            if self._stopped.wait(self.beat_s):
                connections.close_all()
                return

    def keep_once(self, now: datetime | None = None) -> None:
        """Show that this worker is alive, look after the others, and enqueue what is due."""
        if not JobWorker.objects.filter(pk=self.id).update(beats=F("beats") + 1):
            self._sign_on()
        self.look_after_others()
        enqueue_due(now)

    def look_after_others(self) -> None:
        """Put back the jobs of workers that have not counted on for a while."""
        others = {worker.pk: worker for worker in JobWorker.objects.exclude(pk=self.id)}
        self._heartbeats = {pk: seen for pk, seen in self._heartbeats.items() if pk in others}
        for worker in others.values():
            seen = self._heartbeats.get(worker.pk)
            if seen is None or seen.beats != worker.beats:
                self._heartbeats[worker.pk] = Heartbeat(worker.beats, time.monotonic())
            elif time.monotonic() - seen.since > self.lost_after_s:
                _mark_dead(worker)
                del self._heartbeats[worker.pk]  # if it lives after all, it begins to count anew

    def _sign_on(self) -> None:
        JobWorker.objects.get_or_create(pk=self.id, defaults={"place": _place()})
        self._signed_on = True

    def _sign_off(self) -> None:
        try:
            JobWorker.objects.filter(pk=self.id).delete()
        except (DatabaseError, InterfaceError) as error:
            log.warning("worker could not sign off", error=str(error).strip())
        log.info("worker stopped", worker=str(self.id))


@transaction.atomic
def _mark_dead(worker: JobWorker) -> None:
    """Remove a dead worker and put back its job; only one of those who find it dead does so."""
    dead = JobWorker.objects.select_for_update().filter(pk=worker.pk, beats=worker.beats).first()
    if dead is None:
        return
    log.warning(
        "worker is dead", worker=str(dead.pk), place=dead.place, job=str(dead.job) if dead.job else None
    )
    if dead.job:
        _requeue(dead.job)
    dead.delete()


def _requeue(job: uuid.UUID) -> None:
    """Have a job run again whose worker died, unless it has brought down too many."""
    row = DBTaskResult.objects.filter(pk=job, status=TaskResultStatus.RUNNING).first()
    if row is None:
        return
    attempts = len(row.worker_ids)
    values = {"status": TaskResultStatus.READY, "run_after": get_date_max()}
    if attempts > policy_of(row.task_path).retries:
        failure = _failure(RuntimeError(f"Its worker died in each of {attempts} attempts."))
        values = {"status": TaskResultStatus.FAILED, "finished_at": timezone.now(), **failure}
    DBTaskResult.objects.filter(pk=job, status=TaskResultStatus.RUNNING).update(**values)


def _next_step(*, again: bool, policy: Policy, attempts: int) -> dict[str, object]:
    now = timezone.now()
    if again:
        return {"status": TaskResultStatus.READY, "run_after": now + policy.delay(attempts)}
    return {"status": TaskResultStatus.FAILED, "finished_at": now, "return_value": None}


def _context(row: "DBTaskResult[..., object]", task: Any) -> list[TaskContext]:
    result: Any = row.task_result  # a type of django-tasks-db's own
    return [TaskContext(task_result=result)] if task.takes_context else []


def _failure(error: Exception) -> dict[str, str]:
    text = "".join(format_exception(error))[-_LONGEST_TRACEBACK:]
    return {
        "exception_class_path": f"{type(error).__module__}.{type(error).__qualname__}",
        "traceback": text.replace("\0", "").encode("utf-8", "replace").decode(),
    }


def _about(row: "DBTaskResult[..., object]") -> dict[str, object]:
    return {"job": row.task_path, "id": str(row.pk), "attempt": len(row.worker_ids)}


def _place() -> str:
    return f"{platform.node()}:{os.getpid()}"[:200]
