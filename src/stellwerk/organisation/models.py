"""The declarations of an organisation, collected here because Django looks for models in this module."""

# In the order in which types are listed.
# isort: off
from stellwerk.organisation.party import PartyType
from stellwerk.organisation.person import PersonType
from stellwerk.organisation.team import TeamMembershipType, TeamType
from stellwerk.organisation.role_assignment import RoleAssignmentType
from stellwerk.organisation.custom_field import CustomFieldType
# isort: on

__all__ = [
    "CustomFieldType",
    "PartyType",
    "PersonType",
    "RoleAssignmentType",
    "TeamMembershipType",
    "TeamType",
]
