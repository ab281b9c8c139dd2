import re
from datetime import timedelta
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from stellwerk.kernel.activity.attachments.models import Attachment
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.history import History
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.write.services import create, transition
from stellwerk.processes.incidents.incident import Incident
from stellwerk.processes.incidents.service_request import ServiceRequest
from stellwerk.processes.incidents.services import merge
from stellwerk.processes.services.service import Service


@pytest.fixture
def mail(maria: Person) -> Service:
    """A live service in the catalogue."""
    given = {
        "title": "Mail",
        "summary": "Send and receive",
        "owner": maria,
        "party": maria.party,
        "in_catalogue": True,
    }
    service = create(Service, given, by=SYSTEM)
    return transition(transition(service, "prepare", by=SYSTEM), "go_live", by=SYSTEM)


@pytest.fixture
def ticket(gus: Person, mail: Service) -> Incident:
    return create(Incident, {"title": "No mail", "requester": gus, "service": mail}, by=SYSTEM)


@pytest.fixture
def portal(client: Client, gus: Person) -> Client:
    client.force_login(gus)
    return client


def url(name: str, *args: object) -> str:
    return reverse(f"portal{name}", args=args)


def test_gus_finds_a_service_and_reports_a_problem(portal: Client, gus: Person, mail: Service) -> None:
    assert b"Send and receive" in portal.get(url("_services"), {"q": "mai"}).content
    form = portal.get(url("_new", "incident"), {"service": mail.reference}).context["form"]
    body = {"title": "No mail", "description": "Since 9", "service": form["service"].value()}
    files = {"uploads": [SimpleUploadedFile("a.txt", b"log"), SimpleUploadedFile("b.txt", b"more")]}
    answer = portal.post(url("_new", "incident"), {**body, **files})
    made = Incident.objects.get()
    assert answer["Location"] == url("_ticket", made.reference)
    assert (made.requester, made.service, made.party) == (gus, mail, mail.party)
    assert Attachment.objects.filter(record=made.pk).count() == 2


def test_a_form_sent_twice_creates_once(portal: Client, mail: Service) -> None:
    body = {"title": "More space", "once": "the same"}
    answers = [portal.post(url("_new", "service_request"), body) for _ in range(2)]
    assert ServiceRequest.objects.count() == 1
    assert answers[0]["Location"] == answers[1]["Location"]


def test_an_empty_title_is_refused_and_what_was_typed_is_kept(portal: Client, mail: Service) -> None:
    answer = portal.post(url("_new", "incident"), {"title": "", "description": "It hums", "once": "x"})
    assert answer.status_code == 422
    assert b"It hums" in answer.content
    assert Incident.objects.count() == 0


def test_gus_sees_what_waits_for_him(portal: Client, ticket: Incident) -> None:
    transition(ticket, "wait", {"waiting_for": "user"}, by=SYSTEM)
    page = portal.get(url(""))
    assert [row.reference for row in page.context["waiting"]] == [ticket.reference]
    assert page.context["tickets"] == []


def test_what_waits_for_gus_is_first_however_many_other_tickets_he_has(
    portal: Client, gus: Person, mail: Service, ticket: Incident
) -> None:
    transition(ticket, "wait", {"waiting_for": "user"}, by=SYSTEM)
    asked = create(ServiceRequest, {"title": "A key", "requester": gus, "service": mail}, by=SYSTEM)
    transition(asked, "wait", {"waiting_for": "user"}, by=SYSTEM)
    supplier = create(Incident, {"title": "Elsewhere", "requester": gus, "service": mail}, by=SYSTEM)
    transition(supplier, "wait", {"waiting_for": "supplier"}, by=SYSTEM)
    for number in range(60):
        create(Incident, {"title": f"Newer {number}", "requester": gus}, by=SYSTEM)
    home = portal.get("/portal/").text
    waiting, _head, others = home.partition("Your open tickets")
    assert [each.reference in waiting for each in (ticket, asked, supplier)] == [True, True, False]
    assert others.count("Newer") == 8
    listed = portal.get("/portal/tickets/").text
    assert listed.index(asked.reference) < listed.index(ticket.reference) < listed.index("Newer 59")
    assert supplier.reference in portal.get("/portal/tickets/?page=3").text
    about = portal.get(f"/portal/services/{mail.reference}/").text
    assert about.index(asked.reference) < about.index(ticket.reference) < about.index(supplier.reference)


