"""One list as somebody wants to see it: read from the address, written back into links."""

from dataclasses import dataclass
from functools import cached_property

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.declaration import RecordType, View
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.query.selection import Selection
from stellwerk.kernel.query.sorting import Place
from stellwerk.web.lists import columns
from stellwerk.web.models import SavedView

ROWS = 50
MOST_COUNTED = 1_000
OWN = ("view", "columns", "after", "before")
"""Parameters of the page, beside those that select."""
ALL = View("all", gettext_lazy("All"), "")
CURRENT = View("current", gettext_lazy("Current"), "open=yes")
"""The first tab of a type that declares none and whose records can end."""


@dataclass(frozen=True)
class Page:
    """The rows of one page, the number of the first, and the pages before and after."""

    records: list[Record]
    first: int
    before: Place | None = None
    after: Place | None = None


class Listing:
    """A list with its filters, order and columns; ValidationError by parameter when the address is not understood."""

    def __init__(self, record_type: RecordType, params: QueryDict, person: Person) -> None:
        self.record_type = record_type
        self.person = person
        self.view = params.get("view", "")
        given = self._with_view(params)
        ignored = (*OWN, *(name for name in given if name.startswith("find.")))
        self.unfit: list[str] = []
        """The filters and columns of a saved view that mean nothing any more, and are left out."""
        try:
            self.selection = Selection.parse(record_type, given, person, ignoring=ignored)
        except ValidationError as error:
            self.unfit = sorted(error.message_dict)
            if not all(self._is_of_view(name, given) for name in self.unfit):
                raise
            fitting = {name: values for name, values in given.lists() if name not in self.unfit}
            self.selection = Selection.parse(record_type, fitting, person, ignoring=ignored)
        self.chosen = _chosen_columns(given)
        if self.chosen and self._is_of_view("columns", given):
            offered = columns.choosable(record_type, person)
            self.unfit += [name for name in self.chosen if name not in offered and name not in self.unfit]
            self.chosen = [name for name in self.chosen if name in offered]
        self._after, self._before = params.get("after"), params.get("before")

    # -- what is in it -----------------------------------------------------------------------------------

    @cached_property
    def queryset(self) -> QuerySet[Record]:
        """The records of the list that the person may see, in no order."""
        return self.selection.visible()

    @cached_property
    def columns(self) -> list[str]:
        offered = columns.choosable(self.record_type, self.person)
        if not self.chosen:
            return [name for name in self.record_type.columns if name in offered]
        unknown = [name for name in self.chosen if name not in offered]
        if unknown:
            raise ValidationError({"columns": _("The list has no column “%s”.") % unknown[0]})
        if "title" in self.chosen or "title" not in offered:
            return [*self.chosen]
        return [*self.chosen[:1], "title", *self.chosen[1:]]  # there is always something to open a row by

    def page(self) -> Page:
        """Read the rows of the page that the address names."""
        order = self.selection.order
        place = Place.read(self._after or self._before or "") if self._after or self._before else None
        backwards = bool(self._before and not self._after)
        beyond = self.selection.visible_beyond(place, ROWS + 1, backwards=backwards)
        rows = columns.loaded(order.marked(beyond), self.record_type, self.columns, self.person)
        records = list(order.apply(rows, backwards=backwards)[: ROWS + 1])
        more, records = len(records) > ROWS, records[:ROWS]
        if backwards:
            records.reverse()
            first = max(place.number - len(records), 1) if place and more else 1
            has_before, has_after = more, True
        else:
            first = place.number + 1 if place else 1
            has_before, has_after = place is not None, more
        return Page(
            records,
            first,
            order.place_of(records[0], first) if has_before and records else None,
            order.place_of(records[-1], first + len(records) - 1) if has_after and records else None,
        )

    def total(self, page: Page) -> tuple[int, bool]:
        """Count the rows, up to MOST_COUNTED: the number, and whether it is exact."""
        if page.first == 1 and page.after is None:
            return len(page.records), True
        return self.selection.counted(MOST_COUNTED)

    # -- addresses ---------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return reverse("list", args=[self.record_type])

    def query(self, **changes: str | None) -> str:
        """Return the query string of this list with parameters replaced, from its first page on."""
        wanted = {"view": self.view, "columns": ",".join(self.chosen), **changes}
        selecting = {name: value for name, value in wanted.items() if name not in ("view", "columns")}
        if not self.selection.query(**selecting):
            wanted["view"] = wanted["view"] if "view" in changes else ALL.name
        return self.selection.query(**wanted)

    def address(self, **changes: str | None) -> str:
        return f"{self.url}?{self.query(**changes)}"

    def state(self, *leaving_out: str) -> list[tuple[str, str]]:
        """List the parameters as pairs, for hidden inputs of forms that go on from here."""
        pairs = QueryDict(self.query()).lists()
        return [(name, value) for name, values in pairs if name not in leaving_out for value in values]

    # -- views -------------------------------------------------------------------------------------------

    @cached_property
    def saved_views(self) -> list[SavedView]:
        mine = Q(owner=self.person) | Q(shared=True)
        return list(SavedView.objects.filter(mine, kind=self.record_type.key))

    @cached_property
    def views(self) -> dict[str, tuple[str, str]]:
        """Map the name of each tab to its title and query: the declared ones, then the saved ones."""
        built_in = {view.name: (str(view.title), view.query) for view in built_in_views(self.record_type)}
        return built_in | {f"v{view.pk}": (view.name, view.query) for view in self.saved_views}

    def _is_of_view(self, name: str, given: QueryDict) -> bool:
        """Whether a parameter stands there because the saved view that is shown has it."""
        view = next((saved for saved in self.saved_views if f"v{saved.pk}" == self.view), None)
        return view is not None and QueryDict(view.query).getlist(name) == given.getlist(name)

    def _with_view(self, params: QueryDict) -> QueryDict:
        """Without a parameter that selects, a list shows the view it names, or its first one."""
        if any(name not in ("view", "after", "before") for name in params):
            return params
        self.view = self.view or next(iter(self.views))
        if self.view not in self.views:
            raise ValidationError({"view": _("There is no such view. Choose one of the tabs.")})
        return QueryDict(self.views[self.view][1])


def built_in_views(record_type: RecordType) -> list[View]:
    """List the tabs that every reader has."""
    views = list(record_type.views)
    if not views and record_type.workflow and record_type.workflow.ended:
        views = [CURRENT]
    return [*views, ALL]


def counted(record_type: RecordType, query: str, person: Person) -> str:
    """Count a view for its tab; a view that is not understood any more has no number."""
    try:
        listing = Listing(record_type, QueryDict(query or "view=all"), person)
    except ValidationError:
        return ""
    return shown_total(*listing.selection.counted(MOST_COUNTED))


def bounded(queryset: QuerySet[Record]) -> tuple[int, bool]:
    """Count rows without walking through more than MOST_COUNTED of them."""
    number = queryset[: MOST_COUNTED + 1].count()
    return min(number, MOST_COUNTED), number <= MOST_COUNTED


def shown_total(number: int, exact: bool) -> str:
    return f"{number:,}" if exact else f"{number:,}+"


def _chosen_columns(params: QueryDict) -> list[str]:
    names = [name for part in params.getlist("columns") for name in part.split(",") if name]
    return list(dict.fromkeys(names))[: columns.MOST_COLUMNS]
