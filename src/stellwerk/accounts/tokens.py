"""Making and ending the tokens that act for somebody; the person's journal says so, never what the token is."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from stellwerk.kernel.identity import tokens
from stellwerk.kernel.identity.api_token import ApiToken
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Verb
from stellwerk.kernel.write.services import ChangeContext, note
from stellwerk.kernel.write.writer import locked


def make_token(
    owner: Person, name: str, scopes: Sequence[str], *, expires_at: datetime | None, by: Person
) -> str:
    """Make a token that acts as `owner`, without an end where no instant is given; return its secret."""
    with transaction.atomic():
        owner = locked(Person.objects.get(pk=owner.pk))
        token, secret = tokens.issue_token(
            owner, name, scopes, expires_at=expires_at, endless=expires_at is None
        )
        about = {"name": token.name, "scopes": ", ".join(token.scopes)}
        if expires_at is None:
            reason = _("Made the API token “%(name)s” (%(scopes)s), which never expires.") % about
        else:
            about["day"] = expires_at.date().isoformat()
            reason = _("Made the API token “%(name)s” (%(scopes)s), which works until %(day)s.") % about
        note(owner, ChangeContext(Verb.CHANGE, by, reason=reason), {})
    return secret


def revoke_token(token: ApiToken, *, by: Person) -> None:
    """End a token; one that has ended is left as it is."""
    with transaction.atomic():
        owner = locked(token.person)
        if ApiToken.objects.filter(pk=token.pk, revoked_at=None).exists():
            tokens.revoke(token)
            reason = _("Revoked the API token “%s”.") % token.name
            note(owner, ChangeContext(Verb.CHANGE, by, reason=reason), {})
