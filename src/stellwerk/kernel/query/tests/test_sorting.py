from typing import Any

import pytest
from django.core.exceptions import ValidationError

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team, TeamMembership
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.query.selection import Selection
from stellwerk.kernel.query.sorting import Order, Place, order_by
from stellwerk.kernel.testing.fixtures import LONG_AGO
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident

TITLES = ["Ink", "Disk", "Mail", "Disk", "Lamp", "Key", "Disk"]


@pytest.fixture
def tickets(maria: Person, gus: Person) -> None:
    for number, title in enumerate(TITLES):
        owner = maria if number % 3 == 0 else None
        create(
            Incident,
            {"title": title, "requester": gus, "party": maria.party, "assigned_to": owner},
            by=SYSTEM,
        )


def walk(order: Order, *, backwards: bool = False) -> list[int]:
    """Read the list two rows at a time, each page from the place where the last one ended."""
    seen: list[int] = []
    place: Place | None = None
    while len(seen) < 100:
        rows: Any = order.apply(order.marked(Incident.objects.all()), backwards=backwards)
        if place:
            rows = rows.filter(order.beyond(Place.read(place.token()), backwards=backwards))
        page = list(rows[:2])
        seen += [row.pk for row in page]
        if len(page) < 2:
            break
        place = order.place_of(page[-1])
    return seen


@pytest.mark.usefixtures("tickets")
@pytest.mark.parametrize(
    "name",
    [
        "title",
        "-title",
        "created_at",
        "-created_at",
        "assigned_to",
        "-assigned_to",
        "closed_at",
        "-closed_at",
    ],
)
def test_pages_show_every_row_once_in_both_directions(name: str) -> None:
    order = order_by(registry.for_model(Incident), name)
    whole = [row.pk for row in order.apply(Incident.objects.all())]
    assert len(whole) == 7
    assert walk(order) == whole
    assert walk(order, backwards=True) == whole[::-1]


@pytest.mark.usefixtures("tickets")
def test_what_is_empty_comes_last_either_way() -> None:
    for name in ("assigned_to", "-assigned_to"):
        owners = [
            row.assigned_to_id
            for row in order_by(registry.for_model(Incident), name).apply(Incident.objects.all())
        ]
        assert [owner is None for owner in owners] == [False] * 3 + [True] * 4


@pytest.mark.parametrize(
    "token", ["", "x", "WzEsMl0", "W10", "bnVsbA", "WzEsLTEsMF0", "é", "W1tdLDEsMF0", "W1tb" * 9000]
)
def test_a_damaged_place_is_refused(token: str) -> None:
    with pytest.raises(ValidationError, match="Start at the first page"):
        Place.read(token)


@pytest.mark.django_db
def test_a_place_of_another_order_is_refused() -> None:
    with pytest.raises(ValidationError, match="Start at the first page"):
        order_by(registry.for_model(Incident), "created_at").beyond(Place("Mail", 3))


def test_my_teams_are_meant_by_me(agent: Person, desk: Team, gus: Person) -> None:
    other = create(Team, {"title": "Storage", "party": desk.party}, by=SYSTEM)
    former = create(Team, {"title": "Network", "party": desk.party}, by=SYSTEM)
    given = {"team": former, "person": agent, "valid_from": LONG_AGO, "valid_until": LONG_AGO}
    create(TeamMembership, given, by=SYSTEM)
    for team in (desk, other, former):
        values = {"title": team.title, "requester": gus, "party": desk.party, "team": team}
        create(Incident, values, by=SYSTEM)
    selection = Selection.parse(registry.get("incident"), {"team": ["me"]}, agent)
    found = selection.apply(Incident.objects.visible_to(agent))
    assert [ticket.title for ticket in found] == ["Service desk"]


def test_guests_cannot_select_by_what_they_may_not_read(gus: Person, desk: Team) -> None:
    create(Incident, {"title": "Mail", "requester": gus, "party": desk.party, "team": desk}, by=SYSTEM)
    incident = registry.get("incident")
    for params in ({"team": [desk.reference]}, {"impact": ["medium"]}, {"ordering": ["assigned_to"]}):
        selection = Selection.parse(incident, params, gus)
        assert list(selection.apply(Incident.objects.visible_to(gus))) == []
    assert (
        Selection.parse(incident, {"status": ["new"]}, gus).apply(Incident.objects.visible_to(gus)).count()
        == 1
    )
