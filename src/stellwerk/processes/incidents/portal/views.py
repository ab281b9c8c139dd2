"""The portal: find a service, report, ask, follow, answer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from stellwerk.contexts import context_of
from stellwerk.kernel.activity.attachments.models import Attachment
from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.activity.comments.rendering import opening
from stellwerk.kernel.activity.comments.rendering import render as markdown
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Verb
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.via import Via
from stellwerk.kernel.permissions.guest_view import standings
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.write.events import Outcome
from stellwerk.kernel.write.services import create, transition
from stellwerk.processes.incidents.closure import closure_rules
from stellwerk.processes.incidents.portal import catalogue, tickets
from stellwerk.processes.incidents.portal.context import (
    About,
    Asks,
    FieldGroup,
    Home,
    MyTickets,
    NewTicket,
    ServicePage,
    Services,
    TicketPage,
    Way,
    Words,
)
from stellwerk.processes.incidents.portal.forms import TicketForm, WithdrawForm
from stellwerk.processes.incidents.ticket import TICKET_WORKFLOW, Ticket, successor
from stellwerk.signed_in import SignedInRequest
from stellwerk.web.dialogs import small_form
from stellwerk.web.error_responses import sentence
from stellwerk.web.parts import Empty, Pager, RecordHead, Tab
from stellwerk.web.record import drafts
from stellwerk.web.record.commenting import UnseenWords, require_seen
from stellwerk.web.record.context import Composer, OfferedStep, SmallForm, WordKind
from stellwerk.web.record.lookup import version_of
from stellwerk.web.record.rendering import Names
from stellwerk.web.record.stream import Stream, StreamEntry
from stellwerk.web.unsent import COMPOSERS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SHOWN = 8
PER_PAGE = 25
ANSWERS = {
    "confirm": gettext_lazy("Thank you. The ticket is closed."),
    "reopen": gettext_lazy("It's open again and we're working on it."),
}
"""The steps that answer whether something is solved, with what to say once they are taken."""
SOLVED = "solved"
"""The kind of reply that confirms a solution; any other reopens the ticket."""
PLACE = "portal:{reference}"
"""Where a reply is kept until it is sent: not where the staff's are, which may be internal notes."""
COMPOSERS["portal_reply"] = (PLACE, "portal_ticket")
ENDED = (Ticket.Status.RESOLVED, Ticket.Status.CLOSED, Ticket.Status.CANCELLED)


@login_required
@require_safe
def home(request: SignedInRequest) -> HttpResponse:
    """Show what waits for the reader, their open tickets, and the ways to ask for help."""
    person = request.user
    current = tickets.in_tab(person, "open")
    turn = tickets.requesters_turn()
    theirs = list(current.filter(turn)[: PER_PAGE + 1])
    mine = tickets.typed([*theirs, *current.exclude(turn)[:SHOWN]])
    waiting, others = mine[: len(theirs)], mine[len(theirs) :]
    shown = waiting[:PER_PAGE]
    rows = tickets.rows([*shown, *others])
    context = Home(
        name=person.get_short_name(),
        ways=_ways(),
        waiting=rows[: len(shown)],
        more_waiting=len(waiting) > PER_PAGE,
        tickets=rows[len(shown) :],
        tickets_url=reverse("portal_tickets"),
        services=[catalogue.tile(service) for service in catalogue.catalogue(person)[:SHOWN]],
        services_url=reverse("portal_services"),
        search_url=reverse("portal_services"),
    )
    return _page(request, "home", context)


@login_required
@require_safe
def services(request: SignedInRequest) -> HttpResponse:
    """Show the service catalogue, or what of it and of the reader's tickets matches `q`."""
    text = request.GET.get("q", "")[:200]
    found = catalogue.search(request.user, text)
    mine = tickets.search(request.user, text)
    context = Services(
        q=text,
        services=[catalogue.tile(service) for service in found],
        tickets=tickets.rows(mine),
        search_url=reverse("portal_services"),
        ask_url=reverse("portal_new", args=["service_request"]),
    )
    return _page(request, "services", context)


@login_required
@require_safe
def service(request: SignedInRequest, reference: str) -> HttpResponse:
    """Show one service and the reader's open tickets about it."""
    person = request.user
    found = catalogue.catalogue(person).filter(reference=reference.upper()).first()
    if found is None:
        raise Http404
    about = tickets.typed(tickets.about(person, found)[: PER_PAGE + 1])
    context = ServicePage(
        service=catalogue.detail(found),
        facts=catalogue.facts(found),
        ways=_ways(f"?service={found.reference}"),
        tickets=tickets.rows(about[:PER_PAGE]),
        tickets_url=reverse("portal_tickets") if len(about) > PER_PAGE else "",
        services_url=reverse("portal_services"),
    )
    return _page(request, "service", context)