def test_who_has_more_waiting_than_fit_is_led_to_all_of_them(portal: Client, gus: Person) -> None:
    other = create(Incident, {"title": "Goes on", "requester": gus}, by=SYSTEM)
    for number in range(27):
        made = create(Incident, {"title": f"Waits {number}", "requester": gus}, by=SYSTEM)
        transition(made, "wait", {"waiting_for": "user"}, by=SYSTEM)
    home = portal.get("/portal/").text
    assert home.count("Waits") == 25
    assert '<span class="lamp">25+</span>' in home
    assert other.reference in home.partition("Your open tickets")[2]


def test_gus_answers_and_reads_no_internal_note(portal: Client, ticket: Incident, agent: Person) -> None:
    comment(ticket, "He always says that", by=agent, internal=True)
    comment(ticket, "Is it plugged in?", by=agent)
    portal.post(url("_reply", ticket.reference), {"body": "Yes, it is"})
    page = portal.get(url("_ticket", ticket.reference)).content.decode()
    assert "Yes, it is" in page
    assert "Is it plugged in?" in page
    assert "He always says that" not in page


def seen_on(page: str) -> str:
    found = re.search(r'name="seen" value="(\d+)"', page)
    assert found
    return found[1]


def test_a_reply_over_one_that_gus_has_not_seen_shows_it_first_and_keeps_his_text(
    portal: Client, ticket: Incident, agent: Person
) -> None:
    seen = seen_on(portal.get(url("_ticket", ticket.reference)).text)
    comment(ticket, "He always says that", by=agent, internal=True)
    comment(ticket, "Is it plugged in?", by=agent)
    given = {"kind": "reply", "body": "Please hurry.", "seen": seen}
    answer = portal.post(url("_reply", ticket.reference), given)
    assert (answer.status_code, ticket.comments.count()) == (409, 2)
    assert f"{agent.title} wrote while you did. Read it, then send yours again." in answer.text
    assert "Is it plugged in?" in answer.text
    assert "He always says that" not in answer.text
    assert "Please hurry.</textarea>" in answer.text
    again = given | {"seen": seen_on(answer.text)}
    assert portal.post(url("_reply", ticket.reference), again).status_code == 302
    assert ticket.comments.count() == 3


@pytest.mark.parametrize("kind", ["reply", "solved"])
def test_a_reply_over_a_solution_that_gus_has_not_seen_reopens_nothing(
    portal: Client, ticket: Incident, agent: Person, kind: str
) -> None:
    seen = seen_on(portal.get(url("_ticket", ticket.reference)).text)
    solved = {"resolution_code": "solved", "resolution": "The concentrator is new."}
    transition(ticket, "resolve", solved, by=SYSTEM)
    given = {"kind": kind, "body": "Please hurry.", "seen": seen}
    answer = portal.post(url("_reply", ticket.reference), given)
    assert (answer.status_code, Incident.objects.get().status, ticket.comments.count()) == (
        409,
        "resolved",
        0,
    )
    assert "changed the status while you wrote. Look at it, then send yours again." in answer.text
    assert "The concentrator is new." in answer.text
    assert "Please hurry.</textarea>" in answer.text


def test_an_internal_note_or_a_step_on_the_way_stops_no_reply(
    portal: Client, ticket: Incident, agent: Person
) -> None:
    seen = seen_on(portal.get(url("_ticket", ticket.reference)).text)
    comment(ticket, "He always says that", by=agent, internal=True)
    transition(ticket, "begin", by=SYSTEM)
    given = {"kind": "reply", "body": "Please hurry.", "seen": seen}
    assert portal.post(url("_reply", ticket.reference), given).status_code == 302
    assert ticket.comments.count() == 2


