import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from stellwerk.foundation.matrix import MatrixFormField
from stellwerk.foundation.prioritisation import DEFAULT_MATRIX, PriorityScheme
from stellwerk.kernel.access.person import SYSTEM, Person
from stellwerk.kernel.records.services import create, transition


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