@login_required
@require_safe
def my_tickets(request: SignedInRequest) -> HttpResponse:
    """List the reader's tickets in tabs."""
    person = request.user
    tab = request.GET.get("show", "open")
    tabs = [item for item in tickets.TABS if item[0] != "organisation" or _looks_after_others(person)]
    if tab not in dict(tabs):
        raise Http404
    page = Paginator(tickets.in_tab(person, tab), PER_PAGE).get_page(request.GET.get("page"))
    context = MyTickets(
        tickets=tickets.rows(tickets.typed(page.object_list)),
        tabs=[Tab(label, f"?show={key}", key == tab) for key, label in tabs],
        page=Pager(
            total=page.paginator.count,
            exact=True,
            first=page.start_index(),
            last=page.end_index(),
            previous_url=f"?show={tab}&page={page.previous_page_number()}" if page.has_previous() else "",
            next_url=f"?show={tab}&page={page.next_page_number()}" if page.has_next() else "",
        ),
        new_url=reverse("portal_new", args=["incident"]),
        words_url=reverse("portal_words") if tab == "all" else "",
        empty=Empty(
            _("Nothing here"),
            _("What you report or ask for appears here, so that you can follow and reply."),
            reverse("portal_new", args=["incident"]),
            _("Report a problem"),
        ),
    )
    return _page(request, "list", context)


@login_required
@require_safe
def former_words(request: SignedInRequest) -> HttpResponse:
    """List what the reader wrote on tickets that were entered for them and belong to somebody else."""
    person = request.user
    words = tickets.former_words(person)
    context = Words(
        words=[
            StreamEntry(
                "reply",
                person.title,
                one.at,
                what=_("wrote on %s") % one.reference,
                body=markdown(one.body),
            )
            for one in words
        ],
        tickets_url=reverse("portal_tickets"),
    )
    return _page(request, "words", context)


@login_required
def new(request: SignedInRequest, kind: str) -> HttpResponse:
    """Ask for a new ticket and create it, once however often the form is sent."""
    if kind not in tickets.KINDS:
        raise Http404
    person = request.user
    if request.method == "POST":
        form = TicketForm(person, catalogue.catalogue(person), request.POST, request.FILES)
        if form.is_valid() and (made := _create(request, kind, form, person)):
            messages.success(
                request, _("Thank you. Your ticket is %s, and we'll answer here.") % made.reference
            )
            return redirect("portal_ticket", made.reference)
    else:
        services = catalogue.catalogue(person)
        chosen = services.filter(reference=request.GET.get("service", "").upper()).first()
        initial = {"title": request.GET.get("title", "")[:250], "service": chosen}
        form = TicketForm(person, services, initial=initial)
    title, lead = _("Request something"), _("Access, information, advice, something new.")
    if kind == "incident":
        title, lead = _("Report a problem"), _("Something doesn't work as it should.")
    context = NewTicket(title, lead, form, [FieldGroup(list(form))], reverse("portal"))
    return _page(request, "new", context, status=422 if form.errors else 200)


@login_required
@require_safe
def ticket(request: SignedInRequest, reference: str) -> HttpResponse:
    """Show one ticket: what was said, and what the requester may do about it."""
    return _show(request, _find(request, reference))


@login_required
@require_POST
def reply(request: SignedInRequest, reference: str) -> HttpResponse:
    """Add what the requester says, with files, and lead to where it goes on."""
    found, person = _find(request, reference), request.user
    if not policy_of(person).may_comment(found):
        raise PermissionDenied(
            _("You can read %s, but you don't have permission to reply to it.") % found.reference
        )
    outcomes: list[Outcome] = []
    try:
        files = request.FILES.getlist("files")
        with transaction.atomic():
            goes_on = _write(found, request.POST, files, person, outcomes)
    except UnseenWords as unseen:
        return _refused(request, _find(request, reference), str(unseen), 409)
    except ValidationError as error:
        return _refused(request, found, sentence(error), 422)
    for outcome in outcomes:
        messages.success(request, outcome.text)
    return redirect("portal_ticket", goes_on.reference)


