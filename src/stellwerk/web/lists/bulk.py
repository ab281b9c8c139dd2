"""Acting on many records of a list at once: the same verbs, one record after the other, each with its result."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from stellwerk.contexts import context_of
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.errors import StaleWrite
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.model.roles import Access
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.write import services
from stellwerk.kernel.write.access_changes import new_access
from stellwerk.kernel.write.undo import undo
from stellwerk.signed_in import SignedInRequest
from stellwerk.vocabulary import Values
from stellwerk.web.error_responses import sentence
from stellwerk.web.fields import renderer_of
from stellwerk.web.fields.renderer import Asked
from stellwerk.web.parts import TypeHead
from stellwerk.web.record.forms import name_empty_choice
from stellwerk.web.record.related import message_with_undo

MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Item:
    """One thing that can be done to the selected records: `name` is "step.NAME" or "field.NAME"."""

    name: str
    title: str
    icon: str = ""


@dataclass(frozen=True)
class Menu:
    """Items under one button; a single item is the button itself."""

    title: str
    icon: str
    items: list[Item]


@dataclass(frozen=True)
class Outcome:
    """What came of it for one record: why not, or the record as it is now; `entry` is 0 when that wrote nothing."""

    record: Record
    why: str = ""
    entry: int = 0
    before: Record | None = None


def offered(record_type: RecordType, person: Person) -> list[Menu]:
    """List what the person may do to several records of a type; nothing for those who only look."""
    if policy_of(person).scope(record_type, Access.EDIT) == frozenset():
        return []
    fields = record_type.editable_fields
    handing_over = [name for name in fields if _hands_over(record_type, name)]
    rest = [name for name in fields if name not in handing_over and _fits(record_type, name)]
    icons = {True: "users", False: "user-round-check"}
    menus = [
        Menu(
            _field_label(record_type, name),
            icons[record_type.references[name] is Team],
            [_field(record_type, name)],
        )
        for name in handing_over
    ]
    menus.append(Menu(_("Step"), "arrow-right", _steps(record_type)))
    menus.append(Menu(_("Change"), "pencil", [_field(record_type, name) for name in rest]))
    return [menu for menu in menus if menu.items]


@dataclass(frozen=True, slots=True)
class BulkForm:
    """What an action asks before it is done to the selected records."""

    type: TypeHead
    item: Item
    form: forms.Form
    records: Sequence[Record]
    back: str
    bulk_url: str


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What was done, and what was refused and why."""

    type: TypeHead
    item: Item
    summary: str
    access: str
    refused: Sequence[Outcome]
    done: Sequence[Outcome]
    back: str


@login_required
@require_POST
def bulk_page(request: SignedInRequest, record_type: RecordType) -> HttpResponse:
    """Ask for what the action needs, then do it to the selected records; back to the list if all went well."""
    person = request.user
    selected = _selected(record_type, request.POST.getlist("selected"), person)
    item = _chosen_item(record_type, request.POST.get("action", ""), person)
    back = _back(record_type, request.POST.get("back", ""))
    given = request.POST if "apply" in request.POST else None
    form = _form(record_type, item, person, given)
    if form.fields and not (form.is_bound and form.is_valid()):
        page = BulkForm(
            type=_type(record_type),
            item=item,
            form=form,
            records=selected,
            back=back,
            bulk_url=reverse("list-bulk", args=[record_type]),
        )
        status = 422 if form.is_bound else 200
        return render(request, "stellwerk/bulk_form.html", context_of(page), status=status)
    outcomes = act(selected, item.name, form.cleaned_data if form.fields else {}, by=person)
    if any(outcome.why for outcome in outcomes):
        return _result(request, record_type, item, outcomes, back)
    told = " ".join(filter(None, [f"{item.title}: {summary(outcomes)}.", _new_access(outcomes)]))
    message_with_undo(request, told, _undo_address(record_type, outcomes, back))
    return redirect(back)


@login_required
@require_POST
def bulk_undo_page(request: SignedInRequest, record_type: RecordType) -> HttpResponse:
    """Take back what was just done to several records: `entry` is an id and the number of its entry, "12.3"."""
    person = request.user
    entries = dict(given.split(".", 1) for given in request.GET.getlist("entry") if "." in given)
    selected = _selected(record_type, list(entries), person)
    outcomes = [_take_back(record, entries[str(record.pk)], person) for record in selected]
    back = _back(record_type, request.GET.get("back", ""))
    if any(outcome.why for outcome in outcomes):
        return _result(request, record_type, Item("undo", _("Undo")), outcomes, back)
    messages.success(request, f"{_('Undo')}: {summary(outcomes)}")
    return redirect(back)


def _new_access(outcomes: list[Outcome]) -> str:
    return new_access((outcome.before, outcome.record) for outcome in outcomes if outcome.before)


def act(records: Iterable[Record], action: str, values: Values, *, by: Person) -> list[Outcome]:
    """Do one thing to each record; a refusal concerns that record only."""
    return [_attempt(record, action, values, by) for record in records]


def _attempt(record: Record, action: str, values: Values, by: Person) -> Outcome:
    what, _dot, name = action.partition(".")
    try:
        if what == "step":
            given = {field: value for field, value in values.items() if value not in (None, "")}
            done = services.transition(record, name, given, by=by)
        else:
            done = services.change(record, values, by=by)
    except ValidationError as error:
        return Outcome(record, sentence(error))
    except (PermissionDenied, StaleWrite) as error:
        return Outcome(record, str(error))
    return Outcome(
        done, entry=done.journal_count if done.journal_count > record.journal_count else 0, before=record
    )


