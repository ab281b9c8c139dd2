"""Changing a record: one property in place, all of them on a page; and creating a new one."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import FieldDoesNotExist, PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from stellwerk.contexts import context_of
from stellwerk.kernel.activity.comments.rendering import render as markdown
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import QUIET, Entry
from stellwerk.kernel.journal.replay import fold
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.errors import StaleWrite
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.model.values import MachineValue, to_machine
from stellwerk.kernel.model.via import Via
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.write.access_changes import new_access
from stellwerk.kernel.write.services import change, create
from stellwerk.signed_in import SignedInRequest
from stellwerk.vocabulary import Values
from stellwerk.web.dialogs import is_in_dialog, small_form
from stellwerk.web.fields import renderer_of
from stellwerk.web.parts import TypeHead
from stellwerk.web.record import drafts
from stellwerk.web.record.context import (
    ComparedLine,
    Conflict,
    FullText,
    InPlace,
    NewOf,
    Saved,
    SmallForm,
    WholeForm,
)
from stellwerk.web.record.forms import (
    RecordForm,
    form_class,
    form_sections,
    names_to_fill,
    values_of,
)
from stellwerk.web.record.lookup import version_of, visible_record
from stellwerk.web.record.page import RecordPage
from stellwerk.web.record.participants import warning

LONGEST_RENDERED = 100_000
NO_CONFLICT = Conflict()


# -- one property ----------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def field_page(request: SignedInRequest, reference: str, name: str) -> HttpResponse:
    """Edit one property: in place with scripts, on a page of its own without."""
    person = request.user
    page = _page_for(person, reference, name)
    names = [name, *(other for other in request.POST if other != name and page.may_change(other))]
    make = form_class(page.record_type)
    form = make(page.record_type, names, person, record=page.record, data=request.POST or None)
    if request.method != "POST":
        return _field_form(request, page, form, name)
    if not form.is_valid():
        return _field_form(request, page, form, name, status=422)
    version = version_of(request.POST.get("version"))
    try:
        record = change(page.record, form.changes(page.record), by=person, version=version)
    except ValidationError as error:
        form = _asking_for_more(page, form, error)
        return _field_form(request, page, form, name, status=422)
    except StaleWrite as stale:
        page = RecordPage(stale.current, person)
        return _field_form(request, page, form, name, status=409, stale=stale)
    return _property(request, RecordPage(record, person), name, page, new_access([(page.record, record)]))


@login_required
@require_safe
def value_part(request: SignedInRequest, reference: str, name: str) -> HttpResponse:
    """Show a property again, after editing was given up."""
    page = _page_for(request.user, reference, name)
    return render(request, "stellwerk/parts/property.html", {"item": page.item(name)})


@login_required
@require_safe
def text_page(request: SignedInRequest, reference: str, name: str) -> HttpResponse:
    """Show a long text in full."""
    page = RecordPage(visible_record(request.user, reference), request.user)
    shown = [text for text in page.texts() if text.name == name]
    if not shown:
        raise Http404
    return whole_text(request, page, page.renderer.label(name), str(page.values.get(name) or ""))


def whole_text(
    request: HttpRequest,
    page: RecordPage,
    title: str,
    text: str,
    who: Person | None = None,
    at: datetime | None = None,
) -> HttpResponse:
    """Draw a page with one long text; very long ones as they were written, which takes no time."""
    body = markdown(text) if len(text) <= LONGEST_RENDERED else ""
    shown = FullText(title, body, plain="" if body else text, who=who, at=at)
    return render(request, "stellwerk/record_text.html", context_of(page.head(), shown))


def _page_for(person: Person, reference: str, name: str) -> RecordPage:
    page = RecordPage(visible_record(person, reference), person)
    try:
        known = name in page.fields or bool(page.record_type.field(name))
    except FieldDoesNotExist:
        known = False
    if not known or not page.inside:
        raise Http404
    if not page.may_change(name):
        raise PermissionDenied(_("This property can't be changed here."))
    return page


def _asking_for_more(page: RecordPage, form: RecordForm, error: ValidationError) -> RecordForm:
    """Show what is wrong; a field beside the property that must be mended with it is asked for as well."""
    wrong = getattr(error, "error_dict", {})
    others = [name for name in wrong if name not in form.fields and page.may_change(name)]
    if others:
        fresh = type(form)(page.record_type, others, page.person, record=page.record)
        data = QueryDict(mutable=True)
        data.update(form.data)
        data.update({name: fresh[name].value() or "" for name in others})
        names = [*form.fields, *others]
        form = type(form)(page.record_type, names, page.person, record=page.record, data=data)
    form.take_errors(error)
    return form


def _field_form(
    request: HttpRequest,
    page: RecordPage,
    form: RecordForm,
    name: str,
    *,
    status: int = 200,
    stale: StaleWrite | None = None,
) -> HttpResponse:
    conflict, error = Conflict(), ""
    if stale is not None:
        theirs = page.renderer.plain_value(name, page.values.get(name))
        conflict = conflict_of(page, stale, {name: form.cleaned_data.get(name)})
        error = _(
            "%(who)s changed this record in the meantime. Stored now: %(theirs)s. Save again to apply yours."
        ) % {"who": conflict.conflict_who or _("Somebody"), "theirs": theirs or "–"}
    item = replace(page.item(name), cancel_url=page.address("record_value", name))
    in_place = InPlace(
        item=item,
        field=form[name],
        others=[form[other] for other in form.fields if other != name],
        form=form,
        version=page.record.version,
        warning=warning(page.record, name),
        error=error,
    )
    if getattr(request, "htmx", False) and not page.in_dialog(name) and not is_in_dialog(request):
        return render(request, "stellwerk/parts/property_form.html", context_of(in_place), status=status)
    small = SmallForm(
        title=_("Change: %s") % item.label,
        form=form,
        action=item.edit_url,
        submit_label=_("Save"),
        cancel_url="",
        version=page.record.version,
    )
    context = context_of(in_place, conflict, page.head(), small)
    return small_form(request, "stellwerk/record_step.html", context, status)


def _property(
    request: HttpRequest, page: RecordPage, name: str, before: RecordPage, access: str
) -> HttpResponse:
    """Answer a change made in place: the property, and whatever else on the page follows from it."""
    if not getattr(request, "htmx", False) or page.in_dialog(name) or is_in_dialog(request):
        if access:
            messages.info(request, access)
        return redirect(page.record)
    names = {*page.values, *before.values} - {name}
    others = [other for other in names if page.values.get(other) != before.values.get(other)]
    saved = Saved(
        item=page.item(name),
        others=[page.item(other) for other in others if not page.in_dialog(other)],
        from_other=name in requestable(page.record_type).participants[:1],
        from_whom=page.others(),
        access=access,
    )
    return render(request, "stellwerk/parts/property_saved.html", context_of(page.head(), saved))


# -- all properties ----------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_page(request: SignedInRequest, reference: str) -> HttpResponse:
    """Edit everything that may be set on a record."""
    person = request.user
    record = visible_record(person, reference)
    page = RecordPage(record, person)
    if not page.may_edit:
        raise PermissionDenied(
            _("You can read %s, but you don't have permission to change it.") % record.reference
        )
    if page.fixed:
        raise PermissionDenied(page.fixed)
    make = form_class(page.record_type)
    form = make(page.record_type, page.settable, person, record=record, data=request.POST or None)
    if request.method != "POST":
        return _edit_form(request, page, form)
    if not form.is_valid():
        return _edit_form(request, page, form, status=422)
    try:
        version = version_of(request.POST.get("version"))
        changed = change(record, _touched(form, record, version), by=person, version=version)
    except ValidationError as error:
        form.take_errors(error)
        return _edit_form(request, page, form, status=422)
    except StaleWrite as stale:
        page = RecordPage(stale.current, person)
        return _merge_form(request, page, form, stale)
    if lost := new_access([(record, changed)]):
        messages.info(request, lost)
    return redirect(record)


def _touched(form: RecordForm, record: Record, version: int | None) -> dict[str, object]:
    """Return what the person changed: what others changed since the form was opened stays theirs."""
    changes = form.changes(record)
    if version is None or version >= record.version:
        return changes
    base = state_at(record, version)
    return {name: value for name, value in changes.items() if form.machine(name, value) != base.get(name)}


def _edit_form(
    request: HttpRequest,
    page: RecordPage,
    form: RecordForm,
    *,
    status: int = 200,
    conflict: Conflict = NO_CONFLICT,
) -> HttpResponse:
    whole = WholeForm(
        title=_("Edit %s") % page.record.reference,
        form=form,
        sections=form_sections(form),
        cancel_url=page.record.get_absolute_url(),
    )
    context = context_of(page.head(), whole, conflict)
    return render(request, "stellwerk/record_form.html", context, status=status)


def _merge_form(request: HttpRequest, page: RecordPage, form: RecordForm, stale: StaleWrite) -> HttpResponse:
    """Offer the form again with what the person changed laid over what is stored now."""
    mine = form.values()
    base = state_at(page.record, stale.version)
    touched = {name for name, value in mine.items() if form.machine(name, value) != base.get(name)}
    posted: Any = form.data
    data = QueryDict(mutable=True)
    fresh = type(form)(page.record_type, form.fields, page.person, record=page.record)
    for name in form.fields:
        if name in touched:
            data.setlist(name, posted.getlist(form.add_prefix(name)))
        elif (given := fresh[name].value()) not in (None, False):
            data.setlist(name, given if isinstance(given, list) else ["on" if given is True else given])
    merged = type(form)(page.record_type, form.fields, page.person, record=page.record, data=data)
    conflict = conflict_of(page, stale, {name: mine[name] for name in touched})
    return _edit_form(request, page, merged, status=409, conflict=conflict)


def conflict_of(page: RecordPage, stale: StaleWrite, mine: Values) -> Conflict:
    """Set what somebody wanted to write against what is stored now, and say who was faster."""
    later = reversed(list(_writes(page.record)[stale.version :]))
    last = next((entry for entry in later if not entry.changes.keys().isdisjoint({*mine, "status"})), None)
    base = state_at(page.record, stale.version)
    lines = []
    for name in dict.fromkeys([*mine, *page.values, *base]):
        theirs, yours = (
            page.values.get(name),
            _entered(page, name, mine[name]) if name in mine else base.get(name),
        )
        if theirs != yours and (name in mine or theirs != base.get(name)):
            lines.append((name, yours, theirs))
    for side in (1, 2):
        page.names.want(page.renderer.ids({line[0]: line[side] for line in lines}))
    page.names.want([last.actor_id] if last else [])
    who = page.names.get(last.actor_id) if last and last.actor_id else None
    compared = [
        ComparedLine(
            page.renderer.label(name),
            page.renderer.plain_value(name, yours),
            page.renderer.plain_value(name, theirs),
        )
        for name, yours, theirs in lines
    ]
    return Conflict(compared, who.title if who else "")


def state_at(record: Record, version: int) -> dict[str, MachineValue]:
    """Rebuild the values that somebody saw who read the record at `version`."""
    return fold(_writes(record)[:version].values_list("changes", flat=True))


def _writes(record: Record) -> QuerySet[Entry]:
    """Select the entries that made the record's versions, the first made version 1."""
    return Entry.objects.filter(record_id=record.pk).exclude(verb__in=QUIET).order_by("number")