def _write(
    found: Ticket,
    given: QueryDict,
    files: Sequence["UploadedFile[bytes]"],
    person: Person,
    outcomes: list[Outcome],
) -> Record:
    """Write a reply, or the last words on what is solved; note what it set going and return where it goes on."""
    body, solved = given.get("body", ""), given.get("kind") == SOLVED
    ended = Q(verb=Verb.TRANSITION, changes__status__1__in=ENDED)
    require_seen(found, version_of(given.get("seen")), person, inside=False, also=ended)
    said = None
    if body.strip() or not (files or solved):
        said = comment(found, body, by=person, keep_status=solved)
    written: list[Comment | Attachment] = [said] if said else []
    for file in files:
        written.append(attach(found, file, file.name or "", by=person, comment=said))
    drafts.forget(person, PLACE.format(reference=found.reference))
    if solved:
        closed = transition(found, "confirm", by=person)
        outcomes.append(Outcome(str(ANSWERS["confirm"]), closed))
    else:
        outcomes += [one.outcome for one in written if one.outcome]
    return outcomes[-1].record if outcomes else found


def _refused(request: SignedInRequest, found: Ticket, error: str, status: int) -> HttpResponse:
    """Show the ticket as it is now with what was typed and why it was not taken."""
    if request.FILES:
        error = _("%s Choose the files again, too: they weren't kept.") % error
    kind, body = request.POST.get("kind", ""), request.POST.get("body", "")
    return _show(request, found, kind=kind, body=body, error=error, status=status)


@login_required
@require_POST
def step(request: SignedInRequest, reference: str, name: str) -> HttpResponse:
    """Confirm or reopen."""
    found = _find(request, reference)
    if name not in ANSWERS:
        raise Http404
    transition(found, name, by=request.user)
    messages.success(request, ANSWERS[name])
    return redirect("portal_ticket", found.reference)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: SignedInRequest, reference: str) -> HttpResponse:
    """Cancel a ticket that is no longer needed, once that was confirmed; why may be said."""
    found, person = _find(request, reference), request.user
    if not policy_of(person).may_take(TICKET_WORKFLOW.by_name["cancel"], found):
        raise PermissionDenied(
            _("You can read %s, but you don't have permission to withdraw it.") % found.reference
        )
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    days = {"days": closure_rules().reopening_days}
    if form.is_valid():
        why = {"resolution_code": Ticket.ResolutionCode.WITHDRAWN, "resolution": form.cleaned_data["reason"]}
        transition(found, "cancel", why, by=person)
        messages.success(
            request, _("It's withdrawn. If you need it after all, reopen it within %(days)d days.") % days
        )
        return redirect("portal_ticket", found.reference)
    page = reverse("portal_ticket", args=[found.reference])
    small = SmallForm(
        title=_("Withdraw this ticket"),
        text=_("We'll stop working on it. You can reopen it within %(days)d days.") % days,
        form=form,
        action=request.path,
        submit_label=_("Withdraw"),
        cancel_url=page,
    )
    context = context_of(About(RecordHead(found.reference, found.title, page)), small)
    return small_form(request, "incidents/portal/step.html", context, 422 if form.errors else 200)


# -- one ticket ------------------------------------------------------------------------------------------


def _find(request: SignedInRequest, reference: str) -> Ticket:
    for model in tickets.KINDS.values():
        visible = model.objects.visible_to(request.user).select_related("service", "requester")
        found: Ticket | None = visible.filter(reference=reference.upper()).first()
        if found:
            return found
    raise Http404


