"""All declared record types, by key, prefix and model."""

from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models

if TYPE_CHECKING:
    from stellwerk.kernel.model.declaration import RecordType
    from stellwerk.kernel.model.record import Record

T = TypeVar("T", bound="type[RecordType[Any]]")

_by_key: "dict[str, RecordType]" = {}
_by_model: "dict[type[models.Model] | None, RecordType]" = {}


def register(declaration: T) -> T:
    """Make a declaration known (class decorator); a key, prefix or model declared twice fails at once."""
    record_type: RecordType = declaration()
    for other in _by_key.values():
        if other.key == record_type.key or other.prefix == record_type.prefix:
            raise ValueError(
                f"{declaration.__name__} and {type(other).__name__} both claim {record_type.key!r} or {record_type.prefix!r}."
            )
    _by_key[record_type.key] = record_type
    _by_model[record_type.model] = record_type
    return declaration


def forget(record_type: "RecordType") -> None:
    """Take a declaration back that was made for a while, such as by a test."""
    del _by_key[record_type.key]
    del _by_model[record_type.model]


def get(key: str) -> "RecordType":
    """Return the declaration with this key, such as "incident"; LookupError when there is none."""
    try:
        return _by_key[key]
    except KeyError:
        raise LookupError(
            f"No record type is called {key!r}; there are {', '.join(sorted(_by_key))}."
        ) from None


def for_model(model: type[models.Model] | None) -> "RecordType":
    """Return the declaration of a model; LookupError when it has none."""
    try:
        return _by_model[model]
    except KeyError:
        raise LookupError(
            f"{model and model.__name__} has no declaration: write a RecordType for it and @register it."
        ) from None


def for_prefix(prefix: str) -> "RecordType":
    """Return the declaration whose references begin with `prefix`, such as "INC"."""
    for record_type in _by_key.values():
        if record_type.prefix == prefix.upper():
            return record_type
    raise LookupError(f"No record type has the prefix {prefix!r}.")


def refers_to(process: str, model: "type[Record]") -> bool:
    """Whether a type of the process has a field that points to `model`."""
    return any(t.process == process and model in t.references.values() for t in _by_key.values())


def referrers(model: "type[Record]") -> "list[tuple[RecordType, str]]":
    """List the types and their fields that point to `model`, those that the type's list can be filtered by."""
    return [
        (t, name)
        for t in _by_key.values()
        for name, field in t.pointing.items()
        if field.target is model and name in t.filters
    ]


def all_types() -> "list[RecordType]":
    """List every declaration in the order of registration."""
    return list(_by_key.values())


def processes() -> list[str]:
    """List the processes that declarations name, which roles may be limited to."""
    return sorted({t.process for t in _by_key.values() if t.process})
