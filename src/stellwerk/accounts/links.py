"""Links with which people choose their password, for where no mail is set up or none should be sent."""

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Verb
from stellwerk.kernel.model.actor import Actor
from stellwerk.kernel.permissions.rights import require_no_more_than_own
from stellwerk.kernel.write.services import ChangeContext, note
from stellwerk.kernel.write.writer import locked


def make_link(person: Person, *, by: Actor) -> str:
    """Return the address of a page on which `person` chooses a password, once and within a day; the journal notes it."""
    with transaction.atomic():
        person = locked(person)
        require_no_more_than_own(person, by)
        if not person.is_active:
            raise ValidationError(_("Former users can't sign in. Reinstate this person first."))
        if not (person.username or person.email):
            raise ValidationError(
                _("Give this person a user name or an e-mail address to sign in with first.")
            )
        note(person, ChangeContext(Verb.CHANGE, by, reason=_("Created a link for choosing a password.")), {})
    generator: PasswordResetTokenGenerator = default_token_generator
    key = {"uidb36": user_pk_to_url_str(person), "key": generator.make_token(person)}
    return f"{settings.STELLWERK_URL}{reverse('account_reset_password_from_key', kwargs=key)}"
