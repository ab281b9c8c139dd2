"""What was written by somebody who turns out not to be signed in: it is kept until they are, and never lost.

- A form that comes without a session waits in the anonymous one; after signing in it is a draft again, or stands on a
  page from which it is sent.
- A form with an old mark against forgery (its sender signed in again in another tab) is shown again, ready to be sent.
- A script that asks for a part of a page is told 401, so that no form for signing in is drawn into a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import resolve, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from stellwerk.contexts import context_of
from stellwerk.kernel.model.routes import nearest_page
from stellwerk.signed_in import SignedInRequest
from stellwerk.web.dialogs import GetResponse
from stellwerk.web.record import drafts

KEPT = "unsent"
MOST = 200_000
"""How many signs of a form are kept for somebody who is not signed in; a larger one is shown to be sent again."""
OF_ACCOUNTS = "/account/"
"""Forms below this hold passwords and codes: they are not kept."""
COMPOSERS = {"record_say": ("reply:{reference}", "record")}
"""Where a composer sends its text: the place of its draft, and the page on which it stands. Others add theirs."""


class Form(TypedDict):
    """What a form held, as a session keeps it."""

    address: str
    fields: list[tuple[str, str]]
    files: bool


class SignedOutMiddleware:
    """Lead to signing in without losing what was sent, and back to a page that exists."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        return sign_in_first(request) if _leads_to_sign_in(request, answer) else answer


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """Answer somebody who must sign in: a sentence to a script, the page for it to everybody else."""
    if is_by_script(request):
        return HttpResponse(
            _("You're signed out. Sign in again to continue."), status=401, content_type="text/plain"
        )
    form = _form_of(request)
    if form is None:
        return redirect_to_login(nearest_page(request.get_full_path()))
    forms = [*request.session.get(KEPT, []), form]
    if len(str(forms)) > MOST:
        return _show(request, [_shown(form, form["address"])], 401)
    request.session[KEPT] = forms
    return redirect_to_login(reverse("unsent"))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Keep what a page of ours sent with an old mark; what comes from elsewhere is refused (CSRF_FAILURE_VIEW)."""
    if not _is_from_here(request) or request.path.startswith(OF_ACCOUNTS):
        return render(request, "403_csrf.html", status=403)
    if not request.user.is_authenticated:
        return sign_in_first(request)
    if is_by_script(request):
        text = _("You signed in again in the meantime. Repeat what you did last.")
        return HttpResponse(
            text, status=403, content_type="text/plain", headers={"X-CSRFToken": get_token(request)}
        )
    form = _contents(request)
    return _show(request, [_shown(form, form["address"])], 403)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def unsent_page(request: SignedInRequest) -> HttpResponse:
    """Show what was sent without being signed in: in its composer, or ready to be sent or thrown away (POST, `at`)."""
    forms: list[Form] = request.session.get(KEPT, [])
    if request.method == "POST":
        return _sent(request, forms)
    pages = [_as_draft(request, form) for form in forms]
    waiting = [form for form, page in zip(forms, pages, strict=True) if page is None]
    if forms:
        request.session[KEPT] = waiting
    if not waiting:
        return next((page for page in reversed(pages) if page), redirect("/"))
    action = reverse("unsent")
    return _show(request, [_shown(form, f"{action}?at={at}") for at, form in enumerate(waiting)], 200)


def _sent(request: HttpRequest, forms: list[Form]) -> HttpResponse:
    """Take a form from those that wait, and have the browser send it to where it belongs unless it was thrown away."""
    at = request.GET.get("at", "")
    if not (at.isdecimal() and len(at) < 4 and int(at) < len(forms)):
        return redirect("/")
    form = forms[int(at)]
    request.session[KEPT] = [other for other in forms if other is not form]
    if "drop" in request.POST:
        return redirect(nearest_page(form["address"]))
    return HttpResponse(status=307, headers={"Location": form["address"]})


@login_required
@require_safe
def signed_in_page(request: SignedInRequest) -> HttpResponse:
    """Tell a page that was left open that its reader is signed in again, and the mark that its forms need now."""
    person = request.user
    if is_by_script(request):
        return JsonResponse({"token": get_token(request), "person": person.reference})
    return render(request, "stellwerk/signed_in.html")


def is_by_script(request: HttpRequest) -> bool:
    """Whether a script asks, which would draw the answer into a page."""
    return (
        bool(getattr(request, "htmx", False))
        or request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
    )


def _leads_to_sign_in(request: HttpRequest, answer: HttpResponse) -> bool:
    if request.user.is_authenticated or answer.status_code != 302:
        return False
    to = urlsplit(answer["Location"])
    return to.path == reverse(settings.LOGIN_URL) and to.query.startswith("next=")


def _form_of(request: HttpRequest) -> Form | None:
    """Return what a form held, in order; None where nobody wrote anything, or what they wrote is a secret."""
    if request.method in ("GET", "HEAD") or request.path.startswith(OF_ACCOUNTS):
        return None
    form = _contents(request)
    return form if any(_is_written(name, value) for name, value in form["fields"]) else None


def _contents(request: HttpRequest) -> Form:
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name != "csrfmiddlewaretoken"
    ]
    return {"address": request.get_full_path(), "fields": fields, "files": bool(request.FILES)}


def _is_written(name: str, value: str) -> bool:
    """Whether a field holds words, rather than a choice, a number or bookkeeping."""
    hidden = name in drafts.NOT_CONTENT or name in drafts.NOT_TEXT
    return not hidden and bool(value.strip()) and not value.strip().isdecimal()


def _is_from_here(request: HttpRequest) -> bool:
    """Whether a browser says that one of our pages sent this."""
    origin = urlsplit(request.headers.get("Origin") or request.headers.get("Referer", ""))
    known = f"{origin.scheme}://{origin.netloc}" in settings.CSRF_TRUSTED_ORIGINS
    return known or origin.netloc == request.get_host()


def _as_draft(request: SignedInRequest, form: Form) -> HttpResponse | None:
    """Put a text back into its composer."""
    match = resolve(urlsplit(form["address"]).path)
    if match.view_name not in COMPOSERS:
        return None
    place, page = COMPOSERS[match.view_name]
    content = {name: value for name, value in form["fields"] if name not in drafts.NOT_CONTENT}
    reference = match.kwargs["reference"].upper()
    drafts.keep(request.user, place.format(reference=reference), content)
    messages.warning(request, _said(form))
    return redirect(page, reference)


@dataclass(frozen=True, slots=True)
class ShownForm:
    """A form that was not taken: its words to be read and changed, and all of it to be sent."""

    address: str
    fields: Sequence[tuple[str, str]]
    written: Sequence[tuple[str, str, str]]
    """Name, label and text."""
    rest: Sequence[tuple[str, str]]
    marked: bool
    message: str
    action: str
    cancel_url: str
    files: bool


@dataclass(frozen=True, slots=True)
class Unsent:
    forms: Sequence[ShownForm]
    signed_out: bool
    kept: bool


def show_again(request: HttpRequest, message: str, status: int) -> HttpResponse:
    """Show a form that was not taken with what was written in it, to be checked and sent as a new one."""
    form = _contents(request)
    if form["files"]:
        message = f"{message} {_('Choose the files again.')}"
    form["fields"] = [(name, value) for name, value in form["fields"] if name != "once"]
    return _show(request, [_shown(form, form["address"], message)], status)


def _show(request: HttpRequest, forms: list[ShownForm], status: int) -> HttpResponse:
    context = context_of(Unsent(forms, signed_out=status == 401, kept=status == 200))
    template = "parts/unsent" if is_by_script(request) else "unsent"
    return render(request, f"stellwerk/{template}.html", context, status=status)


def _shown(form: Form, action: str, message: str = "") -> ShownForm:
    fields = list(form["fields"])
    return ShownForm(
        address=form["address"],
        fields=fields,
        written=[
            (name, capfirst(name.replace("_", " ")), value)
            for name, value in fields
            if _is_written(name, value)
        ],
        rest=[(name, value) for name, value in fields if not _is_written(name, value)],
        marked=any(name == "once" for name, _value in fields),
        message=message or _said(form),
        action=action,
        cancel_url=nearest_page(form["address"]),
        files=form.get("files", False),
    )


def _said(form: Form) -> str:
    said = _("Not sent yet: you were signed out. Your text is still here. Check it and send it.")
    return said + " " + _("Choose the files again.") if form.get("files") else said
