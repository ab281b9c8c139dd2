"""Before something sensitive, people say once more who they are: by password, passkey, code, or at their provider.

    @login_required
    @confirmed
    def grant(request): ...

A form that was sent without it waits in the session and goes on by itself afterwards, with what was filled in.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.app_settings import REAUTHENTICATION_TIMEOUT
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import (
    did_recently_reauthenticate,
    get_reauthentication_flows,
    stash_and_reauthenticate,
)
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import resolve, reverse
from django.utils.http import urlencode

View = Callable[..., HttpResponse]


def confirmed(view: View) -> View:
    """Let a form through only from somebody who confirmed lately who they are; others are asked first."""

    @wraps(view)
    def asking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
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
    if not get_reauthentication_flows(request.user):
        way = {"next": request.get_full_path(), "prompt": "login"}
        return HttpResponseRedirect(f"{reverse('openid_connect_login')}?{urlencode(way)}")
    kept = {"address": request.get_full_path(), "form": request.POST.urlencode()}
    answer: HttpResponse = stash_and_reauthenticate(request, kept, f"{__name__}.go_on")
    return answer


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
    from allauth.socialaccount.models import SocialAccount  # a model: not before the apps are ready

    return bool(SocialAccount.objects.filter(user=request.user.pk).exists())
