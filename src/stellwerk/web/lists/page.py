"""The list page: reads the address, shows one page of rows, links to everything else."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from stellwerk.contexts import context_of
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.signed_in import SignedInRequest
from stellwerk.vocabulary import Text
from stellwerk.web import components, shell
from stellwerk.web.error_responses import refusal
from stellwerk.web.fields.renderer import FilterGroup
from stellwerk.web.lists import bulk, columns, filters
from stellwerk.web.lists.columns import Cells, headings
from stellwerk.web.lists.listing import CURRENT, MOST_COUNTED, Listing, built_in_views, counted
from stellwerk.web.parts import Empty, Link, Pager, Tab

EXPORTS = {"csv": "CSV", "xlsx": "Excel (XLSX)", "json": "JSON"}


@login_required
@require_safe
def list_page(request: SignedInRequest, record_type: RecordType) -> HttpResponse:
    """Show a list; a request for its part #list gets that part only, and the address without what says nothing.

    People without a staff role are at home in the portal.
    """
    if not shell.works_here(request.user):
        return HttpResponseRedirect(shell.instead_of_list(record_type))
    partial = request.htmx.target == "list"  # type: ignore[attr-defined]
    idle = any(not value or name.startswith("find.") for name, value in request.GET.items())
    try:
        listing = Listing(record_type, request.GET, request.user)
        if idle and not partial:
            return HttpResponseRedirect(listing.address())
        context = context_of(_around(listing), _rows(listing))
    except ValidationError as error:
        return refusal(request, error)
    template = "stellwerk/parts/list.html" if partial else "stellwerk/record_list.html"
    answer = render(request, template, context)
    patch_vary_headers(answer, ["HX-Request", "HX-Target"])  # going back must not show the part for the whole
    if idle:
        answer["HX-Push-Url"] = listing.address()
    return answer


@login_required
@require_safe
def tabs_part(request: SignedInRequest, record_type: RecordType) -> HttpResponse:
    """Show the tabs again, with counts; asked for after the page, so that the page need not wait for them."""
    try:
        listing = Listing(record_type, request.GET, request.user)
    except ValidationError as error:
        return refusal(request, error)
    context = {"tabs": _tabs(listing, counts=True), "label": record_type.label_plural, "boosted": True}
    return render(request, "stellwerk/parts/tabs.html", context)


@login_required
@require_safe
def filter_page(request: SignedInRequest, record_type: RecordType) -> HttpResponse:
    """Show the form of all filters: inside the menu, or as a page of its own where there are no scripts."""
    try:
        listing = Listing(record_type, request.GET, request.user)
        find = {n[5:]: v for n, v in request.GET.items() if n.startswith("find.") and isinstance(v, str)}
        every = AllFilters(filters.groups(listing, find), reverse("list-filters", args=[record_type]))
        context = context_of(_around(listing), every)
    except ValidationError as error:
        return refusal(request, error)
    partial = bool(request.htmx)  # type: ignore[attr-defined]
    template = "stellwerk/parts/filter_form.html" if partial else "stellwerk/record_filters.html"
    answer = render(request, template, context)
    patch_vary_headers(answer, ["HX-Request"])
    return answer


@dataclass(frozen=True, slots=True)
class ListType:
    """The type whose list it is, and how to make such a record."""

    key: str
    label: Text
    label_plural: Text
    icon: str
    create_url: str
    create_label: str


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force, with all its values."""

    label: str
    value: str
    remove_url: str


@dataclass(frozen=True, slots=True)
class SaveView:
    url: str
    query: str
    current_name: str
    """What the view that is shown is called; empty for those that everybody has."""


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    key: str
    label: str
    shown: bool
    locked: bool


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds the rows: tabs, tools, filters. A `state` is what a form must send along."""

    type: ListType
    tabs: Sequence[Tab]
    unfit: str
    tabs_url: str
    filters: Sequence[Chip]
    filters_url: str
    save_view: SaveView
    state: Sequence[tuple[str, str]]
    state_without_columns: Sequence[tuple[str, str]]
    state_without_filters: Sequence[tuple[str, str]]
    q: str
    column_choices: Sequence[ColumnChoice]
    exports: Sequence[Link]
    import_url: str
    list_url: str
    clear_url: str


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one page, and what can be done with those that are ticked."""

    columns: Sequence[components.Column]
    rows: Sequence[components.Row]
    bulk_url: str
    bulk_actions: Sequence[bulk.Menu]
    back: str
    page: Pager
    empty: Empty | None


@dataclass(frozen=True, slots=True)
class AllFilters:
    groups: Sequence[FilterGroup]
    filter_url: str


def _around(listing: Listing) -> Around:
    record_type, selection = listing.record_type, listing.selection
    return Around(
        type=_type(listing),
        tabs=_tabs(listing),
        unfit=", ".join(name.removeprefix("custom.") for name in listing.unfit),
        tabs_url=f"{reverse('list-tabs', args=[record_type])}?{listing.query()}",
        filters=_chips(listing),
        filters_url=f"{reverse('list-filters', args=[record_type])}?{listing.query()}",
        save_view=_save_view(listing),
        state=listing.state("q"),
        state_without_columns=listing.state("columns"),
        state_without_filters=_unfiltered_state(listing),
        q=selection.text,
        column_choices=_column_choices(listing),
        exports=_exports(listing),
        import_url=_import_url(listing),
        list_url=listing.url,
        clear_url=f"{listing.url}?view=all",
    )


