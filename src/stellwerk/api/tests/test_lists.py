from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stellwerk.api import cursor
from stellwerk.api.tests.conftest import Program
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.search import index, postgresql, sqlite
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident


@pytest.fixture
def seven(as_maria: Program, gus: Person, centre: Any) -> list[str]:
    """Seven incidents, by their references, oldest first."""
    levels = ["low", "high", "medium"]
    values = [
        {"title": f"Fault {n}", "requester": gus, "party": centre, "impact": levels[n % 3]} for n in range(7)
    ]
    return [create(Incident, each, by=SYSTEM).reference for each in values]


def references(program: Program, query: str) -> list[str]:
    """Walk all pages and collect the references."""
    found, following = [], ""
    while following is not None:
        answer = program.get(
            f"incidents?{query}&fields=reference" + (f"&cursor={following}" if following else "")
        )
        assert answer.status_code == 200, answer.content
        found += [row["reference"] for row in answer.json()["items"]]
        following = answer.json()["next"]
    return found


@pytest.mark.parametrize(
    "ordering", ["created_at", "-created_at", "priority", "-priority", "title", "assigned_to", "-service"]
)
def test_pages_follow_each_other_without_gap_or_double(
    as_maria: Program, seven: list[str], ordering: str
) -> None:
    whole = [row["reference"] for row in as_maria.get(f"incidents?ordering={ordering}").json()["items"]]
    assert sorted(whole) == seven
    assert references(as_maria, f"limit=2&ordering={ordering}") == whole


def test_a_page_stays_where_it_is_when_rows_arrive_before_it(
    as_maria: Program, seven: list[str], gus: Person
) -> None:
    first = as_maria.get("incidents?limit=3").json()
    create(Incident, {"title": "Newest", "requester": gus}, by=SYSTEM)
    second = as_maria.get(f"incidents?limit=3&cursor={first['next']}").json()
    shown = [row["reference"] for row in first["items"] + second["items"]]
    assert shown == seven[::-1][:6]


def test_filters_and_words_narrow_the_list(as_maria: Program, seven: list[str]) -> None:
    assert references(as_maria, "impact=high&ordering=created_at") == [seven[1], seven[4]]
    assert references(as_maria, "q=fault+3") == [seven[3]]
    assert references(as_maria, "requester=PER-000002&status=new&open=yes&limit=2") == seven[::-1]
    assert references(as_maria, "open=no") == []


def test_the_total_is_exact_up_to_a_limit(
    as_maria: Program, seven: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert as_maria.get("incidents?limit=2").json()["total"] == {"count": 7, "exact": True}
    monkeypatch.setattr(cursor, "COUNTED_UP_TO", 5)
    assert as_maria.get("incidents?limit=2").json()["total"] == {"count": 5, "exact": False}


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("nonsense=1", "nonsense"),
        ("nonsense=", "nonsense"),
        ("requester__password=x", "requester__password"),
        ("ordering=requester__password", "ordering"),
        ("ordering=password", "ordering"),
        ("_connector=OR", "_connector"),
        ("status=flying", "status"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=abc", "cursor"),
        ("cursor=W251bGwsMSwwXQ.title", "cursor"),
        ("cursor=WyJ4IiwxLDBd.-created_at", "cursor"),
        ("q=%00", "q"),
        ("created_at__gte=now", "created_at__gte"),
        ("created_at__gte=9999-12-31T23:59:59-23:59", "created_at__gte"),
        ("created_at__lt=0001-01-01T00:00:00%2B14:00", "created_at__lt"),
        ("cursor=WyI5OTk5LTEyLTMxVDIzOjU5OjU5LTIzOjU5IiwxLDBd.-created_at", "cursor"),
        ("custom.room=1", "custom.room"),
    ],
)
def test_an_unknown_or_unfit_parameter_is_refused_by_name(as_maria: Program, query: str, name: str) -> None:
    answer = as_maria.get(f"incidents?{query}")
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [name])


def test_gus_sees_his_own_and_nobody_sees_none(as_gus: Program, as_nobody: Program, seven: list[str]) -> None:
    rows = as_gus.get("incidents").json()
    assert rows["total"]["count"] == 7
    assert "team" not in rows["items"][0]
    assert as_nobody.get("incidents").json() == {
        "items": [],
        "next": None,
        "total": {"count": 0, "exact": True},
    }


def test_a_list_asks_three_queries_however_long_it_is(as_maria: Program, seven: list[str]) -> None:
    as_maria.get("incidents")
    for limit in (1, 7):
        with CaptureQueriesContext(connection) as queries:
            as_maria.get(f"incidents?limit={limit}")
        assert len(queries) == 3  # mark of what is remembered, rows, total


def test_rows_seen_as_a_guest_too_cost_two_queries_more(
    as_maria: Program, seven: list[str], maria: Person, gus: Person, other_centre: Any
) -> None:
    elsewhere = {"title": "Elsewhere", "requester": gus, "reported_by": maria, "party": other_centre}
    foreign = create(Incident, elsewhere, by=SYSTEM).reference
    as_maria.get("incidents")
    with CaptureQueriesContext(connection) as queries:
        rows = as_maria.get("incidents").json()["items"]
    assert len(queries) == 5  # whose rows are a guest's, and the versions that guests know of them
    assert [row["reference"] for row in rows if "team" not in row] == [foreign]


def test_a_text_is_looked_for_once(as_maria: Program, seven: list[str]) -> None:
    as_maria.get("incidents?q=fault")
    with CaptureQueriesContext(connection) as queries:
        answer = as_maria.get("incidents?q=fault").json()
    assert answer["total"] == {"count": 7, "exact": True}
    assert len(queries) == 4  # mark, what is found, whether any record has parts, rows


@pytest.mark.parametrize("sorted_at_once", [0, 5, 100])
@pytest.mark.parametrize("ordering", ["created_at", "-created_at", "priority", "-title", "-service"])
def test_of_many_that_a_text_finds_every_page_comes(
    as_maria: Program,
    seven: list[str],
    ordering: str,
    sorted_at_once: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everything = references(as_maria, f"ordering={ordering}&limit=200")
    monkeypatch.setattr(index, "MOST_HITS", 3)
    for backend in (postgresql, sqlite):
        monkeypatch.setattr(backend, "SORTED_AT_ONCE", sorted_at_once)
    assert references(as_maria, f"q=fault&ordering={ordering}&limit=2") == everything
    assert as_maria.get("incidents?q=fault").json()["total"] == {"count": 7, "exact": True}
    monkeypatch.setattr(cursor, "FOUND_UP_TO", 3)
    assert as_maria.get("incidents?q=fault").json()["total"] == {"count": 3, "exact": False}


def test_search_finds_over_all_types_what_one_may_see(
    as_maria: Program, as_nobody: Program, seven: list[str]
) -> None:
    found = as_maria.get("search?q=fault").json()
    assert found["total"] == {"count": 7, "exact": True}
    assert found["items"][0]["snippet"] is not None
    assert as_maria.get(f"search?q={seven[2]}").json()["items"][0]["reference"] == seven[2]
    assert as_maria.get("search?q=fault&type=service").json()["items"] == []
    assert as_maria.get("search?q=fault&type=moon").status_code == 422
    assert as_nobody.get("search?q=fault").json()["total"]["count"] == 0
