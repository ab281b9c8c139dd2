"""What stands beside a record: links, watchers, files, and with whom it is shared."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseNotModified, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from stellwerk.contexts import context_of
from stellwerk.kernel.activity.attachments.content import served_type
from stellwerk.kernel.activity.attachments.models import Attachment
from stellwerk.kernel.activity.attachments.removal import detach, may_detach
from stellwerk.kernel.activity.attachments.services import attach, attachments_of
from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.activity.links.services import link, unlink
from stellwerk.kernel.activity.watching.services import unwatch, watch, watchers_of
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import link_types as types
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Capacity
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.search import index
from stellwerk.kernel.write.services import share, unshare
from stellwerk.signed_in import SignedInRequest
from stellwerk.web.dialogs import small_form
from stellwerk.web.record.context import Question, SmallForm
from stellwerk.web.record.lookup import visible_record
from stellwerk.web.record.page import RecordPage
from stellwerk.web.reference_field import ReferenceField, ReferenceInput

MOST_OFFERED = 12

# -- links -------------------------------------------------------------------------------------------------


class AnyRecordField(forms.CharField):
    """Takes the reference of any record that the person may see."""

    def __init__(self, person: Person, **kwargs: Any) -> None:
        super().__init__(max_length=250, **kwargs)
        self.person = person

    def clean(self, value: object) -> object:
        reference = str(super().clean(value)).strip().upper()
        found = Record.objects.visible_to(self.person).filter(reference=reference).first()
        if found is None:
            raise ValidationError(_("There is no such record, or you don't have access to it."))
        return found


class AnyRecordInput(ReferenceInput):
    """Suggests records of every type."""

    def address(self) -> str:
        return reverse("lookup")


class LinkForm(forms.Form):
    """Which relation, and to which record."""

    def __init__(self, page: RecordPage, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.fields["relation"] = forms.ChoiceField(label=_("This record"), choices=relations())
        self.fields["target"] = AnyRecordField(
            page.person,
            label=_("Which record"),
            help_text=_("Type a reference or words from the title"),
            widget=AnyRecordInput(page.record_type),
        )


@login_required
@require_safe
def lookup_page(request: SignedInRequest) -> HttpResponse:
    """Suggest records of every type for what is typed, as the options of a data list."""
    person = request.user
    text = request.GET.get("q", "")[:200]
    found: list[Record] = []
    if text.strip():
        visible = Record.objects.visible_to(person)
        ids = index.find(visible, text, internal=policy_of(person).as_staff(Record, few=True), most=100).page(
            1, MOST_OFFERED
        )
        by_id = visible.in_bulk(ids)
        found = [by_id[pk] for pk in ids if pk in by_id]
    return render(request, "stellwerk/parts/options_datalist.html", {"options": found})


def relations() -> list[tuple[str, str]]:
    """List every relation as it reads from this end: KEY, or KEY:inverse."""
    choices = []
    for kind in types.all_link_types():
        choices.append((kind.key, str(kind.label)))
        if not kind.symmetric:
            choices.append((f"{kind.key}:inverse", str(kind.inverse)))
    return choices


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def links_page(request: SignedInRequest, reference: str) -> HttpResponse:
    """Link the record to another one."""
    page = editable_page(request, reference)
    form = LinkForm(page, request.POST if request.method == "POST" else None)
    about = Question(_("Add a link"), _("Link"))
    if request.method != "POST":
        return dialog(request, page, form, page.address("record_links"), about)
    if form.is_valid():
        key, _colon, inverse = form.cleaned_data["relation"].partition(":")
        ends = [page.record, form.cleaned_data["target"]]
        try:
            link(*_ordered(ends, bool(inverse), key), by=page.person)
        except ValidationError as error:
            form.add_error(None, error.messages)
        else:
            return redirect(page.record)
    return dialog(request, page, form, page.address("record_links"), about, status=422)


@login_required
@require_POST
def unlink_page(request: SignedInRequest, reference: str, pk: int) -> HttpResponse:
    """Remove a link; the message offers to take that back."""
    page = editable_page(request, reference)
    found = Link.objects.select_related("source", "target").filter(pk=pk).first()
    if found is None or page.record.pk not in (found.source_id, found.target_id):
        raise Http404
    outward = found.source_id == page.record.pk
    other = found.target if outward else found.source
    relation = found.type if outward or types.get(found.type).symmetric else f"{found.type}:inverse"
    unlink(found, by=page.person)
    undo = urlencode({"relation": relation, "target": other.reference})
    message_with_undo(
        request, _("Link to %s removed.") % other.reference, f"{page.address('record_relink')}?{undo}"
    )
    return redirect(page.record)


@login_required
@require_POST
def relink_page(request: SignedInRequest, reference: str) -> HttpResponse:
    """Set a link again that was removed a moment ago."""
    page = editable_page(request, reference)
    form = LinkForm(page, request.GET)
    if not form.is_valid():
        raise ValidationError(_("This link can't be restored. Add it again."))
    key, _colon, inverse = form.cleaned_data["relation"].partition(":")
    link(*_ordered([page.record, form.cleaned_data["target"]], bool(inverse), key), by=page.person)
    return redirect(page.record)


def _ordered(ends: list[Record], inverse: bool, key: str) -> tuple[Record, str, Record]:
    source, target = ends[::-1] if inverse else ends
    return source, key, target


# -- watchers ----------------------------------------------------------------------------------------------


class WatcherForm(forms.Form):
    """Which colleague is to be told."""

    def __init__(self, page: RecordPage, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.fields["person"] = ReferenceField(registry.get("person"), page.person, label=_("Colleague"))


@login_required
@require_POST
def watch_page(request: SignedInRequest, reference: str) -> HttpResponse:
    """Watch the record, or stop watching it."""
    person = request.user
    record = visible_record(person, reference)
    if watchers_of(record).filter(pk=person.pk).exists():
        unwatch(record, person, by=person)
    else:
        watch(record, person, by=person)
    return redirect(record)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def watchers_page(request: SignedInRequest, reference: str) -> HttpResponse:
    """Have a colleague told of what happens on the record."""
    page = editable_page(request, reference)
    form = WatcherForm(page, request.POST if request.method == "POST" else None)
    about = Question(_("Add a watcher"), _("Add"))
    if request.method != "POST":
        return dialog(request, page, form, page.address("record_watchers"), about)
    if form.is_valid():
        try:
            watch(page.record, form.cleaned_data["person"], by=page.person)
        except ValidationError as error:
            form.add_error("person", error.messages)
        else:
            return redirect(page.record)
    return dialog(request, page, form, page.address("record_watchers"), about, status=422)


# -- sharing -----------------------------------------------------------------------------------------------


class ShareForm(forms.Form):
    """With whom, and in what capacity."""

    party = forms.CharField(label="")
    capacity = forms.ChoiceField(
        label=gettext_lazy("As"), choices=Capacity.choices, initial=Capacity.SUPPLIER
    )

    def __init__(self, page: RecordPage, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.fields["party"] = ReferenceField(
            registry.get("party"), page.person, label=_("Organisation"), required=False
        )
        person = ReferenceField(registry.get("person"), page.person, label=_("Or person"), required=False)
        self.fields = {"party": self.fields["party"], "person": person, "capacity": self.fields["capacity"]}

    def clean(self) -> dict[str, object]:
        given: dict[str, object] = super().clean() or {}
        if not self.errors and bool(given.get("party")) == bool(given.get("person")):
            raise ValidationError(_("Choose either an organisation or a person."))
        return given


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def shares_page(request: SignedInRequest, reference: str) -> HttpResponse:
    """Show the record to another party or person."""
    page = editable_page(request, reference)
    form = ShareForm(page, request.POST if request.method == "POST" else None)
    about = Question(
        _("Share"),
        _("Share"),
        _("Providers and federation members work on it like its own staff. Others can only follow it."),
    )
    if request.method != "POST":
        return dialog(request, page, form, page.address("record_shares"), about)
    if form.is_valid():
        given = form.cleaned_data
        share(page.record, given["party"] or given["person"], given["capacity"], by=page.person)
        return redirect(page.record)
    return dialog(request, page, form, page.address("record_shares"), about, status=422)


@login_required
@require_POST
def unshare_page(request: SignedInRequest, reference: str, pk: int) -> HttpResponse:
    """Stop showing the record to somebody; the message offers to take that back."""
    page = editable_page(request, reference)
    found = get_object_or_404(
        Share.objects.select_related("party", "person"), record_id=page.record.pk, pk=pk
    )
    whom: Party | Person = found.party or found.person  # type: ignore[assignment]
    unshare(page.record, whom, by=page.person)
    undo = urlencode({"with": whom.pk, "capacity": found.capacity})
    message_with_undo(
        request, _("No longer shared with %s.") % whom, f"{page.address('record_reshare')}?{undo}"
    )
    return redirect(page.record)


@login_required
@require_POST
def reshare_page(request: SignedInRequest, reference: str) -> HttpResponse:
    """Share with somebody again who was removed a moment ago."""
    page = editable_page(request, reference)
    wanted, capacity = request.GET.get("with", ""), request.GET.get("capacity", "")
    if not wanted.isdecimal() or len(wanted) > 18 or capacity not in Capacity.values:
        raise ValidationError(_("This can't be restored. Share it again."))
    whom = Record.objects.visible_to(page.person).filter(pk=int(wanted), kind__in=["party", "person"]).first()
    if whom is None:
        raise ValidationError(_("There is no such record, or you don't have access to it."))
    share(page.record, whom.specific, capacity, by=page.person)
    return redirect(page.record)


# -- files -------------------------------------------------------------------------------------------------


@login_required
@require_POST
def files_page(request: SignedInRequest, reference: str) -> HttpResponse:
    """Put files on the record without a word."""
    person = request.user
    record = visible_record(person, reference)
    files = request.FILES.getlist("files")
    if not files:
        raise ValidationError(_("Choose a file first."))
    for file in files:
        attach(record, file, file.name or "", by=person, internal=request.POST.get("kind") == "note")
    return redirect(record)


@login_required
@require_safe
def file_page(request: SignedInRequest, reference: str, pk: int) -> HttpResponseBase:
    """Hand out a file: always to be saved, never to be shown as a page of this site."""
    record = visible_record(request.user, reference)
    file = attachments_of(record, request.user).filter(pk=pk).first()
    if file is None:
        raise Http404
    return download(request, file)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def remove_file_page(request: SignedInRequest, reference: str, pk: int) -> HttpResponse:
    """Take a file off the record, once that was confirmed: its content cannot be brought back."""
    person = request.user
    page = RecordPage(visible_record(person, reference), person)
    file = attachments_of(page.record, person).filter(pk=pk).first()
    if file is None:
        raise Http404
    if request.method == "POST":
        detach(file, by=person)
        messages.success(request, _("“%s” was removed.") % file.name)
        return redirect(page.record)
    if not may_detach(file, page.record, person):
        raise PermissionDenied(_("You can only remove files that you added to %s.") % page.record.reference)
    about = Question(
        _("Remove “%s”?") % file.name,
        _("Remove"),
        _("Nobody can open it any more. The journal keeps its name, size and hash, not its content."),
        danger=True,
    )
    return dialog(request, page, forms.Form(), page.address("record_file_remove", pk), about)


def download(request: HttpRequest, file: Attachment) -> HttpResponseBase:
    """Answer with the file's content and headers that keep a browser from running it."""
    etag = f'"{file.blob.sha256}"'
    response: HttpResponseBase
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponseNotModified()
    else:
        try:
            content = file.blob.file.open("rb")
        except FileNotFoundError:
            raise Http404(_("The file is missing from the store. Tell your administrator.")) from None
        response = FileResponse(content)
        response["Content-Type"] = served_type(file.name, file.blob.content_type)
        response["Content-Length"] = str(file.blob.size)
        response["Content-Disposition"] = content_disposition_header(True, file.name) or "attachment"
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


# -- shared by all -----------------------------------------------------------------------------------------


def editable_page(request: SignedInRequest, reference: str) -> RecordPage:
    """Return the record's page for somebody who may change it."""
    person = request.user
    page = RecordPage(visible_record(person, reference), person)
    if not page.may_edit:
        raise PermissionDenied(
            _("You can read %s, but you don't have permission to change it.") % page.record.reference
        )
    return page


def dialog(
    request: HttpRequest,
    page: RecordPage,
    form: forms.Form,
    action: str,
    about: Question,
    *,
    status: int = 200,
) -> HttpResponse:
    """Draw a small form: in a dialog when the script asks for it, else on a page."""
    small = SmallForm(
        title=about.title,
        form=form,
        action=action,
        submit_label=about.submit_label,
        cancel_url=page.record.get_absolute_url(),
        text=about.text,
        danger=about.danger,
    )
    return small_form(request, "stellwerk/record_step.html", context_of(page.head(), small), status)


def message_with_undo(request: HttpRequest, text: str, undo_url: str) -> None:
    """Say what was done; the toast carries a button that takes it back."""
    messages.success(request, capfirst(text), extra_tags=undo_url)
