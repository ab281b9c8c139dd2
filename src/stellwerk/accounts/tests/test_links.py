"""Links for choosing a password: made by administrators, good for one use, noted in the journal."""

import re
from typing import Any

import pytest
from django.test import Client

from stellwerk.kernel.audit.verifier import verify
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.testing.fixtures import make_person
from stellwerk.kernel.write.services import transition

PASSWORD = "correct horse battery staple"  # noqa: S105  # nosec B105 -- a test's


@pytest.fixture
def as_root(root: Person) -> Client:
    client = Client()
    client.force_login(root)
    return client


def make(client: Client, person: Person) -> Any:
    return client.post(f"/account/sign-in-link/{person.reference}/")


def link_in(page: str) -> str:
    found = re.search(r'value="http://testserver([^"]+)"', page)
    assert found is not None
    return found[1]


def choose(link: str, password: str) -> tuple[Client, Any]:
    """Open the link in a browser of its own and choose a password there."""
    client = Client()
    page = client.get(link, follow=True)
    form = page.redirect_chain[-1][0] if page.redirect_chain else link
    return client, client.post(form, {"password1": password, "password2": password}, follow=True)


def test_a_person_without_a_password_chooses_one(as_root: Client, gus: Person, root: Person) -> None:
    assert "Link for choosing a password" in as_root.get(f"/records/{gus.reference}/").text
    page = make(as_root, gus)
    assert (page.status_code, page["Cache-Control"]) == (200, "no-store")
    choose(link_in(page.text), PASSWORD)
    visitor = Client()
    assert visitor.post("/account/login/", {"login": "gus", "password": PASSWORD}).status_code == 302
    entry = Entry.objects.filter(record_id=gus.pk).latest("number")
    assert (entry.actor_id, entry.reason) == (root.pk, "Created a link for choosing a password.")
    assert "Created a link for choosing a password." in as_root.get(f"/records/{gus.reference}/").text
    gus.refresh_from_db()
    assert not list(verify(gus, gus.entries.order_by("number")))


def test_the_page_says_that_one_signs_in_after_choosing_and_so_it_is(as_root: Client, gus: Person) -> None:
    page = make(as_root, gus).text
    assert "chooses the password of Gus Gordon and can then sign in as them." in page
    browser, done = choose(link_in(page), PASSWORD)
    assert "Use the new one to sign in from now on." in done.text
    assert browser.get("/account/").status_code == 302


def test_a_link_works_once(as_root: Client, gus: Person) -> None:
    link = link_in(make(as_root, gus).text)
    choose(link, PASSWORD)
    choose(link, "another long secret of mine")
    assert Client().post("/account/login/", {"login": "gus", "password": PASSWORD}).status_code == 302


def test_looking_makes_no_link(as_root: Client, gus: Person) -> None:
    before = gus.entries.count()
    page = as_root.get(f"/account/sign-in-link/{gus.reference}/")
    assert "once, within 24 hours" in page.text
    assert "testserver/account" not in page.text
    assert gus.entries.count() == before


def test_who_could_not_sign_in_gets_none(as_root: Client, gus: Person) -> None:
    nameless = make_person("Nameless", username="")
    assert make(as_root, nameless).status_code == 422
    assert "user name or an e-mail address to sign in with first" in make(as_root, nameless).text
    transition(gus, "leave", by=SYSTEM)
    assert make(as_root, gus).status_code == 422


def test_only_administrators_make_them_and_for_people_only(
    as_root: Client, client: Client, maria: Person, agent: Person, gus: Person
) -> None:
    client.force_login(maria)
    assert (make(client, agent).status_code, make(client, gus).status_code) == (403, 404)
    program = make_person("Monitoring", is_service=True)
    assert make(as_root, program).status_code == 404
    assert f"/account/tokens/?for={program.reference}" in as_root.get(f"/records/{program.reference}/").text


def test_whoever_forgot_a_password_where_no_mail_is_sent_learns_who_makes_a_link(
    client: Client, gus: Person, settings: Any, mailoutbox: list[Any]
) -> None:
    assert "Send the link" in client.get("/account/password/reset/").content.decode()
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    for answer in (
        client.get("/account/password/reset/"),
        client.post("/account/password/reset/", {"email": gus.email}),
    ):
        assert answer.status_code == 200
        assert "an administrator can create a link" in answer.content.decode()
        assert "Send the link" not in answer.content.decode()
    assert mailoutbox == []
