"""The benchmark measures what it says: its bulk fill leaves tickets like those of the verbs."""

import pytest

from bench import fill, words
from bench.load import quantile
from stellwerk.kernel.audit.verification import Verification
from stellwerk.kernel.model import numbering
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.search import index
from stellwerk.processes.incidents.incident import Incident


@pytest.mark.django_db
def test_filled_tickets_have_journals_that_verify_and_are_found() -> None:
    fill.Filling(fill.Organisation()).run(60, numbering.take("INC", 60)[0])
    tickets = Incident.objects.order_by("pk")
    assert tickets.count() == 61
    assert tickets.filter(is_open=True).count() == 7
    assert list(Verification(Record.objects.all()).faults()) == []
    assert len(index.find(Record.objects.all(), words.RARE[1], internal=True).ids) == 1


def test_texts_are_always_the_same() -> None:
    assert words.text(7) == words.text(7)
    assert len(words.text(7)[0].split()) == 6


def test_a_quantile_is_one_of_the_values() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.95) == 3.0
