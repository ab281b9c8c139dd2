"""A person's own pages: preferences, and the tokens that act for them."""

from dataclasses import dataclass

from allauth.account import views as sign_in
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from stellwerk.accounts import address_change
from stellwerk.accounts.confirming import confirmed
from stellwerk.accounts.forms import AddressForm, LookForm, PreferencesForm, TokenForm
from stellwerk.accounts.links import make_link
from stellwerk.accounts.tokens import make_token
from stellwerk.accounts.tokens import revoke_token as end_token
from stellwerk.kernel.identity.api_token import ApiToken
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import shared_cache
from stellwerk.kernel.model.mail import NO_MAIL
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.signed_in import SignedInRequest

PREFERENCES = ("language", "time_zone", "theme", "density")


@dataclass(frozen=True, slots=True)
class WayTo:
    """A page about one thing of an account."""

    title: str
    text: str
    url: str
    icon: str


@login_required
def account(request: SignedInRequest) -> HttpResponse:
    """Show and save the person's preferences, and the ways to what else is theirs."""
    person = request.user
    form = PreferencesForm(request.POST or None, instance=person)
    if request.method == "POST" and form.is_valid():
        _remember(person)
        messages.success(request, _("Saved."))
        return redirect("account")
    sections = [{"title": _("Preferences"), "fields": list(form)}]
    context = {"form": form, "sections": sections, "account_links": _links(person)}
    return render(request, "stellwerk/account.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def preferences(request: SignedInRequest) -> HttpResponse:
    """Save theme or density from the account menu; back to the page, or nothing to say to a script."""
    person = request.user
    form = LookForm(request.POST, person)
    if not form.is_valid():
        return HttpResponse(_("Choose one of the themes in the list."), status=422, content_type="text/plain")
    _remember(person)
    back = request.POST.get("next", "/")
    if "next" not in request.POST or request.headers.get("Sec-Fetch-Mode") == "cors":
        return HttpResponse(status=204)
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(back if safe else "/")


@login_required
@confirmed
def tokens(request: SignedInRequest) -> HttpResponse:
    """List a person's tokens and issue new ones; administrators do so for service accounts."""
    owner = _owner(request)
    form = TokenForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        expiry = form.expires_at()
        secret = make_token(owner, data["name"], data["scopes"], expires_at=expiry, by=request.user)
        form = TokenForm()
    listed = ApiToken.objects.filter(person=owner, revoked_at=None).order_by("-created_at")
    context = {"owner": owner, "own": owner == request.user, "form": form, "secret": secret, "tokens": listed}
    response = render(request, "stellwerk/tokens.html", context, status=422 if form.errors else 200)
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def revoke_token(request: SignedInRequest, pk: int) -> HttpResponse:
    """End a token at once."""
    owner = _owner(request)
    token = get_object_or_404(ApiToken, pk=pk, person=owner)
    end_token(token, by=request.user)
    messages.success(request, _("“%s” was revoked.") % token.name)
    return HttpResponseRedirect(_tokens_url(owner, request.user))


@require_http_methods(["GET", "HEAD", "POST"])
def password_reset(request: HttpRequest) -> HttpResponse:
    """Send a link by mail; where none is sent, say who makes one."""
    if settings.EMAIL_BACKEND == NO_MAIL:
        return render(request, "account/password_reset.html", {"without_mail": True})
    answer: HttpResponse = sign_in.password_reset(request)
    return answer


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: SignedInRequest, reference: str) -> HttpResponse:
    """Make a link with which somebody chooses a password; for administrators, who hand it over themselves."""
    reader = request.user
    seen = Person.objects.visible_to(reader)
    person = get_object_or_404(seen, reference=reference.upper(), is_service=False)
    if not policy_of(reader).is_administrator:
        raise PermissionDenied(_("Only administrators can create links for choosing a password."))
    context = {"person": person, "hours": settings.PASSWORD_RESET_TIMEOUT // 3600}
    if request.method == "POST":
        try:
            context["link"] = make_link(person, by=reader)
        except ValidationError as error:
            context["fault"] = " ".join(error.messages)
    response = render(
        request, "stellwerk/sign_in_link.html", context, status=422 if "fault" in context else 200
    )
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_address(request: SignedInRequest, reference: str) -> HttpResponse:
    """Ask for another address: one's own, or that of somebody whom the reader maintains."""
    reader = request.user
    known = Person.objects.visible_to(reader) | Person.objects.filter(pk=reader.pk)
    person = get_object_or_404(known.distinct(), reference=reference.upper())
    if person.pk != reader.pk and not policy_of(reader).may_edit(person):
        raise PermissionDenied(_("You can't change this address. Ask an administrator."))
    form = AddressForm(request.POST or None, initial={"email": person.email})
    if request.method == "POST" and form.is_valid():
        try:
            asked = address_change.ask(person, form.cleaned_data["email"], by=reader)
        except ValidationError as error:
            form.add_error("email", error.messages)
        else:
            text = _("A link was sent to both addresses. The new one takes effect once both have confirmed.")
            messages.success(request, text if asked else _("Saved."))
            return redirect("account" if person.pk == reader.pk else person)
    context = {"person": person, "form": form, "own": person.pk == reader.pk}
    return render(request, "stellwerk/change_address.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def confirm_address(request: HttpRequest, key: str) -> HttpResponse:
    """Confirm a changed address from the mail to one of the two; opening the page alone confirms nothing."""
    if request.method == "POST":
        asked = address_change.confirm(key)
        context = {"asked": asked, "done": asked is not None, "complete": bool(asked and not asked.pk)}
    else:
        found = address_change.find(key)
        context = {"asked": found[0] if found else None}
    answer = render(request, "account/confirm_address.html", context, status=200 if context["asked"] else 404)
    answer["Cache-Control"], answer["Referrer-Policy"] = "no-store", "no-referrer"
    return answer


def _remember(person: Person) -> None:
    """Save the preferences alone: saving the whole person would undo what others wrote meanwhile."""
    with transaction.atomic():
        shared_cache.invalidate()
        Person.objects.filter(pk=person.pk).update(**{name: getattr(person, name) for name in PREFERENCES})


def _owner(request: SignedInRequest) -> Person:
    """Return whose tokens are meant: the reader's, or a service account's for administrators."""
    reader = request.user
    reference = request.GET.get("for")
    if not reference:
        return reader
    if not policy_of(reader).is_administrator:
        raise PermissionDenied(_("Only administrators can issue tokens for service accounts."))
    return get_object_or_404(Person, reference=reference.upper(), is_service=True)


def _tokens_url(owner: Person, reader: Person) -> str:
    return reverse("tokens") + ("" if owner == reader else f"?for={owner.reference}")


def _links(person: Person) -> list[WayTo]:
    rows = [
        (_("Password"), _("Change it"), "account_change_password", "key-round"),
        (_("Second factor"), _("App codes, passkeys and recovery codes"), "mfa_index", "shield-check"),
        (
            _("Sessions"),
            _("See where you're signed in, and sign out other sessions"),
            "usersessions_list",
            "monitor-smartphone",
        ),
        (_("API tokens"), _("Let programs act for you"), "tokens", "braces"),
    ]
    ways = [WayTo(title, text, reverse(name), icon) for title, text, name, icon in rows]
    if person.address_is_confirmed:
        address = reverse("change_address", args=[person.reference])
        ways.append(WayTo(_("Email"), str(person.email), address, "at-sign"))
    return ways
