"""The first line: the team to which tickets come that name nobody else."""

from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.model import shared_cache
from stellwerk.kernel.model.roles import INSIDE
from stellwerk.kernel.permissions.share import Share


def first_line_for(party_id: int | None) -> Team | None:
    """Return the team that takes what people of this party ask without naming a service; None while there is no team.

    A team marked as first line goes before others, then one of a party that serves these people, then the oldest.
    """
    pk = shared_cache.remember((first_line_for.__name__, party_id), lambda: _chosen(party_id))
    return shared_cache.record(Team, pk) if pk else None


def _chosen(party_id: int | None) -> int | None:
    serving = _serving(party_id)
    teams = Team.objects.filter(is_open=True).values_list("first_line", "party_id", "pk")
    ranked = [(not first_line, owner not in serving, pk) for first_line, owner, pk in teams]
    return min(ranked)[-1] if ranked else None


def _serving(party_id: int | None) -> set[int]:
    """Collect the party, those above it, and those with which any of them is shared to be served."""
    parents = dict(Party.objects.values_list("pk", "parent_id"))
    above: set[int] = set()
    while party_id is not None and party_id not in above:
        above.add(party_id)
        party_id = parents.get(party_id)
    shares = Share.objects.filter(record__in=above, capacity__in=INSIDE, party__isnull=False)
    return above | set(shares.values_list("party_id", flat=True))
