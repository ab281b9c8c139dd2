"""What the clock sets off for the installation as a whole."""

from datetime import datetime

from django.contrib.sessions.models import Session
from django.db import connection

from stellwerk.kernel.jobs.schedule import scheduled

# Rows that SQLite looks at per index: enough for good plans, and done in a second on a million records.
ANALYSED_ROWS = 1000


@scheduled("site.forget_sessions", cron="41 3 * * *")
def forget_sessions(now: datetime) -> None:
    """Remove the sessions that have run out."""
    Session.objects.filter(expire_date__lt=now).delete()


@scheduled("site.refresh_statistics", cron="23 3 * * *")
def refresh_statistics(now: datetime) -> None:
    """Let SQLite look again at how its data lies, as PostgreSQL does by itself."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA analysis_limit={ANALYSED_ROWS}")
            cursor.execute("ANALYZE")
