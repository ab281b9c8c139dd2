"""The sign-in page of the demo offers its people, and that of an installation never does."""

import pytest
from django.conf import settings
from django.test import Client, RequestFactory

from stellwerk.demo.context import demo_people
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import create


@pytest.mark.django_db
def test_the_demo_offers_those_who_are_there() -> None:
    create(Person, {"title": "Maria Santos", "username": "maria"}, by=SYSTEM)
    offered = demo_people(RequestFactory().get("/account/login/"))["demo_people"]
    assert [(one["username"], one["name"], one["role"]) for one in offered] == [
        ("maria", "Maria Santos", "Manager")
    ]


@pytest.mark.django_db
def test_an_installation_offers_nobody() -> None:
    assert not settings.DEMO
    assert "demo-people" not in Client().get("/account/login/").content.decode()
