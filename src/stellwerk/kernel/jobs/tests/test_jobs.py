import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from stellwerk.kernel.jobs import job, queue, worker
from stellwerk.kernel.jobs.job import Policy
from stellwerk.kernel.jobs.models import JobWorker
from stellwerk.kernel.jobs.tests import sample_jobs
from stellwerk.kernel.jobs.worker import Worker

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ran() -> list[object]:
    sample_jobs.ran.clear()
    return sample_jobs.ran


def make_ready() -> None:
    """Let the waiting time of put-off jobs pass."""
    DBTaskResult.objects.filter(status="READY").update(run_after=timezone.now() - timedelta(seconds=1))


def test_a_job_runs_once_and_keeps_its_result(ran: list[object]) -> None:
    enqueued = sample_jobs.note.enqueue(41)
    assert Worker().drain() == 1
    assert Worker().drain() == 0
    assert ran == [41]
    enqueued.refresh()
    assert (enqueued.status, enqueued.return_value) == ("SUCCESSFUL", 42)


def test_a_job_of_a_transaction_that_is_rolled_back_never_runs(ran: list[object]) -> None:
    with transaction.atomic():
        sample_jobs.note.enqueue(1)
        transaction.set_rollback(True)
    assert Worker().drain() == 0
    assert ran == []


def test_a_job_knows_its_id_which_serves_as_idempotency_key(ran: list[object]) -> None:
    enqueued = sample_jobs.note_own_id.enqueue()
    Worker().drain()
    assert ran == [enqueued.id]


def test_a_failed_job_is_tried_again_later_and_finally_kept_with_its_error(ran: list[object]) -> None:
    sample_jobs.fail.enqueue("no route to host")
    waits = []
    for _ in range(3):
        before = timezone.now()
        assert Worker().drain() == 1
        [line] = queue.jobs()
        waits.append((line.waits_until - before).total_seconds() if line.waits_until else 0)
        make_ready()
    assert 5 <= waits[0] <= 11
    assert 20 <= waits[1] <= 41
    assert (line.status, line.attempts, line.error) == ("FAILED", 3, "OSError: no route to host")
    assert line.name == "stellwerk.kernel.jobs.tests.sample_jobs.fail"
    assert Worker().drain() == 0
    assert len(ran) == 3


def test_an_operator_gives_a_failed_job_another_go(ran: list[object]) -> None:
    enqueued = sample_jobs.give_up.enqueue()
    Worker().drain()
    assert [line.error for line in queue.jobs("FAILED")] == [
        "stellwerk.kernel.jobs.job.GiveUp: There is no such address."
    ]
    assert queue.retry([enqueued.id]) == 1
    assert queue.retry() == 0
    Worker().drain()
    assert ran == ["tried", "tried"]
    assert queue.discard([enqueued.id]) == 1
    assert queue.jobs() == []


def test_waiting_grows_up_to_a_limit() -> None:
    policy = Policy(first_delay=5, growth=4, longest_delay=3600)
    longest = [
        max(policy.delay(failures) for _ in range(200)).total_seconds() for failures in (1, 2, 3, 9, 500)
    ]
    assert [round(seconds, -1) for seconds in longest] == pytest.approx([0, 20, 80, 3600, 3600], abs=60)
    assert all(2.5 <= policy.delay(1).total_seconds() <= 5 for _ in range(200))


def test_what_an_atomic_job_wrote_is_gone_when_it_fails() -> None:
    sample_jobs.write_and_fail.enqueue()
    Worker().drain()
    assert sample_jobs.traces("failed") == 0
    assert [line.error for line in queue.jobs("FAILED")] == ["OSError: too late"]


def test_the_first_job_of_a_process_is_as_atomic_as_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    sample_jobs.write_and_fail.enqueue()
    monkeypatch.setattr(job, "_policies", {})
    monkeypatch.delitem(sys.modules, sample_jobs.__name__)
    Worker().drain()
    assert sample_jobs.traces("failed") == 0
    assert [(line.status, line.attempts) for line in queue.jobs()] == [("FAILED", 1)]


def test_a_worker_wrongly_taken_for_dead_is_given_its_time_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    slow, other = Worker(), Worker()
    slow._sign_on()
    other.keep_once()
    clock[0] += 31
    other.keep_once()
    assert not JobWorker.objects.filter(pk=slow.id).exists()
    slow._sign_on()
    other.keep_once()
    clock[0] += 29
    other.keep_once()
    assert JobWorker.objects.filter(pk=slow.id).exists()


