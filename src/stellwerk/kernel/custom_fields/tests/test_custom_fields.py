"""Custom fields: one schema, which values are held against and the API tells to those who may know of it."""

import re
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from jsonschema import Draft202012Validator

from stellwerk.api import document
from stellwerk.foundation.category import Category
from stellwerk.kernel.audit.verifier import verify
from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.custom_fields.schema import schema_of
from stellwerk.kernel.fields.added import added_to
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.write.services import change, create, transition
from stellwerk.kernel.write.undo import undo
from stellwerk.processes.incidents.incident import Incident
from stellwerk.web.models import SavedView

pytestmark = pytest.mark.django_db


def define(name: str, kind: str, **values: Any) -> CustomField:
    given = {"title": name.title(), "target": "incident", "name": name, "type": kind, **values}
    return create(CustomField, given, by=SYSTEM)


@pytest.fixture
def every_kind() -> None:
    define("room", "text", help="Where it stands", shown_to_requesters=True)
    define("floor", "number")
    define("since", "date")
    define("colour", "choice", choices=["red", "green"])
    define("cause", "reference", references="incident")
    define("urgent", "yes_no")


@pytest.fixture
def incident(centre: Party, gus: Person) -> Incident:
    return create(Incident, {"title": "No mail", "party": centre, "requester": gus}, by=SYSTEM)


