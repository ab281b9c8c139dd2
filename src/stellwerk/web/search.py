"""The search page: one box over everything that the reader may see."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from stellwerk.contexts import context_of
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.guest_view import standings
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.search import index
from stellwerk.kernel.search.index import Found
from stellwerk.kernel.search.query import understand
from stellwerk.kernel.search.snippet import Segment, Snippet, highlighted
from stellwerk.signed_in import SignedInRequest
from stellwerk.web import components
from stellwerk.web.parts import Pager, Tab

HITS = 20
LONGEST = 500
REFERENCE = re.compile(r"\s*([A-Za-z]{2,4})[-\s]?(\d{1,12})\s*")


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found, with what of it fits."""

    reference: str
    title: SafeString
    url: str
    kind: str
    status: SafeString
    snippet: SafeString | str
    updated: SafeString


@dataclass(frozen=True, slots=True)
class Results:
    """One page of hits, and how many there are of each kind."""

    search_query: str
    tabs: Sequence[Tab]
    results: Sequence[Hit]
    page: Pager
    too_short: bool


@login_required
@require_safe
def search_page(request: SignedInRequest) -> HttpResponse:
    """Show what matches `q`, perhaps of one `kind`; a reference opens its record at once."""
    person = request.user
    text = request.GET.get("q", "").strip()[:LONGEST]
    kind = request.GET.get("kind", "")
    if not kind and (named := by_reference(text, person)):
        return HttpResponseRedirect(named.get_absolute_url())
    found = results(text, kind, _number(request.GET.get("page", "1")), person)
    return render(request, "stellwerk/search.html", context_of(found))


def by_reference(text: str, person: Person) -> Record | None:
    """Return the visible record that bears the reference typed, such as "INC-000042", "inc 42" or "INC42"."""
    typed = REFERENCE.fullmatch(text)
    if not typed:
        return None
    reference = f"{typed[1].upper()}-{int(typed[2]):06d}"
    return _visible(person).filter(reference=reference).first()


def results(text: str, kind: str, number: int, person: Person) -> Results:
    """Return what search.html shows: one page of hits, and how many there are of each kind."""
    internal = policy_of(person).as_staff(Record, few=True)
    everything = index.find(_visible(person), text, internal=internal) if text else Found()
    kinds = dict(Record.objects.filter(pk__in=everything.ids).values_list("pk", "kind"))
    found = everything
    if kind and everything.more:
        found = index.find(_visible(person).filter(kind=kind), text, internal=internal)
    elif kind:
        found = Found(tuple(pk for pk in everything.ids if kinds.get(pk) == kind))
    return Results(
        search_query=text,
        tabs=_tabs(text, kind, Counter(kinds.values()), everything),
        results=_hits(found.page(number, HITS), text, person),
        page=_page(text, kind, number, found),
        too_short=bool(text) and not understand(text),
    )


def _visible(person: Person) -> QuerySet[Record]:
    return Record.objects.filter(policy_of(person).visible(Record, few=True))


def _hits(ids: tuple[int, ...], text: str, person: Person) -> list[Hit]:
    records = Record.objects.in_bulk(ids)
    staff = set(
        Record.objects.filter(policy_of(person).as_staff(Record, few=True), pk__in=ids).values_list(
            "pk", flat=True
        )
    )
    found = index.snippets(ids, text, internal=staff)
    told = standings([record for pk, record in records.items() if pk not in staff])
    query = understand(text)
    return [
        Hit(
            reference=record.reference,
            title=_marked(highlighted(query, record.title)),
            url=record.get_absolute_url(),
            kind=capfirst(str(record.record_type.label)),
            status=components.status(
                record.status, record.get_status_display(), record.record_type.tone_of(record.status)
            ),
            snippet=_snippet(found.get(pk)),
            updated=components.moment(told[pk].updated_at if pk in told else record.updated_at),
        )
        for pk in ids
        if (record := records.get(pk))
    ]


def _marked(segments: tuple[Segment, ...]) -> SafeString:
    return format_html_join("", "{}", ((_segment(segment),) for segment in segments))


def _segment(segment: Segment) -> SafeString:
    return format_html("<mark>{}</mark>" if segment.hit else "{}", segment.text)


def _snippet(snippet: Snippet | None) -> SafeString | str:
    if not snippet or not snippet.segments:
        return ""
    before, after = ("… " if snippet.cut_before else ""), (" …" if snippet.cut_after else "")
    return format_html("{}{}{}", before, _marked(snippet.segments), after)


def _tabs(text: str, kind: str, counts: Counter[str], found: Found) -> list[Tab]:
    if not found.ids:
        return []
    more = "+" if found.more else ""
    tabs = [Tab(_("All"), _url(q=text), not kind, f"{len(found.ids):,}{more}")]
    for record_type in registry.all_types():
        if counts[record_type.key] or kind == record_type.key:
            tabs.append(
                Tab(
                    capfirst(str(record_type.label_plural)),
                    _url(q=text, kind=record_type.key),
                    active=kind == record_type.key,
                    count=f"{counts[record_type.key]:,}{more}",
                )
            )
    return tabs


def _page(text: str, kind: str, number: int, found: Found) -> Pager:
    first = (number - 1) * HITS + 1
    last = min(number * HITS, len(found.ids))
    address = {"q": text, "kind": kind}
    return Pager(
        total=len(found.ids),
        exact=not found.more,
        first=first if first <= last else 0,
        last=last,
        previous_url=_url(**address, page=str(number - 1)) if number > 1 else "",
        next_url=_url(**address, page=str(number + 1)) if last < len(found.ids) and first <= last else "",
    )


def _url(**parameters: str) -> str:
    given = {name: value for name, value in parameters.items() if value}
    return f"{reverse('search')}?{urlencode(given)}"


def _number(given: str) -> int:
    return int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 4 and int(given) else 1
