"""An id of one kind given to a field of another: refused alike, whether it exists, is another party's, or is nobody's."""

from datetime import date
from itertools import permutations
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from stellwerk.api.tests.conftest import Program
from stellwerk.exchange.importing import RecordImport
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model import registry, shared_cache
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.families import for_crawls
from stellwerk.kernel.testing.fixtures import grant, make_person
from stellwerk.kernel.testing.samples import sample, sample_values
from stellwerk.kernel.write.services import change, create, transition
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db

NOWHERE = 10**12
NO_SUCH = ["Select a record from the list."]
PAIRS = [
    (record_type, right, wrong)
    for record_type in for_crawls()
    for right, wrong in permutations(
        [name for name in record_type.editable_fields if name in record_type.references], 2
    )
    if record_type.references[right] is not record_type.references[wrong]
]
"""Two reference fields of a type that take records of different types."""
IDS = [f"{record_type.key}.{right}-{wrong}" for record_type, right, wrong in PAIRS]


@pytest.fixture
def keeper(maria: Person) -> Person:
    """Maria, who administers her own centre only, so that nothing else is refused her."""
    grant(maria, Role.ADMINISTRATOR, maria.party)
    return maria


def of_party(target: RecordType, party: Party | None) -> Record:
    own = {"party": party} if "party" in target.editable_fields else {}
    made: Record = sample(target, **own)
    return made


def body_of(record_type: RecordType) -> dict[str, Any]:
    values = {**sample_values(record_type), "party": None}
    return {name: value for name, value in values.items() if name in record_type.editable_fields}


def as_json(values: dict[str, Any]) -> dict[str, Any]:
    plain = {name: getattr(value, "reference", value) for name, value in values.items()}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in plain.items()}


def ids_of(record_type: RecordType, right: str, keeper: Person, other: Party) -> list[int]:
    """Return the ids of a visible record, of another party's, and of none, of the type that the field takes."""
    target = registry.for_model(record_type.references[right])
    return [of_party(target, keeper.party).pk, of_party(target, other).pk, NOWHERE]


def written() -> tuple[int, int]:
    return Record.objects.count(), Entry.objects.count()


@pytest.mark.parametrize(("record_type", "right", "wrong"), PAIRS, ids=IDS)
def test_one_id_in_two_fields_is_refused_where_its_kind_does_not_fit(
    record_type: RecordType, right: str, wrong: str, keeper: Person, other_centre: Party
) -> None:
    ids = ids_of(record_type, right, keeper, other_centre)
    body, program = body_of(record_type), Program(keeper)
    before = written()
    for remembers in (False, True):
        for pk in ids:
            assert (
                refused_by_verb(record_type, {**body, right: pk, wrong: pk}, keeper, remembers)[wrong]
                == NO_SUCH
            )
    for pk in ids:
        answer = program.post(record_type.slug, as_json({**body, right: pk, wrong: pk}))
        assert (answer.status_code, answer.json()["errors"][wrong]) == (422, NO_SUCH)
    assert written() == before


def refused_by_verb(
    record_type: RecordType, values: dict[str, Any], by: Person, remembers: bool
) -> dict[str, list[str]]:
    try:
        if remembers:
            with shared_cache.remembering():
                create(record_type.model, values, by=by)
        else:
            create(record_type.model, values, by=by)
    except ValidationError as refusal:
        return refusal.message_dict
    raise AssertionError("it was created")


def named(pk: int) -> str:
    """Return the reference of a record, or one of the same prefix that nobody has."""
    return Record.objects.filter(pk=pk).values_list("reference", flat=True).first() or "PER-999999"


@pytest.mark.parametrize(("record_type", "right", "wrong"), PAIRS, ids=IDS)
def test_a_row_of_an_import_with_one_reference_in_two_columns_is_refused(
    record_type: RecordType, right: str, wrong: str, keeper: Person, other_centre: Party
) -> None:
    ids = ids_of(record_type, right, keeper, other_centre)
    body = as_json(body_of(record_type))
    before = written()
    try:
        bringing = RecordImport(record_type, by=keeper)
    except PermissionDenied:
        return  # such rows are nobody's to bring who administers one party
    said = []
    for pk in ids:
        row = {**body, right: named(pk), wrong: named(pk)}
        outcome = bringing.run([(2, row)])
        assert (outcome.counts["error"], outcome.counts.total()) == (1, 1)
        (told,) = [text for text in outcome.faults[0].errors if text.startswith(f"{wrong} “{named(pk)}”: ")]
        said.append(told.partition("”: ")[2])
    assert said == NO_SUCH * 3
    assert written() == before


