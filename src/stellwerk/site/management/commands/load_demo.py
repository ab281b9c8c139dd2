"""Load the demo organisation into an empty installation."""

import argparse
import time
from datetime import datetime

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from stellwerk.demo import read
from stellwerk.demo.loader import SEED, load
from stellwerk.foundation.prioritisation import PriorityScheme
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.record import Record


class Command(BaseCommand):
    help = "Load the demo organisation into an empty installation."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=SEED, help="another number makes up another year")
        parser.add_argument("--now", help="an instant to load as of, such as 2026-11-20T10:40:00Z")

    def handle(self, *, seed: int, now: str | None, **options: object) -> None:
        if already_loaded():
            self.stdout.write(_("The demo organisation is already loaded."))
            return
        if is_in_use():
            raise CommandError(
                _(
                    "This installation already has records of its own. The demo needs an empty one: use another "
                    "database."
                )
            )
        started = time.monotonic()
        load(_instant(now), seed=seed, passwords=settings.DEMO, report=self._report)
        self._report(
            _("%(name)s is ready after %(seconds).1f s.")
            % {"name": read("demo.toml")["name"], "seconds": time.monotonic() - started}
        )

    def _report(self, line: str) -> None:
        self.stdout.write(f"  {line}")
        self.stdout.flush()


def already_loaded() -> bool:
    """Say whether the demo's organisation is here."""
    return Party.objects.filter(title=read("demo.toml")["name"]).exists()


def is_in_use() -> bool:
    """Say whether anything is here beyond the schemes that every installation begins with."""
    scheme = registry.for_model(PriorityScheme).key
    return Record.objects.exclude(kind=scheme).exists()


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = parse_datetime(text)
    if moment is None:
        raise CommandError(_("“%s” isn't a date and time. Write it like 2026-11-20T10:40:00Z.") % text)
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
