"""One group of the navigation: what a folded one shows when it is unfolded, and a page of its own without scripts."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from stellwerk.signed_in import SignedInRequest
from stellwerk.web import shell


@login_required
@require_safe
def group_page(request: SignedInRequest, number: int) -> HttpResponse:
    """Show all items of a group; `place` is the address at which the reader is in the navigation."""
    groups = shell.whole_navigation(request.user, request.GET.get("place", ""))
    group = next((group for group in groups if group.number == number and group.title), None)
    if group is None:
        raise Http404
    part = bool(request.headers.get("HX-Request"))
    template = "stellwerk/parts/nav_group.html" if part else "stellwerk/navigation.html"
    answer = render(request, template, {"group": group, "opened": part})
    patch_vary_headers(answer, ["HX-Request"])
    return answer
