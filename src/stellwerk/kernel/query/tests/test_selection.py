from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone

from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.query.selection import Selection
from stellwerk.kernel.write.services import change, create
from stellwerk.processes.incidents.incident import Incident


@pytest.fixture
def tickets(maria: Person, gus: Person) -> list[Incident]:
    """Three incidents of Gus; the first is critical, the second is Maria's."""
    given: list[dict[str, Any]] = [
        {"title": "Mail down", "impact": "high", "urgency": "high"},
        {"title": "Slow disk", "assigned_to": maria},
        {"title": "Broken key"},
    ]
    return [
        create(Incident, {"requester": gus, "party": maria.party, **values}, by=SYSTEM) for values in given
    ]


def titles(query: str, person: Person) -> list[str]:
    selection = Selection.parse(registry.get("incident"), QueryDict(query), person)
    return [ticket.title for ticket in selection.apply(Incident.objects.visible_to(person))]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Broken key", "Slow disk", "Mail down"]),
        ("ordering=title", ["Broken key", "Mail down", "Slow disk"]),
        ("ordering=-title", ["Slow disk", "Mail down", "Broken key"]),
        ("priority=1", ["Mail down"]),
        ("priority=1&priority=3&ordering=title", ["Broken key", "Mail down", "Slow disk"]),
        ("assigned_to=me", ["Slow disk"]),
        ("assigned_to=none&ordering=title", ["Broken key", "Mail down"]),
        ("status=new&open=yes&q=disk", ["Slow disk"]),
        ("open=no", []),
        ("created_at__lt=2000-01-01", []),
        ("created_at__gte=2000-01-01T00:00:00Z&q=mail", ["Mail down"]),
        ("assigned_to=PER-999999", []),
        ("assigned_to=99999999999999999999", []),
    ],
)
def test_a_list_is_narrowed_and_ordered(
    query: str, expected: list[str], tickets: list[Incident], maria: Person
) -> None:
    assert titles(query, maria) == expected


@pytest.mark.parametrize(
    "query",
    [
        "requester__password__startswith=a",
        "_connector=OR",
        "ordering=requester__password",
        "status=gone",
        "priority=x",
        "open=maybe",
        "created_at__gte=yesterday",
        "created_at__regex=.",
        "custom.nothing=1",
        "title=x",
        "reference=x",
        "password=x",
    ],
)
def test_what_is_not_meant_is_refused(query: str, tickets: list[Incident], maria: Person) -> None:
    with pytest.raises(ValidationError) as refusal:
        titles(query, maria)
    assert list(refusal.value.message_dict) == [query.partition("=")[0]]


def test_a_day_begins_as_the_readers_clock_has_it(tickets: list[Incident], maria: Person) -> None:
    Incident.objects.filter(title="Mail down").update(created_at=datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    query = "created_at__gte=2026-03-02&created_at__lt=2026-03-03"
    assert titles(query, maria) == []
    with timezone.override("Europe/Berlin"):
        assert titles(query, maria) == ["Mail down"]


def test_a_chip_says_days_and_instants_in_words(maria: Person) -> None:
    query = QueryDict("created_at__gte=2026-03-02&created_at__lt=2026-03-03T12:30:00%2B00:00")
    with timezone.override("Europe/Berlin"):
        chips = Selection.parse(registry.get("incident"), query, maria).chips()
    assert [(chip.label, chip.text) for chip in chips] == [
        ("created from", "2 Mar 2026"),
        ("created before", "3 Mar 2026, 13:30"),
    ]


def test_custom_fields_filter(tickets: list[Incident], maria: Person) -> None:
    create(CustomField, {"title": "Rack", "target": "incident", "name": "rack", "type": "number"}, by=SYSTEM)
    change(tickets[0], {"custom.rack": "7"}, by=SYSTEM)
    assert titles("custom.rack=7", maria) == ["Mail down"]
    assert titles("custom.rack=8", maria) == []


def test_the_query_goes_back_into_an_address(tickets: list[Incident], maria: Person) -> None:
    selection = Selection.parse(
        registry.get("incident"), QueryDict("status=new&assigned_to=me&q=disk"), maria
    )
    assert selection.query(assigned_to=None) == "status=new&q=disk"
    assert [(chip.label, chip.text) for chip in selection.chips()] == [
        ("status", "New"),
        ("assigned to", "me"),
    ]
