"""What ends with a person's leaving, and does not begin again with their return."""

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.utils.translation import gettext as _

from stellwerk.accounts.address_change import AddressChange
from stellwerk.kernel.identity.api_token import ApiToken
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.tokens import revoke
from stellwerk.kernel.journal.entry import Verb
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.events import Event
from stellwerk.kernel.write.services import ChangeContext, note


def end_access(event: Event) -> None:
    """Revoke a person's tokens, end their sessions and forget an address that they asked for."""
    person = event.record
    if not isinstance(person, Person):
        return
    lasting = ApiToken.objects.filter(person=person.pk, revoked_at=None).order_by("pk")
    for token in lasting:
        revoke(token)
    sessions = UserSession.objects.filter(user=person.pk)
    Session.objects.filter(session_key__in=sessions.values("session_key")).delete()
    sessions.delete()
    AddressChange.objects.filter(person=person.pk).delete()
    if lasting:
        names = ", ".join(f"“{token.name}”" for token in lasting)
        note(person, ChangeContext(Verb.CHANGE, SYSTEM, reason=_("Revoked API tokens: %s.") % names), {})
