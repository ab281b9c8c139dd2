"""How allauth deals with people who are records: they come to be and change through the verbs."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.http import HttpRequest

from stellwerk.kernel.access.person import SYSTEM, Person
from stellwerk.kernel.records.services import create


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Local accounts: administrators make them, nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def set_password(self, user: Person, password: str) -> None:
        """Save the password alone: saving the whole person would undo what others wrote meanwhile."""
        user.set_password(password)
        Person.objects.filter(pk=user.pk).update(password=user.password)

    def pre_login(self, request: HttpRequest, user: Person, **kwargs: Any) -> Any:
        """Turn away service accounts: they act through tokens."""
        if user.is_service:
            return self.respond_user_inactive(request, user)
        return super().pre_login(request, user, **kwargs)


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Sign-in through the organisation's identity provider: who is known there becomes a person here."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> Person:
        """Create the person through the verbs; they hold no role, so they see the catalogue and their own tickets."""
        claimed = sociallogin.user
        name = " ".join(filter(None, [sociallogin.account.extra_data.get("name")])) or claimed.email
        username = claimed.username if claimed.username and not _taken(claimed.username) else None
        person = create(
            Person,
            {"title": name[:250], "email": claimed.email or None, "username": username},
            by=SYSTEM,
            reason=f"First sign-in through {sociallogin.account.provider}.",
        )
        sociallogin.user = person
        sociallogin.save(request)
        return person


def _taken(username: str) -> bool:
    return bool(Person.objects.filter(username=username).exists())
