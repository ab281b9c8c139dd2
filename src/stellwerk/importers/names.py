"""People, teams, categories and whatever else a log only names: found again, or made."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import Q

from stellwerk.kernel.activity.history import History
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record

MOST_KEPT = 5_000
IDS_AT_ONCE = 500


class Name(NamedTuple):
    """What a log calls a record: the way to it through its tree, of which most have one step only."""

    model: type[Record]
    path: tuple[str, ...]
    party: str = ""
    match: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[type[Record], tuple[str, ...]]:
        """By what it is the same: somebody who calls is the one who works, if called the same."""
        return self.model, self.path

    @property
    def above(self) -> "Name":
        return self._replace(path=self.path[:-1])


class Names:
    """The records that names stand for. Those made for a source are found by their title and that source."""

    def __init__(self, source: str, parties: dict[str, Party]) -> None:
        self.source, self.parties = source, parties
        self.made: dict[str, int] = {}
        self.refused: dict[Name, str] = {}
        self.fresh: set[tuple[type[Record], tuple[str, ...]]] = set()
        self._known: OrderedDict[Name, Record] = OrderedDict()

    def get(self, name: Name) -> Record | None:
        """Return the record that a prepared name stands for; None when it could not be made."""
        return self._known.get(name)

    def prepare(self, names: Iterable[Name], at: datetime) -> None:
        """Make sure that all `names` stand for a record; the missing ones are created as of `at`."""
        while len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)
        for layer in _layers(names):
            if missing := self._find(layer):
                self._make(missing, at)

    def _find(self, layer: list[Name]) -> list[Name]:
        """Look up a layer of names and return those that were not found."""
        by_model: dict[type[Record], list[Name]] = {}
        for name in layer:
            if name in self._known:
                self._known.move_to_end(name)
            else:
                by_model.setdefault(name.model, []).append(name)
        missing: list[Name] = []
        for model, sought in by_model.items():
            for start in range(0, len(sought), IDS_AT_ONCE):
                missing += self._look_up(model, sought[start : start + IDS_AT_ONCE])
        return missing

    def _look_up(self, model: type[Record], sought: list[Name]) -> list[Name]:
        brought = Q(entries__number=1, entries__brought_from=self.source)
        titles = {name.path[-1] for name in sought}
        rows = model._default_manager.filter(brought, title__in=titles).select_related("party")
        found = {(getattr(row, "parent_id", None), row.title): row for row in rows}
        found.update(self._matches(model, sought))
        missing = []
        for name in sought:
            above = self._known.get(name.above)
            row = found.get((above.pk if above else None, name.path[-1]))
            if row is None or (len(name.path) > 1 and above is None):
                missing.append(name)
            else:
                self._known[name] = row
        return missing

    def _matches(self, model: type[Record], sought: Collection[Name]) -> dict[tuple[None, str], Record]:
        """Find records that were here before by the fields that the mapping names, such as an address."""
        found: dict[tuple[None, str], Record] = {}
        for field in {field for name in sought for field in name.match}:
            titles = {name.path[-1] for name in sought if field in name.match}
            for row in model._default_manager.filter(**{f"{field}__in": titles}).select_related("party"):
                found.setdefault((None, str(getattr(row, field))), row)
        return found

    def _make(self, names: list[Name], at: datetime) -> None:
        fresh: dict[object, Record] = {}
        with History(self.source, by=SYSTEM) as history:
            for name in names:
                if name.key in fresh:
                    self._known[name] = fresh[name.key]
                    continue
                try:
                    made = history.create(name.model, self._values(name), by=SYSTEM, at=at)
                except ValidationError as error:
                    self.refused[name] = " ".join(error.messages)
                    continue
                self._known[name] = fresh[name.key] = made
                self.fresh.add(name.key)
                key = registry.for_model(name.model).key
                self.made[key] = self.made.get(key, 0) + 1

    def _values(self, name: Name) -> dict[str, object]:
        values: dict[str, object] = {"title": name.path[-1]}
        if name.party and registry.for_model(name.model).scope == "party":
            values["party"] = self.parties[name.party]
        if len(name.path) > 1:
            values["parent"] = self._known.get(name.above)
        return values


def _layers(names: Iterable[Name]) -> Iterator[list[Name]]:
    """Yield the first steps of all names, then the second ones, so that what is above comes before what is below."""
    wanted = dict.fromkeys(names)
    for depth in range(1, max((len(name.path) for name in wanted), default=0) + 1):
        reaching = (name for name in wanted if len(name.path) >= depth)
        yield list(dict.fromkeys(name._replace(path=name.path[:depth]) for name in reaching))
