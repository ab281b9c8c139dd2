"""When stories begin, and when people work: all in local time without a zone."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from math import prod
from random import Random

from stellwerk.demo import read

CALENDAR = read("demo.toml")["calendar"]
OPENS, SHUTS = time(CALENDAR["opens"]), time(CALENDAR["shuts"])


def is_working(day: date) -> bool:
    """Say whether the desk is staffed on a day."""
    return day.weekday() < 5 and f"{day:%m-%d}" not in CALENDAR["holidays"]


def seasons(day: date) -> set[str]:
    """Return the names of the times of the year that a day falls into."""
    return {
        season["name"]
        for season in CALENDAR["seasons"]
        if any(first <= f"{day:%m-%d}" <= last for first, last in season.get("spans", ()))
        or any(
            day.weekday() == weekday and first <= day.day <= last
            for weekday, first, last in season.get("weekdays", ())
        )
    }


def weight(day: date) -> float:
    """Return how busy a day is compared with an ordinary one."""
    named = seasons(day)
    of_seasons = prod(season["weight"] for season in CALENDAR["seasons"] if season["name"] in named)
    quiet = CALENDAR["on_holidays"] if f"{day:%m-%d}" in CALENDAR["holidays"] else 1.0
    return float(of_seasons * quiet * CALENDAR["weekdays"][day.weekday()])


class Arrivals:
    """Draws moments between a year ago and now at which something comes in."""

    def __init__(self, now: datetime, rng: Random) -> None:
        first = now.date() - timedelta(days=CALENDAR["days"])
        self.now, self.rng = now, rng
        self.days = [first + timedelta(days=number) for number in range(CALENDAR["days"] + 1)]
        self.weights = list(accumulate(weight(day) for day in self.days))
        self.hours: dict[str, Sequence[int]] = CALENDAR["hours"]

    def day(self) -> date:
        """Return a day, drawn by how busy the days are."""
        return self.rng.choices(self.days, cum_weights=self.weights)[0]

    def moment(self, day: date, channel: str) -> datetime:
        """Return when on that day something comes in through a channel; the day before if that lies ahead."""
        hour = self.rng.choices(range(24), self.hours.get(channel, self.hours["usual"]))[0]
        moment = datetime.combine(day, time(hour)) + timedelta(seconds=int(self.rng.random() * 3600))
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
