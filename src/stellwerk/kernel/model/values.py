"""A record's machine values: all of them at once, what differs, and back again."""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from stellwerk.kernel.fields.field import Column
from stellwerk.kernel.fields.machine import MachineValue, in_utc, to_machine

if TYPE_CHECKING:
    from stellwerk.kernel.model.record import Record

Changes: TypeAlias = dict[str, list[MachineValue]]
"""By field, its value before and after."""

_CORE = ("title", "status", "party")
"""The fields of `Record` that a journal keeps; the rest follows from them or counts them."""


@cache
def journaled_fields(model: type["Record"]) -> tuple[Column, ...]:
    """List the fields whose values a journal keeps: the core ones and the type's own."""
    left_out = {"last_login", "password", *getattr(model, "UNJOURNALED", ())}
    own = [
        field
        for field in model._meta.concrete_fields
        if field.model is not _record_model() and not field.primary_key and field.name not in left_out
    ]
    core = {field.name: field for field in _record_model()._meta.concrete_fields}
    return (*(core[name] for name in _CORE), *own)


def machine_values(record: "Record") -> dict[str, MachineValue]:
    """Read a record's journaled values; empty ones are left out, custom fields come as `custom.NAME`."""
    values: dict[str, MachineValue] = {}
    for field in journaled_fields(type(record)):
        value = to_machine(getattr(record, field.attname))
        if value is not None and value != "":
            values[field.name] = value
    values.update(
        {f"custom.{name}": value for name, value in record.custom.items() if value not in (None, "")}
    )
    return values


def difference(before: dict[str, MachineValue], after: dict[str, MachineValue]) -> Changes:
    """Compare two sets of machine values: `{field: [before, after]}` for those that differ."""
    names: Iterable[str] = dict.fromkeys([*after, *before])
    return {
        name: [before.get(name), after.get(name)] for name in names if before.get(name) != after.get(name)
    }


@cache
def defaults_of(model: type["Record"]) -> dict[str, MachineValue]:
    """Name what fields hold that cannot be empty, on records whose journal is older than the field."""
    given = {field.name: field.get_default() for field in journaled_fields(model) if not field.null}
    return {name: to_machine(value) for name, value in given.items() if value not in (None, "")}


def load_machine(record: "Record", values: dict[str, MachineValue]) -> None:
    """Set a record's journaled fields from machine values; what is missing becomes empty, or else its default."""
    for field in journaled_fields(type(record)):
        value = values.get(field.name)
        if value is None and not field.null:
            value = "" if field.empty_strings_allowed else defaults_of(type(record)).get(field.name)
        setattr(record, field.attname, field.to_python(value))
    record.custom = {name[7:]: value for name, value in values.items() if name.startswith("custom.")}


def _record_model() -> type["Record"]:
    from stellwerk.kernel.model.record import Record

    return Record


__all__ = [
    "Changes",
    "MachineValue",
    "defaults_of",
    "difference",
    "in_utc",
    "journaled_fields",
    "load_machine",
    "machine_values",
    "to_machine",
]
