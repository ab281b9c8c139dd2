from typing import Any

import pytest

from stellwerk.api.tests.conftest import Program
from stellwerk.kernel.identity.person import Person
from stellwerk.processes.incidents.incident import Incident


def items(gus: Person) -> list[dict[str, Any]]:
    return [{"title": "One", "requester": gus.pk}, {"title": ""}, {"title": "Three", "requester": gus.pk}]


def test_all_or_nothing_writes_nothing_when_one_item_does_not_fit(as_maria: Program, gus: Person) -> None:
    answer = as_maria.post("incidents/bulk", {"items": items(gus)})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("1 of 3 items aren't valid, so nothing was saved")
    (result,) = answer.json()["results"]
    assert (result["index"], result["status"]) == (1, 422)
    assert "title" in result["problem"]["errors"]
    assert not Incident.objects.exists()


def test_each_writes_what_fits_and_tells_what_does_not(as_maria: Program, gus: Person) -> None:
    answer = as_maria.post("incidents/bulk", {"mode": "each", "items": items(gus)})
    assert answer.status_code == 207
    assert [result["status"] for result in answer.json()["results"]] == [201, 422, 201]
    assert [incident.title for incident in Incident.objects.order_by("pk")] == ["One", "Three"]


def test_many_are_changed_at_once_each_by_its_version(as_maria: Program, gus: Person) -> None:
    made = as_maria.post("incidents/bulk", {"items": [items(gus)[0], items(gus)[2]]})
    assert made.status_code == 200
    first, second = (result["record"]["reference"] for result in made.json()["results"])
    changes = [
        {"reference": first, "version": 1, "title": "Uno"},
        {"reference": second, "version": 7, "title": "Tre"},
        {"reference": "INC-999999", "version": 1, "title": "x"},
    ]
    answer = as_maria.patch("incidents/bulk", {"mode": "each", "items": changes})
    assert [result["status"] for result in answer.json()["results"]] == [200, 409, 404]
    assert [incident.title for incident in Incident.objects.order_by("pk")] == ["Uno", "Three"]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"items": []}, "items"),
        ({"items": [1]}, "items"),
        ({"items": [{}] * 501}, "items"),
        ({"items": [{}], "mode": "some"}, "mode"),
        ({"items": [{}], "more": 1}, "more"),
    ],
)
def test_a_bulk_that_is_none_is_refused(as_maria: Program, body: Any, name: str) -> None:
    answer = as_maria.post("incidents/bulk", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [name])
