"""What is related to a record (shares, links, watchers), as its journal says it and as it is stored.

Entries say it under names that begin with "@", each with `[before, after]`:

    @share, @link, @watch   one of them: {"with": ID, ...}, None where it was not or is no more
    @shares                 those that follow from a write's values: a list of {"with": ID, "capacity": ...}
    @baseline               all at once, where an entry of version 0.1 said nothing: {"watchers": [ID, ...]}

An entry of version 0.1 does not say the shares of the participants; they follow from its values.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.activity.watching.models import Watcher
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.model.roles import Capacity
from stellwerk.kernel.model.values import Changes, MachineValue
from stellwerk.kernel.permissions.share import Share

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
                self._share(before and [before], after and [after])
                self.by_hand -= {before["with"]} if before else set()
                self.by_hand |= {after["with"]} if after else set()
            elif name == "@shares":
                self._share(before, after)
            elif name == "@link":
                self._link(before, after)
            elif name == "@watch":
                self.watchers -= {before["with"]} if before else set()
                self.watchers |= {after["with"]} if after else set()
            elif name == "@baseline":
                self.watchers = set(after["watchers"])

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
            pk: Any = values.get(name)
            if pk is not None and pk != values.get("party"):
                person = record_type.references[name]._meta.model_name == "person"
                self.due.setdefault(pk, Capacity.REQUESTER if person else Capacity.CUSTOMER)
        for pk in was_due.keys() - self.due.keys() - self.by_hand:
            self.shares.pop(pk, None)
        self.shares = {**self.due, **self.shares}

    def _share(self, before: Any, after: Any) -> None:
        for about in before or ():
            self.shares.pop(about["with"], None)
        for about in after or ():
            self.shares[about["with"]] = about["capacity"]

    def _link(self, before: Any, after: Any) -> None:
        about = after or before
        key = about["type"], about["with"], about["direction"]
        if after:
            self.links[key] = after["origin"]
        elif before["origin"] == Link.Origin.COMPUTED:
            self.links[key] = Link.Origin.RULED_OUT  # it stays, so that it does not come back
        else:
            self.links.pop(key, None)


def stored(ids: Collection[int]) -> dict[int, Related]:
    """Read what is stored beside records, four queries for all of them; each id has an answer."""
    found = {pk: Related() for pk in ids}
    for pk, with_whom, capacity in _shares(ids):
        found[pk].shares[with_whom] = capacity
    for pk, key, origin in _links(Link.objects, ids):
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


def _links(links: "QuerySet[Link] | Any", ids: Collection[int]) -> Iterator[tuple[int, LinkKey, str]]:
    for mine, other, direction in (("source_id", "target_id", "out"), ("target_id", "source_id", "in")):
        rows: QuerySet[Link] = links.filter(**{f"{mine}__in": ids})
        for pk, with_which, key, origin in rows.values_list(mine, other, "type", "origin"):
            yield pk, (key, with_which, direction), origin