def test_a_job_of_a_dead_worker_is_taken_up_by_another(
    monkeypatch: pytest.MonkeyPatch, ran: list[object]
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    enqueued = sample_jobs.note.enqueue(7)
    dead, alive = Worker(), Worker()
    dead.keep_once()
    dead._claim()
    alive.keep_once()
    clock[0] += 29
    alive.keep_once()
    assert alive.drain() == 0
    clock[0] += 2
    alive.keep_once()
    assert alive.drain() == 1
    assert ran == [7]
    assert [line.attempts for line in queue.jobs()] == [2]
    assert list(JobWorker.objects.values_list("pk", flat=True)) == [alive.id]
    enqueued.refresh()
    assert enqueued.status == "SUCCESSFUL"


def test_a_living_worker_keeps_its_job_however_the_clock_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    busy, other = Worker(), Worker()
    busy.keep_once()
    sample_jobs.note.enqueue(7)
    busy._claim()
    other.keep_once()
    next_year = timezone.now() + timedelta(days=400)
    monkeypatch.setattr("django.utils.timezone.now", lambda: next_year)
    other.keep_once()
    busy.keep_once()
    other.keep_once()
    assert [line.status for line in queue.jobs()] == ["RUNNING"]


def test_a_job_that_brings_down_its_workers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    sample_jobs.hang.enqueue()
    survivor = Worker()
    for _ in range(2):
        dead = Worker()
        dead.keep_once()
        dead._claim()
        survivor.keep_once()
        clock[0] += 31
        survivor.keep_once()
    assert [(line.status, line.error) for line in queue.jobs()] == [
        ("FAILED", "RuntimeError: Its worker died in each of 2 attempts.")
    ]


def test_the_late_result_of_a_worker_taken_for_dead_does_not_count(ran: list[object]) -> None:
    sample_jobs.note.enqueue(7)
    slow = Worker()
    slow.keep_once()
    claimed = slow._claim()
    assert claimed is not None
    worker._mark_dead(JobWorker.objects.get(pk=slow.id))
    other = Worker()
    other._claim()
    slow._run(claimed)
    assert [(line.status, line.attempts) for line in queue.jobs()] == [("RUNNING", 2)]


def test_a_worker_puts_its_job_back_when_it_must_stop_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = Worker()

    def stop_twice() -> None:
        stopped.stop()
        stopped.stop()

    monkeypatch.setattr(sample_jobs, "leave_a_trace", lambda name: stop_twice())
    sample_jobs.slowly.enqueue("stopped")
    with pytest.raises(KeyboardInterrupt):
        stopped.drain()
    assert [(line.status, line.attempts) for line in queue.jobs()] == [("READY", 0)]


def test_figures_count_what_operators_watch() -> None:
    sample_jobs.note.enqueue(1)
    Worker().drain()
    sample_jobs.fail.enqueue("x")
    sample_jobs.give_up.enqueue()
    Worker().drain()
    sample_jobs.note.enqueue(2)
    counted = queue.figures()
    assert (counted.ready, counted.put_off, counted.running, counted.failed, counted.finished_last_hour) == (
        1,
        1,
        0,
        1,
        2,
    )
    assert 0 <= counted.oldest_ready_age < 60


def test_the_command_lists_and_retries() -> None:
    out = StringIO()
    enqueued = sample_jobs.give_up.enqueue()
    Worker().drain()
    call_command("jobs", "list", status="FAILED", stdout=out)
    assert "There is no such address." in out.getvalue()
    call_command("jobs", "retry", enqueued.id, stdout=out)
    assert out.getvalue().endswith("1 jobs will be tried again.\n")
    with pytest.raises(CommandError, match="--all"):
        call_command("jobs", "retry")
    call_command("jobs", "figures", stdout=out)
    assert "ready: 1\n" in out.getvalue()


def test_looking_for_work_in_vain_takes_one_query(django_assert_num_queries: pytest.FixtureRequest) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert Worker().work_once() is False


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_or_done_twice_when_workers_are_killed() -> None:
    names = [f"job {n:02d}" for n in range(40)]
    for name in names:
        sample_jobs.slowly.enqueue(name)
    deadline = time.monotonic() + 60
    processes = [start_worker(), start_worker()]
    for _ in range(6):
        time.sleep(random.uniform(0.2, 0.6) + 0.6)
        victim = processes.pop(0)
        victim.kill()
        victim.wait()
        processes.append(start_worker())
    while queue.jobs("READY") or queue.jobs("RUNNING"):
        assert time.monotonic() < deadline, "jobs are stuck"
        time.sleep(0.2)
    # The others may have done everything before the youngest came up: whoever is not up yet cannot end in order.
    while not all(JobWorker.objects.filter(place__endswith=f":{each.pid}").exists() for each in processes):
        assert time.monotonic() < deadline, "a worker does not come up"
        time.sleep(0.1)
    for process in processes:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(timeout=10) for process in processes] == [0, 0]
    assert {name: sample_jobs.traces(name) for name in names} == dict.fromkeys(names, 1)
    assert JobWorker.objects.count() <= 6


def start_worker() -> "subprocess.Popen[bytes]":
    """Start a worker in a process of its own, on the test's database, that notices death within a second."""
    program = (
        "import django; django.setup(); from stellwerk.kernel.jobs.worker import Worker; "
        "w = Worker(beat_s=0.2, lost_after_s=1); w.stop_on_signals(); w.run()"
    )
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{given['NAME']}"
    else:
        url = f"postgresql://{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}/{given['NAME']}"
    env = os.environ | {"STELLWERK_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "stellwerk.site.settings"}
    return subprocess.Popen([sys.executable, "-c", program], env=env)
