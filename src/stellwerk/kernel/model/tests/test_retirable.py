"""What is in use until it is retired."""

from typing import Any

import pytest

from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.retirable import Retirable
from stellwerk.kernel.testing.samples import sample
from stellwerk.kernel.write.services import transition

RETIRABLE = [each for each in registry.all_types() if isinstance(each, Retirable)]


def test_the_types_that_can_be_retired() -> None:
    assert {each.key for each in RETIRABLE} >= {
        "party",
        "person",
        "team",
        "category",
        "custom_field",
        "reply_template",
    }


@pytest.mark.django_db
@pytest.mark.parametrize("record_type", RETIRABLE, ids=lambda each: each.key)
def test_a_record_leaves_use_and_comes_back(record_type: Retirable[Any]) -> None:
    end, again = record_type.workflow.transitions
    record = sample(record_type)
    assert (record.status, record.is_open) == ("active", True)
    record = transition(record, end.name, by=SYSTEM)
    assert (record.status, record.is_open) == (end.target, False)
    assert record.status == ("former" if record_type.key in ("party", "person", "team") else "retired")
    record = transition(record, again.name, by=SYSTEM)
    assert (record.status, record.is_open) == ("active", True)
