from typing import Any

import pytest
from django.db import connection

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import numbering
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import create


def test_numbers_ascend(db: None) -> None:
    first, second, third = [numbering.take("INC")[0], *numbering.take("INC", 2)]
    assert first < second < third


def test_a_number_is_drawn_in_one_statement(db: None, django_assert_num_queries: Any) -> None:
    numbering.prepare(["ONE"])
    for expected in (1, 2):
        with django_assert_num_queries(1):
            assert numbering.take("ONE") == [expected]


def test_a_prefix_is_letters_only() -> None:
    with pytest.raises(ValueError, match="letters A-Z"):
        numbering.sequence_name("x; drop")


def test_numbers_go_on_after_those_that_another_database_gave(db: None) -> None:
    numbering.take("INC", 7)
    numbering.go_on_after("INC", 41)
    numbering.go_on_after("NEW", 7)
    numbering.go_on_after("NONE", 0)
    assert [numbering.take("INC"), numbering.take("NEW"), numbering.take("NONE")] == [[42], [8], [1]]


@pytest.mark.postgresql
def test_a_sequence_behind_its_records_is_moved_on(db: None) -> None:
    number = int(create(Person, {"title": "Maria"}, by=SYSTEM).reference.split("-")[1])
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('kernel_number_per', 1, false)")
    numbering.prepare(["PER"])
    assert numbering.take("PER") == [number + 1]
    numbering.prepare(["PER"])
    assert numbering.take("PER") == [number + 2]
