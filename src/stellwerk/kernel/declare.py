"""Everything that a declaration needs, in one import."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from stellwerk.kernel.model.declaration import RecordType, Section, View
from stellwerk.kernel.model.link_types import LinkType, link_type
from stellwerk.kernel.model.record import Record, TypedRecord
from stellwerk.kernel.model.registry import register
from stellwerk.kernel.model.requestable import Requestable
from stellwerk.kernel.model.retirable import Active, InUse, Retirable
from stellwerk.kernel.model.roles import Access, Role
from stellwerk.kernel.model.workflow import Transition, Workflow

__all__ = [
    "Access",
    "Active",
    "InUse",
    "LinkType",
    "Record",
    "RecordType",
    "Requestable",
    "Retirable",
    "Role",
    "Section",
    "Transition",
    "TypedRecord",
    "ValidationError",
    "View",
    "Workflow",
    "_",
    "link_type",
    "models",
    "register",
]
