"""The command palette: go to a page, create, open a record, act on the one that is open."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.search import index
from stellwerk.kernel.search.normalising import words
from stellwerk.signed_in import SignedInRequest
from stellwerk.web import shell
from stellwerk.web.record.page import RecordPage
from stellwerk.web.search import by_reference

MOST = 8
HERE = re.compile(r"/records/([A-Z]{2,4}-\d+)/")


@dataclass(frozen=True)
class Command:
    """A line of the palette; `hint` stands at its end."""

    title: str
    url: str
    icon: str
    hint: str = ""
    dialog: bool = False


@dataclass(frozen=True)
class CommandGroup:
    """Commands of one sort under a heading."""

    title: str
    items: list[Command] = field(default_factory=list)


@login_required
@require_safe
def palette_part(request: SignedInRequest) -> HttpResponse:
    """Answer what was typed (`q`) on a page (`here`, or `record` with a reference) with commands."""
    person = request.user
    text = request.GET.get("q", "").strip()[:200]
    here = HERE.match(request.GET.get("here", ""))
    reference = request.GET.get("record") or (here[1] if here else "")
    groups = [
        CommandGroup(_("On this page"), fitting(on_record(reference, person), text)),
        CommandGroup(_("Go to"), fitting(pages(person), text)),
        CommandGroup(_("Create"), fitting(creations(person), text)),
        CommandGroup(_("Records"), records(text, person)),
    ]
    return render(request, "stellwerk/parts/palette_results.html", {"groups": [g for g in groups if g.items]})


def on_record(reference: str, person: Person) -> list[Command]:
    """List what the person may do to the record with this reference: steps, handing it over, the rest of its menu."""
    record = Record.objects.visible_to(person).filter(reference=reference).first() if reference else None
    if record is None:
        return []
    page = RecordPage(record.specific, person)
    steps = [Command(str(s.label), s.url, s.icon, record.reference, dialog=True) for s in page.steps()]
    rest = [
        Command(str(item.title), item.url, item.icon, record.reference, dialog=item.dialog)
        for item in page.menu()
    ]
    return [*steps, *handing_over(page), *rest]


def handing_over(page: RecordPage) -> list[Command]:
    name = requestable(page.record_type).assignee
    if not name or not page.may_change(name):
        return []
    title = _("Change: %s") % page.renderer.label(name)
    url = page.address("record_field", name)
    return [Command(title, url, "user-round-check", page.record.reference, dialog=True)]


def records(text: str, person: Person) -> list[Command]:
    """List the records that fit: the one with this reference, else those that a search finds first."""
    if len(text) < 2:
        return []
    named = by_reference(text, person)
    visible = Record.objects.filter(policy_of(person).visible(Record, few=True))
    found = [named.pk] if named else []
    found += index.find(visible, text, internal=policy_of(person).as_staff(Record, few=True), most=100).page(
        1, MOST
    )
    by_id = Record.objects.in_bulk(found)
    hits = [by_id[pk] for pk in dict.fromkeys(found) if pk in by_id]
    return [Command(r.title, r.get_absolute_url(), r.record_type.icon, r.reference) for r in hits[:MOST]]


def pages(person: Person) -> list[Command]:
    return [
        Command(item.title, item.url, item.icon)
        for group in shell.whole_navigation(person, "")
        for item in group.items
    ]


def creations(person: Person) -> list[Command]:
    return [Command(_("New: %s") % item.title, item.url, "plus") for item in shell.creatable(person)]


def fitting(commands: Iterable[Command], text: str) -> list[Command]:
    """Keep the commands in which every word typed begins a word."""
    typed = words(text)
    return [c for c in commands if all(any(w.startswith(t) for w in words(c.title)) for t in typed)]
