from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from stellwerk.foundation.matrix import MatrixFormField
from stellwerk.foundation.prioritisation import DEFAULT_MATRIX, PriorityScheme
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.fixtures import grant
from stellwerk.kernel.write.services import change, create, transition
from stellwerk.kernel.write.undo import undo


def test_the_form_reads_nine_choices_row_by_row() -> None:
    assert MatrixFormField().clean(["1", "2", "3", "2", "3", "4", "3", "4", "5"]) == DEFAULT_MATRIX


def test_a_cell_left_empty_is_refused(db: None) -> None:
    holed = {**DEFAULT_MATRIX, "low": {"high": 3, "medium": 4}}
    with pytest.raises(ValidationError, match="Low impact, Low urgency"):
        create(PriorityScheme, {"title": "Holed", "matrix": holed}, by=SYSTEM)


def test_the_scheme_in_force_is_the_one_enacted_last(db: None) -> None:
    first = PriorityScheme.in_force()
    steep = {impact: dict.fromkeys(row, 1) for impact, row in DEFAULT_MATRIX.items()}
    second = transition(
        create(PriorityScheme, {"title": "Steep", "matrix": steep}, by=SYSTEM), "enact", by=SYSTEM
    )
    assert PriorityScheme.in_force() == second
    assert second.valid_from is not None
    assert PriorityScheme.in_force(first.valid_from) == first
    assert second.priority("low", "low") == 1


def test_a_version_is_superseded_when_the_next_one_is_put_into_force(root: Person) -> None:
    first = PriorityScheme.in_force()
    assert first is not None
    second = transition(create(PriorityScheme, {"title": "Second"}, by=root), "enact", by=root)
    first.refresh_from_db()
    assert (first.status, first.valid_until, first.is_open) == ("superseded", second.valid_from, False)
    assert (second.status, second.valid_until) == ("in_force", None)
    assert second.valid_from is not None
    assert PriorityScheme.in_force(second.valid_from) == second
    just_before = second.valid_from - timedelta(microseconds=1)
    assert PriorityScheme.in_force(just_before) == first
    assert Entry.objects.filter(record=first).latest("number").reason == f"Superseded by {second.reference}."


def test_nobody_supersedes_a_version_by_hand_or_takes_it_back(root: Person, client: Client) -> None:
    first = PriorityScheme.in_force()
    assert first is not None
    with pytest.raises(PermissionDenied):
        transition(first, "supersede", by=root)
    entry = Entry.objects.filter(record=first).latest("number")
    with pytest.raises(ValidationError, match="can't be changed"):
        undo(entry, by=root)
    client.force_login(root)
    page = client.get(f"/records/{first.reference}/").content.decode()
    assert "/steps/" not in page
    assert PriorityScheme.in_force() == first


def test_the_next_version_is_drafted_from_the_one_in_force(client: Client, root: Person) -> None:
    first = PriorityScheme.in_force()
    assert first is not None
    steep = {**first.matrix, "low": {"high": 1, "medium": 2, "low": 3}}
    steep_one = create(PriorityScheme, {"title": "Steep", "matrix": steep, "description": "Hurry."}, by=root)
    transition(steep_one, "enact", by=root)
    client.force_login(root)

    page = client.get(f"/records/{steep_one.reference}/").content.decode()
    assert "Draft the next version" in page
    assert "/field/" not in page
    assert f"/records/{steep_one.reference}/edit/" not in page
    assert client.get(f"/records/{steep_one.reference}/edit/").status_code == 403

    form = client.get(f"/priority-schemes/new/?like={steep_one.reference}").context["form"]
    assert form["title"].value() == "Steep"
    assert form["description"].value() == "Hurry."
    assert form["matrix"].value() == steep
    assert client.get("/priority-schemes/new/?like=PRS-999999").status_code == 404


def test_schemes_belong_to_no_party_and_only_managers_of_all_write_them(
    client: Client, maria: Person, agent: Person, nobody: Person
) -> None:
    """Maria manages one centre: what counts for all is shown to her, and to Arno, but is not theirs to change."""
    scheme = PriorityScheme.in_force()
    assert scheme is not None
    for person, seen in ((maria, True), (agent, True), (nobody, False)):
        assert PriorityScheme.objects.visible_to(person).filter(pk=scheme.pk).exists() is seen
    with pytest.raises(PermissionDenied):
        create(PriorityScheme, {"title": "For us"}, by=maria)
    draft = create(PriorityScheme, {"title": "For all"}, by=SYSTEM)
    with pytest.raises(PermissionDenied):
        transition(draft, "enact", by=maria)
    with pytest.raises(PermissionDenied):
        change(draft, {"title": "For us"}, by=maria)
    client.force_login(maria)
    assert "Draft the next version" not in client.get(f"/records/{scheme.reference}/").content.decode()
    assert client.get("/priority-schemes/new/").status_code == 403

    grant(maria, Role.MANAGER)
    maria = Person.objects.get(pk=maria.pk)
    own = transition(create(PriorityScheme, {"title": "For all of us"}, by=maria), "enact", by=maria)
    assert (own.party_id, PriorityScheme.in_force()) == (None, own)


def test_why_tells_that_a_scheme_belongs_to_the_whole_installation(
    client: Client, root: Person, maria: Person
) -> None:
    scheme = PriorityScheme.in_force()
    assert scheme is not None
    client.force_login(root)
    page = client.get(f"/access/?person={maria.reference}&record={scheme.reference}").content.decode()
    assert "Maria Keller can read PRS-" in page
    assert "It belongs to the whole installation" in page


def test_an_administrator_drafts_a_matrix_on_a_page(client: Client, root: Person) -> None:
    client.force_login(root)
    page = client.get("/priority-schemes/new/")
    assert page.content.count(b"form-select") >= 9
    cells = {f"matrix_{number}": "5" for number in range(9)}

    answer = client.post("/priority-schemes/new/", {"title": "Calm", **cells, "once": "drawn"})
    assert answer.status_code == 302
    scheme = PriorityScheme.objects.get(title="Calm")
    assert scheme.priority("high", "high") == 5
    assert "Planning" in client.get(f"/records/{scheme.reference}/").content.decode()
