"""The command for a lost password."""

from argparse import Namespace

import pytest
from django.test import Client

from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.testing.fixtures import make_person
from stellwerk.kernel.write.services import SYSTEM, transition
from stellwerk.operations.preflight import OperatorError
from stellwerk.site.administration import password

CHOSEN = "correct horse battery staple"


@pytest.mark.parametrize("name", ["root", "Root"])
def test_a_lost_password_is_chosen_anew_by_a_link_that_works_once(
    root: Person, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    password(Namespace(name=name))
    link, _blank, words = capsys.readouterr().out.splitlines()
    assert link.startswith("http://testserver/account/password/reset/key/")
    assert (
        words
        == f"Whoever opens this chooses the password of {root}, once and within 24 hours, while the server runs."
    )
    browser = Client()
    page = browser.get(link, follow=True)
    chosen = browser.post(page.redirect_chain[-1][0], {"password1": CHOSEN, "password2": CHOSEN})
    assert chosen.status_code == 302, chosen.text
    assert Client().post("/account/login/", {"login": "root", "password": CHOSEN}).status_code == 302
    assert "This link no longer works" in Client().get(link, follow=True).text
    entry = Entry.objects.filter(record_id=root.pk).latest("number")
    assert (entry.actor, entry.reason) == (None, "Created a link for choosing a password.")


def test_a_person_is_found_by_their_address_too(gus: Person, capsys: pytest.CaptureFixture[str]) -> None:
    password(Namespace(name=str(gus.email)))
    assert f"the password of {gus}," in capsys.readouterr().out


def test_who_does_not_sign_in_gets_no_link(gus: Person) -> None:
    robot = make_person("Robot", is_service=True)
    for name in ("nobody-here", str(robot.username)):
        with pytest.raises(OperatorError) as refused:
            password(Namespace(name=name))
        assert str(refused.value) == (
            f"Nobody signs in as {name}: correct the name, or make an administrator with `stellwerk create-admin`."
        )
    transition(gus, "leave", by=SYSTEM)
    before = Entry.objects.count()
    with pytest.raises(OperatorError, match=r"Former users can't sign in. Reinstate this person first"):
        password(Namespace(name="gus"))
    assert Entry.objects.count() == before