@pytest.fixture
def ticket(keeper: Person, gus: Person, centre: Party) -> Incident:
    return create(Incident, {"title": "No mail", "requester": gus, "party": centre}, by=SYSTEM)


def test_a_change_and_a_step_refuse_it_alike(
    ticket: Incident, keeper: Person, centre: Party, other_centre: Party
) -> None:
    program = Program(keeper)
    people = [make_person("Own Person", centre).pk, make_person("Otto", other_centre).pk, NOWHERE]
    ticket.refresh_from_db()
    before, version = written(), ticket.version
    for pk in people:
        for given in (pk, named(pk)):
            body = {"assigned_to": given, "team": given, "version": version}
            answer = program.patch(f"incidents/{ticket.reference}", body)
            assert (answer.status_code, answer.json()["errors"]["team"]) == (422, NO_SUCH), given
            step = {"merged_into": given, "version": version}
            answer = program.post(f"incidents/{ticket.reference}/transitions/merge", step)
            assert (answer.status_code, answer.json()["errors"]["merged_into"]) == (422, NO_SUCH), given
        with pytest.raises(ValidationError) as refusal:
            change(ticket, {"assigned_to": pk, "team": pk}, by=keeper)
        assert refusal.value.message_dict["team"] == NO_SUCH
        with pytest.raises(ValidationError) as refusal:
            transition(ticket, "merge", {"merged_into": pk}, by=keeper)
        assert refusal.value.message_dict["merged_into"] == NO_SUCH
    assert written() == before


def test_pages_and_bulk_refuse_it_alike(
    ticket: Incident, keeper: Person, centre: Party, other_centre: Party, client: Client
) -> None:
    client.force_login(keeper)
    before = written()
    for pk in (make_person("Own Person", centre).pk, make_person("Otto", other_centre).pk, NOWHERE):
        before = written()
        for given in (str(pk), named(pk)):
            data = {
                "title": "x",
                "requester": ticket.requester.reference,
                "assigned_to": given,
                "team": given,
            }
            answer = client.post("/incidents/new/", {**data, "impact": "low", "urgency": "low", "once": "o"})
            assert (answer.status_code, answer.context["form"].errors["team"]) == (422, NO_SUCH), given
            answer = client.post(f"/records/{ticket.reference}/fields/team/", {"team": given})
            assert answer.status_code == 422, given
            data = {"action": "field.team", "selected": [ticket.pk], "apply": "1", "value-team": given}
            assert client.post("/incidents/bulk/", data).status_code in (200, 422)
        assert written() == before


def test_filters_answer_alike_for_ids_of_any_kind(
    ticket: Incident, keeper: Person, other_centre: Party, client: Client
) -> None:
    stranger = make_person("Otto", other_centre)
    program = Program(keeper)
    client.force_login(keeper)
    for given in (stranger.pk, stranger.reference, NOWHERE, "PER-999999", ticket.pk, other_centre.reference):
        for parameter in ("assigned_to", "team", "category"):
            answer = program.get(f"incidents?{parameter}={given}")
            assert (answer.status_code, answer.json()["items"]) == (200, []), (parameter, given)
            page = client.get(f"/incidents/?{parameter}={given}")
            assert (page.status_code, "Otto" in page.text) == (200, False), (parameter, given)


def test_ends_of_links_shares_and_watchers_are_refused_whatever_their_kind(
    ticket: Incident, keeper: Person, centre: Party, other_centre: Party, client: Client
) -> None:
    client.force_login(keeper)
    own, stranger = make_person("Own Person", centre), make_person("Otto", other_centre)
    before = written()
    page = f"/records/{ticket.reference}/"
    for path, field, given in (
        ("shares/", "party", [own.reference, stranger.reference, "PER-999999"]),
        ("shares/", "person", [centre.reference, other_centre.reference, "PTY-999999"]),
        ("watchers/", "person", [centre.reference, other_centre.reference, "PTY-999999"]),
    ):
        answers = [
            client.post(page + path, {field: reference, "capacity": "customer"}) for reference in given
        ]
        assert [answer.status_code for answer in answers] == [422] * 3, path
        assert [answer.context["form"].errors[field] for answer in answers] == [NO_SUCH] * 3
    program = Program(keeper)
    answers = [
        program.post(f"incidents/{ticket.reference}/watchers", {"person": reference})
        for reference in (centre.reference, other_centre.reference, stranger.reference, "PTY-999999")
    ]
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert answers[0].status_code == 422
    assert written() == before
