"""Many hands at once: numbers are drawn once, no change is lost, nothing is made twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from stellwerk.kernel.audit.verifier import verify
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.errors import StaleWrite
from stellwerk.kernel.write.services import change, create
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run `work` in so many threads with connections of their own, and return what each gave."""

    def alone(number: int) -> Any:
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(alone, range(count)))


def test_twenty_tickets_at_once_have_twenty_numbers(gus: Person) -> None:
    made = at_once(20, lambda n: create(Incident, {"title": f"Ticket {n}", "requester": gus}, by=SYSTEM))
    assert len({ticket.reference for ticket in made}) == 20
    assert Incident.objects.count() == 20
    assert [fault for ticket in made for fault in faults_of(ticket)] == []


def test_of_a_hundred_edits_by_ten_people_none_is_lost(gus: Person) -> None:
    ticket = create(Incident, {"title": "0", "requester": gus, "description": ""}, by=SYSTEM)

    def edit(editor: int) -> tuple[list[str], int]:
        """Append a line ten times as an editor does: read, change, write with the version that was read."""
        accepted, refused = [], 0
        for number in range(10):
            seen = Incident.objects.get(pk=ticket.pk)
            line = f"{editor}.{number}"
            text = f"{seen.description} {line}".strip()
            try:
                change(seen, {"description": text}, by=SYSTEM, version=seen.version)
                accepted.append(line)
            except StaleWrite:
                refused += 1
        return accepted, refused

    results = at_once(10, edit)
    accepted = [line for lines, _refused in results for line in lines]
    final = Incident.objects.get()
    assert sorted(final.description.split()) == sorted(accepted)
    assert len(accepted) + sum(refused for _lines, refused in results) == 100
    assert final.version == final.journal_count == final.entries.count() == 1 + len(accepted)
    assert faults_of(final) == []


def test_a_form_sent_ten_times_at_once_makes_one_ticket(gus: Person) -> None:
    clients = [Client() for _ in range(10)]
    for client in clients:
        client.force_login(gus)
    body = {"title": "No mail", "once": "one and the same"}
    answers = at_once(10, lambda n: clients[n].post("/portal/new/incident/", body))
    assert [answer.status_code for answer in answers] == [302] * 10
    assert len({answer["Location"] for answer in answers}) == 1
    assert Incident.objects.count() == 1


def test_a_step_taken_ten_times_at_once_is_taken_once(agent: Person, gus: Person) -> None:
    given = {"title": "No mail", "requester": gus, "party": agent.role_assignments.get().party}
    ticket = create(Incident, given, by=SYSTEM)
    clients = [Client() for _ in range(10)]
    for client in clients:
        client.force_login(agent)
    path = f"/records/{ticket.reference}/steps/begin/"
    answers = at_once(10, lambda n: clients[n].post(path, {"version": "1"}).status_code)
    assert sorted(answers) == [302] + [409] * 9
    assert [entry.verb for entry in ticket.entries.order_by("number")] == ["create", "transition"]


def faults_of(ticket: Incident) -> list[Any]:
    """Verify the ticket's journal."""
    record = Incident.objects.get(pk=ticket.pk).record_ptr
    return list(verify(record, list(record.entries.order_by("id"))))
