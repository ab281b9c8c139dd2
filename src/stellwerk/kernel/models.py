"""Every model of the kernel, collected here because Django looks for models in this module."""

from stellwerk.kernel.access.party import Party
from stellwerk.kernel.access.person import Person
from stellwerk.kernel.access.role_assignment import RoleAssignment
from stellwerk.kernel.access.share import Share
from stellwerk.kernel.access.team import Team, TeamMembership
from stellwerk.kernel.accounts.address_change import AddressChange
from stellwerk.kernel.accounts.models import ResetMail
from stellwerk.kernel.api.models import ApiToken, IdempotentAnswer
from stellwerk.kernel.attachments.models import Attachment, Blob
from stellwerk.kernel.comments.models import Comment
from stellwerk.kernel.custom.models import CustomField
from stellwerk.kernel.exchange.models import ImportDraft, LogImport
from stellwerk.kernel.jobs.models import JobWorker, Schedule
from stellwerk.kernel.links.models import Link
from stellwerk.kernel.notifications.models import Notification
from stellwerk.kernel.records.entry import Entry
from stellwerk.kernel.records.memo import Edition
from stellwerk.kernel.records.numbering import Counter
from stellwerk.kernel.records.record import Record
from stellwerk.kernel.records.reference_index import Pointer
from stellwerk.kernel.search.models import SearchEntry, SearchRebuild
from stellwerk.kernel.watching.models import Watcher
from stellwerk.kernel.web.models import Draft, SavedView

__all__ = [
    "AddressChange",
    "ApiToken",
    "Attachment",
    "Blob",
    "Comment",
    "Counter",
    "CustomField",
    "Draft",
    "Edition",
    "Entry",
    "IdempotentAnswer",
    "ImportDraft",
    "JobWorker",
    "Link",
    "LogImport",
    "Notification",
    "Party",
    "Person",
    "Pointer",
    "Record",
    "ResetMail",
    "RoleAssignment",
    "SavedView",
    "Schedule",
    "SearchEntry",
    "SearchRebuild",
    "Share",
    "Team",
    "TeamMembership",
    "Watcher",
]
