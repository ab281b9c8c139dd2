"""Who acts: what the rooms below people need to know of them, and Stellwerk itself."""

from dataclasses import dataclass
from typing import Protocol


class Actor(Protocol):
    """Who acts: a person, or Stellwerk itself (SYSTEM)."""

    @property
    def pk(self) -> int | None:
        """The person's id; None for Stellwerk itself."""

    @property
    def party_id(self) -> int | None:
        """The party that the person belongs to, if any."""

    @property
    def is_active(self) -> bool: ...


@dataclass(frozen=True)
class System:
    """Stellwerk itself as the one who acts: jobs, reactions, set-up."""

    name: str = "Stellwerk"
    pk: None = None
    party_id: None = None
    is_active: bool = True

    def __str__(self) -> str:
        return self.name


SYSTEM = System()
