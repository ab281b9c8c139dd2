"""The declaration of parties."""

from stellwerk.kernel.declare import (
    Access,
    Retirable,
    Role,
    Section,
    ValidationError,
    _,
    register,
)
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.retirable import BECOME_FORMER, REINSTATE, in_use_until
from stellwerk.kernel.model.via import Via
from stellwerk.kernel.permissions import rights


@register
class PartyType(Retirable[Party]):
    model = Party
    prefix = "PTY"
    seldom_changes = True
    process = "services"
    icon = "building-2"
    scope = "pk"
    access = {Role.MANAGER: Access.EDIT, Role.AGENT: Access.VIEW, Role.VIEWER: Access.VIEW}
    labels = {"title": _("name")}
    columns = ["reference", "title", "party_kind", "parent", "contact", "status"]
    filters = ["party_kind", "status", "parent", "contact"]
    search = ["reference", "title", "description"]
    ordering = "title"
    in_charge = ["contact"]
    sections = [Section(_("Party"), ["title", "party_kind", "parent", "contact", "description", "website"])]
    workflow = in_use_until(BECOME_FORMER, REINSTATE)

    def defaults(self, by: Actor, via: Via) -> dict[str, object]:
        return {}

    def validate(self, record: Party, before: Party | None) -> None:
        above = record.parent
        while above is not None:
            if above.pk == record.pk:
                raise ValidationError(
                    {"parent": _("A party can't be part of itself. Choose another parent.")}
                )
            above = above.parent

    def placed_in(self, record: Party) -> int | None:
        return record.parent_id

    def authorise(self, record: Party, before: Party | None, by: Actor) -> None:
        """Roles reach what is below their party: who moves one gives and takes what they reach in it."""
        if before is not None and record.parent_id != before.parent_id:
            rights.require_place(record, record.parent_id, by)
