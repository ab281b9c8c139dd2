import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry
from stellwerk.web.reference_field import ReferenceField


def test_a_record_is_known_by_its_reference_by_what_a_picker_shows_and_by_a_title_of_its_own(
    agent: Person, maria: Person
) -> None:
    field = ReferenceField(registry.get("person"), agent)
    for text in (
        maria.reference,
        maria.reference.lower(),
        f"Maria Keller ({maria.reference})",
        "Maria Keller",
    ):
        assert field.clean(text) == maria


def test_nobody_is_chosen_by_a_name_that_says_nothing(agent: Person, nobody: Person, client: Client) -> None:
    field = ReferenceField(registry.get("person"), agent)
    for text in ("Maria", "(PER-999999)", f"Nobody ({nobody.reference})"):
        with pytest.raises(ValidationError):
            field.clean(text)
    client.force_login(agent)
    assert nobody.reference not in client.get("/options/people/?as=list&q=nobody").content.decode()
