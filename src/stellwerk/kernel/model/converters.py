"""Record types in addresses: `<type:record_type>` stands for /incidents/, /service-requests/ and all others."""

from django.urls import register_converter

from stellwerk.kernel.model import registry
from stellwerk.kernel.model.declaration import RecordType


class TypeConverter:
    """Read a type's slug as its declaration; write one from a declaration or a key."""

    regex = "[a-z][a-z0-9-]*"

    def to_python(self, slug: str) -> RecordType:
        for record_type in registry.all_types():
            if record_type.slug == slug:
                return record_type
        raise ValueError(slug)

    def to_url(self, record_type: RecordType | str) -> str:
        if isinstance(record_type, str):
            record_type = registry.get(record_type)
        return record_type.slug


register_converter(TypeConverter, "type")
