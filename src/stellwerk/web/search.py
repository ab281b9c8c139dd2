"""The search page: one box over everything that the reader may see."""

import re
from collections import Counter
from typing import Any
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

HITS = 20
LONGEST = 500
REFERENCE = re.compile(r"\s*([A-Za-z]{2,4})[-\s]?(\d{1,12})\s*")


@login_required
@require_safe
def search_page(request: SignedInRequest) -> HttpResponse:
    """Show what matches `q`, perhaps of one `kind`; a reference opens its record at once."""
    person = request.user
    text = request.GET.get("q", "").strip()[:LONGEST]
    kind = request.GET.get("kind", "")
    if not kind and (named := by_reference(text, person)):
        return HttpResponseRedirect(named.get_absolute_url())
    return render(
        request, "stellwerk/search.html", results(text, kind, _number(request.GET.get("page", "1")), person)
    )


def by_reference(text: str, person: Person) -> Record | None:
    """Return the visible record that bears the reference typed, such as "INC-000042", "inc 42" or "INC42"."""
    typed = REFERENCE.fullmatch(text)
    if not typed:
        return None
    reference = f"{typed[1].upper()}-{int(typed[2]):06d}"
    return _visible(person).filter(reference=reference).first()


def results(text: str, kind: str, number: int, person: Person) -> dict[str, Any]:
    """Return what search.html shows: one page of hits, and how many there are of each kind."""
    internal = policy_of(person).as_staff(Record, few=True)
    everything = index.find(_visible(person), text, internal=internal) if text else Found()
    kinds = dict(Record.objects.filter(pk__in=everything.ids).values_list("pk", "kind"))
    found = everything
    if kind and everything.more:
        found = index.find(_visible(person).filter(kind=kind), text, internal=internal)
    elif kind:
        found = Found(tuple(pk for pk in everything.ids if kinds.get(pk) == kind))
    return {
        "search_query": text,
        "tabs": _tabs(text, kind, Counter(kinds.values()), everything),
        "results": _hits(found.page(number, HITS), text, person),
        "page": _page(text, kind, number, found),
        "too_short": bool(text) and not understand(text),
    }


def _visible(person: Person) -> QuerySet[Any]:
    return Record.objects.filter(policy_of(person).visible(Record, few=True))


def _hits(ids: tuple[int, ...], text: str, person: Person) -> list[dict[str, Any]]:
    records = Record.objects.in_bulk(ids)
    staff = set(
        Record.objects.filter(policy_of(person).as_staff(Record), pk__in=ids).values_list("pk", flat=True)
    )
    found = index.snippets(ids, text, internal=staff)
    told = standings([record for pk, record in records.items() if pk not in staff])
    query = understand(text)
    return [
        {
            "reference": record.reference,
            "title": _marked(highlighted(query, record.title)),
            "url": record.get_absolute_url(),
            "kind": capfirst(str(record.record_type.label)),
            "status": components.status(
                record.status, record.get_status_display(), record.record_type.tone_of(record.status)
            ),
            "snippet": _snippet(found.get(pk)),
            "updated": components.moment(told[pk].updated_at if pk in told else record.updated_at),
        }
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


def _tabs(text: str, kind: str, counts: Counter[str], found: Found) -> list[dict[str, Any]]:
    if not found.ids:
        return []
    more = "+" if found.more else ""
    tabs = [
        {"title": _("All"), "url": _url(q=text), "count": f"{len(found.ids):,}{more}", "active": not kind}
    ]
    for record_type in registry.all_types():
        if counts[record_type.key] or kind == record_type.key:
            tabs.append(
                {
                    "title": capfirst(str(record_type.label_plural)),
                    "url": _url(q=text, kind=record_type.key),
                    "count": f"{counts[record_type.key]:,}{more}",
                    "active": kind == record_type.key,
                }
            )
    return tabs


def _page(text: str, kind: str, number: int, found: Found) -> dict[str, Any]:
    first = (number - 1) * HITS + 1
    last = min(number * HITS, len(found.ids))
    address = {"q": text, "kind": kind}
    return {
        "total": len(found.ids),
        "exact": not found.more,
        "first": first if first <= last else 0,
        "last": last,
        "previous_url": _url(**address, page=str(number - 1)) if number > 1 else "",
        "next_url": _url(**address, page=str(number + 1)) if last < len(found.ids) and first <= last else "",
    }


def _url(**parameters: str) -> str:
    given = {name: value for name, value in parameters.items() if value}
    return f"{reverse('search')}?{urlencode(given)}"


def _number(given: str) -> int:
    return int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 4 and int(given) else 1
