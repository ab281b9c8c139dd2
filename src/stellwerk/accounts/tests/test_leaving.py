"""Who leaves signs in nowhere any more, and what they left behind does not work again when they return."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from stellwerk.accounts import address_change
from stellwerk.accounts.address_change import AddressChange
from stellwerk.api.tests.conftest import Program
from stellwerk.kernel.audit.verifier import verify
from stellwerk.kernel.identity.api_token import ApiToken
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.write.services import transition
from stellwerk.kernel.write.undo import undo

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"  # noqa: S105  # nosec B105 -- a test's


def browser_of(person: Person) -> Client:
    person.set_password(PASSWORD)
    Person.objects.filter(pk=person.pk).update(password=person.password)
    client = Client()
    client.post("/account/login/", {"login": person.username, "password": PASSWORD})
    return client


def test_tokens_and_sessions_do_not_work_again_after_the_return(
    gus: Person, maria: Person, root: Person
) -> None:
    program, others = Program(gus), Program(maria)
    browser, her_browser = browser_of(gus), browser_of(maria)
    address_change.ask(gus, "gus@new.example", by=gus)
    assert (program.get("me").status_code, browser.get("/account/").status_code) == (200, 200)
    left = transition(gus, "leave", by=root)
    assert (program.get("me").status_code, browser.get("/account/").status_code) == (401, 302)
    transition(left, "return", by=root)
    assert (program.get("me").status_code, browser.get("/account/").status_code) == (401, 302)
    assert not AddressChange.objects.exists()
    assert (others.get("me").status_code, her_browser.get("/account/").status_code) == (200, 200)
    # The password is still theirs: they sign in as before.
    assert browser_of(gus).get("/account/").status_code == 200


def test_the_journal_says_what_was_revoked(gus: Person, root: Person) -> None:
    program = Program(gus)
    left = transition(gus, "leave", by=root)
    entry = left.entries.latest("number")
    assert (entry.actor, entry.reason, entry.changes) == (None, "Revoked API tokens: “a test”.", {})
    assert program.secret[:10] not in str(list(left.entries.values_list()))
    left.refresh_from_db()
    assert list(verify(left, left.entries.order_by("number"))) == []


def test_who_had_no_token_has_one_entry_for_leaving(gus: Person, root: Person) -> None:
    assert transition(gus, "leave", by=root).entries.count() == 2


def test_undoing_a_return_ends_what_was_made_since(gus: Person, root: Person) -> None:
    back = transition(transition(gus, "leave", by=root), "return", by=root)
    returned = back.entries.latest("number")
    program = Program(Person.objects.get(pk=gus.pk))
    undo(returned, by=root)
    assert program.get("me").status_code == 401
    assert ApiToken.objects.get().revoked_at is not None
    assert Session.objects.count() == 0
