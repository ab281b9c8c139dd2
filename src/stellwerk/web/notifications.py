"""What somebody was told: the list behind the bell, and the way from a notification to its record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from stellwerk.contexts import context_of
from stellwerk.kernel.activity.notifications.messages import describe
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.activity.notifications.services import mark_read, notifications_of, still_visible
from stellwerk.signed_in import SignedInRequest
from stellwerk.web.parts import Tab

SIZE = 50
IN_BELL = 12


@dataclass(frozen=True, slots=True)
class ShownNote:
    """What somebody was told, in one line."""

    who: str
    text: str
    reference: str
    title: str
    url: str
    at: datetime
    unread: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A page of notifications."""

    tabs: Sequence[Tab]
    notifications: Sequence[ShownNote]
    read_all_url: str
    more_url: str


@login_required
@require_safe
def notifications_page(request: SignedInRequest) -> HttpResponse:
    """List the person's notifications, unread ones first asked for; the bell gets the newest alone."""
    person = request.user
    show = "all" if request.GET.get("show") == "all" else "unread"
    found = notifications_of(person)
    if getattr(request, "htmx", False):
        newest = [drawn(note) for note in still_visible(person, found[:IN_BELL])]
        return render(request, "stellwerk/parts/notification_list.html", {"notifications": newest})
    if show == "unread":
        found = found.filter(read_at=None)
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 18:
        found = found.filter(pk__lt=int(before))
    notes = list(found[: SIZE + 1])
    address = reverse("notifications")
    page = Told(
        tabs=[
            Tab(_("Unread"), address, show == "unread"),
            Tab(_("All"), f"{address}?show=all", show == "all"),
        ],
        notifications=[drawn(note) for note in still_visible(person, notes[:SIZE])],
        read_all_url=reverse("notifications_read"),
        more_url=f"{address}?show={show}&before={notes[SIZE - 1].pk}" if len(notes) > SIZE else "",
    )
    return render(request, "stellwerk/notifications.html", context_of(page))


@login_required
@require_safe
def notification_page(request: SignedInRequest, pk: int) -> HttpResponse:
    """Lead to what a notification is about, and mark it as read."""
    person = request.user
    note = get_object_or_404(notifications_of(person), pk=pk)
    if not still_visible(person, [note]):
        raise Http404
    Notification.objects.filter(pk=note.pk, read_at=None).update(read_at=timezone.now())
    return redirect(_address(note))


@login_required
@require_POST
def read_page(request: SignedInRequest) -> HttpResponse:
    """Mark everything as read."""
    mark_read(request.user)
    return redirect("notifications")


def drawn(note: Notification) -> ShownNote:
    """Prepare a notification for parts/notification_list.html."""
    entry = note.entry
    return ShownNote(
        who=str(entry.actor or "Stellwerk") if entry else "Stellwerk",
        text=describe(note),
        reference=entry.record.reference if entry else "",
        title=entry.record.title if entry else "",
        url=reverse("notification", args=[note.pk]),
        at=note.created_at,
        unread=note.read_at is None,
    )


def _address(note: Notification) -> str:
    if note.entry is None:
        return note.address
    return f"{note.entry.record.get_absolute_url()}#entry-{note.entry.pk}"