def _entered(page: RecordPage, name: str, value: object) -> MachineValue:
    field = page.fields[name]
    entered: MachineValue = renderer_of(field).entered(field, value)
    return entered


# -- a new one ---------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def create_page(request: SignedInRequest, record_type: RecordType) -> HttpResponse:
    """Create a record, and keep a draft meanwhile.

    The address may fill fields in advance: one by one, or `like` another record.
    """
    person = request.user
    policy = policy_of(person)
    staff = policy.may_create_as_staff(record_type)
    if not staff and not policy.may_request(record_type):
        if policy.scope(record_type) == frozenset():
            raise Http404
        raise PermissionDenied(_("You don't have permission to create %s.") % record_type.label_plural)
    names, via = names_to_fill(record_type, staff=staff), Via.DESK if staff else Via.PORTAL
    make = form_class(record_type)
    if request.method != "POST":
        draft = {} if "like" in request.GET else drafts.draft_of(person, create_place(record_type))
        form = make(record_type, names, person, initial=_start(record_type, person, via, names, request.GET))
        for name in names:
            if name in draft and name not in request.GET:
                form.initial[name] = draft[name]
        return _create_form(request, record_type, form)
    form = make(record_type, names, person, data=request.POST)
    if not form.is_valid():
        return _create_form(request, record_type, form, status=422)
    try:
        with transaction.atomic():
            return redirect(_create(record_type, form, person, via))
    except ValidationError as error:
        form.take_errors(error)
        return _create_form(request, record_type, form, status=422)


