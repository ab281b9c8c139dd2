"""How allauth deals with people who are records: they come to be and change through the verbs."""

import logging
import re
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthError
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _noop

from stellwerk.accounts import confirming, sessions
from stellwerk.accounts.single_sign_on import fault, refuse
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.routes import takes_get
from stellwerk.kernel.write.services import change, create

Claims = Mapping[str, object]
"""What the provider says of whoever signs in."""

log = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Local accounts: administrators make them, nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Lead nowhere after signing in where no page stands, such as to where a form was sent."""
        return bool(super().is_safe_url(url)) and takes_get(urlsplit(url or "/").path or "/")

    def login(self, request: HttpRequest, user: Person) -> None:
        """Note when the session began, because its use puts off its end."""
        super().login(request, user)
        request.session[sessions.BEGAN] = int(time.time())
        confirming.keep_on(request)

    def set_password(self, user: Person, password: str) -> None:
        """Save the password alone: saving the whole person would undo what others wrote meanwhile."""
        user.set_password(password)
        Person.objects.filter(pk=user.pk).update(password=user.password)

    def pre_login(self, request: HttpRequest, user: Person, **kwargs: object) -> HttpResponse | None:
        """Turn away service accounts: they act through tokens."""
        if user.is_service:
            answer: HttpResponse | None = self.respond_user_inactive(request, user)
        else:
            answer = super().pre_login(request, user, **kwargs)
        return answer


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Sign-in through the organisation's identity provider: who is known there becomes a person here.

    Persons have no address but that of their record; allauth's own table of addresses stays empty.
    """

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Recognise who is here already by the address, if the provider vouches for it."""
        confirming.carry_over(request)
        claims = sociallogin.account.extra_data
        if claims["userinfo"]["sub"] != claims["id_token"]["sub"]:
            raise OAuth2Error("userinfo and id_token are about different people")
        address = _address(sociallogin)
        if sociallogin.is_existing:
            if told := bring_up_to_date(sociallogin.user, _claimed(sociallogin), address):
                messages.warning(request, told)
            return
        if not address:
            return
        known = Person.objects.filter(email=address.email.lower()).first()
        if known and not _vouched(address):
            raise refuse(request, _(UNVOUCHED) % {"email": address.email}, 403)
        if known:
            _remember(sociallogin, known)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: object = None) -> Person:
        """Create the person through the verbs; they hold no role, so they see the catalogue and their own tickets."""
        claimed = _claimed(sociallogin)
        address = _address(sociallogin)
        username = sociallogin.user.username or ""
        values = {
            "title": _name(claimed) or str(username or claimed.get("email") or claimed["sub"])[:250],
            # An address that nobody vouches for could be someone else's, who would then share this account.
            "email": address.email if address and _vouched(address) else None,
            # In mentions; one that looks like an address could pass for another person's.
            "username": username if re.fullmatch(r"[\w.+-]+", username) else _free_name(claimed),
        }
        with transaction.atomic():
            person = create(Person, values, by=SYSTEM, reason=_("First single sign-on."))
            _remember(sociallogin, person)
        return person

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: object,
        error: object = None,
        exception: Exception | None = None,
        extra_context: object = None,
    ) -> None:
        if exception:
            raise ImmediateHttpResponse(fault(request, exception))
        if error == AuthError.CANCELLED:
            raise refuse(request, _("The sign-in was cancelled, or the other service refused it."), 403)
        if "error" in request.GET:
            raise ImmediateHttpResponse(fault(request, ValueError(request.GET["error"])))
        raise refuse(request, _("This sign-in expired or wasn't started here. Start again."), 400)


UNVOUCHED = _noop(
    "There is an account for %(email)s here, but single sign-on does not confirm that this address is yours. "
    "Ask your administrator to have it confirmed there."
)
TAKEN = _noop(
    "Single sign-on says that your address is %(email)s, which another person has here: yours stays as it was (%(kept)s). "
    "Ask your administrator to put it right."
)


def bring_up_to_date(person: Person, claimed: Claims, address: EmailAddress | None) -> str:
    """Take over what the provider says of a person today: their name, and an address that it vouches for.

    An address that somebody else has here is not taken away from them; the sentence that says so is returned.
    """
    if not person.is_active or person.is_service:
        return ""
    wanted = {"title": _name(claimed) or person.title, "username": person.username or _free_name(claimed)}
    taken = ""
    if address and _vouched(address):
        email = address.email.lower()
        taken = address.email if Person.objects.filter(email=email).exclude(pk=person.pk).exists() else ""
        wanted["email"] = person.email if taken else email
    new = {name: value for name, value in wanted.items() if value != getattr(person, name)}
    try:
        if new:
            change(person, new, by=SYSTEM, reason=_("Updated by single sign-on."))
    except ValidationError as error:  # signing in does not depend on it
        log.warning("What single sign-on says of %s does not fit: %s", person.reference, error)
    if not taken:
        return ""
    log.warning("Single sign-on names an address for %s that another person has here.", person.reference)
    return _(TAKEN) % {"email": taken, "kept": person.email or _("without one")}


def _claimed(sociallogin: SocialLogin) -> Claims:
    claimed: Claims = sociallogin.account.get_provider_account().get_user_data()
    return claimed


def _name(claimed: Claims) -> str:
    """Return the name that the provider gives, on one line and no longer than a title; "" without one."""
    name = claimed.get("name")
    return " ".join(name.split())[:250] if isinstance(name, str) else ""


def _free_name(claimed: Claims) -> str | None:
    """Return a user name for somebody whom the provider names by an address: what stands before the "@", if it is free."""
    named = str(claimed.get("preferred_username") or "").lower()
    name = re.sub(r"[^\w.+-]", "", named.partition("@")[0])[:100]
    if "@" not in named or not name:
        return None
    similar = set(Person.objects.filter(username__startswith=name).values_list("username", flat=True))
    numbered = (f"{name}{number}" for number in range(2, len(similar) + 3))
    return next(free for free in (name, *numbered) if free not in similar)


def _address(sociallogin: SocialLogin) -> EmailAddress | None:
    return next(iter(sociallogin.email_addresses), None)


def _vouched(address: EmailAddress) -> bool:
    """Some providers say it in words, and the word "false" is true to Python."""
    return address.verified in (True, "true")


def _remember(sociallogin: SocialLogin, person: Person) -> None:
    """Tie the provider's account to the person; allauth's own way would save the whole person."""
    sociallogin.user = sociallogin.account.user = person
    sociallogin.account.save()
