"""Before something sensitive, people say once more who they are: by password, passkey, code, or at their provider.

    @login_required
    @confirmed
    def grant(request): ...

What the verbs find to be sensitive they refuse with NotConfirmed, and `ConfirmationMiddleware` asks in the same way. A
form that was sent without it waits in the session and goes on by itself afterwards, with what was filled in.
"""

import time
from collections.abc import Callable
from functools import wraps

from allauth.account.adapter import get_adapter
from allauth.account.app_settings import REAUTHENTICATION_TIMEOUT
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import (
    did_recently_reauthenticate,
    get_reauthentication_flows,
    stash_and_reauthenticate,
)
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import resolve, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from stellwerk.kernel.model.routes import nearest_page

KEPT = "form_until_confirmed"
View = Callable[..., HttpResponse]


def confirmed(view: View) -> View:
    """Let a form through only from somebody who confirmed lately who they are; others are asked first."""

    @wraps(view)
    def asking(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.method in ("GET", "HEAD") or has_confirmed(request):
            return view(request, *args, **kwargs)
        return ask_again(request)

    return asking


def has_confirmed(request: HttpRequest) -> bool:
    """Whether the person said within the last minutes who they are.

    Who has neither password nor second factor here, but an account at the provider, must have come from there lately.
    """
    if get_reauthentication_flows(request.user):
        return bool(did_recently_reauthenticate(request))
    if not _has_provider(request):
        return True  # nothing to ask for: they came by a link of an administrator
    at = [
        record["at"]
        for record in get_authentication_records(request, request.user)
        if record["method"] == "socialaccount"
    ]
    since: float = time.time() - at[-1] if at else float("inf")
    return since < int(REAUTHENTICATION_TIMEOUT)


def ask_again(request: HttpRequest) -> HttpResponse:
    """Lead to where the person confirms who they are, and keep the form that they sent until then."""
    kept = {"address": request.get_full_path(), "form": request.POST.urlencode()}
    if not get_reauthentication_flows(request.user):
        request.session[KEPT] = {**kept, "at": time.time(), "of": request.user.pk}
        way = {"next": reverse("go_on_confirmed"), "prompt": "login"}
        return HttpResponseRedirect(f"{reverse('openid_connect_login')}?{urlencode(way)}")
    stash_and_reauthenticate(request, kept, f"{__name__}.go_on")
    ways = get_adapter().get_reauthentication_methods(request.user)
    return HttpResponseRedirect(ways[0]["url"])


def carry_over(request: HttpRequest) -> None:
    """Take the waiting form out of a session that ends because its person signs in again."""
    request.META[KEPT] = request.session.get(KEPT)


def keep_on(request: HttpRequest) -> None:
    """Let the form wait in the new session, if it is the same person's."""
    kept = request.META.get(KEPT)
    if kept and kept["of"] == request.user.pk:
        request.session[KEPT] = kept


@login_required
@require_safe
def go_on_confirmed(request: HttpRequest) -> HttpResponse:
    """Send the form that waited while the person signed in again at the provider; once, and not much later."""
    kept = request.session.pop(KEPT, None)
    if kept is None or time.time() - kept["at"] > int(REAUTHENTICATION_TIMEOUT):
        return HttpResponseRedirect("/")
    if not has_confirmed(request):
        return HttpResponseRedirect(nearest_page(kept["address"]))
    request.method = "POST"
    return go_on(request, kept)


def go_on(request: HttpRequest, kept: dict[str, str]) -> HttpResponse:
    """Send the kept form to its view, now that the person has confirmed who they are."""
    path, _sign, query = kept["address"].partition("?")
    request.path = request.path_info = path
    request.META["QUERY_STRING"] = query
    request.GET = QueryDict(query)
    request.POST = QueryDict(kept["form"])
    request.resolver_match = found = resolve(path)
    answer: HttpResponse = found.func(request, *found.args, **found.kwargs)
    return answer


def _has_provider(request: HttpRequest) -> bool:
    return bool(SocialAccount.objects.filter(user=request.user.pk).exists())