def create_place(record_type: RecordType) -> str:
    return f"create:{record_type.key}"


def _create(record_type: RecordType, form: RecordForm, person: Person, via: Via) -> Record:
    values = {
        name: value
        for name, value in form.values().items()
        if value not in (None, "") or not form.described[name].may_be_left_out
    }
    record: Record = create(record_type.model, values, by=person, via=via)
    drafts.forget(person, create_place(record_type))
    return record


def _start(
    record_type: RecordType, person: Person, via: Via, names: list[str], given: Mapping[str, str]
) -> dict[str, object]:
    """Begin with the model's and the type's defaults, or like another record, and with what the address fills in."""
    if "like" in given:
        start = values_of(_template(record_type, person, given["like"]), names)
    else:
        start = values_of(record_type.model(kind=record_type.key), names)
        defaults = record_type.defaults(person, via)
        start |= {name: to_machine(value) for name, value in defaults.items() if name in names}
    wanted: dict[str, object] = {name: given[name] for name in names if given.get(name)}
    pointing = {name: field for name, field in record_type.pointing.items() if name in wanted}
    wanted |= {name: field.read(given[name].upper()) for name, field in pointing.items()}
    named = {reference for name, field in pointing.items() for reference in field.named(wanted[name])}
    visible = Record.objects.visible_to(person).filter(reference__in=named)
    found = dict(visible.values_list("reference", "pk") if named else ())
    return start | wanted | {name: field.with_ids(wanted[name], found) for name, field in pointing.items()}


def _template(record_type: RecordType, person: Person, reference: str) -> Record:
    """Return the record to begin like, one that the person reads as staff."""
    found: Record = get_object_or_404(
        record_type.model.objects.visible_to(person), reference=reference.upper()
    )
    if not policy_of(person).sees_internal(found):
        raise Http404
    return found


def _create_form(
    request: HttpRequest, record_type: RecordType, form: RecordForm, *, status: int = 200
) -> HttpResponse:
    list_url = reverse("list", args=[record_type])
    whole = WholeForm(
        title=_("New %s") % record_type.label,
        form=form,
        sections=form_sections(form),
        submit_label=_("Create %s") % record_type.label,
        cancel_url=list_url,
        draft_url=reverse("draft", args=[create_place(record_type)]),
    )
    of = NewOf(TypeHead(record_type.label, record_type.label_plural, list_url))
    return render(request, "stellwerk/record_form.html", context_of(of, whole), status=status)
