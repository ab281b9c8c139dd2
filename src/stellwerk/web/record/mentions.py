"""Whom somebody who writes on a record may name with @: those who will be able to read it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from stellwerk.kernel.activity.comments.rendering import mentioned_names
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.identity.team import TeamMembership
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Access
from stellwerk.kernel.permissions.policy import AccessPolicy, policy_of
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.search import index
from stellwerk.signed_in import SignedInRequest
from stellwerk.web.record.lookup import inside_record

MOST = 8
MOST_LOOKED_AT = 40
LONGEST = 60


@dataclass(frozen=True)
class Suggestion:
    """Somebody who can be mentioned."""

    username: str
    title: str


@login_required
@require_safe
def mentions_page(request: SignedInRequest, reference: str) -> HttpResponse:
    """Suggest people for the beginning of a name `q`; of a `kind=note`, only those who read internal notes."""
    person = request.user
    record = inside_record(person, reference)
    if not policy_of(person).may_comment(record):
        raise PermissionDenied(
            _("You can read %s, but you don't have permission to reply to it.") % record.reference
        )
    text = request.GET.get("q", "")[:LONGEST]
    found = suggestions(record, person, text, internal=request.GET.get("kind") == "note")
    return render(request, "stellwerk/parts/mentions.html", {"suggestions": found})


def suggestions(record: Record, by: Person, text: str, *, internal: bool) -> list[Suggestion]:
    """List the best matches among those whom `by` knows of and who may read a reply, or an internal note."""
    if not text.strip():
        return []
    return [
        Suggestion(found.username or "", found.title)
        for found in islice(_readers(record, by, text, internal), MOST)
    ]


def _readers(record: Record, by: Person, text: str, internal: bool) -> Iterator[Person]:
    candidates = _candidates(record, by)
    found = index.find(
        candidates, text, internal=policy_of(by).as_staff(Person, few=True), most=MOST_LOOKED_AT
    )
    ids = found.page(1, MOST_LOOKED_AT)
    people = candidates.in_bulk(ids)
    for person in (people[pk] for pk in ids if pk in people):
        policy = AccessPolicy(person)
        reads = policy.sees_internal(record) if internal else policy.access_to(record) >= Access.VIEW
        if reads and mentioned_names(f"@{person.username}") == [person.username]:
            yield person


def _candidates(record: Record, by: Person) -> QuerySet[Person]:
    """Select those whom `by` sees, or sees on this record, and who could have access at all: asking each costs time."""
    people: QuerySet[Person] = Person.objects.filter(is_open=True, is_service=False).exclude(pk=by.pk)
    shared = Q(pk__in=Share.objects.filter(record_id=record.pk).values("person"))
    of_teams = TeamMembership.objects.filter(team__in=RoleAssignment.objects.values("team"))
    with_roles = Q(pk__in=RoleAssignment.objects.values("person")) | Q(pk__in=of_teams.values("person"))
    return people.filter(policy_of(by).visible(Person) & with_roles | shared)
