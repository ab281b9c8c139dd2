"""What is measured: the requests that a desk sends most."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench import words
from bench.load import Request


@dataclass(frozen=True)
class Scenario:
    """A kind of request, and the most that it may take: milliseconds at the median with one client, or a rate with eight."""

    name: str
    request: Callable[[int], Request]
    aim_ms: float | None = None
    aim_per_second: float | None = None
    aim_bytes: int | None = None
    writes: bool = False


def scenarios(known: dict[str, Any]) -> list[Scenario]:
    """Make the scenarios for a filled database; `known` is what filling it printed."""
    program = {"Authorization": f"Bearer {known['token']}"}
    browser = {"Cookie": f"stellwerk_session={known['session']}", "Accept-Encoding": "identity"}
    references = known["references"]

    def page(path: str, proof: bytes) -> Request:
        return Request("GET", path, browser, proof=proof)

    def create(number: int) -> Request:
        title, body = words.text(10_000_019 + number)
        values = {
            "title": title,
            "description": body,
            "requester": known["callers"][number % len(known["callers"])],
            "service": known["services"][number % 3],
            "category": known["categories"][number % len(known["categories"])],
            "impact": "high",
            "urgency": "medium",
        }
        sent = json.dumps(values).encode()
        return Request(
            "POST",
            "/api/v1/incidents",
            program | {"Content-Type": "application/json"},
            sent,
            201,
            b'"priority":2',
        )

    def search(number: int) -> Request:
        word = words.RARE[number % len(words.RARE)] if number % 2 else words.VOCABULARY[number % 40]
        return page(f"/search/?q={word}", b"INC-")

    return [
        Scenario("API: create", create, aim_ms=15, aim_per_second=180, writes=True),
        Scenario(
            "API: list of 50 open",
            lambda number: Request("GET", "/api/v1/incidents?open=yes&limit=50", program, proof=b'"next":"'),
        ),
        Scenario("list page, 50 open", lambda number: page("/incidents/?open=yes", b"INC-"), aim_ms=50),
        Scenario(
            "record page",
            lambda number: page(f"/records/{references[number * 7 % len(references)]}/", b"INC-"),
            aim_ms=50,
            aim_bytes=60_000,
        ),
        Scenario("search page", search, aim_ms=100),
    ]
