"""Work through the job queue, or look at it."""

from typing import Any

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

    def handle(self, *, action: str, **options: Any) -> None:
        {
            "run": self._run,
            "list": self._list,
            "retry": self._retry,
            "schedules": self._schedules,
            "figures": self._figures,
        }[action](options)

    def _run(self, options: dict[str, Any]) -> None:
        worker = Worker()
        worker.stop_on_signals()
        if options["once"] or options["drain"]:
            synchronise()
            enqueue_due()
        done = worker.run(most=1 if options["once"] else None, drain=options["drain"])
        self.stdout.write(f"{done} jobs done.")

    def _list(self, options: dict[str, Any]) -> None:
        for job in queue.jobs(options["status"], most=options["most"]):
            self.stdout.write(
                f"{job.id}  {job.status:<10}  {job.attempts} attempts  {job.name}({job.arguments})"
            )
            if job.waits_until and job.status == "READY":
                self.stdout.write(f"    again at {timezone.localtime(job.waits_until):%Y-%m-%d %H:%M:%S %Z}")
            if job.error:
                self.stdout.write(f"    {job.error}")

    def _retry(self, options: dict[str, Any]) -> None:
        if not options["ids"] and not options["all"]:
            raise CommandError("Name the failed jobs by their ids, or say --all.")
        self.stdout.write(
            f"{queue.retry(None if options['all'] else options['ids'])} jobs will be tried again."
        )

    def _schedules(self, options: dict[str, Any]) -> None:
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

    def _figures(self, options: dict[str, Any]) -> None:
        for name, value in vars(queue.figures()).items():
            self.stdout.write(f"{name.replace('_', ' ')}: {value:g}")
