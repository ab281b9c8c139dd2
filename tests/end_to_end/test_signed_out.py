"""Somebody is signed out while they write: the page says so at once, and nothing of what they wrote is lost."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from stellwerk.kernel.identity.person import Person
from stellwerk.processes.incidents.incident import Incident
from stellwerk.web.models import Draft
from tests.end_to_end.conftest import OpenAs

PASSWORD = "a long enough secret"  # noqa: S105  # nosec B105 -- a test's
TEXT = "A long answer of half an hour 0815."

pytestmark = pytest.mark.browser


@pytest.fixture
def agent(agent: Person) -> Person:
    agent.set_password(PASSWORD)
    Person.objects.filter(pk=agent.pk).update(password=agent.password)
    return agent


def end_session(page: Page) -> None:
    page.context.clear_cookies(name="stellwerk_session")


def sign_in(page: Page) -> None:
    page.locator("[name=login]").fill("arno")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")


@pytest.fixture
def arno(open_as: OpenAs, ticket: Incident, agent: Person) -> Any:
    return open_as(agent, f"/records/{ticket.reference}/")


def test_arno_is_told_at_once_and_finds_his_text_after_signing_in(arno: Page, agent: Person) -> None:
    end_session(arno)
    arno.locator("#composer-body").fill(TEXT)
    expect(arno.get_by_role("alert")).to_contain_text(
        "You're signed out. What you wrote is still on this page."
    )
    expect(arno.locator("[data-draft-state]")).to_have_text(
        "Not saved: you're signed out. Your text stays on this page"
    )
    # No part of the page is exchanged for a form to sign in with.
    arno.locator("[hx-get*='/fields/']").first.click()
    expect(arno.locator(".toast-text").first).to_contain_text("You're signed out, so nothing was sent.")
    expect(arno.locator("input[name=password]")).to_have_count(0)
    expect(arno.locator("#composer-body")).to_have_value(TEXT)
    assert not Draft.objects.exists()
    arno.locator("#composer-body").press("Control+Enter")
    sign_in(arno)
    expect(arno.locator("#composer-body")).to_have_value(TEXT)
    expect(arno.locator("#toasts")).to_contain_text("Not sent yet: you were signed out.")
    arno.locator("#composer-body").press("Control+Enter")
    expect(arno.locator("#stream")).to_contain_text(TEXT)


def test_arno_signs_in_again_in_another_tab_and_goes_on(arno: Page, agent: Person, ticket: Incident) -> None:
    end_session(arno)
    arno.locator("#composer-body").fill(TEXT)
    with arno.context.expect_page() as opened:
        arno.get_by_role("link", name="Sign in again").click()
    other = opened.value
    sign_in(other)
    expect(other.get_by_role("heading", level=1)).to_have_text("You're signed in again")
    other.close()
    arno.bring_to_front()
    arno.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(arno.locator("#signed-out")).to_have_count(0)
    expect(arno.locator("[data-draft-state]")).to_have_text("Draft saved")
    arno.locator("#composer-body").press("Control+Enter")
    expect(arno.locator("#stream")).to_contain_text(TEXT)
    assert [said.body for said in ticket.comments.all()] == [TEXT]


def test_a_list_is_not_exchanged_for_a_form_to_sign_in(arno: Page) -> None:
    arno.goto("/incidents/")
    end_session(arno)
    arno.locator("[data-list-search]").fill("mail")
    arno.keyboard.press("Enter")
    expect(arno.get_by_role("alert")).to_contain_text("You're signed out.")
    expect(arno.locator("input[name=password]")).to_have_count(0)
    expect(arno.get_by_role("navigation", name="Main")).to_be_visible()