def test_a_type_has_one_schema(every_kind: None) -> None:
    schema = schema_of(added_to("incident"))
    Draft202012Validator.check_schema(schema)
    assert schema == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "room": {
                "title": "Room",
                "description": "Where it stands",
                "type": ["string", "null"],
                "maxLength": 10_000,
            },
            "floor": {"title": "Floor", "type": ["number", "null"]},
            "since": {"title": "Since", "type": ["string", "null"], "format": "date"},
            "colour": {"title": "Colour", "type": ["string", "null"], "enum": ["red", "green", None]},
            "cause": {"title": "Cause", "type": ["string", "null"], "pattern": "^INC-[0-9]+$"},
            "urgent": {"title": "Urgent", "type": ["boolean", "null"]},
        },
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("name", "given", "stored"),
    [
        ("room", "E 7", "E 7"),
        ("floor", 7, 7),
        ("floor", "7", 7),
        ("floor", "7.5", 7.5),
        ("floor", 2**60, 2**60),
        ("floor", "1e16", 10**16),
        ("floor", "-2.5e-7", -2.5e-7),
        ("since", "2026-02-28", "2026-02-28"),
        ("colour", "red", "red"),
        ("urgent", "yes", True),
        ("urgent", False, False),
    ],
)
def test_a_value_that_fits_is_stored(
    every_kind: None, incident: Incident, maria: Person, name: str, given: Any, stored: Any
) -> None:
    changed = change(incident, {f"custom.{name}": given}, by=maria)
    assert changed.custom == {name: stored}
    assert type(changed.custom[name]) is type(stored)
    kept = Incident.objects.get()
    assert list(verify(kept, kept.entries.all())) == []


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("room", 7, "Give a text of at most 10,000 characters."),
        ("room", "x" * 10_001, "Give a text of at most 10,000 characters."),
        ("room", "a\x00b", "The text contains a null character. Remove it."),
        ("room", "\ud800", "The text contains an invalid character."),
        ("room", ["a"], "Give a text of at most 10,000 characters."),
        ("floor", "seven", "Give a number."),
        ("floor", True, "Give a number."),
        ("floor", "nan", "Give a number."),
        ("floor", float("inf"), "Give a number."),
        ("floor", 10**400, "Give a number."),
        ("floor", {}, "Give a number."),
        ("since", "2026-02-29", "Give a date as year-month-day, such as 2026-03-31."),
        ("since", "20260228", "Give a date as year-month-day, such as 2026-03-31."),
        ("since", 5, "Give a date as year-month-day, such as 2026-03-31."),
        ("colour", "blue", "Choose one of: red, green."),
        ("colour", [], "Choose one of: red, green."),
        ("cause", "PER-000001", "Select a record from the list."),
        ("cause", "INC-999999", "Select a record from the list."),
        ("cause", 7, "Select a record from the list."),
        ("urgent", "perhaps", "Answer yes or no."),
        ("urgent", 1, "Answer yes or no."),
        ("nothing", "x", "incident has no such field."),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_a_sentence(
    every_kind: None, incident: Incident, maria: Person, name: str, given: Any, sentence: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        change(incident, {f"custom.{name}": given}, by=maria)
    assert refusal.value.message_dict == {f"custom.{name}": [sentence]}
    assert Incident.objects.get(pk=incident.pk).custom == {}


def test_a_reference_is_to_what_one_may_see(
    every_kind: None, incident: Incident, maria: Person, gus: Person, other_centre: Party
) -> None:
    own = change(incident, {"custom.cause": incident}, by=maria)
    assert own.custom == {"cause": incident.reference}
    theirs = {"title": "Theirs", "party": other_centre, "requester": gus}
    foreign = create(Incident, theirs, by=SYSTEM)
    with pytest.raises(ValidationError, match="Select a record from the list"):
        change(own, {"custom.cause": foreign.reference}, by=maria)


def test_all_faults_are_told_at_once(every_kind: None, incident: Incident, maria: Person) -> None:
    with pytest.raises(ValidationError) as refusal:
        change(incident, {"custom.floor": "x", "custom.urgent": "x", "custom.none": "x"}, by=maria)
    assert set(refusal.value.message_dict) == {"custom.floor", "custom.urgent", "custom.none"}


def test_what_is_required_is_asked_of_staff_who_create_and_is_not_emptied(
    incident: Incident, centre: Party, maria: Person, gus: Person
) -> None:
    define("room", "text", required=True)
    new = {"title": "No web", "party": centre, "requester": maria}
    with pytest.raises(ValidationError) as refusal:
        create(Incident, new, by=maria)
    assert refusal.value.message_dict == {"custom.room": ["Fill this in."]}
    assert create(Incident, {**new, "custom.room": "1"}, by=maria).custom == {"room": "1"}
    assert create(Incident, {"title": "My mail"}, by=gus).custom == {}
    assert change(incident, {"title": "No mail at all"}, by=maria).title == "No mail at all"
    with pytest.raises(ValidationError, match="Fill this in"):
        change(incident, {"custom.room": ""}, by=maria)


def test_an_empty_value_empties(every_kind: None, incident: Incident, maria: Person) -> None:
    filled = change(incident, {"custom.room": "1"}, by=maria)
    assert change(filled, {"custom.room": ""}, by=maria).custom == {"room": None}


def test_a_requester_sets_and_knows_only_what_is_shown_to_them(
    every_kind: None, gus: Person, maria: Person
) -> None:
    assert create(Incident, {"title": "My mail", "custom.room": "1"}, by=gus).custom == {"room": "1"}
    with pytest.raises(ValidationError) as refusal:
        create(Incident, {"title": "My mail", "custom.floor": 1}, by=gus)
    assert refusal.value.message_dict == {"custom.floor": ["incident has no such field."]}
    told = document.build(policy_of(gus))["components"]["schemas"]["IncidentNew"]["properties"]["custom"]
    assert list(told["properties"]) == ["room"]
    told = document.build(policy_of(maria))["components"]["schemas"]["IncidentNew"]["properties"]["custom"]
    assert told == schema_of(added_to("incident"))


def test_a_value_of_a_retired_field_stays_and_is_not_looked_at(
    every_kind: None, incident: Incident, maria: Person
) -> None:
    filled = change(incident, {"custom.room": "1"}, by=maria)
    transition(CustomField.objects.get(name="room"), "retire", by=SYSTEM)
    assert change(filled, {"custom.floor": 2}, by=maria).custom == {"room": "1", "floor": 2}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"target": "nonsense"}, "target"),
        ({"type": "reference", "references": "nonsense"}, "references"),
        ({"type": "choice", "choices": []}, "choices"),
        ({"type": "choice", "choices": [1]}, "choices"),
        ({"type": "choice", "choices": {"red": 1}}, "choices"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        create(CustomField, {"title": "X", "target": "incident", "name": "x", **values}, by=SYSTEM)
    assert list(refusal.value.message_dict) == [field]


def test_a_choice_taken_away_is_kept_and_found_where_it_is_held(
    centre: Party, gus: Person, maria: Person, client: Client
) -> None:
    field = define("colour", "choice", choices=["red", "green"])
    given = {"party": centre, "requester": gus}
    held = create(Incident, {"title": "Red one", **given, "custom.colour": "red"}, by=SYSTEM)
    other = create(Incident, {"title": "Green one", **given, "custom.colour": "green"}, by=SYSTEM)
    query = "custom.colour=red&custom.gone=1&columns=title,custom.lost"
    view = SavedView.objects.create(owner=maria, kind="incident", name="Red", query=query)
    change(field, {"choices": ["green"]}, by=SYSTEM)
    client.force_login(maria)
    assert 'value="red" selected' in client.get(f"/records/{held.reference}/edit/").text
    assert change(held, {"title": "Mended", "custom.colour": "red"}, by=maria).custom == {"colour": "red"}
    with pytest.raises(ValidationError):
        change(other, {"custom.colour": "red"}, by=maria)
    assert Incident.objects.get(pk=other.pk).custom == {"colour": "green"}
    for address in (f"/incidents/?view=v{view.pk}", f"/incidents/?{query}&view=v{view.pk}"):
        listed = client.get(address)
        assert listed.status_code == 200
        assert "filters or columns that no longer exist: gone, lost." in listed.text
        assert ("Mended" in listed.text, "Green one" in listed.text) == (True, False)
    assert client.get("/incidents/?custom.gone=1").status_code == 400
    assert "red (no longer offered)" in client.get("/incidents/filters/?custom.colour=red").text
    page = client.get(f"/records/{held.reference}/").text
    assert re.search(r">red <span[^>]*>\(retired\)</span>", page)
    assert "(retired)" not in client.get(f"/records/{other.reference}/").text


def test_several_choices_of_which_one_was_taken_away_are_kept_and_found(
    incident: Incident, maria: Person, client: Client
) -> None:
    field = define("colours", "several_choices", choices=["red", "green"])
    held = change(incident, {"custom.colours": ["red", "green"]}, by=SYSTEM)
    change(field, {"choices": ["green"]}, by=SYSTEM)
    client.force_login(maria)
    assert held.title in client.get("/incidents/?custom.colours=red").text
    assert "(retired)" in client.get(f"/records/{held.reference}/").text
    address = f"/records/{held.reference}/fields/custom.colours/"
    assert "red (no longer offered)" in client.get(address).text
    assert client.post(address, {"custom.colours": ["red", "green"]}).status_code == 302
    assert Incident.objects.get(pk=held.pk).custom == {"colours": ["red", "green"]}


def test_a_reference_of_a_type_that_is_no_longer_meant_is_shown_and_kept(
    incident: Incident, maria: Person, client: Client
) -> None:
    field = define("cause", "reference", references="incident")
    other = create(Incident, {"title": "Cause", "party": incident.party, "requester": maria}, by=SYSTEM)
    held = change(incident, {"custom.cause": other.reference}, by=SYSTEM)
    change(field, {"references": "person"}, by=SYSTEM)
    client.force_login(maria)
    page = client.get(f"/records/{held.reference}/").text
    assert re.search(rf"{other.reference}</a> <span[^>]*>\(retired\)</span>", page)
    address = f"/records/{held.reference}/edit/"
    assert client.post(address, filled(client, held, "Mended")).status_code == 302
    kept = Incident.objects.get(pk=held.pk)
    assert (kept.title, kept.custom) == ("Mended", {"cause": other.reference})


def filled(client: Client, record: Incident, title: str) -> dict[str, Any]:
    """What the edit form is filled with, under another title."""
    form = client.get(f"/records/{record.reference}/edit/").context["form"]
    return {name: form[name].value() or "" for name in form.fields} | {"title": title}


def test_a_retired_field_is_shown_kept_and_found_where_it_is_held(
    every_kind: None, incident: Incident, maria: Person, gus: Person, client: Client
) -> None:
    held = change(incident, {"custom.room": "E 7", "custom.floor": 2}, by=SYSTEM)
    given = {"party": incident.party, "requester": gus}
    other = create(Incident, {"title": "Elsewhere", **given, "custom.room": "F 1"}, by=SYSTEM)
    for name in ("room", "floor"):
        transition(CustomField.objects.get(name=name), "retire", by=SYSTEM)
    client.force_login(maria)
    page = client.get(f"/records/{held.reference}/").text
    _head, _title, section = page.partition("No longer used")
    assert "Room" in section
    assert "E 7" in section
    assert f"/records/{held.reference}/fields/custom.room/" not in page
    address = f"/records/{held.reference}/edit/"
    assert client.post(address, filled(client, held, "Mended")).status_code == 302
    assert Incident.objects.get(pk=held.pk).custom == {"room": "E 7", "floor": 2}
    listed = client.get("/incidents/?custom.room=E+7").text
    assert ("Mended" in listed, other.title in listed) == (True, False)
    client.force_login(gus)
    answers = [client.get(f"/api/v1/incidents?{one}") for one in ("custom.room=E+7", "custom.floor=2")]
    assert [answer.status_code for answer in answers] == [200, 422]  # Gus was shown the room, not the floor
    assert [one["reference"] for one in answers[0].json()["items"]] == [held.reference]


def test_a_reference_to_what_is_no_longer_in_use_says_so(
    incident: Incident, maria: Person, client: Client
) -> None:
    hardware = create(Category, {"title": "Hardware"}, by=SYSTEM)
    held = change(incident, {"category": hardware}, by=SYSTEM)
    client.force_login(maria)
    address = f"/records/{held.reference}/"
    assert "(No longer used)" not in client.get(address).text
    transition(hardware, "retire", by=SYSTEM)
    assert re.search(r"Hardware(</a>)? <span[^>]*>\(No longer used\)</span>", client.get(address).text)
    assert client.post(f"{address}edit/", filled(client, held, "Mended")).status_code == 302
    assert Incident.objects.get(pk=held.pk).category == hardware
    assert "Mended" in client.get(f"/incidents/?category={hardware.reference}").text


def test_undo_does_not_refer_again_to_what_is_gone_or_not_to_be_seen(
    every_kind: None,
    incident: Incident,
    centre: Party,
    other_centre: Party,
    maria: Person,
    gus: Person,
    root: Person,
) -> None:
    cause = create(Incident, {"title": "The cause", "party": centre, "requester": gus}, by=SYSTEM)
    change(incident, {"custom.cause": cause.reference, "custom.room": "12"}, by=SYSTEM)
    changed = change(incident, {"custom.cause": None, "custom.room": None}, by=maria)
    entry = changed.entries.latest("number")
    change(cause, {"party": other_centre}, by=SYSTEM)
    refusal = "Can't undo: it referred to something that you can't see. Set it by hand."
    for by in (maria, Person.objects.get(pk=maria.pk)):
        with pytest.raises(ValidationError, match=refusal):
            undo(entry, by=by)
    assert changed.entries.count() == entry.number
    assert Incident.objects.get(pk=incident.pk).custom == {"cause": None, "room": None}
    undone = undo(entry, by=root)
    assert undone.custom == {"cause": cause.reference, "room": "12"}
