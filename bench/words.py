"""Texts of tickets: made up, always the same for the same number, with words as uneven as in real ones."""

import random
from itertools import accumulate

_SUBJECTS = [
    "mail",
    "calendar",
    "printer",
    "network",
    "login",
    "password",
    "laptop",
    "cluster",
    "storage",
    "backup",
    "archive",
    "portal",
    "wiki",
    "licence",
    "certificate",
    "firewall",
    "database",
    "mailbox",
    "scanner",
    "phone",
    "headset",
    "monitor",
    "docking",
    "station",
    "queue",
    "job",
    "node",
    "partition",
    "share",
    "folder",
    "quota",
    "licence",
    "server",
    "workspace",
    "account",
    "token",
    "badge",
    "video",
    "conference",
    "projector",
]
_FAULTS = [
    "fails",
    "stops",
    "hangs",
    "crashes",
    "refuses",
    "forgets",
    "loses",
    "blocks",
    "rejects",
    "delays",
    "duplicates",
    "reports",
    "shows",
    "asks",
    "needs",
    "lacks",
    "misses",
    "breaks",
    "slows",
    "flickers",
    "overheats",
    "disconnects",
    "expires",
]
_SYLLABLES = [first + vowel for first in "bdfghklmnprstvw" for vowel in "aeiou"]
RARE = [f"needle{number}" for number in range(100)]
"""Each of these words stands in one ticket of a thousand."""


def _vocabulary() -> list[str]:
    draw = random.Random(7)
    made = {"".join(draw.choices(_SYLLABLES, k=draw.choice((2, 3, 3, 4)))) for _ in range(3400)}
    return [*_SUBJECTS, *_FAULTS, *sorted(made)[:3000]]


VOCABULARY = _vocabulary()
COMMON = VOCABULARY[0]
_WEIGHTS = list(accumulate(1 / (rank + 10) for rank in range(len(VOCABULARY))))


def text(number: int) -> tuple[str, str]:
    """Return the title (six words) and the description (sixty words) of a ticket."""
    draw = random.Random(number)
    title = draw.choices(VOCABULARY, cum_weights=_WEIGHTS, k=6)
    body = draw.choices(VOCABULARY, cum_weights=_WEIGHTS, k=60)
    if number % 10 == 0:
        body[30] = RARE[number // 10 % len(RARE)]
    return " ".join(title).capitalize(), " ".join(body).capitalize() + "."
