"""Every model of the kernel, collected here because Django looks for models in this module."""

from stellwerk.kernel.activity.attachments.models import Attachment, Blob
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.activity.watching.models import Watcher
from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.identity.api_token import ApiToken
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.identity.team import Team, TeamMembership
from stellwerk.kernel.jobs.models import JobWorker, Schedule
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model.numbering import Counter
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.reference_index import Pointer
from stellwerk.kernel.model.shared_cache import Edition
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.search.models import SearchEntry, SearchRebuild
from stellwerk.kernel.write.idempotent_answer import IdempotentAnswer

__all__ = [
    "ApiToken",
    "Attachment",
    "Blob",
    "Comment",
    "Counter",
    "CustomField",
    "Edition",
    "Entry",
    "IdempotentAnswer",
    "JobWorker",
    "Link",
    "Notification",
    "Party",
    "Person",
    "Pointer",
    "Record",
    "RoleAssignment",
    "Schedule",
    "SearchEntry",
    "SearchRebuild",
    "Share",
    "Team",
    "TeamMembership",
    "Watcher",
]
