"""What holds for every record type, whoever declared it."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from stellwerk.kernel.audit.verifier import verify
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.replay import as_of, replay
from stellwerk.kernel.model import checks, registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.errors import StaleWrite
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Access
from stellwerk.kernel.model.values import machine_values
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.search import index
from stellwerk.kernel.testing.samples import a_change, sample, sample_values
from stellwerk.kernel.write.services import change, create

TYPES = registry.all_types()
every_type = pytest.mark.parametrize("record_type", TYPES, ids=[record_type.key for record_type in TYPES])
pytestmark = pytest.mark.django_db


@every_type
def test_its_declaration_is_sound(record_type: RecordType) -> None:
    assert list(checks.faults_of(record_type)) == []
    assert str(record_type.label_plural)
    assert record_type.sections
    shown = set(record_type.shown_to_requesters)
    assert "status" not in shown or set(record_type.model.STATUS_FIELDS) <= shown


@every_type
def test_each_of_its_steps_is_told_in_words_of_its_own(record_type: RecordType) -> None:
    steps = record_type.workflow.transitions if record_type.workflow else ()
    for changes in ({}, {"waiting_for": ["", "user"]}, [], None, {"waiting_for": "user"}):
        assert [step.name for step in steps if not step.phrase(changes)] == []


@every_type
def test_a_record_is_numbered_and_journaled(record_type: RecordType) -> None:
    record = sample(record_type)
    assert record.reference.startswith(f"{record_type.prefix}-")
    assert [(entry.number, entry.verb) for entry in record.entries.all()] == [(1, "create")]
    assert record.version == record.journal_count == 1


@every_type
def test_a_change_is_journaled_with_before_and_after(record_type: RecordType) -> None:
    record = sample(record_type)
    (name, value), *_rest = a_change(record).items()
    before = machine_values(record).get(name)
    changed = change(record, {name: value}, by=SYSTEM)
    entry = changed.entries.get(number=2)
    assert entry.changes[name] == [before, machine_values(changed)[name]]


@every_type
def test_replay_to_now_equals_now_and_the_journal_verifies(record_type: RecordType) -> None:
    record = change(sample(record_type), a_change(sample(record_type)), by=SYSTEM)
    stored = record_type.model.objects.get(pk=record.pk)
    assert replay(stored) == machine_values(stored)
    assert list(verify(Record.objects.get(pk=record.pk), list(record.entries.order_by("id")))) == []


@every_type
def test_the_past_stays_what_it_was(record_type: RecordType) -> None:
    record = sample(record_type)
    moment = timezone.now()
    change(record, a_change(record), by=SYSTEM)
    past = as_of(record, moment)
    assert past is not None
    assert machine_values(past) == machine_values(record)
    assert as_of(record, moment - timedelta(days=1)) is None


@every_type
def test_a_stale_write_is_refused_and_nothing_changes(record_type: RecordType) -> None:
    record = sample(record_type)
    current = change(record, a_change(record, "First"), by=SYSTEM, version=1)
    with pytest.raises(StaleWrite):
        change(record, a_change(record, "Second"), by=SYSTEM, version=1)
    assert machine_values(record_type.model.objects.get(pk=record.pk)) == machine_values(current)


@every_type
def test_unknown_fields_are_refused(record_type: RecordType, root: Person) -> None:
    values = sample_values(record_type)
    count = Record.objects.count()
    for unknown in (
        "status",
        "version",
        "journal_head",
        "password",
        "is_open",
        "kind",
        "id",
        "no_such_field",
    ):
        with pytest.raises(ValidationError) as refusal:
            create(record_type.model, {**values, unknown: 1}, by=root)
        assert unknown in refusal.value.message_dict
    assert Record.objects.count() == count


@every_type
def test_nobody_sees_nothing(record_type: RecordType, nobody: Person) -> None:
    record = sample(record_type)
    assert record_type.model.objects.visible_to(nobody).filter(pk=record.pk).exists() == record.open_to_all
    assert policy_of(nobody).access_to(record) <= Access.VIEW
    with pytest.raises(PermissionDenied):
        change(record, a_change(record), by=nobody)
    assert record_type.model.objects.get(pk=record.pk).version == 1


@every_type
def test_the_condition_on_rows_and_the_level_on_one_record_agree(
    record_type: RecordType,
    maria: Person,
    agent: Person,
    gus: Person,
    nobody: Person,
    root: Person,
    other_centre: Any,
) -> None:
    records = [sample(record_type)]
    if "party" in record_type.editable_fields:
        records += [sample(record_type, party=party) for party in (maria.party, other_centre)]
    for person in (maria, agent, gus, nobody, root):
        seen = set(record_type.model.objects.visible_to(person).values_list("pk", flat=True))
        in_core = set(
            Record.objects.visible_to(person).filter(kind=record_type.key).values_list("pk", flat=True)
        )
        by_level = {r.pk for r in records if policy_of(person).access_to(r) >= Access.VIEW}
        assert seen & {r.pk for r in records} == by_level
        assert in_core == seen


@every_type
def test_it_is_found_by_its_reference_and_its_words(record_type: RecordType) -> None:
    record = sample(record_type, text="Zwölfzylinder")
    found = index.find(Record.objects.all(), record.reference, internal=True)
    assert found.ids[0] == record.pk
    if "title" in record_type.search and "title" in record_type.editable_fields:
        assert record.pk in index.find(Record.objects.all(), "zwolfzyl", internal=True).ids