def _rows(listing: Listing) -> Rows:
    record_type = listing.record_type
    page = listing.page()
    total, exact = listing.total(page)
    return Rows(
        columns=headings(
            record_type,
            listing.columns,
            listing.selection.ordering,
            lambda name: listing.address(ordering=name),
        ),
        rows=Cells(record_type, listing.columns, page.records).rows(),
        bulk_url=reverse("list-bulk", args=[record_type]),
        bulk_actions=bulk.offered(record_type, listing.person),
        back=listing.address(),
        page=Pager(
            total=total,
            exact=exact,
            most=MOST_COUNTED,
            first=page.first if page.records else 0,
            last=page.first + len(page.records) - 1,
            previous_url=listing.address(before=page.before.token()) if page.before else "",
            next_url=listing.address(after=page.after.token()) if page.after else "",
        ),
        empty=None if page.records else _empty(listing),
    )


def _type(listing: Listing) -> ListType:
    record_type = listing.record_type
    may_create = policy_of(listing.person).may_create_as_staff(record_type)
    return ListType(
        key=record_type.key,
        label=record_type.label,
        label_plural=record_type.label_plural,
        icon=record_type.icon,
        create_url=reverse("create", args=[record_type.key]) if may_create else "",
        create_label=_("New %s") % record_type.label,
    )


def _tabs(listing: Listing, *, counts: bool = False) -> list[Tab]:
    record_type, person = listing.record_type, listing.person
    return [
        Tab(
            title,
            f"{listing.url}?{query}&view={name}" if query else f"{listing.url}?view={name}",
            active=name == listing.view,
            count=counted(record_type, query, person) if counts else "",
        )
        for name, (title, query) in listing.views.items()
    ]


def _chips(listing: Listing) -> list[Chip]:
    """Show one chip per filter; whether records are open is not said again where the tab does."""
    texts: dict[str, list[str]] = {}
    labels: dict[str, str] = {}
    for chip in listing.selection.chips():
        if chip.parameter == "open" and _tab_says(listing, "open"):
            continue
        texts.setdefault(chip.parameter, []).append(chip.text)
        labels[chip.parameter] = capfirst(chip.label)
    return [
        Chip(labels[name], ", ".join(values), listing.address(**{name: None}))
        for name, values in texts.items()
    ]


def _tab_says(listing: Listing, name: str) -> bool:
    """Whether the tab in force selects by this filter just as the list does."""
    _title, query = listing.views.get(listing.view, ("", ""))
    return QueryDict(query).getlist(name) == listing.selection.given.get(name, [])


def _unfiltered_state(listing: Listing) -> list[tuple[str, str]]:
    kept = ("ordering", "q", "view", "columns")
    return [(name, value) for name, value in listing.state() if name in kept]


def _column_choices(listing: Listing) -> list[ColumnChoice]:
    shown = listing.columns
    names = [*shown, *(n for n in columns.choosable(listing.record_type, listing.person) if n not in shown)]
    return [
        ColumnChoice(name, listing.record_type.label_of(name), name in shown, locked=name == "title")
        for name in names
    ]


def _exports(listing: Listing) -> list[Link]:
    url = reverse("export", args=[listing.record_type])
    query = listing.selection.query(columns=",".join(listing.chosen))
    return [
        Link(title, f"{url}?{query}{'&' if query else ''}format={name}") for name, title in EXPORTS.items()
    ]


def _import_url(listing: Listing) -> str:
    may_create = policy_of(listing.person).may_create_as_staff(listing.record_type)
    return reverse("import", args=[listing.record_type]) if may_create else ""


def _save_view(listing: Listing) -> SaveView:
    built_in = {view.name for view in built_in_views(listing.record_type)}
    current = listing.views.get(listing.view)
    return SaveView(
        url=reverse("list-views", args=[listing.record_type]),
        query=listing.query(view=None),
        current_name=current[0] if current and listing.view not in built_in else "",
    )


def _empty(listing: Listing) -> Empty:
    """Say why nothing is there and what to do about it."""
    record_type = listing.record_type
    create_url = _type(listing).create_url
    if not record_type.model.objects.visible_to(listing.person).exists():
        return Empty(
            _("No %s yet") % record_type.label_plural,
            _(
                "Records that you and your colleagues create appear here, with filters, columns and views to save."
            ),
            create_url,
            _("Create the first one") if create_url else "",
        )
    for view in built_in_views(record_type):
        if view.name == listing.view and view.empty and not listing.selection.text:
            return Empty(_("Nothing here"), str(view.empty))
    if listing.view == CURRENT.name and not _chips(listing) and not listing.selection.text:
        return Empty(
            _("No current %s") % record_type.label_plural,
            _("Records in use appear here. Retired ones are under “All”."),
            create_url,
            _("Create one") if create_url else "",
        )
    return Empty(
        _("No matches"),
        _("No %s match these filters. Remove a filter or show all.") % record_type.label_plural,
        f"{listing.url}?view=all",
        _("Show all"),
    )
