"""Who somebody is to a record (Role) and how far that goes (Access)."""

from enum import IntEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """A capacity held by a person or team for a party (or all) and a process (or all)."""

    ADMINISTRATOR = "administrator", _("Administrator")
    MANAGER = "manager", _("Manager")
    AGENT = "agent", _("Agent")
    VIEWER = "viewer", _("Viewer")
    REQUESTER = "requester", _("Requester")


STAFF = frozenset({Role.ADMINISTRATOR, Role.MANAGER, Role.AGENT, Role.VIEWER})
"""Roles that see internal notes and every declared field; requesters see what is shown to them."""


class Access(IntEnum):
    """How far a role goes on a record; each level includes those before it."""

    NONE = 0
    VIEW = 1
    CONTRIBUTE = 2
    EDIT = 3
    FULL = 4


class Capacity(models.TextChoices):
    """In what capacity a record is shared with a party or a person."""

    REQUESTER = "requester", _("requester")
    CUSTOMER = "customer", _("customer")
    PROVIDER = "provider", _("provider")
    SUPPLIER = "supplier", _("supplier")
    MEMBER = "member", _("federation member")


INSIDE = frozenset({Capacity.PROVIDER, Capacity.MEMBER})
"""Capacities in which the other party's staff work on the record as on their own."""
