"""A changed address: where mail is sent, it counts once the old and the new address have both confirmed it.

Who can read the mail of somebody else's address can choose their password: so the old address agrees, and the new one
shows that it belongs to the person. Each gets a link that works once and for a day.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.mail import EmailMessage
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.jobs.job import job
from stellwerk.kernel.journal.entry import Verb
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.permissions.rights import require_no_more_than_own
from stellwerk.kernel.write.services import ChangeContext, change, note
from stellwerk.kernel.write.writer import locked

SALT = "stellwerk.address"
OLD, NEW = "old", "new"


class AddressChange(models.Model):
    """An address that is to become a person's; it is gone once it has, or once another one is asked for."""

    person = models.OneToOneField("kernel.Person", models.PROTECT, related_name="+")
    old = models.EmailField()
    new = models.EmailField()
    asked_by = models.ForeignKey("kernel.Person", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    confirmed = models.JSONField(default=list)
    """Which of OLD and NEW have confirmed."""

    class Meta:
        app_label = "kernel"

    def __str__(self) -> str:
        return f"{self.old} → {self.new}"

    @property
    def is_over(self) -> bool:
        lasting = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
        return timezone.now() > self.asked_at + lasting or self.person.email != self.old


def ask(person: Person, address: str, *, by: Person) -> AddressChange | None:
    """Ask both addresses to confirm that `address` becomes the person's; the one asked for last counts.

    Without an old address, or without mail, it counts at once and None is returned. ValidationError by field "email".
    """
    with transaction.atomic():
        person = locked(person)
        own = by.pk == person.pk and person.address_is_confirmed
        if not own and not policy_of(by).may_edit(person):
            raise PermissionDenied(_("You can't change this address. Ask an administrator."))
        require_no_more_than_own(person, by)
        old, new = person.email or "", _checked(person, address)
        if not person.address_is_confirmed:
            change(person, {"email": new}, by=by)
            return None
        reason = _("Asked both addresses to confirm %(new)s in place of %(old)s.") % {"new": new, "old": old}
        note(person, ChangeContext(Verb.CHANGE, by, reason=reason), {})
        AddressChange.objects.filter(person=person).delete()
        asked = AddressChange.objects.create(
            person=person, old=old, new=new, asked_by=by, asked_at=timezone.now()
        )
        for end in (OLD, NEW):
            send_address_link.enqueue(asked.pk, end)
    return asked


def _checked(person: Person, address: str) -> str:
    """Return the address as it is kept; ValidationError when it is none, the same, or somebody else's."""
    new = address.strip().lower()
    trial = Person(email=new)
    trial.clean_fields(exclude={field.name for field in Person._meta.concrete_fields} - {"email"})
    if not new or new == person.email:
        raise ValidationError({"email": _("Give another address.")})
    if Person.objects.filter(email=new).exists():
        raise ValidationError({"email": _("Someone already uses this address.")})
    return new


def link(asked: AddressChange, end: str) -> str:
    """Return the address of the page on which one end confirms."""
    secret = {"change": asked.pk, "at": asked.asked_at.isoformat(), "end": end}
    key = signing.dumps(secret, salt=SALT, compress=True)
    return f"{settings.STELLWERK_URL}{reverse('confirm_address', args=[key])}"


def find(key: str) -> tuple[AddressChange, str] | None:
    """Return what a link is for, with the end that it went to; None when it is no link, used, replaced or too old."""
    try:
        secret: Any = signing.loads(key, salt=SALT, max_age=settings.PASSWORD_RESET_TIMEOUT)
    except signing.BadSignature:
        return None
    asked = AddressChange.objects.select_related("person", "asked_by").filter(pk=secret["change"]).first()
    stale = asked is None or asked.asked_at.isoformat() != secret["at"] or asked.is_over
    if asked is None or stale or secret["end"] in asked.confirmed:
        return None
    return asked, secret["end"]


def confirm(key: str) -> AddressChange | None:
    """Take one end's word; with both the address is the person's. None when the link no longer works."""
    with transaction.atomic():
        found = find(key)
        if found is None:
            return None
        locked(found[0].person)  # both ends may confirm at the same moment
        found = find(key)
        if found is None:
            return None
        asked, end = found
        asked.confirmed = sorted({*asked.confirmed, end})
        if set(asked.confirmed) < {OLD, NEW}:
            asked.save(update_fields=["confirmed"])
            return asked
        reason = _("Requested by %(who)s (%(reference)s) and confirmed at both addresses.")
        words = {"who": asked.asked_by.title, "reference": asked.asked_by.reference}
        change(asked.person, {"email": asked.new}, by=SYSTEM, reason=reason % words)
        asked.delete()
    return asked


@job(retries=8)
def send_address_link(change_id: int, end: str) -> str:
    """Mail one end its link, unless it has confirmed or the change is over."""
    asked = AddressChange.objects.select_related("person", "asked_by").filter(pk=change_id).first()
    if asked is None or asked.is_over or end in asked.confirmed:
        return "nothing to send"
    with translation.override(asked.person.language or settings.LANGUAGE_CODE):
        message(asked, end).send()
    return "sent"


def message(asked: AddressChange, end: str) -> EmailMessage:
    """Write the mail to one end."""
    words = {
        "who": asked.asked_by.title, "whose": asked.person.title, "old": asked.old, "new": asked.new,
        "hours": settings.PASSWORD_RESET_TIMEOUT // 3600, "link": link(asked, end), "here": settings.STELLWERK_URL,
    }  # fmt: skip
    text = _(
        "%(who)s asked to change the address of %(whose)s at %(here)s from %(old)s to %(new)s.\n\nIf "
        "that's right, confirm it within %(hours)d hours:\n\n%(link)s\n\nThe address changes once both "
        "addresses have confirmed. If it isn't right, don't open the link, and tell your administrator.\n"
    )
    return EmailMessage(
        subject=_("Confirm the new address"),
        body=text % words,
        to=[asked.old if end == OLD else asked.new],
        headers={"Auto-Submitted": "auto-generated"},
    )
