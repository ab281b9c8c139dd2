"""Taking files off records, and their content out of the store when nothing uses it any more."""

from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from stellwerk.kernel.activity.attachments.models import Attachment, Blob
from stellwerk.kernel.activity.attachments.services import mark_of
from stellwerk.kernel.jobs.job import job
from stellwerk.kernel.journal.entry import Verb
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.values import to_machine
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.write.services import ChangeContext, note
from stellwerk.kernel.write.writer import locked
from stellwerk.vocabulary import JsonObject

KEPT = timedelta(days=1)
"""How long content outlives its last use: a backup that began before finds every file that its database names."""


def detach(attachment: Attachment, *, by: Actor) -> None:
    """Take a file off its record; the journal keeps its name, size and hash. One that is gone already is no fault.

    Raises PermissionDenied for who neither edits the record nor put the file there.
    """
    with transaction.atomic():
        record = locked(attachment.record.specific)
        found = Attachment.objects.select_related("blob", "comment").filter(pk=attachment.pk).first()
        if found is None:
            return
        if not may_detach(found, record, by):
            raise PermissionDenied(_("You can only remove files that you added to %s.") % record.reference)
        about: JsonObject = {
            "name": found.name,
            "size": found.blob.size,
            "sha256": found.blob.sha256,
            # Which of several alike: the verification of the journal sets it off against its attaching.
            "at": to_machine(found.at),
            "by": found.author_id,
            "comment": mark_of(found.comment),
        }
        note(record, ChangeContext(Verb.DETACH, by), {"@file": [about, None]}, internal=found.internal)
        found.delete()
        forget_content.using(run_after=timezone.now() + KEPT).enqueue(found.blob.sha256)


def may_detach(attachment: Attachment, record: Record, person: Actor) -> bool:
    """Whether the person may take the file off the record: its staff any, others what they put there."""
    policy = policy_of(person)
    if attachment.internal and not policy.sees_internal(record):
        return False
    own = attachment.author_id == person.pk and policy.may_comment(record)
    return own or policy.may_edit(record)


@job(retries=8)
def forget_content(sha256: str) -> str:
    """Remove stored content unless an attachment uses it; who attaches the same meanwhile waits for the row."""
    with transaction.atomic():
        blob = Blob.objects.select_for_update().filter(sha256=sha256).first()
        if blob is None:
            return "gone already"
        if blob.attachments.exists():
            return "still used"
        blob.file.storage.delete(str(blob.file.name))
        blob.delete()
    return "removed"