def test_an_empty_answer_is_refused(portal: Client, ticket: Incident) -> None:
    assert portal.post(url("_reply", ticket.reference), {"body": "  "}).status_code == 422
    assert ticket.comments.count() == 0


def test_gus_confirms_and_reopens(portal: Client, ticket: Incident) -> None:
    solved = {"resolution_code": "solved", "resolution": "The **concentrator** is new."}
    transition(ticket, "resolve", solved, by=SYSTEM)
    page = portal.get(url("_ticket", ticket.reference)).content.decode()
    assert "Is it solved?" in page
    assert "The <strong>concentrator</strong> is new." in page
    answer = portal.post(url("_step", ticket.reference, "confirm"), follow=True).content.decode()
    assert Incident.objects.get().status == "closed"
    assert "Thank you. The ticket is closed." in answer
    answer = portal.post(
        url("_step", ticket.reference, "reopen"), {"once": "drawn"}, follow=True
    ).content.decode()
    assert Incident.objects.get().status == "in_progress"
    assert "It's open again and we're working on it." in unescape(answer)


def test_what_was_resolved_elsewhere_long_ago_asks_gus_nothing(
    portal: Client, gus: Person, root: Person, mail: Service
) -> None:
    now, made = timezone.now(), {}
    with History("the old tool", by=root) as history:
        for days in (400, 2):
            at = now - timedelta(days=days)
            one = history.create(Incident, {"title": f"{days} days ago", "requester": gus}, by=gus, at=at)
            made[days] = history.transition(one, "resolve", SOLVED, by=root, at=at + timedelta(hours=1))
    home = portal.get(url("")).context
    assert [row.title for row in home["waiting"]] == ["2 days ago"]
    assert home["tickets"] == []
    assert [row.title for row in portal.get(url("_tickets")).context["tickets"]] == ["2 days ago"]
    ended = portal.get(url("_tickets"), {"show": "ended"}).text
    assert "400 days ago" in ended
    assert ended.count("Solved: please confirm") == 1
    pages = {days: portal.get(url("_ticket", one.reference)).text for days, one in made.items()}
    assert "Is it solved?" in pages[2]
    assert "Is it solved?" not in pages[400]
    assert "It is fixed." in pages[400]  # what became of it
    # Once it was reopened and resolved here, it is asked for as everything else.
    again = transition(Incident.objects.get(pk=made[400].pk), "reopen", by=SYSTEM)
    transition(again, "resolve", SOLVED, by=SYSTEM)
    assert "Is it solved?" in portal.get(url("_ticket", again.reference)).text


SOLVED = {"resolution_code": "solved", "resolution": "It is fixed."}


def test_gus_is_asked_before_his_ticket_is_withdrawn_and_may_reopen_it(
    portal: Client, ticket: Incident
) -> None:
    page = portal.get(url("_ticket", ticket.reference)).content.decode()
    address = url("_withdraw", ticket.reference)
    assert f'href="{address}" data-dialog' in page
    assert "Withdraw this ticket" in page
    assert "Cancel" not in page
    assert "Why?" in portal.get(address).content.decode()
    assert Incident.objects.get().status == "new"
    shown = portal.post(address, {"reason": "I found **it**"}, follow=True).content.decode()
    withdrawn = Incident.objects.get()
    assert (withdrawn.status, withdrawn.resolution_code) == ("cancelled", "withdrawn")
    assert withdrawn.resolution == "I found **it**"
    assert "<strong>it</strong>" in shown
    assert "Withdrawn" in shown
    assert f'action="{url("_step", ticket.reference, "reopen")}"' in shown
    portal.post(url("_step", ticket.reference, "reopen"))
    reopened = Incident.objects.get()
    assert (reopened.status, reopened.resolution, reopened.closed_at) == ("in_progress", "", None)


def test_gus_may_withdraw_what_waits_for_him(portal: Client, ticket: Incident) -> None:
    transition(ticket, "wait", {"waiting_for": "user"}, by=SYSTEM)
    page = portal.get(url("_ticket", ticket.reference)).content.decode()
    assert "We need something from you" in page
    assert url("_withdraw", ticket.reference) in page


