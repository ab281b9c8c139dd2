"""Putting files on records and handing them out."""

import hashlib
from datetime import datetime

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import File
from django.core.files.storage import Storage
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from stellwerk.kernel.activity.attachments.content import proven_type, safe_name
from stellwerk.kernel.activity.attachments.models import Attachment, Blob
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.journal.entry import Verb
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.values import to_machine
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.write.services import ChangeContext, note
from stellwerk.kernel.write.writer import locked
from stellwerk.vocabulary import JsonObject

BEGINNING = 4096


def attach(
    record: Record,
    content: File[bytes],
    name: str,
    *,
    by: Actor,
    internal: bool = False,
    comment: Comment | None = None,
    at: datetime | None = None,
    brought_from: str = "",
) -> Attachment:
    """Put a file on the record, with `comment` if it came with one; return the attachment.

    The same content is stored once. Raises ValidationError for an empty or too large file, PermissionDenied
    for who may not write here.
    """
    context = ChangeContext(Verb.ATTACH, by, at=at, brought_from=brought_from)
    _require_hand(record, by, internal)
    _check_size(content)
    with transaction.atomic():
        record = locked(record.specific)
        blob = stored(content)
        name = safe_name(name)
        about: JsonObject = {
            "name": name,
            "size": blob.size,
            "sha256": blob.sha256,
            "type": blob.content_type,
            "comment": mark_of(comment),
        }
        attachment = Attachment(
            record_id=record.pk,
            comment=comment,
            blob=blob,
            name=name,
            author_id=by.pk,
            internal=internal,
        )
        entry = note(record, context, {"@file": [None, about]}, internal=internal, subject=attachment)
        attachment.at = entry.at
        attachment.save(force_insert=True)
    return attachment


def attachments_of(record: Record, person: Actor) -> QuerySet[Attachment]:
    """Select the record's files that `person`, who sees the record, may have."""
    files = Attachment.objects.filter(record_id=record.pk).select_related("blob").order_by("id")
    return files if policy_of(person).sees_internal(record) else files.filter(internal=False)


def mark_of(comment: Comment | None) -> JsonObject | None:
    """What the journal says of the comment that a file came with."""
    if comment is None:
        return None
    return {"at": to_machine(comment.at), "sha256": hashlib.sha256(comment.body.encode()).hexdigest()}


def _check_size(content: File[bytes]) -> None:
    if not content.size:
        raise ValidationError({"files": _("The file is empty. Choose another one.")})
    if content.size > settings.UPLOAD_LIMIT:
        raise ValidationError(
            {"files": _("The file is too large. The limit is %d MB.") % (settings.UPLOAD_LIMIT // 2**20)}
        )


def _require_hand(record: Record, by: Actor, internal: bool) -> None:
    policy = policy_of(by)
    if not policy.may_comment(record):
        raise PermissionDenied(
            _("You can read %s, but you don't have permission to add files to it.") % record.reference
        )
    if internal and not policy.sees_internal(record):
        raise PermissionDenied(_("Only staff can add internal files to %s.") % record.reference)


def stored(content: File[bytes]) -> Blob:
    """Find the content among what is stored, or store it under its hash; inside a transaction.

    What is there already is locked, so that nobody removes it before the attachment is written.
    """
    sha256, size, beginning = _measured(content)
    known = Blob.objects.select_for_update().filter(sha256=sha256).first()
    storage = Blob.file.field.storage
    name = _kept(storage, f"blobs/{sha256[:2]}/{sha256}", content, size)
    if known is not None:
        return known
    defaults = {"size": size, "content_type": proven_type(beginning), "file": name}
    return Blob.objects.get_or_create(sha256=sha256, defaults=defaults)[0]


def _measured(content: File[bytes]) -> tuple[str, int, bytes]:
    digest, size, beginning = hashlib.sha256(), 0, b""
    content.seek(0)
    for chunk in content.chunks():
        beginning = beginning or chunk[:BEGINNING]
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size, beginning


def _kept(storage: Storage, name: str, content: File[bytes], size: int) -> str:
    """Write the content, unless it is there whole, as after a write that was rolled back."""
    if storage.exists(name):
        if storage.size(name) == size:
            return name
        storage.delete(name)
    content.seek(0)
    return storage.save(name, content)
