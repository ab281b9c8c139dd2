"""Signed out, or in again elsewhere, while writing: the text is kept, and nobody is led where no page stands."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.write.services import create
from stellwerk.processes.incidents.incident import Incident
from stellwerk.web.models import Draft
from stellwerk.web.unsent import MOST

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"  # noqa: S105  # nosec B105 -- a test's
TEXT = "First unplug the blue cable,\nthen <b>4711</b>."
SHOWN = "then &lt;b&gt;4711&lt;/b&gt;."


@pytest.fixture
def maria(maria: Person) -> Person:
    maria.set_password(PASSWORD)
    Person.objects.filter(pk=maria.pk).update(password=maria.password)
    return maria


@pytest.fixture
def ticket(maria: Person) -> Incident:
    return create(Incident, {"title": "Mail is down", "requester": maria}, by=maria)


def sign_in(client: Client, at: str = "/account/login/") -> Any:
    there = {"next": parse_qs(urlsplit(at).query).get("next", [""])[0]}
    return client.post("/account/login/", {"login": "maria", "password": PASSWORD, **there}, follow=True)


def test_a_reply_sent_after_the_session_ended_is_a_draft_after_signing_in(
    client: Client, ticket: Incident
) -> None:
    answer = client.post(f"/records/{ticket.reference}/say/", {"kind": "note", "body": TEXT, "version": "1"})
    assert (answer.status_code, answer["Location"]) == (302, "/account/login/?next=/unsent/")
    page = sign_in(client, answer["Location"])
    assert page.redirect_chain[-1] == (f"/records/{ticket.reference}/", 302)
    assert SHOWN in page.content.decode()
    assert "Not sent yet: you were signed out." in page.content.decode()
    assert Draft.objects.get().content == {"kind": "note", "body": TEXT}
    assert not ticket.comments.exists()
    assert client.get("/unsent/", follow=True).redirect_chain == [("/", 302)]


def test_a_reply_in_the_portal_is_a_draft_there_after_signing_in(client: Client, ticket: Incident) -> None:
    page = f"/portal/tickets/{ticket.reference}/"
    answer = client.post(f"{page}reply/", {"kind": "reply", "body": TEXT, "once": "abc", "seen": "1"})
    shown = sign_in(client, answer["Location"])
    assert shown.redirect_chain[-1] == (page, 302)
    assert SHOWN in shown.content.decode()
    assert "Not sent yet: you were signed out." in shown.content.decode()
    assert not ticket.comments.exists()
    # The staff's composer is another place: what was meant for everybody does not become a note, nor the other way round.
    assert SHOWN not in client.get(f"/records/{ticket.reference}/").content.decode()
    assert client.post(f"{page}reply/", {"kind": "reply", "body": TEXT}).status_code == 302
    assert not Draft.objects.exists()
    assert [said.body for said in ticket.comments.all()] == [TEXT]


FORMS: dict[str, dict[str, Any]] = {
    "/incidents/new/": {"title": TEXT, "description": "x"},
    "/records/{}/edit/": {"title": "4711", "description": TEXT, "version": "1"},
    "/records/{}/fields/description/": {"description": TEXT, "version": "1"},
    "/records/{}/steps/resolve/": {"resolution": TEXT, "version": "1"},
    "/records/{}/links/": {"relation": "related", "target": TEXT},
    "/incidents/bulk/": {"selected": ["1", "2"], "action": "step.cancel", "value-resolution": TEXT},
    "/incidents/views/": {"name": TEXT, "query": "open=yes"},
    "/portal/tickets/{}/withdraw/": {"reason": TEXT, "once": "abc"},
    "/portal/new/incident/": {"title": "4711", "description": TEXT},
}


@pytest.mark.parametrize("path", FORMS)
def test_any_other_form_waits_ready_to_be_sent(path: str, client: Client, ticket: Incident) -> None:
    address, sent = path.format(ticket.reference) + "?a=b", FORMS[path]
    answer = client.post(address, sent)
    page = sign_in(client, answer["Location"])
    assert page.status_code == 200
    text = page.content.decode()
    assert SHOWN in text
    form = page.context["forms"][0]
    assert form.address == address
    values: dict[str, list[str]] = {}
    for name, value in form.fields:
        values.setdefault(name, []).append(value)
    assert values == {name: value if isinstance(value, list) else [value] for name, value in sent.items()}
    assert 'action="/unsent/?at=0"' in text
    # It waits until it is sent or thrown away, however often the page is looked at.
    assert SHOWN in client.get("/unsent/").content.decode()
    thrown = client.post("/unsent/?at=0", {"drop": "1"}, follow=True)
    assert thrown.redirect_chain[0][1] == 302
    assert client.get("/unsent/", follow=True).redirect_chain[0] == ("/", 302)


def test_what_waits_is_sent_with_one_press(client: Client, ticket: Incident) -> None:
    sent = {"title": TEXT.replace("\n", " "), "version": str(ticket.version)}
    answer = client.post(f"/records/{ticket.reference}/fields/title/", sent)
    form = sign_in(client, answer["Location"]).context["forms"][0]
    answer = client.post(form.action, dict(form.fields))
    assert (answer.status_code, answer["Location"]) == (307, f"/records/{ticket.reference}/fields/title/")
    client.post(answer["Location"], dict(form.fields))  # as browsers do after a 307
    assert client.post(form.action, dict(form.fields))["Location"] == "/"
    ticket.refresh_from_db()
    assert ticket.title == sent["title"]


def test_what_was_sent_from_two_tabs_is_kept_both(client: Client, ticket: Incident) -> None:
    client.post("/incidents/new/", {"title": "First 4711"})
    client.post(f"/records/{ticket.reference}/say/", {"body": TEXT})
    answer = client.post("/incidents/new/", {"title": "Second 4711"})
    page = sign_in(client, answer["Location"]).content.decode()
    assert page.count("4711") == 2
    assert Draft.objects.get().content == {"body": TEXT}


def test_files_are_said_to_be_missing(client: Client, ticket: Incident) -> None:
    given = {"body": TEXT, "files": SimpleUploadedFile("a.txt", b"content")}
    answer = client.post(f"/records/{ticket.reference}/say/", given)
    assert "Choose the files again." in sign_in(client, answer["Location"]).content.decode()


def test_secrets_and_mere_clicks_are_not_kept(client: Client, ticket: Incident) -> None:
    for path, sent in (
        ("/account/password/change/", {"oldpassword": PASSWORD, "password1": TEXT}),
        ("/account/tokens/", {"name": TEXT}),
        (f"/records/{ticket.reference}/watch/", {"version": "1"}),
    ):
        answer = client.post(path, sent)
        assert (answer.status_code, "unsent" in client.session) == (302, False), path


def test_a_text_too_large_to_be_kept_for_a_stranger_comes_back_at_once(
    client: Client, ticket: Incident
) -> None:
    long = "word " * (MOST // 5)
    answer = client.post(f"/records/{ticket.reference}/say/", {"body": long})
    assert (answer.status_code, "unsent" in client.session) == (401, False)
    assert long in answer.content.decode()
    assert 'href="/account/login/?next=/signed-in/"' in answer.content.decode()


@pytest.mark.parametrize("headers", [{"HX-Request": "true"}, {"Sec-Fetch-Mode": "cors"}])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_script_is_told_that_nobody_is_signed_in(
    method: str, headers: dict[str, str], client: Client, ticket: Incident
) -> None:
    for path in (
        f"/records/{ticket.reference}/fields/urgency/", f"/draft/reply:{ticket.reference}/", "/incidents/", "/palette/",
        "/account/preferences/", f"/records/{ticket.reference}/steps/resolve/", "/notifications/",
    ):  # fmt: skip
        answer = getattr(client, method)(path, {"body": TEXT}, headers=headers)
        assert (answer.status_code, answer.content) == (
            401,
            b"You're signed out. Sign in again to continue.",
        ), path
    dialog = getattr(client, method)(
        "/records/INC-1/links/", headers={"HX-Request": "true", "HX-Target": "dialog"}
    )
    assert (dialog.status_code, "HX-Redirect" in dialog) == (401, False)


def stale(maria: Person, ours: bool = True) -> Client:
    """A browser with a page from before its reader signed in again."""
    client = Client(
        enforce_csrf_checks=True, headers={"Origin": "http://testserver" if ours else "http://evil.example"}
    )
    client.force_login(maria)
    client.cookies["stellwerk_csrf"] = "a" * 32
    return client


def test_who_signed_in_again_elsewhere_finds_the_text_ready_to_be_sent(
    maria: Person, ticket: Incident
) -> None:
    client = stale(maria)
    path = f"/records/{ticket.reference}/say/"
    answer = client.post(
        path, {"kind": "reply", "body": TEXT, "once": "abc", "csrfmiddlewaretoken": "b" * 32 + "c" * 32}
    )
    assert (answer.status_code, SHOWN in answer.content.decode()) == (403, True)
    assert not ticket.comments.exists()
    again = dict(answer.context["forms"][0].fields) | {"csrfmiddlewaretoken": answer.context["csrf_token"]}
    for _press in range(2):
        assert client.post(path, again)["Location"] == f"/records/{ticket.reference}/"
    assert [said.body for said in ticket.comments.all()] == [TEXT]


def test_a_script_with_an_old_mark_is_given_the_new_one(maria: Person, ticket: Incident) -> None:
    client = stale(maria)
    headers = {"HX-Request": "true", "X-CSRFToken": "b" * 32 + "c" * 32}
    path = f"/draft/reply:{ticket.reference}/"
    answer = client.post(path, {"body": TEXT}, headers=headers)
    assert (answer.status_code, Draft.objects.count()) == (403, 0)
    headers["X-CSRFToken"] = answer["X-CSRFToken"]
    assert client.post(path, {"body": TEXT}, headers=headers).status_code == 204
    assert Draft.objects.get().content == {"body": TEXT}


def test_a_forged_form_is_not_shown_again(maria: Person, ticket: Incident) -> None:
    for headers in ({}, {"HX-Request": "true"}):
        answer = stale(maria, ours=False).post(
            f"/records/{ticket.reference}/say/", {"body": TEXT}, headers=headers
        )
        assert (answer.status_code, "4711" in answer.content.decode()) == (403, False)
        assert "X-CSRFToken" not in answer
    assert not ticket.comments.exists()


def test_a_page_that_was_left_open_learns_who_is_signed_in_now(client: Client, maria: Person) -> None:
    assert client.get("/signed-in/", headers={"HX-Request": "true"}).status_code == 401
    client.force_login(maria)
    told = client.get("/signed-in/", headers={"HX-Request": "true"}).json()
    assert told["person"] == maria.reference
    assert len(told["token"]) == 64
    assert "What you wrote is still there" in client.get("/signed-in/").content.decode()


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/records/{}/say/", "/records/{}/"),
        ("/records/{}/watch/", "/records/{}/"),
        ("/records/{}/edit/?a=b", "/records/{}/edit/?a=b"),
        ("/draft/reply:{}/", "/"),
        ("/incidents/bulk/undo/", "/incidents/"),
        ("/portal/tickets/{}/reply/", "/portal/tickets/{}/"),
    ],
)
def test_signing_in_leads_to_a_page(path: str, page: str, client: Client, ticket: Incident) -> None:
    path, page = path.format(ticket.reference), page.format(ticket.reference)
    answer = client.get(path)
    if answer.status_code == 302:  # else the address refuses reading before it asks who reads
        assert parse_qs(urlsplit(answer["Location"]).query)["next"] == [page]
    by_hand = sign_in(client, f"/account/login/?next={path}")
    assert by_hand.status_code == 200
