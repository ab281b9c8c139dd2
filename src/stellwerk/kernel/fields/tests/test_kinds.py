"""What holds for every kind of value, in a column and as a field that an installation added."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import wraps
from inspect import signature
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from jsonschema import Draft202012Validator

from stellwerk.exchange import formats
from stellwerk.exchange.checks import READERS
from stellwerk.exchange.export import Export
from stellwerk.exchange.importing import RecordImport
from stellwerk.kernel.audit.verifier import verify
from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.fields.build import DEFINED
from stellwerk.kernel.fields.field import KINDS, Field
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.identity.tokens import issue_token
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.reference_index import Pointer, rebuild
from stellwerk.kernel.model.values import machine_values
from stellwerk.kernel.query.selection import Selection
from stellwerk.kernel.testing.everything import FIELDS, everything
from stellwerk.kernel.write.services import change, create
from stellwerk.kernel.write.undo import undo
from stellwerk.web import shell
from stellwerk.web.fields import RENDERERS
from stellwerk.web.lists.columns import Cells
from stellwerk.web.record import referring
from stellwerk.web.record.forms import RecordForm

pytestmark = pytest.mark.django_db

# By field: a value, another one, and how the first is said, filtered by and told by the API.
VALUES: dict[str, tuple[Any, Any, str, str]] = {
    "line": ("Rack 7", "Rack 8", "Rack 7", "Rack 7"),
    "text": ("One\nTwo", "Three", "One\nTwo", ""),
    "mail": ("ops@centre.example", "noc@centre.example", "ops@centre.example", "ops@centre.example"),
    "site": (
        "https://centre.example/",
        "https://x.example/",
        "https://centre.example/",
        "https://centre.example/",
    ),
    "number": (1500.5, 2.0, "1500.5\u00a0TB", "1500.5"),
    "share": (99.5, 50.0, "99.5\u00a0%", "99.5"),
    "span": (16_200, 60, "4\u00a0h 30\u00a0min", "16200"),
    "whole": (12, 13, "12", "12"),
    "exact": (Decimal("12.50"), Decimal("3.00"), "12.50", "12.50"),
    "answer": (True, False, "Yes", "yes"),
    "day": (date(2026, 3, 31), date(2026, 4, 1), "31 Mar 2026", ""),
    "instant": (datetime(2026, 3, 31, 12, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC), "", ""),
    "choice": ("red", "blue", "Red", "red"),
    "rank": (1, 2, "High", "1"),
    "several": (["red", "blue"], ["green"], "Red, Blue", "blue"),
    "one": ("team", "other", "Storage", "team"),
    "many": (["team", "other"], ["third"], "Storage, Network", "other"),
    "data": ({"a": [1]}, {"b": 2}, '{"a": [1]}', ""),
}
ADDED = {
    "text": ("Rack 7", "Rack 8", "Rack 7", "Rack 7"),
    "number": (1500.5, 2, "1500.5\u00a0TB", "1500.5"),
    "percentage": (99.5, 50, "99.5\u00a0%", "99.5"),
    "duration": (16_200, 60, "4\u00a0h 30\u00a0min", "4:30"),
    "date": ("2026-03-31", "2026-04-01", "31 Mar 2026", "2026-03-31"),
    "choice": ("red", "blue", "red", "red"),
    "several_choices": (["red", "blue"], ["green"], "red, blue", "blue"),
    "yes_no": (True, False, "Yes", "yes"),
    "reference": ("team", "other", "", "team"),
    "several_references": (["team", "other"], ["third"], "", "other"),
}
NAMES = [*FIELDS, *(f"custom.{kind}" for kind in ADDED)]


def every_field(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test for each field, and take back what it wrote: to make the type costs more than most of them."""

    @wraps(test)
    def for_each(**fixtures: Any) -> None:
        for name in NAMES:
            with transaction.atomic():
                test(**fixtures, name=name)
                transaction.set_rollback(True)

    parameters = [each for key, each in signature(test).parameters.items() if key != "name"]
    for_each.__signature__ = signature(test).replace(parameters=parameters)
    return for_each


@pytest.fixture
def teams(centre: Party) -> dict[str, Team]:
    titles = {"team": "Storage", "other": "Network", "third": "Compute"}
    return {
        name: create(Team, {"title": title, "party": centre}, by=SYSTEM) for name, title in titles.items()
    }


