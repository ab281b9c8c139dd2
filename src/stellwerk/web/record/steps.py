"""Taking a step of the workflow: at once, or through a form where it asks for something."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from stellwerk.contexts import context_of
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model.errors import StaleWrite
from stellwerk.kernel.model.workflow import Transition
from stellwerk.kernel.write.services import transition
from stellwerk.kernel.write.undo import undo
from stellwerk.signed_in import SignedInRequest
from stellwerk.web.dialogs import small_form
from stellwerk.web.record.context import Conflict, SmallForm
from stellwerk.web.record.editing import NO_CONFLICT, conflict_of
from stellwerk.web.record.forms import RecordForm
from stellwerk.web.record.lookup import version_of, visible_record
from stellwerk.web.record.page import RecordPage
from stellwerk.web.record.related import message_with_undo


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def step_page(request: SignedInRequest, reference: str, name: str) -> HttpResponse:
    """Take a step; GET shows what it asks for, as a dialog or as a page."""
    person = request.user
    page = RecordPage(visible_record(person, reference), person)
    step = find_step(page, name)
    data = request.POST if request.method == "POST" else None
    form = step_form(page, step, person, data)
    if request.method != "POST":
        return _show(request, page, step, form)
    if not form.is_valid():
        return _show(request, page, step, form, status=422)
    try:
        version = version_of(request.POST.get("version"))
        record = transition(page.record, name, form.values(), by=person, version=version)
    except ValidationError as error:
        form.take_errors(error)
        return _show(request, page, step, form, status=422)
    except StaleWrite as stale:
        now = RecordPage(stale.current, person)
        return _show(request, now, step, form, status=409, conflict=conflict_of(now, stale, form.values()))
    about = {"reference": record.reference, "status": record.get_status_display()}
    may_undo = page.may_edit and not record.record_type.fixed(record)
    undo_url = page.address("record_undo", record.journal_count) if may_undo else ""
    message_with_undo(request, _("%(reference)s is now “%(status)s”.") % about, undo_url)
    return redirect(record)


@login_required
@require_POST
def undo_page(request: SignedInRequest, reference: str, number: int) -> HttpResponse:
    """Take back a step or a change, as long as nothing came after it."""
    person = request.user
    record = visible_record(person, reference)
    entry = get_object_or_404(Entry, record_id=record.pk, number=number)
    undo(entry, by=person)
    return redirect(record)


def find_step(page: RecordPage, name: str) -> Transition:
    """Return the step called `name`; Http404 without one, PermissionDenied when it is not the person's to take."""
    workflow = page.record_type.workflow
    step: Transition | None = workflow.by_name.get(name) if workflow else None
    if step is None:
        raise Http404
    if not page.policy.may_take(step, page.record):
        raise PermissionDenied(
            _("You don't have permission for “%(step)s” on %(reference)s.")
            % {"step": step.label, "reference": page.record.reference}
        )
    return step


def step_form(
    page: RecordPage, step: Transition, person: Person, data: QueryDict | None = None
) -> RecordForm:
    return RecordForm(
        page.record_type, step.fields, person, data=data, record=page.record, required=step.asks
    )


def _show(
    request: HttpRequest,
    page: RecordPage,
    step: Transition,
    form: RecordForm,
    *,
    status: int = 200,
    conflict: Conflict = NO_CONFLICT,
) -> HttpResponse:
    small = SmallForm(
        title=step.label,
        text="" if step.fields else _("Take this step on “%s”?") % page.record.title,
        form=form,
        action=page.address("record_step", step.name),
        submit_label=step.label,
        cancel_url=page.record.get_absolute_url(),
        version=page.record.version,
    )
    context = context_of(page.head(), small, conflict)
    return small_form(request, "stellwerk/record_step.html", context, status)
