import pytest
from django.test import Client

from stellwerk.kernel.identity.person import Person


@pytest.fixture
def browser(maria: Person) -> Client:
    client = Client()
    client.force_login(maria)
    return client


def test_the_api_is_read_and_tried_on_a_page_of_our_own(browser: Client) -> None:
    page = browser.get("/api/v1/docs")
    text = page.content.decode()
    assert page.status_code == 200
    assert "/api/v1/incidents/{reference}/transitions/resolve" in text
    assert 'data-api-try="PATCH"' in text
    assert "<script>" not in text
    assert "://" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "").replace("https://docs", "")


@pytest.mark.parametrize("of", ["general", "people", "service-requests", "role-assignments"])
def test_every_type_has_its_page(browser: Client, of: str) -> None:
    assert browser.get(f"/api/v1/docs?of={of}").status_code == 200


def test_a_page_of_nothing_is_not_found(browser: Client) -> None:
    assert browser.get("/api/v1/docs?of=moons").status_code == 404


def test_the_page_is_for_those_signed_in(client: Client, db: None) -> None:
    answer = client.get("/api/v1/docs")
    assert (answer.status_code, answer["Location"]) == (302, "/account/login/?next=/api/v1/docs")
