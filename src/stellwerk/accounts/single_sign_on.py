"""Sign-in through the organisation's OpenID Connect provider: the two addresses, and what may go wrong there."""

import logging
from collections.abc import Callable

from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from requests import RequestException

log = logging.getLogger(__name__)


@require_safe
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the browser to the provider; only ever to sign in, because nothing is connected by hand here."""
    try:
        provider = get_adapter(request).get_provider(request, provider_id)
    except SocialApp.DoesNotExist:
        raise Http404 from None
    back = get_next_redirect_url(request)
    more = provider.get_auth_params()
    if (
        request.GET.get("prompt") == "login"
    ):  # before something sensitive: an open session there is not enough
        more["prompt"] = "login"
    return _asking(
        request, lambda: provider.redirect(request, AuthProcess.LOGIN, next_url=back, auth_params=more)
    )


@require_safe
def finish(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take the browser back from the provider and sign the person in."""
    return _asking(request, lambda: openid_connect.callback(request, provider_id))


def _asking(request: HttpRequest, ask: Callable[[], HttpResponse]) -> HttpResponse:
    try:
        return ask()
    except (RequestException, AttributeError, KeyError, TypeError, ValueError) as error:
        return fault(request, error)


def fault(request: HttpRequest, error: Exception | None) -> HttpResponse:
    """Say that the provider did not answer, or answered in a way that nobody understands; logs the error."""
    log.warning("The sign-in provider failed: %s", error, exc_info=error)
    if isinstance(error, RequestException):
        text = _("The single sign-on service isn't responding. Try again in a few minutes.")
        return refused(request, text, 503)
    text = _("The single sign-on service sent an invalid answer. Tell your administrator.")
    return refused(request, text, 502)


def refused(request: HttpRequest, message: str, status: int) -> HttpResponse:
    """Return the page that says why the person is not signed in, with the way to try again."""
    return render(request, "stellwerk/errors/sign_in.html", {"message": message}, status=status)


def refuse(request: HttpRequest, message: str, status: int) -> ImmediateHttpResponse:
    """Return what allauth wants raised to end a sign-in with that page."""
    return ImmediateHttpResponse(refused(request, message, status))
