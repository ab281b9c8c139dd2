"""Signing in by name and password: the same work for every name, so that the time taken tells nothing of who is known."""

from allauth.account.auth_backends import AuthenticationBackend
from django.db.models import Q
from django.http import HttpRequest

from stellwerk.kernel.identity.person import Person


class SignInBackend(AuthenticationBackend):  # type: ignore[misc]
    """Looks once, for user name and address at a time, and hashes once."""

    def authenticate(self, request: HttpRequest | None, **credentials: object) -> Person | None:
        name = str(credentials.get("email") or credentials.get("username") or "").lower()
        password = str(credentials.get("password") or "")
        if not (name and password):
            return None
        known = Person.objects.filter(Q(email=name) | Q(username=name))
        # An address is its owner's, also where somebody else has chosen it as their user name.
        person: Person | None = min(known, key=lambda found: found.email != name, default=None)
        if person is None:
            Person().set_password(password)
            return None
        if not person.check_password(password):
            return None
        if self.user_can_authenticate(person):
            return person
        self._stash_user(person)  # from which allauth tells them that they have left
        return None
