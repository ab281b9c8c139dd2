"""Saying something on a record."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils.translation import gettext as _

from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.activity.comments.rendering import mentioned_names
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry, Verb
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.values import Changes
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.write.services import ChangeContext, note
from stellwerk.kernel.write.writer import DIRECT, Writer, locked
from stellwerk.vocabulary import JsonObject

LONGEST = 2_000_000
KEEPS_STATUS = "keep_status"
"""The name in the journal of a comment that sets nothing going."""


def comment(
    record: Record,
    body: str,
    *,
    by: Actor,
    internal: bool = False,
    keep_status: bool = False,
    at: datetime | None = None,
    brought_from: str = "",
    writer: Writer = DIRECT,
) -> Comment:
    """Add a public reply, or a note that only staff sees, in Markdown; return it.

    Reactions may move the record on, such as reopen it; with `keep_status` the text sets nothing going. What came of
    it is the comment's `outcome`.
    Raises PermissionDenied for who may not speak here, ValidationError for an empty or unfit text.
    """
    context = ChangeContext(
        Verb.COMMENT, by, KEEPS_STATUS if keep_status else "", at=at, brought_from=brought_from
    )
    with writer.atomic():
        if not writer.brings_history:
            record = locked(record.specific)
            _require_voice(record, by, internal)
        said = Comment(record_id=record.pk, author_id=by.pk, body=_clean(body), internal=internal)
        digest: Changes = {"@comment": [None, _digest(said.body)]}
        entry = note(record, context, digest, internal=internal, writer=writer, subject=said)
        said.at = entry.at
        writer.commented(record, said, (said.internal, said.body))
    return said


def comments_of(entries: Iterable[Entry]) -> dict[int, Comment]:
    """Find the comments that journal entries of one record are about, by the entries' ids; one query.

    A comment is recognised by its instant and its digest, so one that was altered is not found.
    """
    wanted = [entry for entry in entries if entry.verb == Verb.COMMENT]
    if not wanted:
        return {}
    instants = {entry.at for entry in wanted}
    said = Comment.objects.filter(
        record_id=wanted[0].record_id, at__gte=min(instants), at__lte=max(instants)
    ).order_by("id")
    known: dict[tuple[datetime, str], list[Comment]] = {}
    for comment in said:
        known.setdefault((comment.at, str(_digest(comment.body)["sha256"])), []).append(comment)
    found = {}
    for entry in sorted(wanted, key=lambda entry: entry.number):
        _none, about = entry.changes.get("@comment", (None, None))
        alike = known.get((entry.at, str(about.get("sha256")))) if isinstance(about, dict) else None
        if alike:
            found[entry.pk] = alike.pop(0)
    return found


def mentioned(body: str) -> list[Person]:
    """List the people whom a text mentions as @username."""
    names = mentioned_names(body)
    return list(Person.objects.filter(username__in=names, is_open=True)) if names else []


def _require_voice(record: Record, by: Actor, internal: bool) -> None:
    policy = policy_of(by)
    if not policy.may_comment(record):
        raise PermissionDenied(
            _("You can read %s, but you don't have permission to reply to it.") % record.reference
        )
    if internal and not policy.sees_internal(record):
        raise PermissionDenied(
            _("Only staff can write internal notes on %s. Write a reply instead.") % record.reference
        )


def _clean(body: str) -> str:
    body = body.replace("\r\n", "\n").strip()
    if not body:
        raise ValidationError({"body": _("Write something first.")})
    if len(body) > LONGEST:
        raise ValidationError({"body": _("The text is too long. Attach it as a file instead.")})
    if "\x00" in body:
        raise ValidationError({"body": _("The text contains a null character. Remove it.")})
    return body


def _digest(body: str) -> JsonObject:
    """What the journal keeps of a text: enough to prove that it is still the same."""
    return {"sha256": hashlib.sha256(body.encode()).hexdigest(), "length": len(body)}
