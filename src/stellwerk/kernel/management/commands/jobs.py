"""Work through the job queue, or look at it."""

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from stellwerk.kernel.jobs import queue
from stellwerk.kernel.jobs.models import Schedule
from stellwerk.kernel.jobs.schedule import enqueue_due, synchronise
from stellwerk.kernel.jobs.worker import Worker


class Command(BaseCommand):
    help = (
        "Works through the job queue and sets off what the clock is for; or lists, retries and counts jobs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "action", nargs="?", default="run", choices=["run", "list", "retry", "schedules", "figures"]
        )
        parser.add_argument("ids", nargs="*", help="for retry: ids of failed jobs")
        parser.add_argument("--all", action="store_true", help="for retry: every failed job")
        parser.add_argument("--status", help="for list: READY, RUNNING, FAILED or SUCCESSFUL", type=str.upper)
        parser.add_argument("--most", type=int, default=50, help="for list: how many")
        parser.add_argument("--once", action="store_true", help="for run: at most one job, then end")
        parser.add_argument("--drain", action="store_true", help="for run: what is ready now, then end")

    def handle(
        self,
        *,
        action: str,
        ids: list[str],
        all: bool,
        status: str | None,
        most: int,
        once: bool,
        drain: bool,
        **options: object,
    ) -> None:
        match action:
            case "run":
                self._run(once=once, drain=drain)
            case "list":
                self._list(status, most)
            case "retry":
                self._retry(ids, all_of_them=all)
            case "schedules":
                self._schedules()
            case "figures":
                self._figures()

    def _run(self, *, once: bool, drain: bool) -> None:
        worker = Worker()
        worker.stop_on_signals()
        if once or drain:
            synchronise()
            enqueue_due()
        done = worker.run(most=1 if once else None, drain=drain)
        self.stdout.write(f"{done} jobs done.")

    def _list(self, status: str | None, most: int) -> None:
        for job in queue.jobs(status, most=most):
            self.stdout.write(
                f"{job.id}  {job.status:<10}  {job.attempts} attempts  {job.name}({job.arguments})"
            )
            if job.waits_until and job.status == "READY":
                self.stdout.write(f"    again at {timezone.localtime(job.waits_until):%Y-%m-%d %H:%M:%S %Z}")
            if job.error:
                self.stdout.write(f"    {job.error}")

    def _retry(self, ids: list[str], *, all_of_them: bool) -> None:
        if not ids and not all_of_them:
            raise CommandError("Name the failed jobs by their ids, or say --all.")
        self.stdout.write(f"{queue.retry(None if all_of_them else ids)} jobs will be tried again.")

    def _schedules(self) -> None:
        synchronise()
        for schedule in Schedule.objects.all():
            state = (
                f"next {timezone.localtime(schedule.next_at):%Y-%m-%d %H:%M %Z}"
                if schedule.enabled
                else "switched off"
            )
            outcome = schedule.last_outcome or "has not run yet"
            self.stdout.write(
                f"{schedule.name:<40} {schedule.cron:<14} {schedule.zone:<16} {state}  {outcome}"
            )

    def _figures(self) -> None:
        for name, value in vars(queue.figures()).items():
            self.stdout.write(f"{name.replace('_', ' ')}: {value:g}")
