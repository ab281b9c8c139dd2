"""What a guest sees of a record moves with what they may read, and with nothing else."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from stellwerk.api.tests.conftest import Program
from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.links.services import link
from stellwerk.kernel.activity.watching.services import watch
from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.errors import StaleWrite
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Capacity
from stellwerk.kernel.write.services import change, create, share, transition
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(gus: Person, centre: Party, maria: Person) -> Incident:
    made = create(Incident, {"title": "No mail", "requester": gus, "party": centre}, by=SYSTEM)
    hidden = {"title": "Cause", "target": "incident", "name": "cause", "type": "text"}
    create(CustomField, hidden, by=SYSTEM)
    create(CustomField, {**hidden, "title": "Room", "name": "room", "shown_to_requesters": True}, by=SYSTEM)
    comment(made, "We look into it.", by=maria)
    return made


HIDDEN: dict[str, Callable[[Incident, Person], Any]] = {
    "a note": lambda t, p: comment(t, "It is Gus again.", by=p, internal=True),
    "an internal file": lambda t, p: attach(t, ContentFile(b"log"), "log.txt", by=p, internal=True),
    "a field that guests are not shown": lambda t, p: change(t, {"assigned_to": p}, by=p),
    "a custom field that guests are not shown": lambda t, p: change(t, {"custom.cause": "Gus"}, by=p),
    "who watches": lambda t, p: watch(t, p, by=p),
    "a share": lambda t, p: share(t, p, Capacity.SUPPLIER, by=p),
    "a link": lambda t, p: link(t, "related", another(t, p), by=p),
}
SHOWN: dict[str, Callable[[Incident, Person], Any]] = {
    "a reply": lambda t, p: comment(t, "Done.", by=p),
    "a file": lambda t, p: attach(t, ContentFile(b"log"), "log.txt", by=p),
    "a field": lambda t, p: change(t, {"title": "Mail is down"}, by=p),
    "a custom field": lambda t, p: change(t, {"custom.room": "12"}, by=p),
    "a step": lambda t, p: transition(t, "begin", by=p),
}


def another(ticket: Incident, requester: Person) -> Incident:
    values = {"title": "Other", "requester": requester, "party": ticket.party}
    return create(Incident, values, by=SYSTEM)


def seen_by(person: Person, ticket: Incident) -> dict[str, Any]:
    """Everything that the guest reads of the ticket."""
    person = Person.objects.get(pk=person.pk)
    program, browser = Program(person), Client()
    browser.force_login(person)
    path = f"incidents/{ticket.reference}"
    one = program.get(path)
    rows = program.get("incidents").json()["items"]
    return {
        "record": one.json(),
        "tag": one["ETag"],
        "not modified": program.get(path, if_none_match=one["ETag"]).status_code,
        "fields": program.get(f"{path}?fields=version,updated_at")["ETag"],
        "row": next(row for row in rows if row["reference"] == ticket.reference),
        "journal": program.get(f"{path}/journal").json(),
        "comments": program.get(f"{path}/comments").json(),
        "files": program.get(f"{path}/attachments").json(),
        "export": b"".join(browser.get("/incidents/export/?format=csv").streaming_content),
        "export by": browser.get("/incidents/export/?format=csv&columns=updated_at").status_code,
        "version on the page": browser.get(f"/portal/tickets/{ticket.reference}/").context["version"],
        "list": [
            line.updated
            for line in browser.get("/portal/tickets/?show=all").context["tickets"]
            if line.reference == ticket.reference
        ],
        "found": [
            hit.updated
            for hit in browser.get(f"/search/?q={ticket.title.split()[-1]}").context["results"]
            if hit.reference == ticket.reference
        ],
        "filtered": program.get("incidents?updated_at__gte=2020-01-01").json()["total"],
        "sorted": program.get("incidents?ordering=-updated_at").json()["total"],
    }


@pytest.mark.parametrize("what", HIDDEN)
def test_what_guests_may_not_read_moves_nothing_that_they_see(
    what: str, ticket: Incident, gus: Person, maria: Person
) -> None:
    before = seen_by(gus, ticket)
    assert (before["record"]["version"], before["not modified"], before["filtered"]) == (
        2,
        304,
        {"count": 0, "exact": True},
    )
    told = Record.objects.get(pk=ticket.pk).version
    HIDDEN[what](ticket, maria)
    assert Record.objects.get(pk=ticket.pk).version == told + (what != "who watches")
    assert seen_by(gus, ticket) == before


@pytest.mark.parametrize("what", SHOWN)
def test_what_guests_may_read_counts_once(what: str, ticket: Incident, gus: Person, maria: Person) -> None:
    comment(ticket, "It is Gus again.", by=maria, internal=True)
    SHOWN[what](ticket, maria)
    told = seen_by(gus, ticket)
    assert (told["record"]["version"], told["version on the page"], told["row"]["version"]) == (3, 3, 3)
    assert told["record"]["updated_at"] == told["row"]["updated_at"]
    last = ticket.entries.latest("number")
    assert told["record"]["updated_at"] == last.at.isoformat().replace("+00:00", "Z")
    numbers = [entry["number"] for entry in told["journal"]["items"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert Program(maria).get(f"incidents/{ticket.reference}").json()["version"] == 4


def test_a_guests_step_is_stale_by_what_they_may_read_alone(
    ticket: Incident, gus: Person, maria: Person
) -> None:
    ticket = transition(ticket, "begin", by=maria)
    ticket = transition(ticket, "resolve", {"resolution": "Restarted", "resolution_code": "solved"}, by=maria)
    program, path = Program(gus), f"incidents/{ticket.reference}"
    version = program.get(path).json()["version"]
    change(ticket, {"assigned_to": maria, "custom.cause": "Gus"}, by=maria)
    comment(ticket, "He did it himself.", by=maria, internal=True)
    assert program.get(path).json()["version"] == version == 4
    change(ticket, {"title": "Mail was down"}, by=maria)
    refused = program.post(f"{path}/transitions/confirm", {"version": version})
    assert (refused.status_code, refused.json()["yours"]["version"]) == (409, version)
    theirs = refused.json()["theirs"]
    assert (theirs["version"], theirs["values"]["version"]) == (version + 1, version + 1)
    assert f"you saw version {version}, it's now at {version + 1}" in refused.json()["detail"]
    assert refused["ETag"] == program.get(path)["ETag"]
    change(ticket, {"custom.cause": "Nobody"}, by=maria)
    done = program.post(f"{path}/transitions/confirm", {"version": version + 1})
    assert (done.status_code, done.json()["status"]) == (200, "closed")


def test_who_may_not_write_learns_nothing_of_what_changed(
    ticket: Incident, gus: Person, maria: Person
) -> None:
    ticket = change(ticket, {"custom.cause": "Gus"}, by=maria)
    for version in (1, 2, 3, 99):
        for body in ({"title": "Mine"}, {"custom": {"cause": "x"}}):
            answer = Program(gus).patch(f"incidents/{ticket.reference}", {**body, "version": version})
            assert answer.status_code == 403
        assert (
            Program(gus)
            .post(f"incidents/{ticket.reference}/transitions/resolve", {"version": version})
            .status_code
            == 403
        )
    assert Record.objects.get(pk=ticket.pk).version == ticket.version
    with pytest.raises(StaleWrite):
        change(ticket, {"custom.cause": "x"}, by=maria, version=2)


def test_a_past_state_is_told_with_what_could_be_read_then(
    ticket: Incident, gus: Person, maria: Person
) -> None:
    first = ticket.entries.get(number=1).at
    comment(ticket, "It is Gus again.", by=maria, internal=True)
    comment(ticket, "Done.", by=maria)
    told = Program(gus).get(f"incidents/{ticket.reference}?as_of={first.isoformat().replace('+00:00', 'Z')}")
    assert (told.json()["version"], told.json()["updated_at"]) == (
        1,
        first.isoformat().replace("+00:00", "Z"),
    )
