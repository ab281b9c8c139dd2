"""Turning given values into a record's fields, and refusing those that do not fit."""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.utils.translation import gettext as _

from stellwerk.kernel.fields.field import Field
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.references import ReferenceSummary, summaries_of
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.vocabulary import Values

if TYPE_CHECKING:
    from stellwerk.kernel.model.declaration import RecordType


def assign(record_type: "RecordType", record: Record, values: Values) -> None:
    """Set fields from Python or machine values; unknown names and unfit values raise ValidationError by field."""
    faults: dict[str, list[str] | str] = {}
    for name, value in values.items():
        try:
            field_to_set(record_type, name).put(record, value)
        except FieldDoesNotExist:
            faults[name] = _("%s has no such field.") % record_type.label
        except ValidationError as error:
            faults[name] = error.messages
        except (TypeError, ValueError, OverflowError):
            faults[name] = _("This value isn't valid here.")
    if faults:
        raise ValidationError(faults)


def field_to_set(record_type: "RecordType", name: str) -> Field:
    """Return the field under which a value is set; added ones are looked up when their values are checked."""
    known = record_type.own_fields.get(name)
    if known:
        return known
    return Field(name, name) if name.startswith("custom.") else record_type.own_field(name)


def require_references(record_type: "RecordType", record: Record) -> None:
    """Refuse a record whose required references are empty, before anything is derived from them."""
    missing = [
        name
        for name in record_type.references
        if getattr(record, f"{name}_id") is None and not record_type.field(name).null
    ]
    if missing:
        raise ValidationError(dict.fromkeys(missing, _("Fill this in.")))


def check_references(record: Record, names: Iterable[str], by: Actor) -> None:
    """Refuse references to records that `by` may not see, in the words used for those that do not exist.

    One query at most, whatever the number of references, because all of them are records; a second one where only a
    share could show them.
    """
    pointing = record.record_type.pointing
    given = {
        name: ids
        for name in names
        if name in pointing and (ids := [*pointing[name].refers(pointing[name].get(record))])
    }
    if not given:
        return
    loaded = [other for name in given if (other := record._state.fields_cache.get(name)) is not None]
    kinds = _visible_kinds({pk for ids in given.values() for pk in ids}, loaded, by)
    if by.pk:
        kinds.setdefault(by.pk, "person")
    faults = {}
    for name, ids in given.items():
        wanted = registry.for_model(pointing[name].target).key
        unseen = {pk for pk in ids if kinds.get(pk) != wanted}
        if unseen and not unseen <= _kept(record, pointing[name]):
            faults[name] = _("Select a record from the list.")
    if faults:
        raise ValidationError(faults)


def _kept(record: Record, field: Field) -> set[int]:
    """Return those of several references that the record held before: whoever adds one need not see the others."""
    if not field.many or not record.pk:
        return set()
    stored = type(record)._default_manager.filter(pk=record.pk).values_list(field.name, flat=True).first()
    return set(field.refers(stored))


def _visible_kinds(ids: set[int], loaded: list[Record], by: Actor) -> dict[int, str]:
    """Map those of the ids whose records `by` may see to their kinds; some of the records are loaded already."""
    policy = policy_of(by)
    kinds: dict[int, str] = {}
    doubtful = []
    unread = summaries_of(ids - {record.pk for record in loaded}).values()
    seen: list[Record | ReferenceSummary] = [*loaded, *unread]
    for known in seen:
        if policy.plainly_sees(registry.get(known.kind), known.pk, known.party_id, known.open_to_all):
            kinds[known.pk] = known.kind
        else:
            doubtful.append(known.pk)
    if doubtful:
        found = Record.objects.filter(policy.visible(Record), pk__in=doubtful)
        kinds |= dict(found.values_list("pk", "kind"))
    return kinds


def check_fields(record_type: "RecordType", record: Record, names: Iterable[str]) -> None:
    """Check the named fields by themselves; references and custom fields are checked elsewhere."""
    checked = {name for name in names if not name.startswith("custom.")} - set(record_type.references)
    record.clean_fields(exclude={field.name for field in record._meta.concrete_fields} - checked)


def validate(record_type: "RecordType", record: Record, before: Record | None) -> None:
    """Check every field that was set, uniqueness and the type's own rules; all faults at once, by field."""
    faults: dict[str, list[ValidationError]] = {}
    unchanged = _unchanged(record_type, record, before)
    try:
        record.clean_fields(exclude=_not_checked(record_type, record) | unchanged)
    except ValidationError as error:
        error.update_error_dict(faults)
    if not faults and record_type.is_open(record):
        faults |= {
            name: [
                ValidationError(
                    _("An open %s can't have another value here. Finish the work first.") % record_type.label
                )
            ]
            for name, value in requestable(record_type).open_implies.items()
            if getattr(record, name) != value
        }
    if not faults:
        record.validate_unique(exclude={"reference", "record_ptr", "id", *unchanged})
        record_type.validate(record, before)
    if faults:
        raise ValidationError(faults)


def _not_checked(record_type: "RecordType", record: Record) -> set[str]:
    """Bookkeeping needs no check, and references were checked together; empty required ones are still refused."""
    filled = {name for name in record_type.references if getattr(record, f"{name}_id") is not None}
    return filled | _bookkeeping(record_type)


@cache
def _bookkeeping(record_type: "RecordType") -> frozenset[str]:
    checked = {"title", *(field.name for field in record_type.journaled)} - {"status"}
    return frozenset(field.name for field in record_type.model._meta.concrete_fields) - checked


def _unchanged(record_type: "RecordType", record: Record, before: Record | None) -> set[str]:
    if before is None:
        return set()
    return {f.name for f in record_type.journaled if getattr(record, f.attname) == getattr(before, f.attname)}
