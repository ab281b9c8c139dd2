"""Keeping on the server what somebody has not sent yet, and drawing the marks of forms."""

import secrets
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from stellwerk.kernel.access.person import Person
from stellwerk.kernel.web.models import Draft
from stellwerk.kernel.web.once import NOT_CONTENT

LONGEST = 2_000_000
MOST_FIELDS = 60
NOT_TEXT = frozenset({"kind", "step"})


def draft_of(person: Person, place: str) -> dict[str, Any]:
    """Return what the person began to write at this place; {} without a draft."""
    found = Draft.objects.filter(person=person, place=place).values_list("content", flat=True).first()
    return dict(found or {})


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


def content_of(request: HttpRequest) -> dict[str, str]:
    """Read what a form was filled with, bookkeeping aside."""
    return {name: str(value) for name, value in request.POST.items() if name not in NOT_CONTENT}


@login_required
@require_POST
def draft_page(request: HttpRequest, place: str) -> HttpResponse:
    """Keep what is being written; the script sends it while somebody types."""
    keep(request.user, place, content_of(request))  # type: ignore[arg-type]
    return HttpResponse(status=204)


def new_token() -> str:
    """Return a mark for one form: what is sent with it counts once."""
    return secrets.token_urlsafe(12)
