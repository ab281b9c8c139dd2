import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import change, create, transition
from stellwerk.processes.incidents.incident import Incident
from stellwerk.web.tests.conftest import RaiseMany, text_of


def post(client: Client, tickets: list[Incident], action: str, **values: Any) -> Any:
    given = {"selected": [ticket.pk for ticket in tickets], "action": action, **values}
    return client.post("/incidents/bulk/", given, follow=True)


def test_handing_over_has_buttons_of_its_own(desk_client: Client, raise_many: RaiseMany) -> None:
    raise_many(1)
    bar = desk_client.get("/incidents/").content.decode().partition("data-bulk-bar")[2]
    assert re.findall(r'value="field\.(\w+)"', bar)[:2] == ["team", "assigned_to"]


def test_handing_over_asks_to_whom_and_then_does_it(
    desk_client: Client, raise_many: RaiseMany, centre: Party
) -> None:
    tickets = raise_many(3)
    desk = create(Team, {"title": "Network", "party": centre}, by=SYSTEM)
    asked = post(desk_client, tickets, "field.team")
    assert (asked.status_code, "Team: 3 records" in text_of(asked)) == (200, True)
    done = post(desk_client, tickets, "field.team", apply=1, **{"value-team": desk.reference})
    assert "Team: 3 done" in text_of(done)
    assert list(Incident.objects.values_list("team", flat=True)) == [desk.pk] * 3
    assert [ticket.entries.count() for ticket in Incident.objects.all()] == [2, 2, 2]


def test_what_went_well_leads_back_to_the_list_and_can_be_taken_back(
    desk_client: Client, raise_many: RaiseMany, agent: Person
) -> None:
    tickets = raise_many(3)
    change(tickets[0], {"assigned_to": agent}, by=SYSTEM)
    given = {"value-assigned_to": agent.reference, "back": "/incidents/?view=unassigned"}
    done = post(desk_client, tickets, "field.assigned_to", apply=1, **given)
    assert done.redirect_chain == [("/incidents/?view=unassigned", 302)]
    assert "Assigned to: 3 done" in text_of(done)
    undo = re.search(r'action="(/incidents/bulk/undo/[^"]*)"', done.content.decode())
    assert undo is not None
    address = unescape(undo[1])
    assert f"{tickets[0].pk}." not in address
    undone = desk_client.post(address, follow=True)
    assert undone.redirect_chain == [("/incidents/?view=unassigned", 302)]
    assert "Undo: 2 done" in text_of(undone)
    assigned = Incident.objects.order_by("pk").values_list("assigned_to", flat=True)
    assert list(assigned) == [agent.pk, None, None]


def test_what_changed_since_is_not_taken_back(
    desk_client: Client, raise_many: RaiseMany, agent: Person, maria: Person, other_centre: Party
) -> None:
    tickets, foreign = raise_many(2), raise_many(1, party=other_centre)
    post(desk_client, tickets, "field.assigned_to", apply=1, **{"value-assigned_to": agent.reference})
    change(Incident.objects.get(pk=tickets[0].pk), {"assigned_to": maria}, by=SYSTEM)
    entries = [f"{ticket.pk}.2" for ticket in tickets] + [f"{foreign[0].pk}.1", f"{tickets[1].pk}x.2", "x"]
    address = f"/incidents/bulk/undo/?{urlencode({'entry': entries}, doseq=True)}"
    answer = text_of(desk_client.post(address))
    assert "1 done, 1 refused" in answer
    assert foreign[0].reference not in answer
    assert "assigned_to has changed since" in answer
    assigned = Incident.objects.order_by("pk").values_list("assigned_to", flat=True)
    assert list(assigned) == [maria.pk, None, None]


def test_each_record_answers_for_itself(desk_client: Client, raise_many: RaiseMany, agent: Person) -> None:
    tickets = raise_many(3)
    transition(tickets[0], "cancel", by=SYSTEM)
    answer = text_of(post(desk_client, tickets, "step.begin"))
    assert "Start work: 2 done, 1 refused" in answer
    assert f"“Start work” isn't possible while {tickets[0].reference} is “Cancelled”." in answer
    assert sorted(Incident.objects.values_list("status", flat=True)) == [
        "cancelled",
        "in_progress",
        "in_progress",
    ]


def test_what_a_step_asks_for_is_asked_once_for_all(desk_client: Client, raise_many: RaiseMany) -> None:
    tickets = raise_many(2)
    refused = post(desk_client, tickets, "step.resolve", apply=1, **{"value-resolution": "Restarted"})
    assert refused.status_code == 422
    assert set(Incident.objects.values_list("status", flat=True)) == {"new"}
    given = {"value-resolution": "Restarted", "value-resolution_code": "solved"}
    assert "Resolve: 2 done" in text_of(post(desk_client, tickets, "step.resolve", apply=1, **given))
    assert set(Incident.objects.values_list("resolution", flat=True)) == {"Restarted"}


def test_records_of_others_are_left_out_as_if_they_were_not_there(
    desk_client: Client, raise_many: RaiseMany, other_centre: Party
) -> None:
    own, foreign = raise_many(1), raise_many(1, party=other_centre)
    answer = text_of(post(desk_client, [*own, *foreign], "step.begin"))
    assert "Start work: 1 done" in answer
    assert foreign[0].reference not in answer
    assert Incident.objects.get(pk=foreign[0].pk).status == "new"


def test_a_person_nobody_may_see_cannot_be_assigned(
    desk_client: Client, raise_many: RaiseMany, nobody: Person
) -> None:
    tickets = raise_many(1)
    given = {"value-assigned_to": nobody.reference}
    answer = post(desk_client, tickets, "field.assigned_to", apply=1, **given)
    assert (answer.status_code, "Select a record from the list" in text_of(answer)) == (422, True)
    assert Incident.objects.get().assigned_to is None


def test_gus_is_offered_nothing_and_may_do_nothing(
    client: Client, raise_many: RaiseMany, gus: Person
) -> None:
    tickets = raise_many(1)
    client.force_login(gus)
    assert 'name="selected"' not in client.get("/incidents/").content.decode()
    assert post(client, tickets, "step.cancel").status_code == 403
    assert Incident.objects.get().status == "new"


@pytest.mark.parametrize(
    ("selected", "action", "status", "sentence"),
    [
        ([], "step.begin", 422, "Select at least one row first"),
        (["x", "-1", "9" * 30], "step.begin", 422, "Select at least one row first"),
        (list(range(1, 300)), "step.begin", 422, "at most 200 rows"),
        ([1], "field.journal_head", 403, "can't be done for several records"),
        ([1], "", 403, "can't be done for several records"),
    ],
)
def test_what_cannot_be_done_is_said(
    selected: list[Any], action: str, status: int, sentence: str, desk_client: Client
) -> None:
    answer = desk_client.post("/incidents/bulk/", {"selected": selected, "action": action})
    assert answer.status_code == status
    assert sentence in text_of(answer) or status == 403


def test_the_way_back_leads_nowhere_else(desk_client: Client, raise_many: RaiseMany) -> None:
    tickets = raise_many(1)
    for back in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        assert b"evil" not in post(desk_client, tickets, "step.begin", back=back).content
