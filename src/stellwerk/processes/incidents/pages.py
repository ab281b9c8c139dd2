"""Pages of tickets beyond the generic ones: merging and taking apart again."""

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from stellwerk.processes.incidents.services import merge, unmerge
from stellwerk.processes.incidents.ticket import Ticket
from stellwerk.signed_in import SignedInRequest
from stellwerk.web.error_responses import sentence
from stellwerk.web.record.context import Question
from stellwerk.web.record.page import RecordPage
from stellwerk.web.record.related import dialog, editable_page, message_with_undo
from stellwerk.web.reference_field import ReferenceField, ReferenceInput


class OtherTicketInput(ReferenceInput):
    """Suggests the open tickets of the same kind, without the one that is merged."""

    def __init__(self, ticket: Ticket) -> None:
        super().__init__(ticket.record_type)
        self.ticket = ticket

    def address(self) -> str:
        return f"{super().address()}?without={self.ticket.reference}"


class MergeForm(forms.Form):
    """Which ticket goes on."""

    def __init__(self, page: RecordPage, ticket: Ticket, data: QueryDict | None = None) -> None:
        super().__init__(data)
        into = ReferenceField(page.record_type, page.person, label=_("Merge into"))
        into.widget = OtherTicketInput(ticket)
        into.help_text = _("Type a reference or words from the title. Only open %s are listed.") % (
            page.record_type.label_plural
        )
        self.fields["into"] = into


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def merge_page(request: SignedInRequest, reference: str) -> HttpResponse:
    """Close a ticket as a duplicate of another one; the message offers to take that back."""
    page, ticket = ticket_page(request, reference)
    form = MergeForm(page, ticket, request.POST if request.method == "POST" else None)
    about = Question(
        _("Merge into another ticket"),
        _("Merge"),
        _(
            "This ticket is cancelled as a duplicate. Its requester keeps it and sees only their own words. Their "
            "replies reach the other ticket as notes, and they can read its resolution."
        ),
    )
    if request.method != "POST":
        return dialog(request, page, form, page.address("ticket_merge"), about)
    if form.is_valid():
        into = form.cleaned_data["into"]
        try:
            merge(ticket, into, by=page.person)
        except ValidationError as error:
            form.add_error("into", sentence(error))
        else:
            undo = page.address("ticket_unmerge")
            message_with_undo(request, _("%s is merged.") % ticket.reference, undo)
            return redirect(into)
    return dialog(request, page, form, page.address("ticket_merge"), about, status=422)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def unmerge_page(request: SignedInRequest, reference: str) -> HttpResponse:
    """Take a merged ticket apart again, once that was confirmed."""
    page, ticket = ticket_page(request, reference)
    if request.method == "POST":
        unmerge(ticket, by=page.person)
        return redirect(ticket)
    about = Question(
        _("Undo merge"),
        _("Undo merge"),
        _("The merge was undone: this ticket is as it was before, and its link to the other one is gone."),
    )
    return dialog(request, page, forms.Form(), page.address("ticket_unmerge"), about)


def ticket_page(request: SignedInRequest, reference: str) -> tuple[RecordPage, Ticket]:
    page = editable_page(request, reference)
    if not isinstance(page.record, Ticket):
        raise Http404
    return page, page.record
