"""Ways around a right: by handing over, by taking back, by what counts for everybody, by one broken row."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import ContentFile
from django.db import connection

from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.audit.verification import Verification
from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team, TeamMembership
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.fixtures import LONG_AGO, grant, make_person
from stellwerk.kernel.write.services import create, transition
from stellwerk.kernel.write.undo import undo
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(gus: Person, desk: Team, centre: Party) -> Incident:
    given = {"title": "No mail", "requester": gus, "party": centre, "team": desk}
    return create(Incident, given, by=SYSTEM)


def test_who_manages_people_hands_over_no_work_that_they_may_not_change(
    ticket: Incident, desk: Team, centre: Party, other_centre: Party
) -> None:
    otto = make_person("Otto", other_centre)
    grant(otto, Role.MANAGER, centre, process="people")
    grant(otto, Role.MANAGER, other_centre)
    own = create(Team, {"title": "Night shift", "party": other_centre}, by=SYSTEM)
    create(TeamMembership, {"team": own, "person": otto, "valid_from": LONG_AGO}, by=SYSTEM)
    with pytest.raises(PermissionDenied):
        transition(desk, "dissolve", {"work_goes_to": own}, by=otto)
    assert Incident.objects.get(pk=ticket.pk).team == desk
    assert Team.objects.get(pk=desk.pk).status == "active"


def test_a_requesters_confirmation_is_not_taken_back_by_staff(
    ticket: Incident, agent: Person, gus: Person
) -> None:
    solved = {"resolution_code": "solved", "resolution": "Restarted"}
    transition(ticket, "resolve", solved, by=agent)
    transition(ticket, "confirm", by=gus)
    confirmed = ticket.entries.get(name="confirm")
    with pytest.raises(PermissionDenied):
        undo(confirmed, by=agent)
    assert Incident.objects.get(pk=ticket.pk).status == "closed"


def test_who_administers_one_party_adds_no_field_to_the_records_of_all(centre: Party) -> None:
    limited = make_person("Lisa", centre)
    grant(limited, Role.ADMINISTRATOR, centre)
    field = {"title": "Must", "target": "incident", "name": "must", "type": "text", "required": True}
    with pytest.raises((PermissionDenied, ValidationError)):
        create(CustomField, field, by=limited)
    assert CustomField.objects.count() == 0


@pytest.mark.sqlite  # PostgreSQL takes no text for a number
def test_a_file_whose_content_has_no_number_ends_no_verification(
    ticket: Incident, gus: Person, centre: Party
) -> None:
    file = attach(ticket, ContentFile(b"log"), "a.txt", by=SYSTEM)
    other = create(Incident, {"title": "No web", "requester": gus, "party": centre}, by=SYSTEM)
    kept = attach(other, ContentFile(b"other"), "b.txt", by=SYSTEM)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA defer_foreign_keys = ON")
        cursor.execute("UPDATE kernel_attachment SET blob_id = 'junk' WHERE id = %s", [file.pk])
        cursor.execute("UPDATE kernel_attachment SET name = 'c.txt' WHERE id = %s", [kept.pk])
    found = {fault.reference for fault in Verification(Record.objects.all()).faults()}
    with connection.cursor() as cursor:
        cursor.execute("UPDATE kernel_attachment SET blob_id = %s WHERE id = %s", [file.blob_id, file.pk])
    assert {ticket.reference, other.reference} <= found


@pytest.mark.sqlite  # PostgreSQL has dates
@pytest.mark.parametrize("spelt", ["2020-1-31", "2999-01-01x", "9", "2020-01-31 "])
def test_a_day_that_is_spelt_otherwise_revives_no_role_unseen(spelt: str, centre: Party) -> None:
    person = make_person("Lisa", centre)
    ended = grant(person, Role.ADMINISTRATOR, valid_until=date(2020, 1, 31))
    lasting = grant(person, Role.AGENT, centre)
    assert list(Verification(Record.objects.all()).faults()) == []
    with connection.cursor() as cursor:
        for role in (ended, lasting):
            query = "UPDATE kernel_roleassignment SET valid_until = %s WHERE record_ptr_id = %s"
            cursor.execute(query, [spelt, role.pk])
    found = {fault.reference for fault in Verification(Record.objects.all()).faults()}
    assert {ended.reference, lasting.reference} <= found
