"""Records as JSON: every declared field for staff, what is shown to requesters for guests."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TypeAlias

from django.utils.translation import gettext as _

from stellwerk.api.reading import unfit
from stellwerk.kernel.fields.field import Field, ReferenceOutput
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.references import summaries_of
from stellwerk.kernel.permissions.guest_view import Standing, standing, standings
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.vocabulary import Values

ALWAYS = ("id", "reference", "type")
BOOKKEEPING = ("is_open", "version", "created_at", "updated_at")
Data: TypeAlias = dict[str, object]
"""A record or what stands beside it, as it is told."""


class Representation:
    """How records of one type are told to one person; `names` narrows the fields."""

    def __init__(self, record_type: RecordType, person: Person, names: tuple[str, ...] | None = None) -> None:
        self.record_type = record_type
        self.person = person
        self._inside = _fields(record_type, names, guest=False)
        self._outside = _fields(record_type, names, guest=True)
        self._with_custom = names is None or "custom" in names

    def one(self, record: Record, now: Record | None = None) -> Data:
        """Tell a record; who sees what of its past depends on what it is `now`."""
        internal = policy_of(self.person).sees_internal(now or record)
        return self._output([record], {record.pk} if internal else set())[0]

    def many(self, records: Sequence[Record]) -> list[Data]:
        return self._output(records, internal_among(self.record_type, records, self.person))

    def version(self, record: Record) -> int:
        """Return the version of a record as the person sees it."""
        return standing(record, self.person).version

    def given(self, members: Values, values: Values) -> Data:
        """Tell again what a caller gave, with the references in it as they are told, if the caller may see them.

        `values` holds the ids to which the members' references were resolved.
        """
        pointing = {n: field for n, field in self.record_type.pointing.items() if n in members}
        ids = {pk for name, field in pointing.items() for pk in field.refers(values.get(name))}
        visible = Record.objects.visible_to(self.person).filter(pk__in=ids) if ids else ()
        referred = {
            record.pk: ReferenceOutput(reference=record.reference, title=record.title) for record in visible
        }
        return {
            name: (name in pointing and pointing[name].to_json(values.get(name), referred)) or value
            for name, value in members.items()
        }

    def _output(self, records: Sequence[Record], internal: set[int]) -> list[Data]:
        self.record_type.complete(records)
        fields = dict.fromkeys(internal, self._inside)
        pairs = [(record, fields.get(record.pk, self._outside)) for record in records]
        names = _named(pairs)
        told = standings([record for record, _shown in pairs if record.pk not in internal])
        return [
            {
                "id": record.pk,
                "reference": record.reference,
                "type": record.kind,
                **{field.name: field.to_json(field.get(record), names) for field in shown},
                **self._custom(record, record.pk in internal),
                **self._standing(told.get(record.pk)),
            }
            for record, shown in pairs
        ]

    def _standing(self, told: Standing | None) -> Data:
        """Tell guests version and last update as far as they may read what was written."""
        if told is None:
            return {}
        both = {"version": told.version, "updated_at": moment(told.updated_at)}
        wanted = {field.name for field in self._outside}
        return {name: value for name, value in both.items() if name in wanted}

    def _custom(self, record: Record, internal: bool) -> Data:
        if not self._with_custom:
            return {}
        if internal or not record.custom:
            return {"custom": record.custom}
        shown = self.record_type.readable_fields(internal=False)
        return {"custom": {name: value for name, value in record.custom.items() if f"custom.{name}" in shown}}


def selectable(record_type: RecordType) -> list[str]:
    """List the names that `fields=` may hold."""
    return [*ALWAYS, *(field.name for field in _fields(record_type, None, guest=False)), "custom"]


def chosen(record_type: RecordType, given: str | None) -> tuple[str, ...] | None:
    """Read `fields=a,b`; None stands for all."""
    if given is None:
        return None
    names = tuple(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    unknown = set(names) - set(selectable(record_type))
    if unknown or not names:
        raise unfit(
            "fields",
            _("%(type)s has no field called “%(name)s”.")
            % {"type": record_type.label, "name": ", ".join(sorted(unknown))},
        )
    return names


def internal_among(record_type: RecordType, records: Sequence[Record], person: Person) -> set[int]:
    """Return the ids of those records on which the person holds a staff role, in one query at most."""
    policy = policy_of(person)
    parties = policy.scope(record_type)
    if policy.is_administrator or parties is None:
        return {record.pk for record in records}
    inside = {r.pk for r in records if (r.pk if record_type.scope == "pk" else r.party_id) in parties}
    others = {record.pk for record in records} - inside
    if not others:
        return inside
    model = record_type.model
    shared = model._default_manager.filter(policy.as_staff(model, few=True), pk__in=others)
    return inside | set(shared.values_list("pk", flat=True))


def reference_to(record: Record | None) -> ReferenceOutput | None:
    """Tell which record is meant."""
    return {"reference": record.reference, "title": record.title} if record else None


def moment(instant: datetime) -> str:
    """Write an instant in UTC."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


@cache
def _fields(record_type: RecordType, names: tuple[str, ...] | None, *, guest: bool) -> tuple[Field, ...]:
    return tuple(
        field
        for field in output_fields(record_type)
        if (names is None or field.name in names)
        and (field.name in BOOKKEEPING or field.readable_by(internal=not guest))
    )


def output_fields(record_type: RecordType) -> list[Field]:
    """List what is told of every record beside its reference, added fields and what these hold aside."""
    own = [field for name, field in record_type.own_fields.items() if name not in ("reference", *BOOKKEEPING)]
    return [*own, *map(record_type.own_field, BOOKKEEPING)]


def _named(pairs: Iterable[tuple[Record, Iterable[Field]]]) -> dict[int, ReferenceOutput]:
    """Find out what the references are called, in one query at most."""
    names: dict[int, ReferenceOutput] = {}
    unknown: set[int] = set()
    for record, shown in pairs:
        for field in shown:
            if not field.target:
                continue
            if known := record._state.fields_cache.get(field.name):
                names[known.pk] = {"reference": known.reference, "title": known.title}
            else:
                unknown.update(field.refers(field.get(record)))
    for pk, seen in summaries_of(unknown - names.keys()).items():
        names[pk] = {"reference": seen.reference, "title": seen.title}
    return names
