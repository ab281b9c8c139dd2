"""Writing on a record: replies and notes with files, and a step together with them."""

from collections.abc import Sequence
from dataclasses import replace

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry, Verb
from stellwerk.kernel.model.errors import StaleWrite
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.write.services import transition
from stellwerk.signed_in import SignedInRequest
from stellwerk.web.error_responses import sentence
from stellwerk.web.record import drafts
from stellwerk.web.record.editing import whole_text
from stellwerk.web.record.forms import RecordForm
from stellwerk.web.record.lookup import inside_record, version_of, visible_record
from stellwerk.web.record.page import RecordPage, draw, reply_place
from stellwerk.web.record.steps import find_step

MOST_FILES = 20
LONGEST_SEARCH = 200


class UnseenWords(Exception):
    """Somebody wrote on the record after the writer had opened it."""


@login_required
@require_safe
def templates_page(request: SignedInRequest, reference: str) -> HttpResponse:
    """List the texts to answer with that `q` finds, or the first ones."""
    person = request.user
    record = inside_record(person, reference)
    if not policy_of(person).may_comment(record):
        raise PermissionDenied(
            _("You can read %s, but you don't have permission to reply to it.") % record.reference
        )
    templates = requestable(record.record_type).reply_templates(
        record, person, request.GET.get("q", "")[:LONGEST_SEARCH]
    )
    return render(request, "stellwerk/parts/reply_templates.html", {"templates": templates})


@login_required
@require_POST
def reply_page(request: SignedInRequest, reference: str) -> HttpResponse:
    """Add a reply or an internal note, with files, and take a step if one was chosen: all of it or nothing."""
    person = request.user
    page = RecordPage(visible_record(person, reference), person)
    if not page.policy.may_comment(page.record):
        raise PermissionDenied(
            _("You can read %s, but you don't have permission to reply to it.") % page.record.reference
        )
    try:
        files = request.FILES.getlist("files")
        with transaction.atomic():
            add_comment(page, request.POST, files)
    except UnseenWords as unseen:
        again = RecordPage(visible_record(person, reference), person)
        return refused(request, again, str(unseen), 409)
    except ValidationError as error:
        return refused(request, page, sentence(error), 422)
    except StaleWrite as stale:
        again = RecordPage(stale.current, person)
        return refused(request, again, _("%s Send again to continue.") % stale, 409)
    messages.success(request, _("Sent."))
    return redirect(page.record)


def add_comment(page: RecordPage, given: QueryDict, files: Sequence["UploadedFile[bytes]"]) -> Record:
    """Write what a composer was filled with; call inside a transaction. Files alone are fine without a text."""
    record, person, body = page.record, page.person, given.get("body", "")
    internal = given.get("kind") == "note"
    if len(files) > MOST_FILES:
        raise ValidationError(_("At most %d files at a time. Send the rest afterwards.") % MOST_FILES)
    if not internal:
        require_seen(record, version_of(given.get("seen")), person, inside=page.inside)
    if given.get("step"):
        _take_step(page, given, body)
    said = None
    if body.strip() or not files:
        # The words that go with a step explain it: they do not move the record on once more.
        said = comment(record, body, by=person, internal=internal, keep_status=bool(given.get("step")))
    for file in files:
        attach(record, file, file.name or "", by=person, internal=internal, comment=said)
    drafts.forget(person, reply_place(record))
    return record


def require_seen(
    record: Record, seen: int | None, person: Person, *, inside: bool, also: Q | None = None
) -> None:
    """Refuse a reply over words that its writer has not seen: what was written since the page was opened.

    `seen` is how many entries the journal had then; `also` selects what else must have been seen. Raises UnseenWords.
    """
    if seen is None:
        return
    words = Q(verb=Verb.COMMENT)
    since = Entry.objects.filter(words | also if also else words, record_id=record.pk, number__gt=seen)
    if not inside:
        since = since.filter(internal=False)
    last = since.exclude(actor=person.pk).select_related("actor").order_by("number").last()
    if last:
        who = last.actor.title if last.actor else _("Somebody")
        text = _("%s wrote while you did. Read it, then send yours again.")
        if last.verb != Verb.COMMENT:
            text = _("%s changed the status while you wrote. Look at it, then send yours again.")
        raise UnseenWords(text % who)


def _take_step(page: RecordPage, given: QueryDict, body: str) -> None:
    """Take the chosen step; a text that it asks for is the reply itself."""
    step = find_step(page, given.get("step", ""))
    texts = [name for name in step.asks if page.fields[name].is_text]
    names = [name for name in step.asks if name not in texts]
    form = RecordForm(page.record_type, names, page.person, data=given, prefix=step.name, required=names)
    if not form.is_valid():
        wrong = [f"{form[name].label}: {errors[0]}" for name, errors in form.errors.items()]
        raise ValidationError(wrong)
    if texts and given.get("kind") == "note":
        raise ValidationError(
            _("“%s” needs a message to the requester. Write a reply, not an internal note.") % step.label
        )
    values = {**form.values(), **dict.fromkeys(texts, body.strip())}
    version = version_of(given.get("version"))
    transition(page.record, step.name, values, by=page.person, version=version)


def refused(request: HttpRequest, page: RecordPage, error: str, status: int) -> HttpResponse:
    """Draw the page again with what was typed and why it was not taken."""
    composer = page.composer()
    if composer is None:
        raise PermissionDenied
    for step in composer.steps:
        if form := step.form:
            form.initial = {name: request.POST.get(form.add_prefix(name)) for name in form.fields}
    if request.FILES:
        error = _("%s Choose the files again, too: they weren't kept.") % error
    again = replace(
        composer,
        error=error,
        kind=request.POST.get("kind", ""),
        body=request.POST.get("body", ""),
        step=request.POST.get("step", ""),
    )
    return draw(request, page, status, again)


@login_required
@require_safe
def comment_page(request: SignedInRequest, reference: str, pk: int) -> HttpResponse:
    """Show a long comment in full."""
    person = request.user
    page = RecordPage(visible_record(person, reference), person)
    said = Comment.objects.filter(record_id=page.record.pk, pk=pk).select_related("author").first()
    if said is None or (said.internal and not page.inside):
        raise Http404
    title = _("Internal note") if said.internal else _("Reply")
    return whole_text(request, page, title, said.body, who=said.author, at=said.at)
