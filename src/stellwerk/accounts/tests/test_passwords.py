"""Passwords that anybody would try are refused wherever one is set."""

import re
from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from stellwerk.accounts.links import make_link
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.site.accounts import make_administrator

pytestmark = pytest.mark.django_db

OLD = "correct horse battery staple"
TRIVIAL = [
    "short-One-7", "aaaaaaaaaaaa", "123456789012", "739184650274", "passwordpassword", "password12345",
    "Passw0rd!2026", "P@ssw0rd1234", "qwertyuiop12", "qwertyuiopasdf", "asdfghjkl1234", "abcdefghijkl",
    "zyxwvutsrqpo", "Stellwerk2026", "stellwerk-2026!", "abababababab", "1q2w3e4r5t6y", "iloveyou2026!",
    "letmeinletmein", "trustno1trustno1", "qwertzuiop123", "monkeymonkey1", "000000000000", "gus@globex.example",
    "gus.globex.example",
]  # fmt: skip
GOOD = [OLD, "blue-Signal-4711", "another long secret", "Xk29!fjw0aQz"]


@pytest.fixture
def gus(gus: Person) -> Person:
    gus.set_password(OLD)
    Person.objects.filter(pk=gus.pk).update(password=gus.password)
    return gus


@pytest.mark.parametrize("password", TRIVIAL)
def test_what_anybody_would_try_is_refused(password: str, gus: Person) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, gus)


@pytest.mark.parametrize("password", GOOD)
def test_what_nobody_guesses_is_taken(password: str, gus: Person) -> None:
    validate_password(password, gus)


def test_a_password_is_not_the_persons_name(gus: Person) -> None:
    gus.title = "Gustav Obermeier"
    with pytest.raises(ValidationError, match="doesn't contain your name"):
        validate_password("gustavobermeier", gus)


@pytest.mark.parametrize("password", ["password12345", "Stellwerk2026"])
def test_every_page_on_which_a_password_is_chosen_refuses_it(
    password: str, client: Client, gus: Person
) -> None:
    chosen = {"password1": password, "password2": password}
    link = re.sub(r"^https?://[^/]+", "", make_link(gus, by=SYSTEM))
    form = Client().get(link, follow=True)
    by_link = Client()
    by_link.get(link, follow=True)
    answers = [by_link.post(form.request["PATH_INFO"], chosen)]
    client.post("/account/login/", {"login": "gus", "password": OLD})
    answers.append(client.post("/account/password/change/", {"oldpassword": OLD, **chosen}))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert all(answer.context["form"].errors for answer in answers)
    assert Person.objects.get(pk=gus.pk).check_password(OLD)


def test_the_first_administrator_needs_a_good_one_too(db: Any) -> None:
    with pytest.raises(ValidationError):
        make_administrator("first", "Root First", "", "Stellwerk2026")
    assert not Person.objects.filter(username="first").exists()
