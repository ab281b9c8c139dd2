"""The fields that an installation adds, and the check of their values."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from stellwerk.kernel.fields.added import added_fields, added_to, formerly_added_to
from stellwerk.kernel.fields.build import of_definition
from stellwerk.kernel.fields.field import Field
from stellwerk.kernel.model import registry, shared_cache
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.policy import AccessPolicy, policy_of
from stellwerk.vocabulary import Values

if TYPE_CHECKING:
    from stellwerk.kernel.custom_fields.models import CustomField
    from stellwerk.kernel.model.declaration import RecordType


@added_fields
def fields_of(key: str) -> dict[str, Field]:
    """Return the fields added to a record type, retired ones too, by name; known everywhere as soon as they are written."""
    return shared_cache.remember("custom fields", _look_up).get(key, {})


def _look_up() -> dict[str, dict[str, Field]]:
    """Read the definitions of all types at once: there are few."""
    from stellwerk.kernel.custom_fields.models import (
        CustomField,  # declared with what this module is looked up by
    )

    found: dict[str, dict[str, Field]] = {}
    for each in CustomField.objects.order_by("id"):
        found.setdefault(each.target, {})[f"custom.{each.name}"] = _field(each)
    return found


def _field(definition: "CustomField") -> Field:
    target = next((each for each in registry.all_types() if each.key == definition.references), None)
    return of_definition(definition, target.prefix if target else "")


def known_to(policy: AccessPolicy, record_type: "RecordType", *, retired: bool = False) -> dict[str, Field]:
    """Return the custom fields of which a person may know: all for staff, for guests those shown to requesters."""
    fields = formerly_added_to(record_type.key) if retired else added_to(record_type.key)
    if not fields or policy.is_administrator or policy.scope(record_type) != frozenset():
        return fields
    return {name: field for name, field in fields.items() if field.readable_by(internal=False)}


def check(record_type: "RecordType", record: Record, given: Values, by: Actor) -> None:
    """Refuse custom values that do not fit their fields; of a new record by staff, all that is required is asked."""
    policy = policy_of(by)
    fields = known_to(policy, record_type)
    names = [name for name in given if name.startswith("custom.")]
    faults: dict[str, list[str] | str] = {}
    for name in names:
        if name not in fields:
            faults[name] = _("%s has no such field.") % record_type.label
            continue
        try:
            record.custom[name[7:]] = value = fields[name].cleaned(record.custom[name[7:]])
            _require_visible(fields[name].named(value), policy)
        except ValidationError as error:
            if not _is_kept(record, name[7:]):
                faults[name] = error.messages
    if record.version == 0 and policy.may_create_as_staff(record_type):
        missing = [name for name, field in fields.items() if field.required and name not in given]
        faults |= {name: _("Fill this in.") for name in missing}
    if faults:
        raise ValidationError(faults)


def require_sight(record_type: "RecordType", record: Record, names: Iterable[str], by: Actor) -> None:
    """Refuse references in custom fields in use to what `by` may not see, or what is there no more."""
    policy = policy_of(by)
    fields = known_to(policy, record_type)
    faults = {}
    for name in names:
        value = record.custom.get(name.removeprefix("custom."))
        if name in fields and value is not None:
            try:
                _require_visible(fields[name].named(value), policy)
            except ValidationError as error:
                faults[name] = error.messages
    if faults:
        raise ValidationError(faults)


def _is_kept(record: Record, name: str) -> bool:
    """Whether a record is given what it holds already, such as a choice that is no longer offered."""
    stored = Record.objects.filter(pk=record.pk).values_list("custom", flat=True).first() or {}
    return name in stored and stored[name] == record.custom[name]


def _require_visible(references: Iterable[str], policy: AccessPolicy) -> None:
    """Refuse references that the person may not see in the words used for those that do not exist."""
    wanted = set(references)
    if wanted:
        seen = Record.objects.filter(policy.visible(Record), reference__in=wanted)
        if set(seen.values_list("reference", flat=True)) != wanted:
            raise ValidationError(_("Select a record from the list."))
