"""Comments, files, links and watchers: what stands beside every record."""

from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import FileResponse
from django.utils.translation import gettext as _

from stellwerk.api import reading, schemas
from stellwerk.api.call import Answer, Call, first
from stellwerk.api.cursor import page_by
from stellwerk.api.operation import operation
from stellwerk.api.problems import Problem, not_found
from stellwerk.api.records import CURSOR, IDEMPOTENCY_KEY, LIMIT
from stellwerk.api.representation import Data, moment, reference_to
from stellwerk.kernel.activity.attachments import services as files
from stellwerk.kernel.activity.attachments.content import served_type
from stellwerk.kernel.activity.attachments.models import Attachment
from stellwerk.kernel.activity.attachments.removal import detach
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.links import services as links
from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.activity.watching import services as watching
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import link_types
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.policy import policy_of

# -- comments ----------------------------------------------------------------------------------------


@operation(
    "GET",
    "{type}/{reference}/comments",
    "listComments",
    "Read what was said, oldest first",
    query=[CURSOR, LIMIT],
    answer=schemas.comments,
    refusals=[404, 422],
)
def list_comments(call: Call) -> Answer:
    said = Comment.objects.filter(record_id=call.record.pk).select_related("author")
    if not policy_of(call.person).sees_internal(call.record):
        said = said.filter(internal=False)
    rows, following = page_by("pk", said, call)
    return Answer({"items": [_comment(row) for row in rows], "next": following})


@operation(
    "POST",
    "{type}/{reference}/comments",
    "addComment",
    "Reply, or add an internal note",
    headers=[IDEMPOTENCY_KEY],
    body=schemas.new_comment,
    answer=schemas.comment_made,
    status=201,
    refusals=[400, 404, 413, 415, 422],
)
def add_comment(call: Call) -> Answer:
    record = call.record
    reading.refuse_unknown(call.body, ("body", "internal", "keep_status"))
    said = comment(
        record,
        reading.text(call.body, "body"),
        by=call.person,
        internal=reading.flag(call.body, "internal"),
        keep_status=reading.flag(call.body, "keep_status"),
    )
    return Answer({**_comment(said), "outcome": _outcome(said)}, 201)


def _outcome(written: Comment | Attachment) -> Data | None:
    """Tell what a comment or file set going, such as that the record is open again."""
    outcome = written.outcome
    return {"text": outcome.text, "record": reference_to(outcome.record)} if outcome else None


def _comment(said: Comment) -> Data:
    return {
        "id": said.pk,
        "by": reference_to(said.author),
        "at": moment(said.at),
        "body": said.body,
        "internal": said.internal,
    }


# -- files -------------------------------------------------------------------------------------------


@operation(
    "GET",
    "{type}/{reference}/attachments",
    "listAttachments",
    "List the files",
    answer=schemas.attachments,
    refusals=[404],
)
def list_attachments(call: Call) -> Answer:
    found = files.attachments_of(call.record, call.person).select_related("author")
    return Answer({"items": [_attachment(call, attachment) for attachment in found]})


@operation(
    "POST",
    "{type}/{reference}/attachments",
    "addAttachment",
    "Attach a file",
    headers=[IDEMPOTENCY_KEY],
    upload=True,
    answer=schemas.attachment_made,
    status=201,
    refusals=[400, 404, 413, 415, 422],
)
def add_attachment(call: Call) -> Answer:
    record = call.record
    if call.request.content_type != "multipart/form-data":
        raise Problem(
            415, "unsupported-media-type", _("Send the file as multipart/form-data, in the field “file”.")
        )
    reading.refuse_unknown({**call.request.POST.dict(), **call.request.FILES.dict()}, ("file", "internal"))
    sent = call.request.FILES.getlist("file")
    if len(sent) != 1 or not isinstance(sent[0], UploadedFile):
        raise reading.unfit("file", _("Send exactly one file, in the field “file”."))
    internal = call.request.POST.get("internal", "false")
    if internal not in ("true", "false"):
        raise reading.unfit("internal", _("Give true or false."))
    attachment = files.attach(
        record, sent[0], sent[0].name or "", by=call.person, internal=internal == "true"
    )
    return Answer({**_attachment(call, attachment), "outcome": _outcome(attachment)}, 201)


@operation(
    "GET",
    "{type}/{reference}/attachments/{id}",
    "getAttachment",
    "Download a file",
    answer=None,
    refusals=[404],
)
def download_attachment(call: Call) -> FileResponse:
    found = first(files.attachments_of(call.record, call.person).filter(pk=call.where["id"]))
    return FileResponse(
        found.blob.file.open("rb"),
        as_attachment=True,
        filename=found.name,
        content_type=served_type(found.name, found.blob.content_type),
        headers={
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
        },
    )