def _take_back(record: Record, number: str, by: Person) -> Outcome:
    """Undo one entry; one that came later keeps it from being undone."""
    known = number.isascii() and number.isdigit() and len(number) < 10
    entry = Entry.objects.filter(record_id=record.pk, number=int(number)).first() if known else None
    if entry is None:
        return Outcome(record, _("There is nothing to undo."))
    try:
        return Outcome(undo(entry, by=by))
    except ValidationError as error:
        return Outcome(record, sentence(error))
    except PermissionDenied as error:
        return Outcome(record, str(error))


def _undo_address(record_type: RecordType, outcomes: list[Outcome], back: str) -> str:
    """Return where all of it is taken back; "" when nothing was written."""
    entries = [f"{outcome.record.pk}.{outcome.entry}" for outcome in outcomes if outcome.entry]
    query = urlencode({"entry": entries, "back": back}, doseq=True)
    return f"{reverse('list-bulk-undo', args=[record_type])}?{query}" if entries else ""


def _selected(record_type: RecordType, given: list[str], person: Person) -> list[Record]:
    ids = [int(value) for value in given if value.isascii() and value.isdigit() and len(value) < 19]
    if not ids:
        raise ValidationError(_("Select at least one row first, then choose what to do."))
    if len(ids) > MOST_AT_ONCE:
        raise ValidationError(_("Select at most %d rows at once.") % MOST_AT_ONCE)
    visible = record_type.model._default_manager.visible_to(person)
    found = visible.in_bulk(ids)
    return [found[pk] for pk in dict.fromkeys(ids) if pk in found]


def _chosen_item(record_type: RecordType, name: str, person: Person) -> Item:
    for menu in offered(record_type, person):
        for item in menu.items:
            if item.name == name:
                return item
    raise PermissionDenied(_("This can't be done for several records at once."))


def _form(record_type: RecordType, item: Item, person: Person, given: QueryDict | None) -> forms.Form:
    form = forms.Form(given, prefix="value", label_suffix="")
    what, _dot, name = item.name.partition(".")
    if what == "field":
        form.fields[name] = _form_field(
            record_type, name, person, required=not _may_be_empty(record_type, name)
        )
        return form
    step = record_type.workflow.by_name[name]  # type: ignore[union-attr]
    for field in step.fields:
        form.fields[field] = _form_field(record_type, field, person, required=field in step.asks)
    return form


def _form_field(record_type: RecordType, name: str, person: Person, *, required: bool) -> forms.Field:
    described = record_type.own_fields[name]
    field = renderer_of(described).form_field(described, Asked(person))
    field.required = required
    if name in requestable(record_type).participants:
        field.help_text = _("Whoever no longer takes part loses access.")
    name_empty_choice(field)
    return field


def _may_be_empty(record_type: RecordType, name: str) -> bool:
    field = record_type.own_fields[name]
    return not field.required or field.never_empty


def _steps(record_type: RecordType) -> list[Item]:
    steps = record_type.workflow.transitions if record_type.workflow else ()
    return [Item(f"step.{step.name}", str(step.label), step.icon) for step in steps if not step.automatic]


def _field(record_type: RecordType, name: str) -> Item:
    return Item(f"field.{name}", _field_label(record_type, name))


def _field_label(record_type: RecordType, name: str) -> str:
    return record_type.label_of(name)


def _hands_over(record_type: RecordType, name: str) -> bool:
    points_to = record_type.references.get(name)
    return points_to in (Person, Team) and name not in requestable(record_type).participants


def _fits(record_type: RecordType, name: str) -> bool:
    """Whether one value makes sense for several records: not for titles, long texts and what must be unique."""
    field = record_type.own_fields[name]
    return name != "title" and field.listed and not field.is_unique


def _type(record_type: RecordType) -> TypeHead:
    return TypeHead(record_type.label, record_type.label_plural, reverse("list", args=[record_type]))


def _result(
    request: HttpRequest, record_type: RecordType, item: Item, outcomes: list[Outcome], back: str
) -> HttpResponse:
    """Say record by record what could not be done."""
    page = BulkResult(
        type=_type(record_type),
        item=item,
        summary=summary(outcomes),
        access=_new_access(outcomes),
        refused=[outcome for outcome in outcomes if outcome.why],
        done=[outcome for outcome in outcomes if not outcome.why],
        back=back,
    )
    return render(request, "stellwerk/bulk_result.html", context_of(page))


def summary(outcomes: list[Outcome]) -> str:
    """Say how it went, such as "48 done, 2 refused"."""
    refused = sum(1 for outcome in outcomes if outcome.why)
    done = ngettext("%d done", "%d done", len(outcomes) - refused) % (len(outcomes) - refused)
    return f"{done}, {ngettext('%d refused', '%d refused', refused) % refused}" if refused else done


def _back(record_type: RecordType, wanted: str) -> str:
    safe: Callable[..., bool] = url_has_allowed_host_and_scheme
    return wanted if wanted.startswith("/") and safe(wanted, None) else reverse("list", args=[record_type])
