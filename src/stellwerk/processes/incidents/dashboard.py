"""The desk's dashboard: what comes in and goes out, and what is open, as charts that open the list behind them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from stellwerk.contexts import context_of
from stellwerk.foundation.prioritisation import Priority
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.days import today_of
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.processes.incidents import figures
from stellwerk.signed_in import SignedInRequest
from stellwerk.web import components
from stellwerk.web.error_responses import refusal
from stellwerk.web.parts import Chart, Figure, Link, Series, Tab

KINDS = ("incident", "service_request")
PERIODS = {30: gettext_lazy("30 days"), 90: gettext_lazy("90 days")}
MOST_BARS = 12
MOST_PARTIES = 100
EARLIEST, LATEST = date(1970, 12, 31), date(9000, 1, 1)


@dataclass(frozen=True)
class Asked:
    """What the address asks for: the types, the number of days and the last of them (None: today), the party (None: all)."""

    kinds: tuple[str, ...]
    days: int
    until: date | None
    party: Party | None

    def query(self, **changes: str) -> str:
        """Return the dashboard's query string with parts replaced."""
        kind = self.kinds[0] if len(self.kinds) == 1 else ""
        wanted = {
            "kind": kind,
            "days": self.days,
            "until": self.until.isoformat() if self.until else "",
            "party": self.party.reference if self.party else "",
            **changes,
        }
        return "?" + urlencode({name: value for name, value in wanted.items() if value})

    @property
    def now(self) -> str:
        """Say of what is open that it is so today, where the other figures are of another time."""
        return _("As of today") if self.until else ""


@dataclass(frozen=True)
class Stock:
    """One type's figures."""

    record_type: RecordType
    created: list[int]
    resolved: list[int]
    open: figures.DeskFigures

    @property
    def name(self) -> str:
        return capfirst(str(self.record_type.label_plural))


@dataclass(frozen=True, slots=True)
class Period:
    """A number of days that can be chosen."""

    title: str
    number: int
    active: bool


@dataclass(frozen=True, slots=True)
class Latest:
    """The day of the newest ticket, and the figures up to then."""

    day: date
    url: str


@dataclass(frozen=True, slots=True)
class DeskPage:
    """The figures, and what chooses among them."""

    title: str
    tabs: Sequence[Tab]
    asked: Asked
    periods: Sequence[Period]
    parties: Sequence[Party]
    latest: Latest | None
    figures: Sequence[Figure]
    printed: Sequence[str]
    charts: Sequence[Chart]


@login_required
@require_safe
def dashboard_page(request: SignedInRequest) -> HttpResponse:
    """Show the desk in figures to those who work on tickets."""
    person = request.user
    types = [registry.get(kind) for kind in KINDS]
    if all(policy_of(person).scope(record_type) == frozenset() for record_type in types):
        raise PermissionDenied(_("Only people who work on tickets can see the service desk's figures."))
    parties = list(
        Party.objects.visible_to(person)
        .exclude(party_kind=Party.Kind.CUSTOMER)
        .order_by("title")[:MOST_PARTIES]
    )
    try:
        asked = _asked(request, person)
    except ValidationError as error:
        return refusal(request, error)
    return render(request, "incidents/dashboard.html", context_of(figures_page(asked, parties, person)))


def figures_page(asked: Asked, parties: list[Party], person: Person) -> DeskPage:
    days = figures.days_until(asked.until or today_of(person), asked.days)
    stocks = [_stock(registry.get(kind), asked, days, person) for kind in asked.kinds]
    names = _names(stocks)
    return DeskPage(
        title=_("Service desk"),
        tabs=_tabs(asked),
        asked=asked,
        periods=[Period(str(title), number, number == asked.days) for number, title in PERIODS.items()],
        parties=parties,
        latest=_latest(stocks, asked, person),
        figures=_figures(stocks, days, asked),
        printed=_printed(asked, days),
        charts=[
            _in_and_out(stocks, days, asked),
            _by_age(stocks, asked),
            _by_priority(stocks, asked),
            _by_reference("team", _("Open by team"), stocks, names, asked),
            _by_reference("service", _("Open by service"), stocks, names, asked),
        ],
    )


