"""Measure beside a peer in one run: `python bench/peers.py --rt http://root:PASSWORD@127.0.0.1:8082 --rt-words A,B,C`.

The peer is a Request Tracker 5 that runs already, filled with as many tickets as ours. Its token for creating is in
STELLWERK_BENCH_RT_TOKEN; `--rt-words` are a word of one ticket in a thousand there, of one in fifty, and of a third.
Both are measured in turn, ours on each database, and one rests while another is asked. Prints the ratios and writes
them to bench/results. STELLWERK_BENCH_DATABASE_URL names the PostgreSQL server, as for bench/run.py.
"""

import argparse
import http.client
import itertools
import json
import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import words  # noqa: E402
from bench.load import Load, Measurement, Request, tree  # noqa: E402
from bench.run import (  # noqa: E402
    RESULTS,
    SETTLE_S,
    WARM_UP_S,
    Target,
    fill,
    machine,
    serving,
    targets,
    versions,
)
from bench.scenarios import scenarios  # noqa: E402

Requests = Callable[[int], Request]
OURS = (("rare", words.RARE[7]), ("medium", words.VOCABULARY[400]), ("common", words.VOCABULARY[20]))
SESSIONS = 8
"""As many people are signed in to the peer, which answers one request of a session at a time."""
LIST = 50


@dataclass(frozen=True)
class Pair:
    """One kind of request, as both sides are asked for it, by so many clients."""

    name: str
    clients: int = 1


PAIRS = (
    Pair("REST: create"),
    Pair("REST: create", 8),
    Pair("REST: list of 50 open"),
    *(Pair(f"REST: search, {which} word") for which, _word in OURS),
    Pair("list page, 50 open"),
    Pair("record page"),
    *(Pair(f"search page, {which} word") for which, _word in OURS),
)


def ours(known: dict[str, Any]) -> dict[str, Requests]:
    """Map the kinds to our requests; `known` is what filling the database printed."""
    by_name = {scenario.name: scenario.request for scenario in scenarios(known)}
    program = {"Authorization": f"Bearer {known['token']}"}
    browser = {"Cookie": f"stellwerk_session={known['session']}", "Accept-Encoding": "identity"}
    found: dict[str, Requests] = {
        "REST: create": by_name["API: create"],
        "REST: list of 50 open": by_name["API: list of 50 open"],
        "list page, 50 open": by_name["list page, 50 open"],
        "record page": by_name["record page"],
    }
    for which, word in OURS:
        query = urlencode({"q": word, "limit": LIST, "fields": "title"})
        found[f"REST: search, {which} word"] = _same(
            Request("GET", f"/api/v1/incidents?{query}", program, proof=b'"total"')
        )
        found[f"search page, {which} word"] = _same(
            Request("GET", f"/search/?q={quote(word)}", browser, proof=b"INC-")
        )
    return found


