"""When tickets arrive, and when people at the desk work: everything in local time without a zone."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import accumulate
from random import Random

OPENS, SHUTS = time(8), time(18)
DAYS = 365
OUTAGE_DAYS_AGO = 118

WEEKDAYS = (1.35, 1.2, 1.08, 1.0, 0.85, 0.17, 0.14)

# Share of a day's tickets that people write in each hour: a hump before lunch, one after, an owl at night.
BY_HOUR = (
    (3, 2, 1, 1, 1, 2, 5, 18, 60, 105, 115, 100)
    + (55, 75, 95, 85, 62, 34, 18, 14, 15, 13, 10, 6)
)  # fmt: skip
CALLS_BY_HOUR = (0, 0, 0, 0, 0, 0, 0, 0, 90, 130, 120, 90, 30, 70, 90, 80, 50, 18, 0, 0, 0, 0, 0, 0)
ALARMS_BY_HOUR = (4, 5, 9, 8, 6, 4, 4, 4, 4, 5, 5, 4, 4, 4, 5, 4, 4, 4, 4, 3, 4, 4, 4, 4)
NIGHT_AND_DAY = {"monitoring": ALARMS_BY_HOUR, "phone": CALLS_BY_HOUR}

FIXED_HOLIDAYS = {(1, 1), (1, 6), (5, 1), (12, 24), (12, 25), (12, 26), (12, 31)}


def is_working(day: date) -> bool:
    """Say whether the desk is staffed on a day."""
    return day.weekday() < 5 and (day.month, day.day) not in FIXED_HOLIDAYS


def weight(day: date) -> float:
    """Return how busy a day is compared with an ordinary one."""
    return _season(day) * WEEKDAYS[day.weekday()] * (0.15 if _holiday(day) else 1.0) * _patches(day)


def _season(day: date) -> float:
    if (day.month, day.day) >= (12, 20) or (day.month, day.day) <= (1, 6):
        return 0.3
    if (day.month == 10 and day.day <= 21) or (day.month == 9 and day.day >= 28):
        return 1.7
    if day.month == 3 and day.day <= 16:
        return 1.5
    return {2: 0.9, 7: 0.85, 8: 0.62, 9: 0.95, 11: 1.1}.get(day.month, 1.0)


def _holiday(day: date) -> bool:
    return (day.month, day.day) in FIXED_HOLIDAYS


def _patches(day: date) -> float:
    """Return more for the day of the monthly patches (second Tuesday) and the day after."""
    return 1.4 if is_patch_day(day) or is_patch_day(day - timedelta(days=1)) else 1.0


def is_patch_day(day: date) -> bool:
    """Say whether a day is the second Tuesday of its month."""
    return day.weekday() == 1 and 8 <= day.day <= 14


def outage_day(today: date) -> date:
    """Return the day of the great outage: a Thursday about four months back."""
    day = today - timedelta(days=OUTAGE_DAYS_AGO)
    return day - timedelta(days=(day.weekday() - 3) % 7)


class Arrivals:
    """Draws moments of arrival between a year ago and now."""

    def __init__(self, now: datetime, rng: Random) -> None:
        first = now.date() - timedelta(days=DAYS)
        self.now, self.rng = now, rng
        self.days = [first + timedelta(days=number) for number in range(DAYS + 1)]
        self.weights = list(accumulate(weight(day) for day in self.days))
        self.hours = {name: list(accumulate(hours)) for name, hours in NIGHT_AND_DAY.items()}
        self.usual = list(accumulate(BY_HOUR))

    def day(self) -> date:
        """Return a day, drawn by how busy the days are."""
        return self.rng.choices(self.days, cum_weights=self.weights)[0]

    def moment(self, day: date, channel: str) -> datetime:
        """Return when on that day something comes in through a channel; the day before if that lies ahead."""
        hour = self.rng.choices(range(24), cum_weights=self.hours.get(channel, self.usual))[0]
        second = int(self.rng.random() * 3600)
        moment = datetime.combine(day, time(hour, second // 60, second % 60))
        return moment if moment < self.now else self.moment(day - timedelta(days=1), channel)


def working(moment: datetime) -> datetime:
    """Return the moment itself, or the next one at which the desk is staffed."""
    if moment.time() >= SHUTS:
        moment = datetime.combine(moment.date() + timedelta(days=1), OPENS)
    while not is_working(moment.date()):
        moment = datetime.combine(moment.date() + timedelta(days=1), OPENS)
    if moment.time() < OPENS:
        moment = datetime.combine(moment.date(), OPENS) + timedelta(minutes=moment.minute // 3)
    return moment


def later(moment: datetime, minutes: float) -> datetime:
    """Return the moment after so many minutes of staffed time."""
    moment = working(moment)
    left = timedelta(minutes=minutes)
    while True:
        rest = datetime.combine(moment.date(), SHUTS) - moment
        if left < rest:
            return moment + left
        left -= rest
        moment = working(datetime.combine(moment.date(), SHUTS))