@pytest.fixture
def kind_of_all(teams: dict[str, Team]) -> Iterator[RecordType]:
    shell.groups.cache_clear()  # the navigation has every type
    with everything() as record_type:
        for kind in ADDED:
            values = {"title": kind, "target": "everything", "name": kind, "type": kind}
            choices = {"choices": ["red", "green", "blue"]} if "choice" in kind else {}
            more = (
                {"references": "team"} if "reference" in kind else {"unit": "TB"} if kind == "number" else {}
            )
            create(CustomField, {**values, **choices, **more}, by=SYSTEM)
        yield record_type
    shell.groups.cache_clear()


def value(name: str, at: int, teams: dict[str, Team]) -> Any:
    """Return a value of a field; where it points to teams, those of the fixture."""
    custom = name.startswith("custom.")
    given: Any = (ADDED[name[7:]] if custom else VALUES[name])[at]
    as_one = {key: team.reference if custom or at == 3 else team.pk for key, team in teams.items()}
    if name in ("one", "many", "custom.reference", "custom.several_references") and at != 2:
        return [as_one[each] for each in given] if isinstance(given, list) else as_one[given]
    return given


def new(record_type: RecordType, centre: Party, **values: Any) -> Any:
    return create(record_type.model, {"title": "Box", "party": centre, **values}, by=SYSTEM)


def test_every_kind_has_its_renderer_and_its_reader(kind_of_all: RecordType) -> None:
    assert set(KINDS) == set(RENDERERS) == set(READERS)
    shown = {field.kind for field in kind_of_all.fields.values()} | {"matrix", "gone"}
    assert shown == set(KINDS)
    assert set(DEFINED) == set(ADDED) == set(CustomField.Type.values)


@every_field
def test_a_value_is_journaled_undone_and_replayed(
    kind_of_all: RecordType, teams: dict[str, Team], centre: Party, name: str
) -> None:
    field, first, second = kind_of_all.fields[name], value(name, 0, teams), value(name, 1, teams)
    box = new(kind_of_all, centre, **{name: first})
    before = field.machine(kind_of_all.model.objects.get())
    changed = change(box, {name: second}, by=SYSTEM)
    after = field.machine(changed)
    entry = changed.entries.get(number=2)
    assert entry.changes == {name: [before, after]}
    undo(entry, by=SYSTEM)
    stored = kind_of_all.model.objects.get()
    assert field.machine(stored) == before
    assert list(verify(stored, list(stored.entries.order_by("id")))) == []


@every_field
def test_a_value_is_said_in_words(
    kind_of_all: RecordType, teams: dict[str, Team], centre: Party, name: str
) -> None:
    field = kind_of_all.fields[name]
    box = new(kind_of_all, centre, **{name: value(name, 0, teams)})
    said = field.text(field.machine(box), {team.pk: team.title for team in teams.values()}.get)
    wanted = value(name, 2, teams)
    assert said
    assert not wanted or said == wanted, name
    assert str(Cells(kind_of_all, [name], [box]).cell(box, name))


@every_field
def test_nothing_is_empty_everywhere(
    kind_of_all: RecordType, teams: dict[str, Team], centre: Party, maria: Person, name: str
) -> None:
    if name == "answer":
        return  # yes and no are its only values
    field = kind_of_all.fields[name]
    box = new(kind_of_all, centre, **{name: value(name, 0, teams)})
    emptied = change(box, {name: None}, by=maria)
    assert field.is_empty(field.get(emptied))
    assert name not in machine_values(emptied)
    assert "–" in str(Cells(kind_of_all, [name], [emptied]).cell(emptied, name))


@every_field
def test_the_form_of_a_record_changes_nothing_and_takes_another_value(
    kind_of_all: RecordType, teams: dict[str, Team], centre: Party, maria: Person, name: str
) -> None:
    box = new(kind_of_all, centre, **{name: value(name, 0, teams)})
    other = new(kind_of_all, centre, **{name: value(name, 1, teams)})
    unchanged = RecordForm(kind_of_all, [name], maria, record=box, data=posted(kind_of_all, name, maria, box))
    assert unchanged.is_valid(), unchanged.errors
    assert change(box, unchanged.changes(box), by=maria).version == 1
    form = RecordForm(kind_of_all, [name], maria, record=box, data=posted(kind_of_all, name, maria, other))
    assert form.is_valid(), form.errors
    field = kind_of_all.fields[name]
    assert field.machine(change(box, form.changes(box), by=maria)) == field.machine(other)