def test_reopening_is_not_offered_once_its_time_has_passed(portal: Client, ticket: Incident) -> None:
    transition(ticket, "cancel", by=SYSTEM)
    assert "Reopen" in portal.get(url("_ticket", ticket.reference)).content.decode()
    Incident.objects.update(closed_at=timezone.now() - timedelta(days=15))
    assert "Reopen" not in portal.get(url("_ticket", ticket.reference)).content.decode()


def test_gus_cannot_withdraw_what_he_only_reads(portal: Client, nobody: Person, mail: Service) -> None:
    other = create(Incident, {"title": "Secret", "requester": nobody}, by=SYSTEM)
    assert portal.get(url("_withdraw", other.reference)).status_code == 404
    assert portal.post(url("_withdraw", other.reference)).status_code == 404
    assert Incident.objects.get().status == "new"


def test_gus_reads_what_became_of_a_merged_ticket(
    portal: Client, ticket: Incident, agent: Person, nobody: Person
) -> None:
    main = create(Incident, {"title": "Main", "requester": nobody, "party": ticket.party}, by=SYSTEM)
    merge(ticket, main, by=agent)
    page = portal.get(url("_ticket", ticket.reference)).content.decode()
    assert "We're handling this together with other reports of the same problem." in page
    assert "Handled with others" in page
    assert main.reference not in page
    assert "Reopen" not in page
    assert portal.post(url("_step", ticket.reference, "reopen")).status_code == 422


def test_gus_finds_his_own_tickets_beside_the_services(
    portal: Client, gus: Person, nobody: Person, mail: Service
) -> None:
    mine = create(
        Incident,
        {"title": "Nothing arrives", "description": "No mail since nine", "requester": gus},
        by=SYSTEM,
    )
    comment(mine, "A secret about mail", by=SYSTEM, internal=True)
    create(Incident, {"title": "Mail of another", "requester": nobody}, by=SYSTEM)
    found = portal.get(url("_services"), {"q": "mail"}).context
    assert [tile.name for tile in found["services"]] == ["Mail"]
    assert [row.reference for row in found["tickets"]] == [mine.reference]
    page = portal.get(url("_services"), {"q": "nine"}).content.decode()
    assert "Nothing arrives" in page
    assert portal.get(url("_services"), {"q": "secret"}).context["tickets"] == []
    assert portal.get(url("_services"), {"q": mine.reference}).context["tickets"] != []
    assert "Search services and your tickets" in portal.get(url("")).content.decode()


def test_gus_takes_no_step_of_the_desk(portal: Client, ticket: Incident) -> None:
    assert portal.post(url("_step", ticket.reference, "resolve")).status_code == 404
    assert Incident.objects.get().status == "new"


def test_anothers_ticket_is_as_if_it_did_not_exist(portal: Client, nobody: Person) -> None:
    other = create(Incident, {"title": "Secret", "requester": nobody}, by=SYSTEM)
    seen = portal.get(url("_ticket", other.reference))
    none = portal.get(url("_ticket", "INC-999999"))
    assert (seen.status_code, none.status_code) == (404, 404)
    assert portal.post(url("_reply", other.reference), {"body": "x"}).status_code == 404


def test_the_pages_cost_the_same_whatever_their_length(portal: Client, gus: Person, mail: Service) -> None:
    counts = []
    create(Incident, {"title": "The first", "requester": gus, "service": mail}, by=SYSTEM)
    portal.get(url("_tickets"))  # what seldom changes is remembered from here on
    for _round in range(2):
        for number in range(5):
            create(Incident, {"title": f"Ticket {number}", "requester": gus, "service": mail}, by=SYSTEM)
        with CaptureQueriesContext(connection) as captured:
            portal.get(url("_tickets"))
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_who_is_signed_out_is_sent_to_sign_in(client: Client, ticket: Incident) -> None:
    for path in (
        url(""),
        url("_services"),
        url("_tickets"),
        url("_ticket", ticket.reference),
        url("_new", "incident"),
    ):
        assert client.get(path).status_code == 302
