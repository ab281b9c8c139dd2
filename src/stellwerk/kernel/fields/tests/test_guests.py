"""What a guest may read is asked in one place: of each field."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.tokens import issue_token
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.query.selection import Selection
from stellwerk.kernel.write.services import change, create
from stellwerk.processes.incidents.incident import Incident
from stellwerk.web.record.page import RecordPage

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(gus: Person, centre: Party) -> Incident:
    """Gus's ticket: of its two added fields requesters are shown the room, and not the cause."""
    for name, shown in (("room", True), ("cause", False)):
        values = {
            "title": name,
            "target": "incident",
            "name": name,
            "type": "choice",
            "choices": ["E7", "B12"],
        }
        create(CustomField, {**values, "shown_to_requesters": shown}, by=SYSTEM)
    ticket = create(Incident, {"title": "No mail", "party": centre, "requester": gus}, by=SYSTEM)
    return change(ticket, {"custom.room": "E7", "custom.cause": "B12"}, by=SYSTEM)


def test_the_history_tells_guests_of_added_fields_that_are_shown_to_them(
    incident: Incident, gus: Person, maria: Person
) -> None:
    def told(person: Person) -> list[str]:
        entries = RecordPage(incident, person).stream.entries()
        return [shown.label for entry in entries for shown in entry.changes]

    assert told(gus) == ["room"]
    assert told(maria) == ["room", "cause"]


def test_the_journal_of_the_api_tells_guests_of_added_fields_that_are_shown_to_them(
    incident: Incident, gus: Person, client: Client
) -> None:
    _token, secret = issue_token(gus, "a test", ("read",))
    address = f"/api/v1/incidents/{incident.reference}"
    headers = {"authorization": f"Bearer {secret}"}
    entries = client.get(f"{address}/journal", headers=headers).json()["items"]
    assert entries[-1]["changes"] == {"custom.room": [None, "E7"]}
    assert client.get(address, headers=headers).json()["custom"] == {"room": "E7"}


@pytest.mark.parametrize("value", ["B12", "nonsense"])
def test_filters_do_not_tell_guests_of_added_fields_that_are_not_shown_to_them(
    incident: Incident, gus: Person, maria: Person, value: str
) -> None:
    incidents = registry.get("incident")
    with pytest.raises(ValidationError) as refusal:
        Selection.parse(incidents, {"custom.cause": [value]}, gus)
    assert refusal.value.message_dict == {"custom.cause": ["Can't filter by “custom.cause”."]}
    assert Selection.parse(incidents, {"custom.room": ["E7"]}, gus).given == {"custom.room": ["E7"]}
    assert Selection.parse(incidents, {"custom.cause": ["B12"]}, maria).given == {"custom.cause": ["B12"]}


def test_a_field_is_in_the_forms_as_soon_as_it_is_defined_and_out_when_it_is_retired(
    incident: Incident, maria: Person, client: Client
) -> None:
    client.force_login(maria)
    address = f"/records/{incident.reference}/edit/"
    assert 'name="custom.floor"' not in client.get(address).content.decode()
    given: dict[str, Any] = {"title": "Floor", "target": "incident", "name": "floor", "type": "percentage"}
    create(CustomField, given, by=SYSTEM)
    assert 'name="custom.floor"' in client.get(address).content.decode()
