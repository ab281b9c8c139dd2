"""What makes a link for choosing a password good for one person, one time and not for long."""

from django.contrib.auth.tokens import PasswordResetTokenGenerator

from stellwerk.kernel.identity.person import Person


class LinkTokens(PasswordResetTokenGenerator):
    """Ends a link when its person signs in, gets another password or address, or leaves."""

    def _make_hash_value(self, user: Person, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}{user.is_active}"