class RequestTracker:
    """A Request Tracker 5 at an address with the name and the password of its administrator."""

    def __init__(self, address: str, token: str, its_words: list[str]) -> None:
        self.address = urlsplit(address)
        self.token, self.words = token, its_words
        self.host, self.port = self.address.hostname or "127.0.0.1", self.address.port or 80

    def requests(self) -> dict[str, Requests]:
        """Map the kinds to the peer's requests; all but creating are asked in a session, its quicker way."""
        cookies = itertools.cycle([{"Cookie": self._sign_in()} for _ in range(SESSIONS)])
        newest = {"OrderBy": "id", "Order": "DESC"}
        active = "Status = '__Active__'"
        fields = {"fields": "Subject,Status,Priority,Due,Owner"}

        def get(path: str, proof: bytes, **query: object) -> Requests:
            address = f"{path}?{urlencode(query)}"
            return lambda number: Request("GET", address, next(cookies), proof=proof)

        def rest(query: str, **more: str) -> Requests:
            newest_first = {"orderby": "id", "order": "DESC"}
            return get("/REST/2.0/tickets", b"items", query=query, per_page=LIST, **newest_first, **more)

        def page(query: str) -> Requests:
            return get("/Search/Results.html", b"Found ", Query=query, Rows=LIST, **newest)

        found: dict[str, Requests] = {
            "REST: create": self._create,
            "REST: list of 50 open": rest(active, **fields),
            "list page, 50 open": page(active),
            "record page": get("/Ticket/Display.html", b"#1:", id=1),
        }
        for (which, _ours), word in zip(OURS, self.words, strict=True):
            found[f"REST: search, {which} word"] = rest(f"Content LIKE '{word}'", fields="Subject")
            found[f"search page, {which} word"] = page(f"Content LIKE '{word}'")
        return found

    def _create(self, number: int) -> Request:
        title, body = words.text(20_000_003 + number)
        ticket = {
            "Queue": "General",
            "Subject": title,
            "Requestor": f"user{number % 50}@example.org",
            "Content": body,
            "Priority": 10 + number % 80,
            "SLA": "Standard",
        }
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        return Request("POST", "/REST/2.0/ticket", headers, json.dumps(ticket).encode(), 201, b'"id"')

    def _sign_in(self) -> str:
        """Fill in the form of the sign-in page, and return the session's cookie."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        connection.request("GET", "/NoAuth/Login.html")
        answer = connection.getresponse()
        content = answer.read()
        cookie = _cookie(answer)
        sought = re.search(rb'name="next" value="([^"]*)"', content)
        form = {
            "user": self.address.username or "root",
            "pass": self.address.password or "",
            "next": sought[1].decode() if sought else "",
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
        connection.request("POST", "/NoAuth/Login.html", urlencode(form), headers)
        answer = connection.getresponse()
        answer.read()
        cookie = _cookie(answer) or cookie
        connection.request("GET", "/Ticket/Display.html?id=1", headers={"Cookie": cookie})
        answer = connection.getresponse()
        if b"#1:" not in answer.read():
            raise SystemExit("The peer does not let us in, or has no ticket 1.")
        connection.close()
        return cookie


def _cookie(answer: http.client.HTTPResponse) -> str:
    given = answer.headers.get_all("Set-Cookie") or [""]
    return given[-1].partition(";")[0]


def _same(request: Request) -> Requests:
    return lambda number: request


Found = dict[Pair, list[Measurement]]


def measured(
    load: Load, requests: dict[str, Requests], seconds: float, only: str
) -> Iterator[tuple[Pair, Measurement]]:
    # Reading comes first, so that what creating leaves behind does not disturb it.
    for pair in sorted(PAIRS, key=lambda each: each.name == "REST: create"):
        if only in pair.name:
            load.run(requests[pair.name], pair.clients, WARM_UP_S)
            yield pair, load.run(requests[pair.name], pair.clients, seconds)


def main() -> int:
    options = arguments()
    before = os.getloadavg()[0]
    peer = RequestTracker(
        options.rt, os.environ.get("STELLWERK_BENCH_RT_TOKEN", ""), options.rt_words.split(",")
    )
    chosen = list(targets(options))
    for target in chosen:
        fill(target, fresh=False)
    found: dict[str, Found] = {}

    def note(name: str, results: Iterable[tuple[Pair, Measurement]]) -> None:
        for pair, one in results:
            found.setdefault(name, {}).setdefault(pair, []).append(one)
            print(
                f"{name:12} {pair.name:24} {pair.clients} clients: {one.median:7.1f} ms, {one.per_second:6.1f}/s",
                *one.failures,
                flush=True,
            )

    for _round in range(options.rounds):
        note("RT", measured(Load(peer.host, peer.port, []), peer.requests(), options.seconds, options.only))
        for target in chosen:
            known = json.loads(target.known.read_text(encoding="utf-8"))
            with serving(target) as (port, server):
                time.sleep(SETTLE_S)
                load = Load("127.0.0.1", port, tree(server.pid))
                note(target.database, measured(load, ours(known), options.seconds, options.only))
    report = written(chosen, found, options, before)
    print(f"\n{report}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y-%m-%d-%H%M}-peers.md"
    path.write_text(report, encoding="utf-8")
    print(f"Written to {path.relative_to(ROOT)}.")
    return 1 if any(each.failures for one in found.values() for many in one.values() for each in many) else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure beside a Request Tracker.")
    parser.add_argument(
        "--rt", default=os.environ.get("STELLWERK_BENCH_RT"), help="its address, with name and password"
    )
    parser.add_argument("--rt-words", required=True, help="a rare, a medium and a common word there")
    parser.add_argument("--sizes", default="100000", help="number of tickets on both sides")
    parser.add_argument("--databases", default="sqlite,postgresql", help="ours (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=4, help="per kind of request")
    parser.add_argument("--rounds", type=int, default=2, help="how often each side has its turn")
    parser.add_argument("--only", default="", help="part of a kind's name")
    options = parser.parse_args()
    if not options.rt:
        parser.error("Say where the peer runs: --rt, or STELLWERK_BENCH_RT.")
    if options.rt_words.count(",") != len(OURS) - 1:
        parser.error("Give three words: --rt-words RARE,MEDIUM,COMMON.")
    return options


def written(chosen: list[Target], found: dict[str, Found], options: argparse.Namespace, before: float) -> str:
    """Write the report in Markdown."""
    busy = before > (os.cpu_count() or 1) / 4
    heads = [f"{versions(target)}, ms | times faster" for target in chosen]
    lines = [
        f"# Beside Request Tracker 5, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "",
        f"{machine()}. {int(options.sizes):,} tickets on both sides, one in ten open; {options.rounds} rounds in turn, "
        f"{options.seconds:g} s per figure; medians. Durable commits on both. The peer (PostgreSQL, four Starman "
        "workers behind nginx) rests while Stellwerk is measured, and Stellwerk is stopped while the peer is. The peer "
        f"creates by token and is read in sessions. Load before: {before:.1f}"
        f"{'; **the machine was busy with other work, so times are far from what it can do**.' if busy else '.'}",
        "",
        f"| request | clients | RT, ms | {' | '.join(heads)} |",
        f"|---|--:|--:|{'--:|--:|' * len(chosen)}",
    ]
    for pair in PAIRS:
        if pair not in found["RT"]:
            continue
        theirs = _milliseconds(found["RT"][pair])
        cells = []
        for target in chosen:
            mine = _milliseconds(found[target.database][pair])
            cells += [f"{mine:.1f}", f"{theirs / mine:.1f}{'' if mine <= theirs else ' **slower**'}"]
        lines.append(f"| {pair.name} | {pair.clients} | {theirs:.1f} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _milliseconds(many: list[Measurement]) -> float:
    """Return the median time of one request; with several clients the time between two answers."""
    if many[0].clients > 1:
        return 1000 / statistics.median(one.per_second for one in many)
    return statistics.median(one.median for one in many)


if __name__ == "__main__":
    sys.exit(main())
