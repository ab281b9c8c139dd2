"""What is named from outside: records of another party, fields that nobody may set, rights that have ended."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse

from stellwerk.api.tests.conftest import Program
from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.activity.links.services import link
from stellwerk.kernel.activity.watching.models import Watcher
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.identity.team import Team, TeamMembership
from stellwerk.kernel.identity.tokens import revoke
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Capacity, Role
from stellwerk.kernel.model.values import machine_values
from stellwerk.kernel.testing.fixtures import LONG_AGO, grant, make_person
from stellwerk.kernel.testing.forms import submit
from stellwerk.kernel.testing.samples import sample, sample_values
from stellwerk.kernel.write.services import change, create, share, unshare
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db

NOWHERE = 10**12
POINTING = [
    (record_type, name)
    for record_type in registry.all_types()
    for name in record_type.editable_fields
    if name in record_type.references
]


@pytest.fixture
def ticket(maria: Person, gus: Person, centre: Party) -> Incident:
    return create(Incident, {"title": "No mail", "requester": gus, "party": centre}, by=SYSTEM)


def foreign_to(record_type: RecordType, name: str, party: Party) -> Record | None:
    """Make a record of the type that the field points to, at another party; None where such are open to all."""
    target = registry.for_model(record_type.references[name])
    own = {"party": party} if "party" in target.editable_fields else {}
    made: Record = sample(target, **own)
    return None if made.open_to_all else made


@pytest.mark.parametrize(("record_type", "name"), POINTING, ids=[f"{t.key}.{n}" for t, n in POINTING])
def test_a_reference_to_another_partys_record_reads_like_one_to_nothing(
    record_type: RecordType, name: str, maria: Person, root: Person, other_centre: Party
) -> None:
    grant(maria, Role.ADMINISTRATOR, maria.party)  # over her own centre only, so that nothing else is refused
    foreign = foreign_to(record_type, name, other_centre)
    if foreign is None:
        return
    values = {**sample_values(record_type), "party": None}
    values = {field: value for field, value in values.items() if field in record_type.editable_fields}
    program = Program(maria)
    count, entries = Record.objects.count(), Entry.objects.count()
    refusals = [by_verb(record_type, {**values, name: pk}, maria) for pk in (foreign.pk, NOWHERE)]
    assert refusals[0] == refusals[1]
    body = {field: getattr(value, "reference", value) for field, value in values.items()}
    body |= {field: value.isoformat() for field, value in body.items() if isinstance(value, date)}
    answers = [
        program.post(record_type.slug, {**body, name: named}).json()["errors"].get(name)
        for named in (foreign.reference, f"{foreign.record_type.prefix}-999999", foreign.pk, NOWHERE)
    ]
    assert answers[0]
    assert answers == [answers[0]] * 4
    assert (Record.objects.count(), Entry.objects.count()) == (count, entries)


def by_verb(record_type: RecordType, values: dict[str, Any], by: Person) -> Any:
    try:
        create(record_type.model, values, by=by)
    except ValidationError as refusal:
        return refusal.message_dict
    except PermissionDenied as refusal:
        return str(refusal)
    raise AssertionError("it was created")


def test_foreign_ends_of_links_shares_watchers_and_bulk_are_refused_alike(
    ticket: Incident, maria: Person, client: Client, other_centre: Party
) -> None:
    foreign = create(Incident, {"title": "Theirs", "requester": maria, "party": other_centre}, by=SYSTEM)
    unshare(foreign, maria, by=SYSTEM)
    stranger = make_person("Otto", other_centre)
    client.force_login(maria)
    page = f"/records/{ticket.reference}/"
    for path, field, named, more in (
        ("links/", "target", foreign.reference, {"relation": "related"}),
        ("shares/", "party", other_centre.reference, {"capacity": "customer"}),
        ("shares/", "person", stranger.reference, {"capacity": "customer"}),
        ("watchers/", "person", stranger.reference, {}),
    ):
        missing = f"{named.partition('-')[0]}-999999"
        bodies = []
        for reference in (named, missing):
            answer: Any = submit(client, page + path, {field: reference, **more})
            assert answer.status_code == 422, (path, reference)
            assert list(answer.context["form"].errors) == [field], "nothing else may be what is refused"
            bodies.append(answer.context["form"].errors.as_json())
        assert bodies[0] == bodies[1], path
    assert not Link.objects.exists()
    assert not ticket.shares.filter(party=other_centre).exists()
    assert not Watcher.objects.filter(person=stranger).exists()
    data = {"action": "field.impact", "selected": [foreign.pk], "apply": "1", "value-impact": "high"}
    client.post("/incidents/bulk/", data)
    assert Incident.objects.get(pk=foreign.pk).version == foreign.version + 1  # the unsharing above
    assert Incident.objects.get(pk=ticket.pk).version == ticket.version


def test_a_form_is_sent_only_with_names_that_it_has(ticket: Incident, maria: Person, client: Client) -> None:
    client.force_login(maria)
    page = f"/records/{ticket.reference}/links/"
    with pytest.raises(AssertionError, match=r"the form has no other, type, but .*relation, target"):
        submit(client, page, {"other": ticket.reference, "type": "related"})
    with pytest.raises(AssertionError, match="has no form that posts to /elsewhere/"):
        submit(client, page, {}, address="/elsewhere/")
    with pytest.raises(AssertionError, match="answers 404"):
        submit(client, "/records/INC-999999/links/", {})


SET_BY_NOBODY = {
    "id": "1",
    "kind": "service_request",
    "reference": "INC-000777",
    "status": "closed",
    "version": "77",
    "is_open": "",
    "open_to_all": "1",
    "priority": "1",
    "priority_scheme": "1",
    "customer": "1",
    "confirmed": "1",
    "resolution": "x",
    "resolved_at": "2020-01-01",
    "closed_at": "2020-01-01",
    "reopenings": "7",
    "reassignments": "7",
    "created_at": "2020-01-01",
    "journal_head": "x",
    "journal_count": "7",
    "custom": "{}",
    "no_such_field": "x",
}
SET_BY_STAFF = {
    "impact": "high",
    "urgency": "high",
    "priority_override": "1",
    "priority_reason": "x",
    "channel": "api",
    "external_reference": "x",
}


def test_the_portal_takes_from_gus_only_what_it_asks(
    gus: Person, agent: Person, centre: Party, desk: Team, client: Client
) -> None:
    client.force_login(gus)
    more = {"requester": agent.pk, "assigned_to": agent.pk, "team": desk.pk, "party": centre.pk}
    body = {"title": "No mail", "description": "Since nine", "once": "o"}
    client.post("/portal/new/incident/", {**SET_BY_NOBODY, **SET_BY_STAFF, **more, **body})
    made = Incident.objects.get()
    plain = create(Incident, {"title": "No mail", "description": "Since nine"}, by=gus)
    assert machine_values(made) == machine_values(plain)
    assert (made.requester, made.status, made.version) == (gus, "new", 1)


def test_the_form_of_the_desk_sets_only_its_fields(
    maria: Person, gus: Person, centre: Party, client: Client
) -> None:
    grant(maria, Role.VIEWER, gus.party)
    client.force_login(maria)
    body = {"title": "No mail", "requester": gus.reference, "party": centre.reference, "once": "o"}
    body |= {"impact": "medium", "urgency": "medium", "channel": "phone"}
    answer = client.post("/incidents/new/", {**SET_BY_NOBODY, **body})
    assert answer.status_code == 302, answer.context["form"].errors
    made = Incident.objects.get()
    assert (made.status, made.version, made.priority, made.reopenings) == ("new", 1, 3, 0)
    assert (made.resolution, made.closed_at, made.confirmed) == ("", None, False)
    assert made.reference != SET_BY_NOBODY["reference"]


def test_the_api_names_every_field_that_may_not_be_set(maria: Person, gus: Person, ticket: Incident) -> None:
    program = Program(maria)
    body = {name: value for name, value in SET_BY_NOBODY.items() if name not in ("custom", "version")}
    before = Incident.objects.values().get()
    for name, value in body.items():
        answer = program.patch(f"incidents/{ticket.reference}", {name: value, "version": ticket.version})
        assert answer.status_code == 422, name
        assert list(answer.json()["errors"]) == [name]
    assert Incident.objects.values().get() == before


def test_gus_cannot_raise_himself_by_his_own_pages(gus: Person, centre: Party, client: Client) -> None:
    client.force_login(gus)
    more = {"is_staff": "1", "is_superuser": "1", "username": "root", "email": "x@y.example", "version": "9"}
    more |= {"party": str(centre.pk), "is_active": "", "password": "x", "title": "Root", "theme": "dark"}
    before = Person.objects.values().get(pk=gus.pk)
    client.post("/account/preferences/", more)
    client.post("/account/", more)
    after = Person.objects.values().get(pk=gus.pk)
    assert {name for name in after if after[name] != before[name]} <= {"theme", "last_login"}


# -- what has ended ----------------------------------------------------------------------------------------


def test_a_role_that_ends_is_gone_at_the_next_request(
    agent: Person, ticket: Incident, client: Client
) -> None:
    client.force_login(agent)
    program = Program(agent)
    page, api = f"/records/{ticket.reference}/", f"incidents/{ticket.reference}"
    assert [client.get(page).status_code, program.get(api).status_code] == [200, 200]
    yesterday = date.today() - timedelta(days=1)  # noqa: DTZ011 -- a day is enough, whatever the zone
    change(
        RoleAssignment.objects.get(person=agent), {"valid_until": yesterday - timedelta(days=1)}, by=SYSTEM
    )
    assert [client.get(page).status_code, program.get(api).status_code] == [404, 404]
    assert client.post(f"{page}say/", {"kind": "reply", "body": "Still here"}).status_code == 404
    assert program.patch(api, {"impact": "high", "version": 1}).status_code == 404
    assert ticket.comments.count() == 0


def test_who_leaves_the_team_loses_its_roles(centre: Party, ticket: Incident, client: Client) -> None:
    tina, team = make_person("Tina"), create(Team, {"title": "Second line", "party": centre}, by=SYSTEM)
    create(
        RoleAssignment,
        {"team": team, "role": Role.AGENT, "party": centre, "valid_from": LONG_AGO},
        by=SYSTEM,
    )
    membership = create(TeamMembership, {"team": team, "person": tina, "valid_from": LONG_AGO}, by=SYSTEM)
    client.force_login(tina)
    assert client.get(f"/records/{ticket.reference}/").status_code == 200
    change(membership, {"valid_until": LONG_AGO + timedelta(days=1)}, by=SYSTEM)
    assert client.get(f"/records/{ticket.reference}/").status_code == 404
    assert ticket.title not in client.get("/incidents/").content.decode()


def test_a_share_a_token_and_a_session_end_at_once(
    ticket: Incident, gus: Person, globex: Party, nobody: Person, client: Client
) -> None:
    share(ticket, nobody, Capacity.REQUESTER, by=SYSTEM)
    client.force_login(nobody)
    program, path = Program(nobody), f"incidents/{ticket.reference}"
    assert [
        client.get(f"/portal/tickets/{ticket.reference}/").status_code,
        program.get(path).status_code,
    ] == [200, 200]
    unshare(ticket, nobody, by=SYSTEM)
    assert [
        client.get(f"/portal/tickets/{ticket.reference}/").status_code,
        program.get(path).status_code,
    ] == [404, 404]
    revoke(program.token)
    assert program.get("me").status_code == 401
    client.session.flush()
    assert client.get("/portal/")["Location"] == f"{reverse('account_login')}?next=/portal/"


def test_a_link_whose_other_end_is_taken_away_shows_nothing_of_it(
    ticket: Incident, maria: Person, other_centre: Party, client: Client
) -> None:
    other = create(Incident, {"title": "Elsewhere", "requester": maria, "party": maria.party}, by=SYSTEM)
    unshare(other, maria, by=SYSTEM)
    change(other, {"party": RoleAssignment.objects.get(person=maria).party}, by=SYSTEM)
    link(ticket, "related", other, by=maria)
    client.force_login(maria)
    assert "Elsewhere" in client.get(f"/records/{ticket.reference}/").content.decode()
    change(other, {"party": other_centre}, by=SYSTEM)
    assert "Elsewhere" not in client.get(f"/records/{ticket.reference}/").content.decode()
