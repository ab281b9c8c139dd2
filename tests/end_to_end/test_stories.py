"""What people do with Stellwerk, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from stellwerk.foundation.prioritisation import PriorityScheme
from stellwerk.foundation.reply_template import ReplyTemplate
from stellwerk.kernel.activity.attachments.models import Attachment
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.jobs.worker import Worker
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.fixtures import grant
from stellwerk.kernel.write.services import change, create, transition
from stellwerk.processes.incidents.incident import Incident
from stellwerk.processes.services.service import Service
from stellwerk.web.models import Draft, SavedView
from tests.end_to_end.conftest import OpenAs

SCREENSHOT = {"name": "denied.txt", "mimeType": "text/plain", "buffer": b"550 denied"}


def test_gus_signs_in_finds_a_service_and_reports_a_problem_with_a_file(
    open_as: OpenAs, mail: Service, gus: Person
) -> None:
    gus.set_password("a long enough secret")
    gus.save()
    page = open_as()
    page.locator("[name=login]").fill("gus")
    page.locator("[name=password]").fill("a long enough secret")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("searchbox").fill("mai")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Mail").click()
    page.get_by_role("link", name="Report a problem").click()
    page.get_by_label("In one sentence").fill("No mail since nine")
    page.get_by_label("What happened").fill("It says *denied*.")
    page.get_by_label("Files").set_input_files(SCREENSHOT)
    expect(page.get_by_label("Service")).to_have_value(str(mail.pk))
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No mail since nine")
    expect(page.get_by_text("denied.txt")).to_be_visible()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="My tickets").click()
    expect(page.get_by_role("main")).to_contain_text("No mail since nine")
    made = Incident.objects.get()
    assert (made.requester, made.service, made.channel) == (gus, mail, "portal")
    assert Attachment.objects.get().name == "denied.txt"


def test_arno_works_the_queue_by_keyboard_and_gus_confirms(
    open_as: OpenAs, ticket: Incident, agent: Person, gus: Person
) -> None:
    arno = open_as(agent, "/incidents/")
    arno.keyboard.press("j")
    arno.keyboard.press("Enter")
    expect(arno.get_by_role("heading", level=1)).to_have_text("No mail since nine")
    arno.get_by_role("button", name="Start work").click()
    expect(arno.locator("#record-head")).to_contain_text("In progress")
    write(arno, "r", "Is it plugged in?")
    write(arno, "n", "He asks every week")
    portal = open_as(gus, f"/portal/tickets/{ticket.reference}/")
    expect(portal.locator("#stream")).to_contain_text("Is it plugged in?")
    expect(portal.locator("body")).not_to_contain_text("He asks every week")
    portal.get_by_label("Text").fill("It is now")
    portal.get_by_role("button", name="Send").click()
    expect(portal.locator("#stream")).to_contain_text("It is now")
    arno.reload()
    expect(arno.locator("#stream")).to_contain_text("It is now")
    resolve(arno)
    portal.reload()
    portal.get_by_role("button", name="Confirm the solution").click()
    expect(portal.locator(".record-facts")).to_contain_text("Closed")
    closed = Incident.objects.get()
    assert (closed.status, closed.confirmed, closed.assigned_to) == ("closed", True, agent)
    assert [said.internal for said in closed.comments.order_by("id")] == [False, True, False]


def write(page: Page, key: str, text: str) -> None:
    page.locator("#record-head").click()
    page.keyboard.press(key)
    page.keyboard.type(text)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#stream")).to_contain_text(text)


def test_what_arno_types_while_the_page_loads_becomes_the_reply_that_he_meant(
    open_as: OpenAs, ticket: Incident, agent: Person
) -> None:
    page = open_as(agent, "/incidents/")

    def slowly(route: Route) -> None:
        page.keyboard.press("r")
        page.keyboard.type("Thanks, no")
        route.continue_()

    page.route("**/app*.js", slowly, times=1)
    page.goto(f"/records/{ticket.reference}/", wait_until="commit")
    text = page.locator("#composer-body")
    expect(text).to_have_value("Thanks, no")
    expect(page.get_by_role("radio", name="Reply")).to_be_checked()
    page.keyboard.type("w")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#stream")).to_contain_text("Thanks, now")
    assert [said.internal for said in ticket.comments.all()] == [False]


def test_what_arno_types_on_the_way_to_a_ticket_is_written_there(
    open_as: OpenAs, ticket: Incident, agent: Person
) -> None:
    page = open_as(agent, "/incidents/")
    page.route(
        "**/records/*/", lambda route: (page.keyboard.type("rHello there"), route.continue_()), times=1
    )
    page.get_by_role("link", name="No mail since nine").click(no_wait_after=True)
    expect(page.locator("#composer-body")).to_have_value("Hello there")
    expect(page.get_by_role("radio", name="Reply")).to_be_checked()


def test_a_word_typed_beside_the_text_is_no_command_and_escape_leaves_the_text(
    open_as: OpenAs, ticket: Incident, agent: Person
) -> None:
    page = open_as(agent, f"/records/{ticket.reference}/")
    text = page.locator("#composer-body")
    page.keyboard.press("r")
    expect(text).to_be_focused()
    page.keyboard.press("Escape")
    expect(text).not_to_be_focused()
    page.keyboard.type("Thanks")
    expect(page.get_by_role("radio", name="Reply")).to_be_checked()
    expect(text).not_to_be_focused()
    page.wait_for_timeout(800)
    page.keyboard.press("n")
    expect(page.get_by_role("radio", name="Internal note")).to_be_checked()
    expect(text).to_be_focused()


def resolve(page: Page) -> None:
    page.locator("#steps").get_by_role("link", name="Resolve").click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("Resolution code").select_option("Solved")
    dialog.get_by_label("Resolution", exact=False).and_(dialog.locator("textarea")).fill("Plugged it in")
    dialog.get_by_role("button", name="Resolve").click()
    expect(page.locator("#record-head")).to_contain_text("Resolved")


def test_arno_walks_from_ticket_to_ticket_of_his_list(
    open_as: OpenAs, ticket: Incident, agent: Person, gus: Person
) -> None:
    for title in ("No web", "No phone"):
        create(Incident, {"title": title, "requester": gus, "service": ticket.service}, by=SYSTEM)
    page = open_as(agent, "/incidents/?open=yes&ordering=created_at")
    title, place = page.get_by_role("heading", level=1), page.get_by_role("navigation", name="In the list")
    page.get_by_role("link", name="No web").click()
    expect(title).to_have_text("No web")
    place.get_by_role("link", name="Next").click()
    expect(title).to_have_text("No phone")
    expect(place.get_by_role("link")).to_have_text(["Back to the list", "Previous"])
    page.keyboard.press("k")
    expect(title).to_have_text("No web")
    expect(
        place.get_by_role("link", name="Previous")
    ).to_be_visible()  # the keys are listened to from then on
    page.keyboard.press("k")
    expect(title).to_have_text("No mail since nine")
    expect(place.get_by_role("link")).to_have_text(["Back to the list", "Next"])
    expect(place.locator(".btn-primary")).to_have_count(0)
    resolve(page)
    expect(place.locator(".btn-primary")).to_have_text("Next")
    page.keyboard.press("j")
    expect(title).to_have_text("No web")
    place.get_by_role("link", name="Back to the list").click()
    assert page.url.endswith("/incidents/?open=yes&ordering=created_at")


def test_who_comes_by_address_walks_along_no_list(open_as: OpenAs, ticket: Incident, agent: Person) -> None:
    page = open_as(agent, "/incidents/")
    page.goto(f"/records/{ticket.reference}/")
    expect(page.locator("[data-record-navigation]")).to_be_hidden()
    page.goto("/incidents/")
    page.get_by_role("link", name="No mail since nine").click()
    expect(page.locator("[data-record-navigation]")).to_be_visible()
    page.goto("/account/logout/")
    page.locator("main, body").get_by_role("button", name="Sign out").last.click()
    page.wait_for_url("**/account/login/**")
    assert page.evaluate("sessionStorage.getItem('stellwerk-list')") is None, page.evaluate(
        "Object.keys(sessionStorage)"
    )


def test_arno_names_a_colleague_with_the_keyboard(
    open_as: OpenAs, ticket: Incident, agent: Person, maria: Person, gus: Person
) -> None:
    page = open_as(agent, f"/records/{ticket.reference}/")
    text, offered = page.get_by_label("Text"), page.locator("#mentions [role=option]")
    page.keyboard.press("r")
    page.keyboard.type("Dear @gu")
    expect(offered).to_have_text(re.compile("Gus Gordon"))
    expect(text).to_have_attribute("aria-activedescendant", "mention-0")
    page.keyboard.press("Escape")
    expect(offered).to_have_count(0)
    expect(text).to_have_value("Dear @gu")
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.locator("#record-head").click()
    page.keyboard.press("n")
    page.keyboard.type("Not for @gu")
    expect(offered).to_have_count(0)
    page.keyboard.type("s but for @mar")
    expect(offered).to_have_text(re.compile("Maria Keller"))
    page.keyboard.press("Enter")
    expect(text).to_have_value("Not for @gus but for @maria ")
    page.keyboard.type("please")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#stream")).to_contain_text("but for Maria Keller please")
    heard = Notification.objects.filter(entry__verb="comment").values_list("person", "why")
    assert list(heard) == [(maria.pk, "mentioned")]


def test_arno_names_a_colleague_with_the_mouse(
    open_as: OpenAs, ticket: Incident, agent: Person, maria: Person
) -> None:
    page = open_as(agent, f"/records/{ticket.reference}/")
    page.get_by_label("Text").press_sequentially("Dear @ke")
    page.get_by_role("option", name="Maria Keller").click()
    expect(page.get_by_label("Text")).to_have_value("Dear @maria ")
    expect(page.get_by_label("Text")).to_be_focused()


def test_arno_picks_a_requester_by_name(open_as: OpenAs, agent: Person, gus: Person, centre: Party) -> None:
    grant(agent, Role.VIEWER, gus.party)
    page = open_as(agent, "/incidents/new/")
    requester, offered = page.get_by_label("Requester"), page.locator(".picker [role=option]")
    requester.click()
    expect(offered.filter(has_text="Arno Agent")).to_have_count(1)
    requester.press_sequentially("gor")
    expect(offered).to_have_count(1)
    expect(offered).to_contain_text(f"{gus.reference} · Globex")
    page.keyboard.press("Enter")
    expect(requester).to_have_value(f"Gus Gordon ({gus.reference})")
    expect(requester).to_have_attribute("aria-expanded", "false")
    page.get_by_label("Title").fill("No mail")
    page.get_by_role("button", name="Create incident").click()
    expect(page.locator("#record-head")).to_contain_text("No mail")
    assert Incident.objects.get().requester == gus


def test_gus_reopens_what_came_back(open_as: OpenAs, ticket: Incident, gus: Person) -> None:
    transition(ticket, "resolve", {"resolution_code": "solved", "resolution": "Restarted"}, by=SYSTEM)
    page = open_as(gus, f"/portal/tickets/{ticket.reference}/")
    page.get_by_role("button", name="Reopen").click()
    expect(page.locator(".record-facts")).to_contain_text("In progress")
    assert Incident.objects.get().reopenings == 1


def test_gus_withdraws_a_ticket_and_takes_that_back(open_as: OpenAs, ticket: Incident, gus: Person) -> None:
    page = open_as(gus, f"/portal/tickets/{ticket.reference}/")
    page.get_by_role("link", name="Withdraw this ticket").click()
    dialog = page.locator("#dialog")
    dialog.get_by_role("link", name="Back").click()
    expect(dialog).not_to_be_visible()
    page.get_by_role("link", name="Withdraw this ticket").click()
    dialog.get_by_label("Why?").fill("I found it")
    dialog.get_by_role("button", name="Withdraw").click()
    expect(page.locator(".record-facts")).to_contain_text("Withdrawn")
    expect(page.get_by_role("main")).to_contain_text("I found it")
    page.get_by_role("button", name="Reopen").click()
    expect(page.locator(".record-facts")).to_contain_text("In progress")
    assert Incident.objects.get().status == "in_progress"


def test_what_was_left_out_is_told_in_the_dialog(open_as: OpenAs, ticket: Incident, agent: Person) -> None:
    page = open_as(agent, f"/records/{ticket.reference}/")
    page.locator("#steps").get_by_role("link", name="Wait").click()
    dialog = page.locator("#dialog")
    dialog.get_by_role("button", name="Wait").click()
    expect(dialog.get_by_role("alert")).to_contain_text("One field needs attention")
    expect(dialog.get_by_label("Waiting for")).to_be_focused()
    expect(page.locator("#record-head")).to_be_visible()
    dialog.get_by_label("Waiting for").select_option("the user")
    dialog.get_by_role("button", name="Wait").click()
    expect(page.locator("#record-head")).to_contain_text("Waiting")
    expect(page.locator("#toasts")).to_contain_text("is now “Waiting for the user”")


def test_the_matrix_of_priorities_is_not_cut_beside_a_record(open_as: OpenAs, maria: Person) -> None:
    scheme = PriorityScheme.in_force()
    assert scheme is not None
    page = open_as(maria, f"/records/{scheme.reference}/", viewport={"width": 1360, "height": 800})
    place = page.locator(".property-show:has(.matrix)")
    assert place.evaluate("place => place.scrollWidth <= place.clientWidth")


def test_a_menu_stays_within_the_window(open_as: OpenAs, ticket: Incident, agent: Person) -> None:
    for number in range(12):
        given = {"title": f"Answer {number}", "body": "Thank you.", "party": ticket.party}
        create(ReplyTemplate, given, by=SYSTEM)
    page = open_as(agent, f"/records/{ticket.reference}/", viewport={"width": 1360, "height": 600})
    page.locator("summary", has_text="Template").click()
    expect(page.get_by_role("button", name="Answer 0")).to_be_in_viewport()
    box = page.locator(".composer .menu-panel").bounding_box()
    assert box is not None
    assert (box["y"] >= 0, box["y"] + box["height"] <= 600) == (True, True)


def test_two_people_edit_the_same_property_and_nothing_is_lost(
    open_as: OpenAs, ticket: Incident, agent: Person, maria: Person
) -> None:
    pages = [open_as(person, f"/records/{ticket.reference}/") for person in (agent, maria)]
    for page in pages:
        page.locator("#property-impact").hover()
        page.get_by_role("link", name="Change: Impact").click()
        expect(page.get_by_label("Impact")).to_be_visible()
    pages[0].get_by_label("Impact").select_option("High")
    expect(pages[0].locator("#property-impact")).to_contain_text("High")
    expect(pages[0].get_by_role("link", name="Change: Impact")).to_be_visible()
    pages[1].get_by_label("Impact").select_option("Low")
    expect(pages[1].get_by_role("alert")).to_contain_text("High")
    assert Incident.objects.get().impact == "high"
    pages[1].get_by_role("button", name="Save").click()
    expect(pages[1].get_by_role("link", name="Change: Impact")).to_be_visible()
    assert Incident.objects.get().impact == "low"


def test_maria_hands_several_tickets_to_arno_at_once(
    open_as: OpenAs, ticket: Incident, maria: Person, agent: Person, gus: Person
) -> None:
    given = {"title": "No calendar", "requester": gus, "service": ticket.service}
    create(Incident, given, by=SYSTEM)
    page = open_as(maria, "/incidents/")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    bar = page.locator("[data-bulk-bar]")
    expect(bar).to_contain_text("2")
    bar.get_by_role("button", name="Assigned to").click()
    page.get_by_label("Assigned to").fill(agent.reference)
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#toasts")).to_contain_text("Assigned to: 2 done")
    expect(page.locator("table.records")).to_contain_text("No calendar")
    assert {found.assigned_to for found in Incident.objects.all()} == {agent}
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("Undo: 2 done")
    assert {found.assigned_to for found in Incident.objects.all()} == {None}


def test_maria_merges_a_duplicate_and_takes_it_apart_again(
    open_as: OpenAs, ticket: Incident, maria: Person, gus: Person
) -> None:
    given = {"title": "Mail is down again", "requester": gus, "service": ticket.service}
    duplicate = create(Incident, given, by=SYSTEM)
    page = open_as(maria, f"/records/{duplicate.reference}/")
    page.locator("#steps summary").click()
    page.get_by_role("link", name="Merge into another ticket").click()
    into = page.locator("#dialog").get_by_label("Merge into")
    into.press_sequentially("nine")
    expect(page.locator("#dialog .picker [role=option]")).to_contain_text(ticket.reference)
    into.fill(ticket.reference)
    page.locator("#dialog").get_by_role("button", name="Merge").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No mail since nine")
    expect(page.locator("#stream")).to_contain_text(f"Merged from {duplicate.reference}")
    duplicate.refresh_from_db()
    assert (duplicate.status, duplicate.resolution_code) == ("cancelled", "duplicate")
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mail is down again")
    expect(page.locator("#record-head")).to_contain_text("New")
    duplicate.refresh_from_db()
    assert (duplicate.status, duplicate.resolution_code) == ("new", "")
    page.goto(f"/records/{ticket.reference}/")
    expect(page.locator("#stream")).to_contain_text(
        f"The merge of {duplicate.reference} into this ticket was undone."
    )


def test_maria_imports_a_table_once_its_bad_line_is_mended(
    open_as: OpenAs, ticket: Incident, maria: Person, gus: Person
) -> None:
    grant(maria, Role.VIEWER, gus.party)
    head = "reference,title,requester,impact\n"
    page = open_as(maria, "/incidents/")
    page.locator("summary", has_text="Export").click()
    page.get_by_role("link", name="Import a file").click()
    upload(page, f"{head},No sound,{gus.reference},high\n,No picture,{gus.reference},enormous\n")
    expect(page.get_by_role("heading", level=1)).to_have_text("desk.csv can't be imported as it is")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was saved")
    line = page.get_by_role("listitem").filter(has_text="Line 3")
    expect(line).to_contain_text("impact “enormous”: Choose one of: high, medium, low.")
    expect(page.get_by_role("main")).not_to_contain_text("Line 2")
    page.get_by_role("link", name="Upload another file").click()
    upload(
        page,
        f"{head},No sound,{gus.reference},high\n{ticket.reference},No mail since ten,{gus.reference},low\n",
    )
    expect(page.get_by_role("heading", level=1)).to_have_text("What importing desk.csv would do")
    expect(page.get_by_role("main")).to_contain_text("1 to create · 1 to change")
    expect(page.get_by_role("main")).to_contain_text("No mail since nine")
    assert Incident.objects.count() == 1
    page.get_by_role("button", name="Import it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("desk.csv was imported")
    page.get_by_role("link", name="Back to the list").click()
    expect(page.locator("table.records")).to_contain_text("No mail since ten")
    assert set(Incident.objects.values_list("title", "impact")) == {
        ("No sound", "high"),
        ("No mail since ten", "low"),
    }


def test_maria_leaves_a_large_import_to_a_job_and_her_page_follows_it(open_as: OpenAs, maria: Person) -> None:
    page = open_as(maria, "/incidents/import/")
    upload(page, "title,requester\n" + "".join(f"Ticket {n},{maria.reference}\n" for n in range(501)))
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("desk.csv is being checked")
    expect(page.get_by_role("progressbar", name="Queued")).to_be_visible()
    Worker().drain()
    expect(heading).to_have_text("What importing desk.csv would do")
    page.get_by_role("button", name="Import it").click()
    expect(heading).to_have_text("desk.csv is being imported")
    page.goto("/incidents/")
    Worker().drain()
    page.goto("/notifications/")
    page.get_by_role("link", name="desk.csv was imported: 501 created").click()
    expect(heading).to_have_text("desk.csv was imported")
    assert Incident.objects.count() == 501


def upload(page: Page, table: str) -> None:
    file = {"name": "desk.csv", "mimeType": "text/csv", "buffer": table.encode()}
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Check file").click()


def test_maria_saves_a_view_and_finds_it_as_a_tab(open_as: OpenAs, ticket: Incident, maria: Person) -> None:
    page = open_as(maria, "/incidents/?impact=medium")
    expect(page.locator(".chip")).to_contain_text("Medium")
    page.locator("summary", has_text="Save view").click()
    expect(page.get_by_label("Name of the view")).to_be_focused()
    page.keyboard.type("Middling")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Middling").first.click()
    expect(page.locator(".chip")).to_contain_text("Medium")
    expect(page.locator("table.records")).to_contain_text("No mail since nine")
    assert SavedView.objects.get().name == "Middling"


def test_search_and_palette_lead_to_the_ticket(open_as: OpenAs, ticket: Incident, agent: Person) -> None:
    page = open_as(agent)
    page.get_by_label("Search everything").fill("nine")
    page.keyboard.press("Enter")
    page.get_by_role("main").get_by_role("link", name="No mail since nine").click()
    expect(page).to_have_url(re.compile(ticket.reference))
    page.goto("/")
    call(page, ticket.reference)
    option = page.get_by_role("option", name="No mail since nine")
    expect(option).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("No mail since nine")
    call(page, "start work")
    expect(page.locator("#palette").get_by_role("option").first).to_contain_text("Start work")
    page.keyboard.press("Enter")
    page.locator("#dialog").get_by_role("button", name="Start work").click()
    expect(page.locator("#record-head")).to_contain_text("In progress")


def call(page: Page, command: str) -> None:
    page.wait_for_load_state()  # before that nobody listens to keys
    page.keyboard.press("Control+k")
    page.locator("#palette").get_by_role("combobox").fill(command)


def test_a_draft_survives_a_reload(open_as: OpenAs, ticket: Incident, agent: Person) -> None:
    page = open_as(agent, f"/records/{ticket.reference}/")
    page.get_by_label("Internal note").check()
    page.get_by_label("Text").type("Half a thou")
    expect(page.locator("[data-composer] [data-draft-state]")).to_have_text(re.compile("saved|kept", re.I))
    page.reload()
    expect(page.get_by_label("Text")).to_have_value("Half a thou")
    expect(page.get_by_label("Internal note")).to_be_checked()
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#stream")).to_contain_text("Half a thou")
    expect(page.get_by_label("Text")).to_have_value("")
    assert Draft.objects.count() == 0


def test_the_theme_is_remembered(open_as: OpenAs, ticket: Incident, agent: Person) -> None:
    page = open_as(agent)
    page.locator("summary", has_text="Account").click()
    with page.expect_response(re.compile("/account/preferences/")):
        page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    dark = page.evaluate("getComputedStyle(document.body).color")
    page.goto("/incidents/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator("summary", has_text="Account").click()
    with page.expect_response(re.compile("/account/preferences/")):
        page.get_by_role("button", name="Light").click()
    page.wait_for_function("dark => getComputedStyle(document.body).color !== dark", arg=dark)


def test_a_form_that_is_refused_keeps_what_was_typed(
    open_as: OpenAs, ticket: Incident, agent: Person, gus: Person
) -> None:
    grant(agent, Role.VIEWER, gus.party)
    page = open_as(agent, "/incidents/new/")
    page.get_by_label("Description").fill("It hums, it does not print")
    page.get_by_label("Requester").fill("Somebody unheard of")
    page.get_by_role("button", name="Create").click()
    alerts = page.get_by_role("alert")
    expect(alerts.first).to_be_visible()
    expect(page.get_by_label("Description")).to_have_value("It hums, it does not print")
    expect(page.get_by_label("Requester")).to_have_value("Somebody unheard of")
    page.get_by_label("Title").fill("The printer hums")
    page.get_by_label("Requester").fill(gus.reference)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The printer hums")
    assert Incident.objects.get(title="The printer hums").requester == gus


@pytest.mark.parametrize(
    "path", ["/", "/incidents/", "/records/{}/", "/incidents/new/", "/desk/", "/search/?q=mail"]
)
def test_pages_fit_on_a_phone(open_as: OpenAs, ticket: Incident, agent: Person, path: str) -> None:
    page = open_as(agent, path.format(ticket.reference), viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_word_wider_than_a_phone_moves_nothing_off_its_screen(
    agent: Person, ticket: Incident, open_as: OpenAs
) -> None:
    endless = "Donaudampfschifffahrtsgesellschaft" * 4
    change(ticket, {"title": f"No mail since {endless}", "description": endless}, by=agent)
    record = f"/records/{ticket.reference}/"
    page = open_as(agent, record, viewport={"width": 390, "height": 844})
    for path in (
        record,
        f"{record}history/",
        f"{record}steps/resolve/",
        f"/tickets/{ticket.reference}/merge/",
        "/incidents/",
        "/search/?q=mail",
    ):
        page.goto(path)
        assert (path, page.evaluate("document.documentElement.scrollWidth")) == (path, 390)


@pytest.mark.parametrize("width", [1024, 1280, 1440])
def test_a_list_fits_beside_the_navigation_and_tells_what_it_cuts_off(
    open_as: OpenAs, ticket: Incident, agent: Person, maria: Person, width: int
) -> None:
    change(maria, {"title": "Maximiliane Alexandra von Thurn"}, by=SYSTEM)
    change(ticket.service, {"title": "Mail, calendars and address books for everybody"}, by=SYSTEM)
    change(ticket, {"title": "No mail since nine " * 9, "assigned_to": maria, "requester": maria}, by=SYSTEM)
    transition(ticket, "wait", {"waiting_for": "supplier"}, by=SYSTEM)
    page = open_as(agent, "/incidents/", viewport={"width": width, "height": 800})
    hidden = "frame => frame.scrollWidth - frame.clientWidth"
    assert page.locator(".table-frame").evaluate(hidden) == 0
    assert page.get_by_role("cell", name="Waiting · supplier").evaluate(hidden) == 0
    cut = page.get_by_role("cell", name="address books")
    cut.hover()
    expect(cut).to_have_attribute("title", "Mail, calendars and address books for everybody")


def test_on_a_phone_the_navigation_opens_and_closes(open_as: OpenAs, ticket: Incident, agent: Person) -> None:
    page = open_as(agent, viewport={"width": 390, "height": 844}, has_touch=True)
    sidebar = page.get_by_role("navigation", name="Main")
    expect(sidebar.get_by_role("link", name="Incidents")).not_to_be_in_viewport()
    page.get_by_label("Navigation", exact=True).click()
    sidebar.get_by_role("link", name="Incidents").click()
    expect(page.get_by_role("main")).to_contain_text("No mail since nine")


def test_without_scripts_gus_reports_and_arno_answers(
    open_as: OpenAs, mail: Service, gus: Person, agent: Person
) -> None:
    page = open_as(gus, "/portal/", java_script_enabled=False)
    page.get_by_role("link", name="Report a problem").click()
    page.get_by_label("In one sentence").fill("No sound")
    page.get_by_label("Service").select_option("Mail")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No sound")
    made = Incident.objects.get()
    work = open_as(agent, "/incidents/", java_script_enabled=False)
    work.get_by_role("link", name="No sound").click()
    work.get_by_role("button", name="Start work").click()
    work.get_by_label("Text").fill("Turn it up")
    work.get_by_role("button", name="Send").click()
    expect(work.locator("#stream")).to_contain_text("Turn it up")
    work.locator("#steps").get_by_role("link", name="Resolve").click()
    work.get_by_label("Resolution code").select_option("Explained")
    work.locator("textarea").fill("The knob at the left")
    work.get_by_role("button", name="Resolve").click()
    expect(work.locator("#record-head")).to_contain_text("Resolved")
    page.reload()
    expect(page.locator("#stream")).to_contain_text("Turn it up")
    made.refresh_from_db()
    assert (made.status, made.resolution_code) == ("resolved", "explained")


def test_what_others_write_appears_as_text_and_never_runs(
    open_as: OpenAs, ticket: Incident, agent: Person, gus: Person
) -> None:
    attack = "<img src=x onerror=window.taken=1><script>window.taken=1</script>[x](javascript:window.taken=1)"
    comment(ticket, attack, by=gus)
    create(Incident, {"title": attack, "requester": gus, "service": ticket.service}, by=SYSTEM)
    page = open_as(agent, f"/records/{ticket.reference}/")
    for path in (f"/records/{ticket.reference}/", "/incidents/", "/search/?q=taken", "/"):
        page.goto(path)
        assert page.evaluate("window.taken") is None
    expect(page.get_by_role("main")).to_contain_text("onerror=window.taken")