def posted(record_type: RecordType, name: str, person: Person, record: Any) -> QueryDict:
    """Return what a browser sends for the form of a record that nobody touched."""
    bound = RecordForm(record_type, [name], person, record=record)[name]
    given = bound.value()
    shown = bound.field.widget.format_value(given) if given is not None else ""
    data = QueryDict(mutable=True)
    if given is False:
        return data
    data.setlist(name, [str(one) for one in (shown if isinstance(shown, list) else [shown])])
    return data


@every_field
def test_a_file_brings_back_what_it_was_given(
    kind_of_all: RecordType, teams: dict[str, Team], centre: Party, root: Person, name: str
) -> None:
    field = kind_of_all.fields[name]
    box = new(kind_of_all, centre, **{name: value(name, 0, teams)})
    before = field.machine(box)
    for form in formats.FORMATS.values():
        selection = Selection.parse(kind_of_all, QueryDict(""), SYSTEM)
        rows = list(form.read(io.BytesIO(b"".join(Export(selection, [name]).stream(form)))))
        assert dict(RecordImport(kind_of_all, by=root).run(rows).counts) == {"unchanged": 1}
        changed = change(kind_of_all.model.objects.get(), {name: value(name, 1, teams)}, by=SYSTEM)
        outcome = RecordImport(kind_of_all, by=root).run(rows)
        assert (outcome.faults, dict(outcome.counts)) == ([], {"change": 1})
        assert field.machine(kind_of_all.model.objects.get()) == before
        assert changed.version < kind_of_all.model.objects.get().version


@every_field
def test_a_list_is_filtered_by_it(
    kind_of_all: RecordType, teams: dict[str, Team], centre: Party, maria: Person, name: str
) -> None:
    wanted = value(name, 3, teams)
    if not wanted:
        return
    box = new(kind_of_all, centre, **{name: value(name, 0, teams)})
    new(kind_of_all, centre, **{name: value(name, 1, teams)})
    selection = Selection.parse(kind_of_all, {name: [wanted] if isinstance(wanted, str) else wanted}, maria)
    found = selection.apply(kind_of_all.model.objects.visible_to(maria))
    assert [record.pk for record in found] == [box.pk]
    assert [chip.label for chip in selection.chips()]


@every_field
def test_the_api_tells_what_it_takes_as_its_schema_says(
    kind_of_all: RecordType,
    teams: dict[str, Team],
    centre: Party,
    maria: Person,
    client: Client,
    name: str,
) -> None:
    field = kind_of_all.fields[name]
    box = new(kind_of_all, centre, **{name: value(name, 0, teams)})
    _token, secret = issue_token(maria, "a test", ("read", "write"))
    headers = {"authorization": f"Bearer {secret}"}
    data = client.get(f"/api/v1/everythings/{box.reference}", headers=headers).json()
    told = data["custom"][name[7:]] if field.column is None else data[name]
    assert schema_faults(field.output_schema(), told) == []
    given = (
        [one["reference"] for one in told] if name == "many" else told["reference"] if name == "one" else told
    )
    assert schema_faults(field.given_schema(), given) == []
    members = {"custom": {name[7:]: given}} if field.column is None else {name: given}
    body = {"title": "Copy", "party": centre.pk, **members}
    answer = client.post("/api/v1/everythings", body, content_type="application/json", headers=headers)
    assert answer.status_code == 201, answer.json()
    copy = kind_of_all.model.objects.get(title="Copy")
    assert field.machine(copy) == field.machine(box)


@every_field
def test_what_does_not_fit_is_refused_with_a_sentence_and_writes_nothing(
    kind_of_all: RecordType, centre: Party, maria: Person, client: Client, name: str
) -> None:
    if name in ("data", "line", "text", "custom.text"):
        return
    _token, secret = issue_token(maria, "a test", ("read", "write"))
    bad: Any = [{"x": 1}]
    members = {"custom": {name[7:]: bad}} if name.startswith("custom.") else {name: bad}
    answer = client.post(
        "/api/v1/everythings",
        {"title": "Copy", "party": centre.pk, **members},
        content_type="application/json",
        headers={"authorization": f"Bearer {secret}"},
    )
    assert answer.status_code == 422
    assert name in str(answer.json())
    assert not Record.objects.filter(kind="everything").exists()


@pytest.mark.parametrize("given", ['{"a": 1, "a": 2}', '{"a": NaN}', "{", "[" * 100_000])
def test_json_that_can_be_read_in_two_ways_is_refused_in_a_form(
    kind_of_all: RecordType[Any], maria: Person, given: str
) -> None:
    form = RecordForm(kind_of_all, ["data"], maria, data=QueryDict(urlencode({"data": given})))
    assert list(form.errors) == ["data"]
    assert form.errors["data"][0].startswith("This is not JSON: ")