def _asked(request: HttpRequest, person: Person) -> Asked:
    kind, days = request.GET.get("kind", ""), request.GET.get("days", "30")
    if kind and kind not in KINDS:
        raise ValidationError(_("There are figures for incidents and service requests only."))
    if days not in map(str, PERIODS):
        raise ValidationError(_("Choose a period of 30 or 90 days."))
    until = _day(request.GET.get("until", ""))
    reference = request.GET.get("party", "").upper()
    party = Party.objects.visible_to(person).filter(reference=reference).first() if reference else None
    if reference and party is None:
        raise ValidationError(_("Select a party from the list."))
    return Asked((kind,) if kind else KINDS, int(days), until, party)


def _day(given: str) -> date | None:
    if not given:
        return None
    try:
        day = date.fromisoformat(given)
    except ValueError:
        day = None
    if day is None or not EARLIEST <= day <= LATEST:
        raise ValidationError(_("Give the last day as year-month-day, such as 2026-03-31."))
    return day


def _latest(stocks: list[Stock], asked: Asked, person: Person) -> Latest | None:
    """Point to the time of the newest ticket when nothing came in during the one asked for, as with an imported log."""
    if any(sum(stock.created) for stock in stocks):
        return None
    kinds = [stock.record_type.key for stock in stocks]
    tickets = Record.objects.filter(policy_of(person).as_staff(Record), kind__in=kinds)
    newest = tickets.order_by("-created_at").values_list("created_at", flat=True).first()
    if newest is None:
        return None
    day = today_of(person, newest)
    return Latest(day, asked.query(until=day.isoformat()))


def _stock(record_type: RecordType, asked: Asked, days: list[date], person: Person) -> Stock:
    condition = policy_of(person).as_staff(record_type.model)
    if asked.party:
        condition &= Q(party=asked.party)
    tickets = record_type.model._default_manager.filter(condition)
    records = Record.objects.filter(condition, kind=record_type.key)
    return Stock(
        record_type,
        figures.per_day(records, "created_at", days),
        figures.per_day(tickets, "resolved_at", days),
        figures.open_now(tickets.filter(kind=record_type.key), timezone.now()),
    )


def _names(stocks: list[Stock]) -> dict[int, tuple[str, str]]:
    """Read title and reference of every team and service that is counted."""
    ids = {pk for stock in stocks for name in ("team", "service") for pk in stock.open.by[name] if pk}
    return {
        pk: (title, ref)
        for pk, title, ref in Record.objects.filter(pk__in=ids).values_list("pk", "title", "reference")
    }


def _list(record_type: RecordType, asked: Asked, **parameters: str) -> str:
    """Return the address of the list behind a figure."""
    if asked.party:
        parameters["party"] = asked.party.reference
    return f"{reverse('list', args=[record_type])}?{urlencode(parameters)}"


def _tabs(asked: Asked) -> list[Tab]:
    tabs = [("", _("All tickets"))] + [
        (kind, capfirst(str(registry.get(kind).label_plural))) for kind in KINDS
    ]
    one = asked.kinds[0] if len(asked.kinds) == 1 else ""
    return [Tab(title, asked.query(kind=kind), kind == one) for kind, title in tabs]


def _figures(stocks: list[Stock], days: list[date], asked: Asked) -> list[Figure]:
    opened, resolved = (_span(name, days[0], days[-1]) for name in ("created_at", "resolved_at"))
    told: list[tuple[str, list[int], dict[str, str]]] = [
        (_("open today") if asked.now else _("open"), [s.open.total for s in stocks], {"open": "yes"}),
        (
            _("unassigned today") if asked.now else _("unassigned"),
            [s.open.unassigned for s in stocks],
            {"open": "yes", "assigned_to": "none"},
        ),
        (
            _("waiting today") if asked.now else _("waiting"),
            [s.open.waiting for s in stocks],
            {"status": "waiting"},
        ),
        (_("created in %d days") % asked.days, [sum(s.created) for s in stocks], opened),
        (_("resolved in %d days") % asked.days, [sum(s.resolved) for s in stocks], resolved),
    ]
    drawn = []
    for label, values, parameters in told:
        urls = [_list(stock.record_type, asked, **parameters) for stock in stocks]
        several = [
            Link(f"{value:,} {stock.name}", url)
            for value, url, stock in zip(values, urls, stocks, strict=True)
            if value
        ]
        # One list is behind the figure itself, several stand below it.
        url, links = (urls[0], []) if len(urls) == 1 else ("", several)
        drawn.append(Figure(label, sum(values), url, lit="assigned_to" in parameters, links=links))
    return drawn


