"""Views that people keep: saving a list as a tab, sharing, renaming and deleting it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from stellwerk.contexts import context_of
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.signed_in import SignedInRequest
from stellwerk.web.lists.listing import Listing
from stellwerk.web.models import SavedView
from stellwerk.web.parts import TypeHead

MOST_VIEWS = 50
LONGEST_QUERY = 4_000


@dataclass(frozen=True, slots=True)
class OwnView:
    """A view that the reader may change."""

    pk: int
    name: str
    shared: bool
    url: str
    url_edit: str


@dataclass(frozen=True, slots=True)
class OwnViews:
    type: TypeHead
    views: Sequence[OwnView]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def views_page(request: SignedInRequest, record_type: RecordType) -> HttpResponse:
    """List the reader's own views (GET); keep a list as a view (POST name, query, shared)."""
    person = request.user
    if request.method == "POST":
        view = save(
            record_type,
            request.POST.get("name", ""),
            request.POST.get("query", ""),
            by=person,
            shared="shared" in request.POST,
        )
        return _to(record_type, view)
    page = OwnViews(
        TypeHead(record_type.label, record_type.label_plural, reverse("list", args=[record_type])),
        [
            OwnView(
                view.pk,
                view.name,
                view.shared,
                _address(record_type, view),
                reverse("list-view", args=[record_type, view.pk]),
            )
            for view in _own(record_type, person)
        ],
    )
    return render(request, "stellwerk/saved_views.html", context_of(page))


@login_required
@require_POST
def view_page(request: SignedInRequest, record_type: RecordType, pk: int) -> HttpResponse:
    """Rename, share or delete one of the reader's views."""
    view = get_object_or_404(_own(record_type, request.user), pk=pk)
    if request.POST.get("action") == "delete":
        view.delete()
    else:
        view.name = _name(request.POST.get("name", ""))
        view.shared = "shared" in request.POST
        view.save(update_fields=["name", "shared"])
    return redirect("list-views", record_type)


def save(record_type: RecordType, name: str, query: str, *, by: Person, shared: bool = False) -> SavedView:
    """Keep a list under a name; the same name again replaces the view."""
    name = _name(name)
    if len(query) > LONGEST_QUERY:
        raise ValidationError(_("This list has too many filters to save. Remove some."))
    listing = Listing(record_type, QueryDict(query or "view=all"), by)
    listing.columns  # noqa: B018 -- refuses unknown ones
    mine = SavedView.objects.filter(kind=record_type.key, owner=by)
    known = mine.filter(name=name).first()
    if known is None and mine.count() >= MOST_VIEWS:
        raise ValidationError(_("You already have %d views of this list. Delete one first.") % MOST_VIEWS)
    view = known or SavedView(kind=record_type.key, owner=by, name=name)
    view.query, view.shared = listing.query(view=None), shared
    view.save()
    return view


def _own(record_type: RecordType, person: Person) -> QuerySet[SavedView]:
    """The views that the person may change: their own, and for administrators the shared ones."""
    views = SavedView.objects.filter(kind=record_type.key)
    own = views.filter(owner=person)
    return own | views.filter(shared=True) if policy_of(person).is_administrator else own


def _name(given: str) -> str:
    name = " ".join(given.replace("\x00", "").split())
    if not name or len(name) > 80:
        raise ValidationError({"name": _("Give the view a name of at most 80 characters.")})
    return name


def _address(record_type: RecordType, view: SavedView) -> str:
    query = f"{view.query}&" if view.query else ""
    return f"{reverse('list', args=[record_type])}?{query}view=v{view.pk}"


def _to(record_type: RecordType, view: SavedView) -> HttpResponseRedirect:
    return HttpResponseRedirect(_address(record_type, view))
