from datetime import date

from django.test import Client

from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.fixtures import grant
from stellwerk.web.tests.conftest import RaiseMany, text_of


def ask(client: Client, root: Person, person: Person, record: Record) -> str:
    client.force_login(root)
    return text_of(client.get("/access/", {"person": person.reference, "record": record.reference}))


def test_a_role_for_the_records_party_is_named_as_the_reason(
    client: Client, root: Person, maria: Person, raise_many: RaiseMany
) -> None:
    answer = ask(client, root, maria, raise_many(1)[0])
    assert "can do everything with INC-" in answer
    assert "Manager, Centre North" in answer
    assert "It covers the record's party" in answer
    assert "Steps open to them now: Start work, Resolve, Wait, Cancel" in answer


def test_a_share_is_named_as_the_reason(
    client: Client, root: Person, gus: Person, raise_many: RaiseMany
) -> None:
    answer = ask(client, root, gus, raise_many(1)[0])
    assert "Gus Gordon can read" in answer
    assert (
        "Shared with Gus Gordon as requester reading and answering It is shared with this person." in answer
    )
    assert "without internal notes" in answer


def test_every_role_that_does_not_reach_is_listed_with_why(
    client: Client, root: Person, nobody: Person, other_centre: Party, centre: Party, raise_many: RaiseMany
) -> None:
    grant(nobody, Role.AGENT, other_centre)
    grant(nobody, Role.AGENT, centre, "services")
    grant(nobody, Role.AGENT, centre, valid_until=date(2020, 2, 1))
    grant(nobody, Role.REQUESTER, centre)
    answer = ask(client, root, nobody, raise_many(1)[0])
    assert "To them it doesn't exist" in answer
    assert "The record's party isn't Centre South or below it" in answer
    assert "It's for the process “services”, but this record belongs to “incidents”." in answer
    assert "Not valid on" in answer
    assert "The role itself shows nothing" in answer


def test_only_administrators_may_ask(desk_client: Client) -> None:
    assert desk_client.get("/access/").status_code == 403


def test_an_unknown_reference_is_named(client: Client, root: Person) -> None:
    client.force_login(root)
    answer = client.get("/access/?person=PER-999999&record=INC-000001")
    assert answer.status_code == 404
    assert "There is no PER-999999" in text_of(answer)
