"""Finding records to choose from: by the beginning of a word, a reference or an address, among those visible."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.search import index
from stellwerk.signed_in import SignedInRequest

MOST = 12
MOST_RECENT = 5
REFERENCE = re.compile(r"\b[A-Z]{2,4}-\d{6,12}\b")
PARTS = {"boxes": "boxes", "list": "list"}


@dataclass(frozen=True)
class Option:
    """A record that can be chosen."""

    reference: str
    title: str
    id: int
    party: str = ""
    """The name of the party that it belongs to; empty where the reader does not see that one."""

    @property
    def shown(self) -> str:
        """What stands in an input once it is picked; forms take it as the record."""
        return f"{self.title} ({self.reference})"


def options(
    record_type: RecordType, person: Person, text: str, most: int = MOST, *, without: str = ""
) -> list[Option]:
    """List the best matches among the open records that the person may see; the first ones without a text.

    `without` is the reference of one to leave out.
    """
    visible = record_type.model._default_manager.visible_to(person)
    visible = visible.filter(is_open=True)
    if without:
        visible = visible.exclude(reference=without)
    if not text.strip():
        return _options(visible.order_by("title", "id")[:most])
    internal = policy_of(person).as_staff(visible.model, few=True)
    found = index.find(visible, text, internal=internal, most=200).page(1, most)
    by_id = {option.id: option for option in _options(visible.filter(pk__in=found))}
    return [by_id[pk] for pk in found if pk in by_id]


def named(values: Iterable[str], model: type[Record], person: Person) -> list[Option]:
    """Return the visible records of a model with these references or ids, under the names they were given."""
    wanted = [value.upper() for value in values]
    if not wanted:
        return []
    visible = model._default_manager.visible_to(person)
    return _options(visible.filter(reference__in=wanted))


def reference_in(text: str) -> str:
    """Return the reference in what a picker shows, "Gus Gordon (PER-000012)"; without any, the text in capitals."""
    found = REFERENCE.findall(text.upper())
    return found[-1] if found else text.upper()


@login_required
@require_safe
def options_page(request: SignedInRequest, record_type: RecordType) -> HttpResponse:
    """Answer a search in a form: with options of a data list, of a picker (`as=list`), or boxes to tick (`as=boxes`).

    `name` is the field of the boxes. A picker names what was picked lately (`recent`): those come first without a text.
    """
    person = request.user
    name, text = request.GET.get("name", "")[:60], request.GET.get("q", "")
    without = request.GET.get("without", "")[:20]
    found = options(record_type, person, text[:200], without=without)
    part = PARTS.get(request.GET.get("as", ""), "datalist")
    if part == "list":
        found = with_parties(
            _recent_first(found, record_type, person, request.GET.getlist("recent"), text), person
        )
    context = {"options": found, "name": name, "text": text.strip()}
    return render(request, f"stellwerk/parts/options_{part}.html", context)


def chosen(record_type_key: str, reference: str, person: Person) -> Record | None:
    """Return the visible record of a type with this reference, or as a picker shows it; None when there is none."""
    visible = registry.get(record_type_key).model.objects.visible_to(person)
    return visible.filter(reference=reference_in(reference)).first()


def _recent_first(
    found: list[Option], record_type: RecordType, person: Person, recent: list[str], text: str
) -> list[Option]:
    """Put what was picked lately before the first ones, as far as it can still be picked."""
    if text.strip() or not recent:
        return found
    wanted = [reference.upper()[:20] for reference in recent[:MOST_RECENT]]
    visible = record_type.model._default_manager.visible_to(person)
    known = {each.reference: each for each in _options(visible.filter(is_open=True, reference__in=wanted))}
    lately = [known[reference] for reference in wanted if reference in known]
    return [*lately, *(each for each in found if each not in lately)][:MOST]


def with_parties(found: list[Option], person: Person) -> list[Option]:
    """Say of each option which party it belongs to, where the person sees that one."""
    owners = dict(Record.objects.filter(pk__in=[each.id for each in found]).values_list("pk", "party_id"))
    titles = dict(
        Party.objects.visible_to(person).filter(pk__in=set(owners.values())).values_list("pk", "title")
    )
    return [replace(each, party=titles.get(owners.get(each.id) or 0, "")) for each in found]


def _options(queryset: QuerySet[Record]) -> list[Option]:
    return [Option(*row) for row in queryset.values_list("reference", "title", "id")]
