"""What is related to a record (shares, links, watchers), as its journal says it and as it is stored.

Entries say it under names that begin with "@", each with `[before, after]`:

    @share, @link, @watch   one of them: {"with": ID, ...}, None where it was not or is no more
    @shares                 those that follow from a write's values: a list of {"with": ID, "capacity": ...}
    @baseline               all at once, where an entry of version 0.1 said nothing: {"watchers": [ID, ...]}

An entry of version 0.1 does not say the shares of the participants; they follow from its values.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.activity.watching.models import Watcher
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.model.roles import Capacity
from stellwerk.kernel.model.values import Changes, MachineValue
from stellwerk.kernel.permissions.share import Share
from stellwerk.vocabulary import JsonObject, JsonValue

if TYPE_CHECKING:
    from stellwerk.kernel.model.declaration import RecordType

LinkKey = tuple[str, int, str]
"""Type, the other end, "out" or "in"."""


@dataclass
class Related:
    """The shares (capacity by party or person), links (origin by key) and watchers of one record, by ids."""

    shares: dict[int, str] = field(default_factory=dict)
    links: dict[LinkKey, str] = field(default_factory=dict)
    watchers: set[int] = field(default_factory=set)
    by_hand: set[int] = field(default_factory=set, compare=False)
    due: dict[int, str] = field(default_factory=dict, compare=False)

    def take(self, changes: Changes) -> None:
        """Apply what an entry says."""
        for name, (before, after) in changes.items():
            if name == "@share":
                self._share(_abouts(before), _abouts(after))
                self.by_hand -= {_whom(about) for about in _abouts(before)}
                self.by_hand |= {_whom(about) for about in _abouts(after)}
            elif name == "@shares":
                self._share(_abouts(before), _abouts(after))
            elif name == "@link":
                self._link(_abouts(before), _abouts(after))
            elif name == "@watch":
                self.watchers -= {_whom(about) for about in _abouts(before)}
                self.watchers |= {_whom(about) for about in _abouts(after)}
            elif name == "@baseline":
                (about,) = _abouts(after)
                self.watchers = {_id(each) for each in _several(about["watchers"])}

    def take_participants(
        self, record_type: "RecordType", changes: Changes, values: dict[str, MachineValue]
    ) -> None:
        """Share with the participants, as a write of version 0.1 did without saying so.

        It left the shares of former ones, which a migration ended, but for those that somebody made by hand.
        """
        if not any(name in changes for name in requestable(record_type).participants):
            return
        was_due, self.due = self.due, {}
        for name in requestable(record_type).participants:
            pk = values.get(name)
            if isinstance(pk, int) and pk != values.get("party"):
                person = record_type.references[name]._meta.model_name == "person"
                self.due.setdefault(pk, Capacity.REQUESTER if person else Capacity.CUSTOMER)
        for pk in was_due.keys() - self.due.keys() - self.by_hand:
            self.shares.pop(pk, None)
        self.shares = {**self.due, **self.shares}

    def _share(self, before: list[JsonObject], after: list[JsonObject]) -> None:
        for about in before:
            self.shares.pop(_whom(about), None)
        for about in after:
            self.shares[_whom(about)] = str(about["capacity"])

    def _link(self, before: list[JsonObject], after: list[JsonObject]) -> None:
        (about,) = after or before
        key = str(about["type"]), _whom(about), str(about["direction"])
        if after:
            self.links[key] = str(about["origin"])
        elif about["origin"] == Link.Origin.COMPUTED:
            self.links[key] = Link.Origin.RULED_OUT  # it stays, so that it does not come back
        else:
            self.links.pop(key, None)


# What no program of ours wrote raises TypeError, ValueError or KeyError here, and is told as a fault of its entry.


def _abouts(said: JsonValue) -> list[JsonObject]:
    """Return what one side of an entry says, of one or of several; nothing where there was none."""
    return [_object(each) for each in (said if isinstance(said, list) else [said] if said else [])]


def _object(said: JsonValue) -> JsonObject:
    if not isinstance(said, dict):
        raise TypeError(said)
    return said


def _several(said: JsonValue) -> list[JsonValue]:
    if not isinstance(said, list):
        raise TypeError(said)
    return said


def _whom(about: JsonObject) -> int:
    return _id(about["with"])


def _id(said: JsonValue) -> int:
    if not isinstance(said, int):
        raise TypeError(said)
    return said


def stored(ids: Collection[int]) -> dict[int, Related]:
    """Read what is stored beside records, four queries for all of them; each id has an answer."""
    found = {pk: Related() for pk in ids}
    for pk, with_whom, capacity in _shares(ids):
        found[pk].shares[with_whom] = capacity
    for pk, key, origin in _links(Link.objects.all(), ids):
        found[pk].links[key] = origin
    for pk, person in Watcher.objects.filter(record__in=ids).values_list("record_id", "person_id"):
        found[pk].watchers.add(person)
    return found


def _shares(ids: Collection[int]) -> Iterator[tuple[int, int, str]]:
    # An end of the wrong kind reads as none: a person's id in the party's column shares with nobody known.
    rows = Share.objects.filter(record__in=ids).order_by("id")
    columns = ("record_id", "capacity", "person_id", "party_id", "person__kind", "party__kind")
    for pk, capacity, person, party, person_kind, party_kind in rows.values_list(*columns):
        right = (person is None, party is None, person_kind, party_kind) in _ENDS
        yield pk, (party if person is None else person) if right else -1, capacity


_ENDS = ((True, False, None, "party"), (False, True, "person", None))


def _links(links: QuerySet[Link], ids: Collection[int]) -> Iterator[tuple[int, LinkKey, str]]:
    for mine, other, direction in (("source_id", "target_id", "out"), ("target_id", "source_id", "in")):
        rows = links.filter(**{f"{mine}__in": ids})
        for pk, with_which, key, origin in rows.values_list(mine, other, "type", "origin"):
            yield pk, (key, with_which, direction), origin
