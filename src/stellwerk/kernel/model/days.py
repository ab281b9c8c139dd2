"""Whose day it is: the one place that turns an instant into a day.

Roles, memberships and what else runs from a day to a day follow the installation's time zone, for everyone alike; what
somebody reads, files or asks for follows their own. No day is ever one of UTC, unless a zone is.
"""

from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone


def today(now: datetime | None = None) -> date:
    """Return the day that it is for the installation, now or at an instant."""
    return timezone.localdate(now, timezone.get_default_timezone())


def today_of(person: object, now: datetime | None = None) -> date:
    """Return the day that it is where the person is, now or at an instant."""
    return timezone.localdate(now, zone_of(person))


def zone_of(person: object) -> tzinfo:
    """Return the time zone that a person chose, or the installation's."""
    name = getattr(person, "time_zone", "")
    try:
        return ZoneInfo(name) if name else timezone.get_default_timezone()
    except (ZoneInfoNotFoundError, ValueError):
        return timezone.get_default_timezone()
