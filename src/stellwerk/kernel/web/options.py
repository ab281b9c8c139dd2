"""Finding records to choose from: by the beginning of a word, a reference or an address, among those visible."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from stellwerk.kernel.access.person import Person
from stellwerk.kernel.access.standing import standing_of
from stellwerk.kernel.records import registry
from stellwerk.kernel.records.declaration import RecordType
from stellwerk.kernel.records.record import Record
from stellwerk.kernel.search import door

MOST = 12


@dataclass(frozen=True)
class Option:
    """A record that can be chosen."""

    reference: str
    title: str
    id: int


def options(
    record_type: RecordType[Any], person: Person, text: str, most: int = MOST, *, without: str = ""
) -> list[Option]:
    """List the best matches among the open records that the person may see; the first ones without a text.

    `without` is the reference of one to leave out.
    """
    visible: QuerySet[Any] = record_type.model._default_manager.visible_to(person)
    visible = visible.filter(is_open=True)
    if without:
        visible = visible.exclude(reference=without)
    if not text.strip():
        return _options(visible.order_by("title", "id")[:most])
    internal = standing_of(person).as_staff(visible.model)
    found = door.find(visible, text, internal=internal, most=200).page(1, most)
    by_id = {option.id: option for option in _options(visible.filter(pk__in=found))}
    return [by_id[pk] for pk in found if pk in by_id]


def named(values: Iterable[str], model: type[Record], person: Person) -> list[Option]:
    """Return the visible records of a model with these references or ids, under the names they were given."""
    wanted = [value.upper() for value in values]
    if not wanted:
        return []
    visible: Any = model._default_manager.visible_to(person)
    return _options(visible.filter(reference__in=wanted))


@login_required
@require_safe
def options_page(request: HttpRequest, record_type: RecordType[Any]) -> HttpResponse:
    """Answer a search in a form with options of a data list, or with boxes (`as=boxes`) to tick for the field `name`."""
    name, text = request.GET.get("name", "")[:60], request.GET.get("q", "")
    without = request.GET.get("without", "")[:20]
    found = options(record_type, request.user, text[:200], without=without)  # type: ignore[arg-type]
    part = "boxes" if request.GET.get("as") == "boxes" else "datalist"
    context = {"options": found, "name": name, "text": text.strip()}
    return render(request, f"stellwerk/parts/options_{part}.html", context)


def chosen(record_type_key: str, reference: str, person: Person) -> Record | None:
    """Return the visible record of a type with this reference; None when there is none."""
    model: Any = registry.get(record_type_key).model
    found: Record | None = (
        model._default_manager.visible_to(person).filter(reference=reference.upper()).first()
    )
    return found


def _options(queryset: QuerySet[Any]) -> list[Option]:
    return [Option(*row) for row in queryset.values_list("reference", "title", "id")]
