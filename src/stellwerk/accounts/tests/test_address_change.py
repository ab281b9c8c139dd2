"""A changed address is confirmed at both addresses, where mail is set up."""

import re
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from stellwerk.accounts.address_change import AddressChange, ask, send_address_link
from stellwerk.api.tests.conftest import Program
from stellwerk.kernel.audit.verifier import verify
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model.mail import NO_MAIL
from stellwerk.kernel.testing.fixtures import make_person
from stellwerk.kernel.write.services import change

pytestmark = pytest.mark.django_db

NEW = "maria@north.example"


def links(asked: AddressChange) -> dict[str, str]:
    """Send the mails and return the links by the address that each went to."""
    mail.outbox.clear()
    for end in ("old", "new"):
        send_address_link.func(asked.pk, end)
    found = {}
    for message in mail.outbox:
        (path,) = re.findall(r"https?://[^/\s]+(/account/confirm-address/\S+)", str(message.body))
        found[message.to[0]] = path
    return found


def address_of(person: Person) -> Any:
    return Person.objects.get(pk=person.pk).email


def test_an_address_changes_once_both_have_confirmed(maria: Person, root: Person, client: Client) -> None:
    client.force_login(root)
    sent = client.post(f"/account/address/{maria.reference}/", {"email": "Maria@North.Example"})
    assert sent.status_code == 302
    ways = links(AddressChange.objects.get())
    assert set(ways) == {"maria@centre.example", NEW}
    stranger = Client()
    for step, path in enumerate(ways.values()):
        assert stranger.get(path).status_code == 200  # looking confirms nothing
        assert address_of(maria) == "maria@centre.example"
        assert stranger.post(path).status_code == 200
        assert stranger.post(path).status_code == 404, step
    assert address_of(maria) == NEW
    last = Entry.objects.filter(record_id=maria.pk).order_by("-number")[0]
    assert (last.changes, last.actor_id) == ({"email": ["maria@centre.example", NEW]}, None)
    assert last.reason == f"Requested by Root ({root.reference}) and confirmed at both addresses."
    record = Person.objects.get(pk=maria.pk)
    assert list(verify(record, Entry.objects.filter(record_id=maria.pk).order_by("number"))) == []


def test_the_one_asked_for_last_counts(maria: Person, root: Person, client: Client) -> None:
    first = ask(maria, NEW, by=root)
    assert first is not None
    before = links(first)
    ask(maria, "other@north.example", by=root)
    assert {client.post(path).status_code for path in before.values()} == {404}
    assert address_of(maria) == "maria@centre.example"


def test_a_link_ends_after_a_day(maria: Person, root: Person, client: Client, settings: Any) -> None:
    asked = ask(maria, NEW, by=root)
    assert asked is not None
    ways = links(asked)
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert {client.post(path).status_code for path in ways.values()} == {404}
    assert client.post("/account/confirm-address/made-up/").status_code == 404


def test_people_change_their_own_address(gus: Person, client: Client) -> None:
    client.force_login(gus)
    assert client.get(f"/account/address/{gus.reference}/").status_code == 200
    assert client.post(f"/account/address/{gus.reference}/", {"email": "gus@new.example"}).status_code == 302
    for path in links(AddressChange.objects.get()).values():
        client.post(path)
    assert address_of(gus) == "gus@new.example"


def test_nobody_asks_for_the_address_of_who_holds_more(
    maria: Person, root: Person, centre: Party, client: Client, gus: Person
) -> None:
    change(root, {"party": centre.pk, "email": "root@centre.example"}, by=root)
    with pytest.raises(PermissionDenied):
        ask(root, "mine@centre.example", by=maria)
    client.force_login(maria)
    assert client.post(f"/account/address/{root.reference}/", {"email": "m@x.example"}).status_code == 403
    assert client.post(f"/account/address/{gus.reference}/", {"email": "m@x.example"}).status_code == 404
    assert not AddressChange.objects.exists()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("gus@globex.example", "Someone already uses this address."),
        ("maria@centre.example", "Give another address."),
        ("nonsense", "Enter a valid email address."),
    ],
)
def test_an_address_that_cannot_be_is_refused(
    address: str, said: str, maria: Person, gus: Person, root: Person
) -> None:
    with pytest.raises(ValidationError) as refusal:
        ask(maria, address, by=root)
    assert refusal.value.message_dict == {"email": [said]}


def test_a_plain_change_says_where_to_go(maria: Person, root: Person) -> None:
    for address in (NEW, None):
        with pytest.raises(ValidationError) as refusal:
            change(maria, {"email": address}, by=root)
        page = f"http://testserver/account/address/{maria.reference}/"
        said = f"Change the address in a browser at {page}. Both addresses have to confirm it."
        assert refusal.value.message_dict == {"email": [said]}
        answer = Program(root).patch(f"people/{maria.reference}", {"email": address, "version": 1})
        assert (answer.status_code, answer.json()["errors"]) == (422, {"email": [said]})
    assert address_of(maria) == "maria@centre.example"


def test_without_mail_or_an_old_address_it_counts_at_once(
    maria: Person, root: Person, centre: Party, settings: Any
) -> None:
    new = make_person("Nora New", centre)
    assert ask(new, "nora@centre.example", by=root) is None
    settings.EMAIL_BACKEND = NO_MAIL
    assert ask(maria, NEW, by=root) is None
    assert change(maria, {"email": "m@centre.example"}, by=root).email == "m@centre.example"
    assert (address_of(new), address_of(maria)) == ("nora@centre.example", "m@centre.example")
