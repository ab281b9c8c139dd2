"""Sending notifications by mail, one message per notification, from a job."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from stellwerk.kernel.activity.comments.services import comments_of
from stellwerk.kernel.activity.notifications.messages import describe
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.jobs.job import job
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.policy import policy_of

LONGEST_QUOTE = 10_000


@job(retries=8)
def send_notification(notification_id: int) -> str:
    """Mail a notification, unless it was read meanwhile or the person may no longer see the record.

    A second attempt carries the same Message-ID, so that the recipient's mail system can drop a double.
    """
    note = (
        Notification.objects.filter(pk=notification_id)
        .select_related("person", "entry__record", "entry__actor")
        .first()
    )
    if note is None or note.entry is None or note.read_at or not note.person.email:
        return "nothing to send"
    if not _may_still_see(note, note.entry):
        return "no longer visible"
    with translation.override(note.person.language or settings.LANGUAGE_CODE):
        message(note, note.entry).send()
    return "sent"


def message(note: Notification, entry: Entry) -> EmailMessage:
    """Write the mail for a notification; every header is one line."""
    record = entry.record
    host = urlsplit(settings.STELLWERK_URL).hostname or "localhost"
    return EmailMessage(
        subject=_one_line(f"[{record.reference}] {record.title}"),
        body=_body(note, entry),
        to=[str(note.person.email)],
        headers={
            "Message-ID": f"<notification-{note.pk}@{host}>",
            "References": f"<{record.reference}@{host}>",
            "Auto-Submitted": "auto-generated",
        },
    )


def _body(note: Notification, entry: Entry) -> str:
    comment = comments_of([entry]).get(entry.pk)
    address = f"{settings.STELLWERK_URL}{entry.record.get_absolute_url()}"
    parts = [describe(note) + ".", *([comment.body[:LONGEST_QUOTE]] if comment else []), address]
    return "\n\n".join([*parts, _("You can read everything there and reply.")]) + "\n"


def _may_still_see(note: Notification, entry: Entry) -> bool:
    record = entry.record
    if not Record.objects.visible_to(note.person).filter(pk=record.pk).exists():
        return False
    return not entry.internal or policy_of(note.person).sees_internal(record)


def _one_line(text: str) -> str:
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())