def _show(
    request: SignedInRequest,
    found: Ticket,
    *,
    kind: str = "",
    body: str = "",
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    person = request.user
    before = request.GET.get("before", "")
    earlier = int(before) if before.isascii() and before.isdigit() and len(before) < 9 else None
    stream = Stream(found, person, Names(person), show="conversation", before=earlier)
    entries = stream.entries()
    if not stream.has_earlier:
        entries.append(_report(found))
    steps = _steps(found, person)
    confirm = bool(tickets.asks_to_confirm([found]))
    asks = _asks(found, [one for one in steps if one.name in ANSWERS], confirm=confirm)
    context = TicketPage(
        record=RecordHead(found.reference, found.title, request.path),
        status=tickets.status(found, confirm=confirm),
        facts=[found.service.title] if found.service else [],
        asks=asks,
        outcome="" if asks or found.is_open else markdown(found.resolution),
        stream=entries,
        stream_more_url=f"?before={stream.earliest}" if stream.has_earlier else "",
        composer=_composer(found, person, asks, kind=kind, body=body, error=error)
        if policy_of(person).may_comment(found)
        else None,
        steps=[one for one in steps if not asks or one not in asks.steps],
        tickets_url=reverse("portal_tickets"),
        version=standings([found])[found.pk].version,
    )
    return _page(request, "ticket", context, status=status)


def _steps(found: Ticket, person: Person) -> list[OfferedStep]:
    """List what the requester may do now: confirm, reopen, withdraw."""
    possible = {step.name: step for step in TICKET_WORKFLOW.steps_from(found.status)}
    policy = policy_of(person)
    drawn = [
        OfferedStep(
            name=name,
            label=possible[name].label,
            icon=possible[name].icon,
            natural=name == "confirm",
            url=reverse("portal_step", args=[found.reference, name]),
            asks=False,
        )
        for name in ANSWERS
        if name in possible
        and policy.may_take(possible[name], found)
        and possible[name].is_worth_offering(found)
    ]
    if "cancel" in possible and policy.may_take(possible["cancel"], found):
        address = reverse("portal_withdraw", args=[found.reference])
        drawn.append(OfferedStep(_("Withdraw this ticket"), "ban", address, asks=True, name="cancel"))
    return drawn


def _report(found: Ticket) -> StreamEntry:
    """What the ticket began with, as the first entry of its conversation."""
    who = found.requester.title if found.requester else ""
    return StreamEntry(
        "description", who, found.created_at, what=_("wrote"), body=markdown(found.description)
    )


def _asks(found: Ticket, allowed: list[OfferedStep], *, confirm: bool) -> Asks | None:
    if confirm and allowed:
        shown, cut = opening(found.resolution)
        text = shown or _("We think so. Tell us if it isn't.")
        return Asks(_("Is it solved?"), markdown(f"{text} …" if cut else text), allowed)
    if found.status == Ticket.Status.WAITING and found.waiting_for == Ticket.WaitingFor.USER:
        return Asks(_("We need something from you"), _("Please reply below so that we can continue."), [])
    return None


def _composer(
    found: Ticket, person: Person, asks: Asks | None, *, kind: str, body: str, error: str
) -> Composer:
    """Offer to reply, saying what a reply sets going; on what is resolved, ask whether it is reopened."""
    kinds = [WordKind("reply", _("Reply"), _hint(found))]
    if asks and any(step.name == "confirm" for step in asks.steps):
        kinds = [
            WordKind("reply", _("Reopen with a reply"), _hint(found)),
            WordKind(SOLVED, _("Close with a reply"), _("Anything you want to add…")),
        ]
    place = PLACE.format(reference=found.reference)
    if not error:  # a refused reply stands as it was sent, any other as it was kept
        draft = drafts.draft_of(person, place)
        kind, body = draft.get("kind", ""), draft.get("body", "")
    return Composer(
        url=reverse("portal_reply", args=[found.reference]),
        kinds=kinds,
        kind=kind,
        body=body,
        error=error,
        draft_url=reverse("draft", args=[place]),
        seen=found.journal_count,
    )


def _hint(found: Ticket) -> str:
    if found.is_open:
        return _("Write to us…")
    if successor(found):
        return _("Write to us. We pass it on to the people handling this together with other reports…")
    if found.status == Ticket.Status.RESOLVED:
        return _("Tell us what doesn't work yet. Your reply reopens this ticket…")
    if TICKET_WORKFLOW.by_name["reopen"].is_worth_offering(found):
        return _("Write to us. Your reply reopens this ticket…")
    return _("Write to us. Your reply opens a new ticket, linked to this one…")


# -- helpers ---------------------------------------------------------------------------------------------


def _create(request: SignedInRequest, kind: str, form: TicketForm, person: Person) -> Ticket | None:
    """Create what the form says with its files; None, and the faults on the form, when it does not fit."""
    try:
        with transaction.atomic():
            made = create(tickets.KINDS[kind], form.ticket_values(), by=person, via=Via.PORTAL)
            for file in form.cleaned_data["uploads"]:
                attach(made, file, file.name, by=person)
        return made
    except ValidationError as error:
        _put_on(form, error)
        return None


def _put_on(form: TicketForm, error: ValidationError) -> None:
    faults = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    for name, sentences in faults.items():
        form.add_error(name if name in form.fields else None, sentences)


def _ways(query: str = "") -> list[Way]:
    return [
        Way(
            _("Report a problem"),
            _("Something doesn't work as it should"),
            reverse("portal_new", args=["incident"]) + query,
            "siren",
        ),
        Way(
            _("Request something"),
            _("Access, information, advice, something new"),
            reverse("portal_new", args=["service_request"]) + query,
            "hand-helping",
        ),
    ]


def _looks_after_others(person: Person) -> bool:
    return bool(policy_of(person).represented)


def _page(request: SignedInRequest, name: str, page: "DataclassInstance", status: int = 200) -> HttpResponse:
    return render(request, f"incidents/portal/{name}.html", context_of(page), status=status)
