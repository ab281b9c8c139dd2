"""Entries of the journal as JSON: references are told as everywhere, to guests without what they are not shown."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypedDict

from stellwerk.api.representation import moment, reference_to
from stellwerk.kernel.fields.field import Field, ReferenceOutput
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.references import summaries_of
from stellwerk.kernel.permissions.policy import policy_of

LINK, SHARE, SHARES, WATCH, COMMENT = "@link", "@share", "@shares", "@watch", "@comment"
RELATED = (LINK, SHARE, SHARES, WATCH)
BASELINE = "@baseline"
"""Says many at once, which what is related says one by one."""
Both: TypeAlias = Sequence[object]
"""A value before and after."""


class EntryOutput(TypedDict):
    """An entry as it is told; instants as text, references as everywhere."""

    number: int
    at: str
    recorded_at: str
    by: ReferenceOutput | None
    verb: str
    step: str
    changes: Mapping[str, Both]
    reason: str
    internal: bool
    brought_from: str


class Entries:
    """How entries of one record are told to one person; `internal` when they belong to its staff."""

    def __init__(self, record_type: RecordType, person: Person, *, internal: bool) -> None:
        self.record_type = record_type
        self.person = person
        self.internal = internal

    def many(self, entries: Iterable[Entry]) -> list[EntryOutput]:
        """Tell the entries; two queries more at most, and to guests none of which nothing is left."""
        pairs = [(entry, self._shown(entry)) for entry in entries]
        pairs = [(entry, changes) for entry, changes in pairs if changes or self.internal]
        names = self._names([changes for _entry, changes in pairs])
        return [
            self._output(entry, {name: self._both(name, both, names) for name, both in changes.items()})
            for entry, changes in pairs
        ]

    def _shown(self, entry: Entry) -> dict[str, Both]:
        shown = {*self.record_type.readable_fields(internal=False), COMMENT}
        return {
            name: both
            for name, both in entry.changes.items()
            if (self.internal and name != BASELINE) or name in shown
        }

    def _names(self, changes: Iterable[dict[str, Both]]) -> dict[int, ReferenceOutput]:
        """Find out what the references are called; the other end of a link only where the person may see it."""
        plain: set[int] = set()
        linked: set[int] = set()
        for each in changes:
            for name, both in each.items():
                if field := self.record_type.pointing.get(name):
                    plain |= {pk for value in both for pk in field.refers(value)}
                elif name in RELATED:
                    ends = linked if name == LINK else plain
                    ends |= {pk for pk, _about in _abouts(both)}
        visible = Record.objects.filter(
            policy_of(self.person).visible(Record, few=True), pk__in=linked - plain
        )
        found = [*summaries_of(plain).values(), *(visible if linked - plain else ())]
        return {each.pk: {"reference": each.reference, "title": each.title} for each in found}

    def _both(self, name: str, both: Both, names: dict[int, ReferenceOutput]) -> Both:
        if field := self.record_type.pointing.get(name):
            return [_value(field, value, names) for value in both]
        if name == SHARES:
            return [[about | {"with": names.get(pk)} for pk, about in _abouts([each])] for each in both]
        if name in RELATED:
            return [
                next((about | {"with": names.get(pk)} for pk, about in _abouts([each])), None)
                for each in both
            ]
        return both

    def _output(self, entry: Entry, changes: dict[str, Both]) -> EntryOutput:
        return {
            "number": entry.number,
            "at": moment(entry.at),
            "recorded_at": moment(entry.recorded_at),
            "by": reference_to(entry.actor),
            "verb": entry.verb,
            "step": entry.name,
            "changes": changes,
            "reason": entry.reason if self.internal else "",
            "internal": entry.internal,
            "brought_from": entry.brought_from,
        }


def _abouts(both: Both) -> Iterator[tuple[int, dict[str, object]]]:
    """Yield what an entry says of related records, one or several at once, with their ids; what is altered is left out."""
    for each in both:
        for about in each if isinstance(each, list) else (each,):
            if isinstance(about, dict) and isinstance(pk := about.get("with"), int):
                yield pk, about


def _value(field: Field, value: object, names: dict[int, ReferenceOutput]) -> object:
    """Tell a value; none where it is of a kind that no program of ours wrote into a journal."""
    try:
        return field.to_json(value, names)
    except (TypeError, ValueError, AttributeError):
        return None