def schema_faults(schema: Any, told: Any) -> list[str]:
    components = {
        "Reference": {"type": "object", "required": ["reference", "title"]},
        "ReferenceGiven": {"type": ["string", "integer"]},
    }
    whole = {**schema, "components": {"schemas": components}}
    return [error.message for error in Draft202012Validator(whole).iter_errors(told)]


@every_field
def test_a_guest_reads_what_is_shown_to_requesters(kind_of_all: RecordType, name: str) -> None:
    field: Field = kind_of_all.fields[name]
    assert field.readable_by(internal=True)
    assert field.readable_by(internal=False) == (name in ("line", "many"))


def test_every_page_of_a_record_with_every_kind_answers(
    kind_of_all: RecordType, teams: dict[str, Team], centre: Party, root: Person, client: Client
) -> None:
    values = {name: value(name, 0, teams) for name in NAMES}
    box = new(kind_of_all, centre, **values)
    change(box, {name: value(name, 1, teams) for name in NAMES}, by=SYSTEM)
    client.force_login(root)
    for address in (
        "/everythings/",
        "/everythings/filters/",
        "/everythings/new/",
        f"/records/{box.reference}/",
    ):
        assert client.get(address, follow=True).status_code == 200
    for part in ("edit/", "history/", *(f"fields/{name}/" for name in NAMES)):
        assert client.get(f"/records/{box.reference}/{part}").status_code == 200


def test_several_references_refuse_what_one_may_not_see_and_keep_what_is_there(
    kind_of_all: RecordType, teams: dict[str, Team], centre: Party, other_centre: Party, maria: Person
) -> None:
    foreign = create(Team, {"title": "Theirs", "party": other_centre}, by=SYSTEM)
    box = new(kind_of_all, centre, many=[teams["team"], foreign])
    with pytest.raises(ValidationError, match="Select a record from the list"):
        create(kind_of_all.model, {"title": "Copy", "party": centre, "many": [foreign.pk]}, by=maria)
    assert kind_of_all.model.objects.count() == 1
    more = change(box, {"many": [teams["team"].pk, foreign.pk, teams["other"].pk]}, by=maria)
    assert more.many == [teams["team"].pk, foreign.pk, teams["other"].pk]


def test_the_reference_index_is_kept_by_every_write_and_rebuilt_the_same(
    kind_of_all: RecordType, teams: dict[str, Team], centre: Party, root: Person
) -> None:
    box = new(
        kind_of_all, centre, many=[teams["team"], teams["other"]], **{"custom.reference": teams["third"]}
    )
    assert pointers(box) == {("many", "Storage"), ("many", "Network"), ("custom.reference", "Compute")}
    changed = change(box, {"many": [teams["third"]], "custom.reference": None}, by=SYSTEM)
    assert pointers(box) == {("many", "Compute")}
    undo(changed.entries.get(number=2), by=SYSTEM)
    rows = [
        (1, {"title": "Brought", "many": "Storage\nNetwork", "custom.reference": teams["team"].reference})
    ]
    assert dict(RecordImport(kind_of_all, by=root).run(rows).counts) == {"create": 1}
    kept = set(Pointer.objects.values_list("record", "field", "target"))
    assert len(kept) == 6
    rebuild()
    assert set(Pointer.objects.values_list("record", "field", "target")) == kept


def pointers(record: Record) -> set[tuple[str, str]]:
    return set(Pointer.objects.filter(record=record.pk).values_list("field", "target__title"))


def test_a_page_shows_what_points_to_it_by_any_field(
    kind_of_all: RecordType, teams: dict[str, Team], centre: Party, root: Person, client: Client
) -> None:
    new(kind_of_all, centre, many=[teams["team"], teams["other"]], **{"custom.reference": teams["team"]})
    client.force_login(root)
    address = f"/records/{teams['team'].reference}/referring/"
    headers = {"HX-Request": "true", "HX-Target": "referring"}
    for most in (referring.FEW, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(referring, "FEW", most)
            patch.setattr(referring, "FEW_WITH_ROWS", most)
            with CaptureQueriesContext(connection) as asked:
                shown = client.get(address, headers=headers).content.decode()
        assert len(asked) <= 12
        assert "Everythings · teams" in shown
        assert "Everythings · reference" in shown
        assert shown.count('class="work-title"') == 2
