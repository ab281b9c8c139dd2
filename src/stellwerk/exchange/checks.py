"""Start-up check: every kind of value can be written to a file and read from one."""

from collections.abc import Iterator

from django.core.checks import CheckMessage, Error, register

from stellwerk.exchange.readers import READERS
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.declaration import RecordType


@register("stellwerk")
def check_files(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """Check every registered record type."""
    return [fault for record_type in registry.all_types() for fault in faults_of(record_type)]


def faults_of(record_type: RecordType) -> Iterator[CheckMessage]:
    """Yield the fields of a type that no reader of cells knows."""
    declared = type(record_type)
    for field in record_type.own_fields.values():
        if field.kind not in READERS:
            text = f"{declared.__name__}: “{field.name}” holds {field.kind}, which no file can hold."
            yield Error(text, obj=declared, id="stellwerk.E025")
