"""What holds for the files of every record type, whoever declared it."""

import io
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from stellwerk.exchange import formats
from stellwerk.exchange.export import Export
from stellwerk.exchange.importing import RecordImport
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.query.selection import Selection
from stellwerk.kernel.testing.samples import a_change, sample
from stellwerk.kernel.write.services import change

pytestmark = pytest.mark.django_db
TYPES = registry.all_types()
every_type = pytest.mark.parametrize("record_type", TYPES, ids=[record_type.key for record_type in TYPES])


def exported(record_type: RecordType, form: formats.Format, query: str = "ordering=created_at") -> bytes:
    selection = Selection.parse(record_type, QueryDict(query), SYSTEM)
    return b"".join(Export(selection).stream(form))


def rows_of(content: bytes, form: formats.Format) -> list[tuple[int, dict[str, Any]]]:
    return list(form.read(io.BytesIO(content)))


@every_type
def test_export_import_export_is_identical(record_type: RecordType, root: Person) -> None:
    sample(record_type)
    sample(record_type, text="=1+1\r\n")
    for form in formats.FORMATS.values():
        first = exported(record_type, form)
        outcome = RecordImport(record_type, by=root).run(rows_of(first, form))
        assert outcome.faults == []
        assert dict(outcome.counts) == {"unchanged": len(rows_of(first, form))}
        assert rows_of(exported(record_type, form), form) == rows_of(first, form)


@every_type
def test_an_import_undoes_a_change(record_type: RecordType, root: Person) -> None:
    record = sample(record_type)
    form = formats.FORMATS["json"]
    rows = [
        row for row in rows_of(exported(record_type, form), form) if row[1]["reference"] == record.reference
    ]
    changed = change(record, a_change(record), by=SYSTEM)
    assert changed.version == 2
    outcome = RecordImport(record_type, by=root).run(rows)
    assert (outcome.faults, dict(outcome.counts)) == ([], {"change": 1})
    after = dict(rows_of(exported(record_type, form), form))
    restored = next(row for row in after.values() if row["reference"] == record.reference)
    assert {**restored, "updated_at": ""} == {**rows[0][1], "updated_at": ""}


@every_type
def test_nobody_gets_nothing_and_imports_nothing(
    record_type: RecordType, nobody: Person, client: Client
) -> None:
    record = sample(record_type)
    client.force_login(nobody)
    answer: Any = client.get(f"/{record_type.slug}/export/?format=json")
    text = b"".join(answer.streaming_content).decode()
    assert record.open_to_all or record.reference not in text
    assert client.get(f"/{record_type.slug}/import/").status_code == 403
    assert client.post(f"/{record_type.slug}/import/1/").status_code == 404
