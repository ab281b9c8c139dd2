"""How many requests a caller may make: a bucket of permits per caller that refills steadily.

Buckets live in each web process, because asking a database would cost more than most requests do. The
allowance is divided by the number of processes, between which a load balancer spreads the requests.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST_CALLERS = 10_000


@dataclass
class Bucket:
    """Permits left, and when they were counted (seconds of a clock that never steps back)."""

    permits: float
    counted_at: float


class RateLimit:
    """Allow each caller `per_minute` requests in a row, then as many per minute; 0 means any number."""

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[object, Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, caller: object) -> float:
        """Take one permit and return 0, or return the seconds until there is one."""
        if not self.per_minute:
            return 0.0
        now = self._clock()
        with self._lock:
            bucket = self._bucket(caller, now)
            elapsed, bucket.counted_at = now - bucket.counted_at, now
            bucket.permits = min(self.per_minute, bucket.permits + elapsed * self.per_minute / 60)
            if bucket.permits < 1:
                return (1 - bucket.permits) * 60 / self.per_minute
            bucket.permits -= 1
            return 0.0

    def _bucket(self, caller: object, now: float) -> Bucket:
        bucket = self._buckets.setdefault(caller, Bucket(self.per_minute, now))
        self._buckets.move_to_end(caller)
        if len(self._buckets) > MOST_CALLERS:
            self._buckets.popitem(last=False)
        return bucket
