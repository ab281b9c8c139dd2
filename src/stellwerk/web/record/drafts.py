"""Keeping on the server what somebody has not sent yet."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import islice

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.permissions.policy import AccessPolicy, policy_of
from stellwerk.signed_in import SignedInRequest
from stellwerk.web.models import Draft

REPLY = "reply"
"""The kind of place at which a record is answered; its reference follows after a colon."""
LONGEST = 2_000_000
MOST_FIELDS = 60
NOT_CONTENT = frozenset({"csrfmiddlewaretoken", "version", "once", "seen", "send"})
"""What a form carries beside what somebody filled in."""
NOT_TEXT = frozenset({"kind", "step"})
WRITING_FOR = timedelta(minutes=5)
"""Whoever saved a draft within this time is taken to be writing still."""
MOST_NAMED = 3


def draft_of(person: Person, place: str) -> dict[str, str]:
    """Return what the person began to write at this place; {} without a draft."""
    found = Draft.objects.filter(person=person, place=place).values_list("content", flat=True).first()
    return dict(found or {})


def at(place: str, person: Person) -> tuple[dict[str, str], list[Person]]:
    """Return what the person began to write at this place, and who else is writing there; one query."""
    lately = Q(updated_at__gt=timezone.now() - WRITING_FOR)
    found = Draft.objects.filter(Q(person=person) | lately, place=place).select_related("person")
    own: dict[str, str] = {}
    others = []
    for draft in found.order_by("-updated_at"):
        if draft.person_id == person.pk:
            own = dict(draft.content)
        else:
            others.append(draft.person)
    return own, others


def writing(record: Record, people: Iterable[Person]) -> str:
    """Say which of the people are at work on a record; only its staff is named, and only to its staff."""
    staff = (person.title for person in people if AccessPolicy(person).sees_internal(record))
    names = list(islice(staff, MOST_NAMED))
    if not names:
        return ""
    said = ngettext("%s is writing here, too.", "%s are writing here, too.", len(names))
    return said % ", ".join(names)


def keep(person: Person, place: str, content: Mapping[str, str]) -> None:
    """Keep a form's content; one without a text is forgotten."""
    if not any(value for name, value in content.items() if name not in NOT_TEXT):
        return forget(person, place)
    kept = {
        name[:100]: value[:LONGEST].replace("\x00", "") for name, value in list(content.items())[:MOST_FIELDS]
    }
    Draft.objects.update_or_create(
        person=person, place=place, defaults={"content": kept, "updated_at": timezone.now()}
    )
    return None


def forget(person: Person, place: str) -> None:
    Draft.objects.filter(person=person, place=place).delete()


def inside_record_or_none(person: Person, reference: str) -> Record | None:
    """Return a record that the person works on; None for any other."""
    record: Record | None = Record.objects.visible_to(person).filter(reference=reference).first()
    return record if record and policy_of(person).sees_internal(record) else None


def content_of(request: HttpRequest) -> dict[str, str]:
    """Read what a form was filled with, bookkeeping aside."""
    return {name: str(value) for name, value in request.POST.items() if name not in NOT_CONTENT}


@login_required
@require_POST
def draft_page(request: SignedInRequest, place: str) -> HttpResponse:
    """Keep what is being written; the script sends it while somebody types. Say who else is writing there."""
    person = request.user
    keep(person, place, content_of(request))
    _own, others = at(place, person)
    kind, _separator, reference = place.partition(":")
    record = inside_record_or_none(person, reference) if others and kind == REPLY else None
    if record and (sentence := writing(record, others)):
        return HttpResponse(sentence, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204)