@operation(
    "DELETE",
    "{type}/{reference}/attachments/{id}",
    "removeAttachment",
    "Remove a file",
    status=204,
    refusals=[404],
)
def remove_attachment(call: Call) -> Answer:
    found = first(files.attachments_of(call.record, call.person).filter(pk=call.where["id"]))
    detach(found, by=call.person)
    return Answer(None, 204)


def _attachment(call: Call, attachment: Attachment) -> Data:
    return {
        "id": attachment.pk,
        "name": attachment.name,
        "size": attachment.blob.size,
        "content_type": served_type(attachment.name, attachment.blob.content_type),
        "sha256": attachment.blob.sha256,
        "by": reference_to(attachment.author),
        "at": moment(attachment.at),
        "internal": attachment.internal,
    }


# -- links -------------------------------------------------------------------------------------------


@operation(
    "GET", "{type}/{reference}/links", "listLinks", "List the links", answer=schemas.links, refusals=[404]
)
def list_links(call: Call) -> Answer:
    return Answer({"items": [_link(call.record, link) for link in _links(call)]})


@operation(
    "POST",
    "{type}/{reference}/links",
    "addLink",
    "Link to another record",
    headers=[IDEMPOTENCY_KEY],
    body=schemas.new_link,
    answer=schemas.link,
    status=201,
    refusals=[400, 404, 413, 415, 422],
)
def add_link(call: Call) -> Answer:
    record = call.record
    reading.refuse_unknown(call.body, ("type", "target"))
    kind, target = reading.text(call.body, "type"), reading.text(call.body, "target").upper()
    if kind not in {each.key for each in link_types.all_link_types()}:
        known = ", ".join(sorted(each.key for each in link_types.all_link_types()))
        raise reading.unfit("type", _("Choose one of: %s.") % known)
    other = Record.objects.visible_to(call.person).filter(reference=target).first()
    if other is None:
        raise reading.unfit("target", _("Select a record from the list."))
    made = links.link(record, kind, other, by=call.person)
    return Answer(_link(record, made), 201)


@operation(
    "DELETE",
    "{type}/{reference}/links/{id}",
    "removeLink",
    "Remove a link",
    status=204,
    refusals=[404, 422],
)
def remove_link(call: Call) -> Answer:
    links.unlink(first(_links(call).filter(pk=call.where["id"])), by=call.person)
    return Answer(None, 204)


def _links(call: Call) -> QuerySet[Link]:
    """Select the links that the caller may see; what is tied to a record is its staff's business."""
    found = links.links_of(call.record, call.person).order_by("pk")
    return found if policy_of(call.person).sees_internal(call.record) else found.none()


def _link(record: Record, link: Link) -> Data:
    outward = link.source_id == record.pk
    return {
        "id": link.pk,
        "type": link.type,
        "direction": "out" if outward else "in",
        "record": reference_to(link.target if outward else link.source),
        "origin": link.origin,
    }


# -- watchers ----------------------------------------------------------------------------------------


@operation(
    "GET",
    "{type}/{reference}/watchers",
    "listWatchers",
    "List who watches",
    answer=schemas.people,
    refusals=[404],
)
def list_watchers(call: Call) -> Answer:
    people = watching.watchers_of(call.record)
    if not policy_of(call.person).sees_internal(call.record):
        people = people.filter(pk=call.person.pk)
    return Answer({"items": [reference_to(person) for person in people]})


@operation(
    "POST",
    "{type}/{reference}/watchers",
    "addWatcher",
    "Watch, or have somebody watch",
    body=schemas.new_watcher,
    answer=schemas.person,
    status=201,
    refusals=[400, 404, 413, 415, 422],
)
def add_watcher(call: Call) -> Answer:
    record = call.record
    reading.refuse_unknown(call.body, ("person",))
    person = _person(call, reading.text(call.body, "person")) if "person" in call.body else call.person
    if person is None:
        raise reading.unfit("person", _("Select a record from the list."))
    watching.watch(record, person, by=call.person)
    return Answer(reference_to(person), 201)


@operation(
    "DELETE",
    "{type}/{reference}/watchers/{person}",
    "removeWatcher",
    "Stop watching",
    status=204,
    refusals=[404],
)
def remove_watcher(call: Call) -> Answer:
    person = _person(call, call.where["person"])
    if person is None:
        raise not_found()
    watching.unwatch(call.record, person, by=call.person)
    return Answer(None, 204)


def _person(call: Call, reference: str) -> Person | None:
    if reference.upper() in (call.person.reference, "ME"):
        return call.person
    return Person.objects.visible_to(call.person).filter(reference=reference.upper()).first()