def _printed(asked: Asked, days: list[date]) -> list[str]:
    """Say what the choices above the figures say, which are not printed, and from when the figures are."""
    period = {"period": PERIODS[asked.days], "day": formats.date_format(days[-1])}
    return [
        _("%(period)s up to %(day)s") % period,
        asked.party.title if asked.party else _("All parties"),
        _("Figures of %s") % components.exact(timezone.now()),
    ]


def _in_and_out(stocks: list[Stock], days: list[date], asked: Asked) -> Chart:
    series = []
    for name, field, hue in ((_("Created"), "created_at", "new"), (_("Resolved"), "resolved_at", "done")):
        per_stock = [stock.created if field == "created_at" else stock.resolved for stock in stocks]
        values = [sum(column) for column in zip(*per_stock, strict=True)]
        only = stocks[0].record_type if len(stocks) == 1 else None
        urls = [_list(only, asked, **_span(field, day, day)) for day in days] if only else []
        series.append(Series(name, values, urls, hue))
    return _chart(
        "in-and-out",
        _("Created and resolved per day"),
        "lines",
        [formats.date_format(day, "j M" if asked.until is None else "j M Y") for day in days],
        series,
        _("A gap between the lines means that the backlog grows or shrinks."),
        span=12,
        first=_("Day"),
    )


def _span(field: str, first: date, last: date) -> dict[str, str]:
    """Return the parameters that narrow a list to these days, both included."""
    return {f"{field}__gte": f"{first}", f"{field}__lt": f"{last + timedelta(days=1)}"}


def _by_age(stocks: list[Stock], asked: Asked) -> Chart:
    now = timezone.now()
    edges = [now - timedelta(days=days) for days in figures.AGES]
    labels = [f"{a}–{b}" for a, b in zip((0, *figures.AGES), figures.AGES, strict=False)]
    labels.append(_("over %d") % figures.AGES[-1])
    ranges = []
    for at in range(len(labels)):
        parameters = {"open": "yes"}
        if at < len(edges):
            parameters["created_at__gte"] = edges[at].isoformat()
        if at > 0:
            parameters["created_at__lt"] = edges[at - 1].isoformat()
        ranges.append(parameters)
    series = [_series(s, asked, "age", list(range(len(labels))), ranges) for s in stocks]
    return _chart("age", _("Open by age, in days"), "stack", labels, series, asked.now, first=_("Days"))


def _by_priority(stocks: list[Stock], asked: Asked) -> Chart:
    values = list(Priority.values)
    parameters = [{"open": "yes", "priority": str(value)} for value in values]
    series = [_series(stock, asked, "priority", values, parameters) for stock in stocks]
    labels = [str(label) for label in Priority.labels]
    return _chart("priority", _("Open by priority"), "stack", labels, series, asked.now, first=_("Priority"))


def _by_reference(
    name: str, title: str, stocks: list[Stock], names: dict[int, tuple[str, str]], asked: Asked
) -> Chart:
    """Show the fullest teams or services, those without one included."""
    total: Counter[int | None] = Counter()
    for stock in stocks:
        total.update(stock.open.by[name])
    keys = [key for key, _number in total.most_common(MOST_BARS)]
    labels = [names[key][0] if key in names else _("None") for key in keys]
    parameters = [{"open": "yes", name: names[key][1] if key in names else "none"} for key in keys]
    series = [_series(stock, asked, name, keys, parameters) for stock in stocks]
    left = len(total) - len(keys)
    note = _("The %(shown)d longest. %(left)d more have open tickets.") % {"shown": len(keys), "left": left}
    first = capfirst(str(stocks[0].record_type.field(name).verbose_name))
    return _chart(name, title, "bars", labels, series, note if left else asked.now, first=first)


def _series(
    stock: Stock,
    asked: Asked,
    name: str,
    keys: Sequence[int | None],
    parameters: list[dict[str, str]],
) -> Series:
    values = [stock.open.by[name][key] for key in keys]
    return Series(stock.name, values, [_list(stock.record_type, asked, **one) for one in parameters])


def _chart(
    name: str,
    title: str,
    kind: str,
    labels: list[str],
    series: list[Series],
    note: str,
    *,
    first: str,
    span: int = 6,
) -> Chart:
    """Put together what parts/chart.html draws, the table of figures included."""
    return Chart(
        id=f"chart-{name}",
        title=title,
        note=note,
        data={"kind": kind, "labels": [*labels], "series": [one.as_json() for one in series]},
        head=[first, *(one.name for one in series)],
        rows=[[label, *(one.cell(at) for one in series)] for at, label in enumerate(labels)],
        span=span,
        tall=kind == "bars",
    )
