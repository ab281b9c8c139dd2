import re
import threading
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from stellwerk.kernel.activity.attachments.models import Attachment
from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.links.models import Link
from stellwerk.kernel.activity.watching.models import Watcher
from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.testing.fixtures import grant
from stellwerk.kernel.write.services import change, create, share
from stellwerk.processes.incidents.incident import Incident
from stellwerk.web.models import Draft
from stellwerk.web.record.context import ComparedLine
from stellwerk.web.record.tests.conftest import SignIn

HTMX = {"HX-Request": "true"}
DIALOG = {**HTMX, "HX-Target": "dialog"}
PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "{{ 7*7 }}{% csrf_token %}",
    "</textarea><script>alert(1)</script>",
    "javascript:alert(1)",
    "<svg/onload=alert(1)>",
]


def now(incident: Incident) -> Incident:
    return Incident.objects.get(pk=incident.pk)


# -- saying -------------------------------------------------------------------------------------------


def test_a_reply_and_a_note_with_a_file(incident: Incident, maria: Person, sign_in: SignIn) -> None:
    client, url = sign_in(maria), f"/records/{incident.reference}/say/"
    file = SimpleUploadedFile("log.txt", b"line")
    assert client.post(url, {"kind": "reply", "body": "We look.", "files": file}).status_code == 302
    client.post(url, {"kind": "note", "body": "Cable again."})
    assert list(Comment.objects.order_by("id").values_list("body", "internal")) == [
        ("We look.", False),
        ("Cable again.", True),
    ]
    assert Attachment.objects.get().comment == Comment.objects.get(body="We look.")


def test_a_reply_sent_twice_is_said_once(incident: Incident, maria: Person, sign_in: SignIn) -> None:
    client, url = sign_in(maria), f"/records/{incident.reference}/say/"
    for _click in range(2):
        assert client.post(url, {"body": "Once", "once": "token-1"}).status_code == 302
    client.post(url, {"body": "Once", "once": "token-2"})
    assert Comment.objects.count() == 2


def test_reply_and_resolve_are_one_write(incident: Incident, maria: Person, sign_in: SignIn) -> None:
    client, url = sign_in(maria), f"/records/{incident.reference}/say/"
    given = {"body": "Restarted it.", "step": "resolve", "version": incident.version}
    refused = client.post(url, given)
    assert refused.status_code == 422
    assert "Restarted it." in refused.content.decode()
    assert (now(incident).status, Comment.objects.count()) == ("new", 0)
    stays = client.post(url, {**given, "body": "", "resolve-resolution_code": "solved"})
    assert '<option value="solved" selected>' in stays.content.decode()
    assert client.post(url, {**given, "resolve-resolution_code": "solved"}).status_code == 302
    solved = now(incident)
    assert (solved.status, solved.resolution, solved.resolution_code) == (
        "resolved",
        "Restarted it.",
        "solved",
    )
    assert Comment.objects.get().body == "Restarted it."


def test_a_solution_is_not_hidden_in_a_note(incident: Incident, maria: Person, sign_in: SignIn) -> None:
    given = {"body": "x", "kind": "note", "step": "resolve", "resolve-resolution_code": "solved"}
    assert sign_in(maria).post(f"/records/{incident.reference}/say/", given).status_code == 422
    assert now(incident).status == "new"


def test_a_step_with_a_reply_notices_who_was_faster(
    incident: Incident, maria: Person, sign_in: SignIn
) -> None:
    seen = incident.version
    change(incident, {"impact": "high"}, by=maria)
    given = {"body": "Waiting for you.", "step": "wait", "wait-waiting_for": "user", "version": seen}
    response = sign_in(maria).post(f"/records/{incident.reference}/say/", given)
    assert response.status_code == 409
    assert "Waiting for you." in response.content.decode()
    assert (now(incident).status, Comment.objects.count()) == ("new", 0)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"body": "  "}, "Write something first."),
        ({"body": "half \x00 way"}, "The text contains a null character. Remove it."),
        ({"body": "x", "step": "resolve", "resolve-resolution_code": "magic"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_said_is_refused_with_a_sentence(
    incident: Incident, maria: Person, sign_in: SignIn, given: dict[str, Any], sentence: str
) -> None:
    response = sign_in(maria).post(f"/records/{incident.reference}/say/", given)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert (Comment.objects.count(), now(incident).version) == (0, incident.version)


def test_steps_that_do_not_exist_or_are_not_ones_own(
    incident: Incident, gus: Person, agent: Person, sign_in: SignIn
) -> None:
    url = f"/records/{incident.reference}/say/"
    assert sign_in(agent).post(url, {"body": "x", "step": "fly"}).status_code == 404
    assert sign_in(gus).post(url, {"body": "x", "step": "begin"}).status_code == 403
    assert sign_in(gus).post(url, {"body": "x", "kind": "note"}).status_code == 403
    assert Comment.objects.count() == 0


def test_a_megabyte_can_be_said(incident: Incident, maria: Person, sign_in: SignIn) -> None:
    sign_in(maria).post(f"/records/{incident.reference}/say/", {"body": "é" * 1_000_000})
    assert len(Comment.objects.get().body) == 1_000_000


@override_settings(UPLOAD_LIMIT=10)
def test_too_large_a_file_stops_the_reply_as_well(incident: Incident, maria: Person, sign_in: SignIn) -> None:
    files = [SimpleUploadedFile("a.txt", b"a"), SimpleUploadedFile("b.txt", b"b" * 11)]
    response = sign_in(maria).post(f"/records/{incident.reference}/say/", {"body": "Look", "files": files})
    assert response.status_code == 422
    assert "The file is too large" in response.content.decode()
    assert (Comment.objects.count(), Attachment.objects.count()) == (0, 0)


def test_a_draft_is_kept_shown_and_forgotten(
    incident: Incident, maria: Person, agent: Person, sign_in: SignIn
) -> None:
    client = sign_in(maria)
    draft = f"/draft/reply:{incident.reference}/"
    assert client.post(draft, {"kind": "note", "body": "I was \x00 about to"}).status_code == 204
    page = client.get(f"/records/{incident.reference}/").content.decode()
    assert "I was  about to</textarea>" in page
    assert re.search(r'value="note"[^>]*checked', page)
    assert "about to" not in sign_in(agent).get(f"/records/{incident.reference}/").content.decode()
    client.post(f"/records/{incident.reference}/say/", {"body": "Done"})
    assert Draft.objects.count() == 0


def test_two_agents_who_answer_see_each_other_and_requesters_see_nobody(
    incident: Incident, maria: Person, agent: Person, gus: Person, sign_in: SignIn
) -> None:
    draft, url = f"/draft/reply:{incident.reference}/", f"/records/{incident.reference}/"
    for writer in (maria, gus):
        sign_in(writer).post(draft, {"kind": "reply", "body": "I begin"})
    assert "Maria Keller is writing here, too." in sign_in(agent).get(url).text
    answer = sign_in(agent).post(draft, {"kind": "reply", "body": "I, too"})
    assert (answer.status_code, answer.text) == (200, "Maria Keller is writing here, too.")
    told = sign_in(gus).post(draft, {"kind": "reply", "body": "Who else"})
    assert (told.status_code, told.text) == (204, "")
    Draft.objects.update(updated_at=timezone.now() - timedelta(minutes=6))
    assert sign_in(maria).post(draft, {"kind": "reply", "body": "Again"}).status_code == 204


def test_a_reply_over_one_that_was_not_seen_shows_it_first_and_keeps_the_text(
    incident: Incident, maria: Person, gus: Person, sign_in: SignIn
) -> None:
    client, url = sign_in(maria), f"/records/{incident.reference}/say/"
    seen = re.search(r'name="seen" value="(\d+)"', client.get(f"/records/{incident.reference}/").text)
    assert seen is not None
    comment(incident, "It works again!", by=gus)
    given = {"kind": "reply", "body": "Please restart it.", "seen": seen[1], "once": "a" * 16}
    answer = client.post(url, given)
    assert answer.status_code == 409
    assert "Gus Gordon wrote while you did. Read it, then send yours again." in answer.text
    assert "It works again!" in answer.text
    assert "Please restart it.</textarea>" in answer.text
    assert Comment.objects.count() == 1
    again = re.search(r'name="seen" value="(\d+)"', answer.text)
    assert again is not None
    assert client.post(url, given | {"seen": again[1]}).status_code == 302
    assert (
        client.post(url, given | {"body": "A second one.", "once": "b" * 16, "seen": again[1]}).status_code
        == 302
    )
    assert client.post(url, given | {"kind": "note", "body": "A note.", "once": "c" * 16}).status_code == 302
    assert Comment.objects.count() == 4


def test_the_edit_form_leaves_alone_what_others_changed_meanwhile(
    incident: Incident, maria: Person, gus: Person, sign_in: SignIn
) -> None:
    client, url = sign_in(maria), f"/records/{incident.reference}/edit/"
    given = filled(client, url) | {"version": str(incident.version), "title": "Mail is down again"}
    comment(incident, "It smells of smoke.", by=gus)
    change(incident, {"urgency": "high"}, by=SYSTEM)
    assert client.post(url, given).status_code == 302
    assert (now(incident).title, now(incident).urgency) == ("Mail is down again", "high")
    assert client.post(url, given | {"title": "Otherwise"}).status_code == 409
    assert now(incident).title == "Mail is down again"


def test_an_empty_draft_is_none(incident: Incident, maria: Person, sign_in: SignIn) -> None:
    client = sign_in(maria)
    client.post("/draft/reply:X/", {"body": "a", "kind": "reply"})
    assert Draft.objects.count() == 1
    client.post("/draft/reply:X/", {"body": "", "kind": "note", "step": "wait"})
    assert Draft.objects.count() == 0


# -- properties -----------------------------------------------------------------------------------------


def test_a_property_is_changed_in_place_and_what_follows_comes_along(
    incident: Incident, maria: Person, sign_in: SignIn
) -> None:
    client, url = sign_in(maria), f"/records/{incident.reference}/fields/impact/"
    form = client.get(url, headers=HTMX).content.decode()
    assert f'name="version" value="{incident.version}"' in form
    response = client.post(url, {"impact": "high", "version": incident.version}, headers=HTMX)
    html = response.content.decode()
    assert response.status_code == 200
    assert now(incident).priority == 2
    assert 'id="property-impact"' in html
    assert re.search(r'id="property-priority" hx-swap-oob="true"', html)
    told = re.search(r'<span id="composer-version" hidden hx-swap-oob="true">.*?value="(\d+)"', html)
    assert told is not None
    assert told[1] == str(incident.version + 1)


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["in place", "on a page"])
def test_a_property_that_does_not_hold_alone_asks_for_the_other_as_well(
    incident: Incident, maria: Person, sign_in: SignIn, headers: dict[str, str]
) -> None:
    client, url = sign_in(maria), f"/records/{incident.reference}/fields/priority_override/"
    sent = {"priority_override": "1", "version": incident.version}
    response = client.post(url, sent, headers=headers)
    html = response.content.decode()
    assert response.status_code == 422
    assert "Say why the priority differs from the one that impact and urgency give." in html
    assert '<option value="1" selected>' in html
    assert 'id="id_priority_reason"' in html
    assert now(incident).version == incident.version
    response = client.post(url, sent | {"priority_reason": "The board meets."}, headers=headers)
    assert response.status_code == (200 if headers else 302)
    assert (now(incident).priority, now(incident).priority_reason) == (1, "The board meets.")


def test_a_fault_of_the_record_as_a_whole_is_told_in_place(
    incident: Incident, maria: Person, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: object, record: object, before: object) -> None:
        raise ValidationError("Not on a Sunday.")

    monkeypatch.setattr(type(incident.record_type), "validate", refuse)
    client, url = sign_in(maria), f"/records/{incident.reference}/fields/impact/"
    response = client.post(url, {"impact": "high", "version": incident.version}, headers=HTMX)
    assert response.status_code == 422
    assert '<div class="field-error" role="alert">Not on a Sunday.</div>' in response.content.decode()
    assert now(incident).impact == "medium"


def test_without_scripts_a_property_has_a_page(incident: Incident, maria: Person, sign_in: SignIn) -> None:
    client, url = sign_in(maria), f"/records/{incident.reference}/fields/impact/"
    assert "<!doctype html>" in client.get(url).content.decode()
    response = client.post(url, {"impact": "low", "version": incident.version})
    assert (response.status_code, response["Location"]) == (302, f"/records/{incident.reference}/")
    assert now(incident).impact == "low"


def test_title_and_long_texts_are_edited_in_a_dialog(
    incident: Incident, maria: Person, sign_in: SignIn
) -> None:
    client = sign_in(maria)
    page = client.get(f"/records/{incident.reference}/").content.decode()
    for name in ("title", "description"):
        url = f"/records/{incident.reference}/fields/{name}/"
        assert f'href="{url}" data-dialog' in page
        dialog = client.get(url, headers=HTMX).content.decode()
        assert "data-form" in dialog
        assert f'hx-post="{url}" hx-target="#dialog"' in dialog
        version = now(incident).version
        assert client.post(url, {name: "**Better**", "version": version}).status_code == 302
    assert (now(incident).title, now(incident).description) == ("**Better**", "**Better**")


def test_arno_takes_a_ticket_into_his_hands_with_one_button(
    incident: Incident, agent: Person, gus: Person, sign_in: SignIn
) -> None:
    client, url = sign_in(agent), f"/records/{incident.reference}/fields/assigned_to/"
    button = f'formaction="{url}" name="assigned_to" value="{agent.reference}"'
    assert button in client.get(f"/records/{incident.reference}/").content.decode()
    assert client.post(url, {"assigned_to": agent.reference}).status_code == 302
    assert now(incident).assigned_to == agent
    assert button not in client.get(f"/records/{incident.reference}/").content.decode()
    assert sign_in(gus).post(url, {"assigned_to": gus.reference}).status_code == 404
    assert now(incident).assigned_to == agent


def test_people_and_parties_have_a_name(maria: Person, root: Person, sign_in: SignIn) -> None:
    client = sign_in(root)
    assert maria.party is not None
    for kind, record in (("people", maria), ("parties", maria.party)):
        assert ">Name" in client.get(f"/{kind}/").content.decode().partition("<thead")[2]
        for path in (f"/{kind}/new/", f"/records/{record.reference}/edit/"):
            labels = re.findall(r'for="id_title">([^<]+)<', client.get(path).content.decode())
            assert labels == ["Name"]


def test_what_does_not_hold_comes_back_into_the_dialog(
    incident: Incident, maria: Person, sign_in: SignIn
) -> None:
    client, url = sign_in(maria), f"/records/{incident.reference}/steps/wait/"
    shown = client.get(url, headers=DIALOG).content.decode()
    assert "<html" not in shown
    assert ">Back</a>" in shown
    refused = client.post(url, {"waiting_for": ""}, headers=DIALOG)
    assert (refused.status_code, b"<html" in refused.content) == (422, False)
    assert b'aria-invalid="true"' in refused.content
    assert now(incident).status == "new"
    taken = client.post(url, {"waiting_for": "user"}, headers=DIALOG)
    assert (taken.status_code, taken["HX-Redirect"]) == (200, f"/records/{incident.reference}/")
    assert now(incident).status == "waiting"


def test_a_step_that_came_too_late_says_so_in_the_dialog(
    incident: Incident, maria: Person, sign_in: SignIn
) -> None:
    seen = incident.version
    change(incident, {"impact": "high"}, by=maria)
    url = f"/records/{incident.reference}/steps/wait/"
    late = sign_in(maria).post(url, {"waiting_for": "user", "version": seen}, headers=DIALOG)
    assert (late.status_code, b"<html" in late.content) == (409, False)


def test_without_scripts_a_dialog_is_a_page(incident: Incident, maria: Person, sign_in: SignIn) -> None:
    client, url = sign_in(maria), f"/records/{incident.reference}/steps/wait/"
    for answer in (client.get(url), client.post(url, {"waiting_for": ""})):
        assert b"<html" in answer.content
        assert b"hx-post" not in answer.content


def test_a_stale_property_shows_both_and_can_be_saved_again(
    incident: Incident, maria: Person, agent: Person, sign_in: SignIn
) -> None:
    seen = incident.version
    change(incident, {"impact": "high"}, by=agent)
    client, url = sign_in(maria), f"/records/{incident.reference}/fields/impact/"
    response = client.post(url, {"impact": "low", "version": seen}, headers=HTMX)
    html = response.content.decode()
    assert response.status_code == 409
    assert "Stored now: High" in html
    assert '<option value="low" selected>' in html
    assert now(incident).impact == "high"
    again = re.search(r'name="version" value="(\d+)"', html)
    assert again is not None
    assert client.post(url, {"impact": "low", "version": again[1]}, headers=HTMX).status_code == 200
    assert now(incident).impact == "low"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("impact", "enormous", "Select a valid choice"),
        ("title", "", "This field is required"),
        ("title", "x" * 251, "at most 250 characters"),
        ("title", "a\x00b", "Null characters are not allowed"),
        ("assigned_to", "PER-999999", "Select a record from the list"),
        ("requester", "", "This field is required"),
        ("priority_override", "9", "Select a valid choice"),
    ],
)
def test_wrong_values_are_refused_kept_and_change_nothing(
    incident: Incident, maria: Person, sign_in: SignIn, name: str, value: str, sentence: str
) -> None:
    url = f"/records/{incident.reference}/fields/{name}/"
    response = sign_in(maria).post(url, {name: value, "version": incident.version})
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert now(incident).version == incident.version


def test_fields_that_cannot_be_set_here(
    incident: Incident, maria: Person, gus: Person, sign_in: SignIn
) -> None:
    client = sign_in(maria)
    for name, status in (("status", 403), ("priority", 403), ("journal_head", 403), ("nonsense", 404)):
        assert client.post(f"/records/{incident.reference}/fields/{name}/", {name: "1"}).status_code == status
    assert (
        sign_in(gus).post(f"/records/{incident.reference}/fields/title/", {"title": "x"}).status_code == 404
    )
    assert now(incident).version == incident.version


def test_people_are_chosen_by_reference_title_or_what_the_form_shows(
    incident: Incident, maria: Person, agent: Person, sign_in: SignIn
) -> None:
    client, url = sign_in(maria), f"/records/{incident.reference}/fields/assigned_to/"
    for text in (agent.reference, agent.title, f"Arno Agent ({agent.reference})", agent.reference.lower()):
        assert client.post(url, {"assigned_to": text}).status_code == 302
        assert now(incident).assigned_to == agent
        client.post(url, {"assigned_to": ""})
        assert now(incident).assigned_to is None


def test_a_few_records_are_offered_as_a_list(
    incident: Incident, maria: Person, desk: Team, other_centre: Party, sign_in: SignIn
) -> None:
    create(Team, {"title": "Foreign team", "party": other_centre}, by=SYSTEM)
    html = sign_in(maria).get(f"/records/{incident.reference}/fields/team/").content.decode()
    assert f'<option value="Service desk ({desk.reference})">Service desk</option>' in html
    assert "Foreign team" not in html


# -- the whole form -----------------------------------------------------------------------------------------


def filled(client: Any, url: str) -> dict[str, str]:
    """Read a form as a browser would send it unchanged."""
    form = client.get(url).context["form"]
    data = {name: form[name].value() for name in form.fields}
    return {name: "" if value is None else str(value) for name, value in data.items() if value is not False}


def test_a_stale_form_merges_what_was_not_in_conflict(
    incident: Incident, maria: Person, agent: Person, sign_in: SignIn
) -> None:
    client, url = sign_in(maria), f"/records/{incident.reference}/edit/"
    data = filled(client, url) | {"title": "Maria's title", "impact": "low", "version": str(incident.version)}
    change(incident, {"title": "Arno's title", "urgency": "high"}, by=agent)
    response = client.post(url, data)
    html = response.content.decode()
    assert response.status_code == 409
    assert "Arno Agent changed this record while you were writing." in html
    assert sorted(response.context["conflict"], key=lambda line: line.label) == [
        ComparedLine("Impact", "Low", "Medium"),
        ComparedLine("Priority", "Moderate", "High"),
        ComparedLine("Title", "Maria's title", "Arno's title"),
        ComparedLine("Urgency", "Medium", "High"),
    ]
    merged = response.context["form"]
    assert (merged["title"].value(), merged["urgency"].value()) == ("Maria's title", "high")
    again = {name: merged[name].value() or "" for name in merged.fields}
    assert client.post(url, again | {"version": str(now(incident).version)}).status_code == 302
    written = now(incident)
    assert (written.title, written.impact, written.urgency) == ("Maria's title", "low", "high")


def test_an_unchanged_form_writes_nothing(incident: Incident, maria: Person, sign_in: SignIn) -> None:
    client, url = sign_in(maria), f"/records/{incident.reference}/edit/"
    client.post(url, filled(client, url) | {"version": str(incident.version)})
    assert now(incident).version == incident.version


def test_rules_of_the_type_are_shown_at_their_field(
    incident: Incident, maria: Person, sign_in: SignIn
) -> None:
    client, url = sign_in(maria), f"/records/{incident.reference}/edit/"
    response = client.post(url, filled(client, url) | {"priority_override": "1"})
    assert response.status_code == 422
    assert "Say why the priority differs" in response.content.decode()
    assert "priority_reason" in response.context["form"].errors


# -- creating -----------------------------------------------------------------------------------------------


def new_incident(gus: Person) -> dict[str, str]:
    return {
        "title": "Printer burns",
        "requester": gus.reference,
        "channel": "phone",
        "impact": "high",
        "urgency": "high",
    }


def test_root_creates_a_ticket_once_however_often_it_is_sent(
    root: Person, gus: Person, sign_in: SignIn
) -> None:
    client, data = sign_in(root), new_incident(gus) | {"once": "abc"}
    first = client.post("/incidents/new/", data)
    second = client.post("/incidents/new/", data)
    assert first.status_code == second.status_code == 302
    assert first["Location"] == second["Location"]
    made = Incident.objects.get()
    assert (made.title, made.requester, made.channel, made.priority) == ("Printer burns", gus, "phone", 1)


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_time_create_once(root: Person, gus: Person, sign_in: SignIn) -> None:
    data = new_incident(gus) | {"once": "abc"}
    clients = [sign_in(root) for _click in range(4)]
    answers: list[int] = []

    def click(client: Any) -> None:
        try:
            answers.append(client.post("/incidents/new/", data).status_code)
        finally:
            connection.close()

    clicks = [threading.Thread(target=click, args=[client]) for client in clients]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert (answers, Incident.objects.count()) == ([302] * 4, 1)


def test_the_address_fills_the_form(root: Person, gus: Person, sign_in: SignIn) -> None:
    form = (
        sign_in(root)
        .get(f"/incidents/new/?title=Mail+%26+more&requester={gus.reference}&impact=low")
        .context["form"]
    )
    assert form["title"].value() == "Mail & more"
    assert form["requester"].value() == f"Gus Gordon ({gus.reference})"
    assert form["impact"].value() == "low"


def test_a_refused_form_keeps_what_was_typed_and_draws_a_new_mark(root: Person, sign_in: SignIn) -> None:
    response = sign_in(root).post(
        "/incidents/new/", {"title": "Printer", "requester": "Somebody", "once": "x"}
    )
    assert response.status_code == 422
    assert 'value="Somebody"' in response.content.decode()
    assert 'name="once" value="' in response.content.decode()
    assert 'name="once" value="x"' not in response.content.decode()
    assert Incident.objects.count() == 0


def test_a_draft_of_a_new_record_comes_back_and_goes_when_it_is_created(
    root: Person, gus: Person, sign_in: SignIn
) -> None:
    client = sign_in(root)
    client.post("/draft/create:incident/", new_incident(gus) | {"title": "Half a title"})
    assert client.get("/incidents/new/").context["form"]["title"].value() == "Half a title"
    client.post("/incidents/new/", new_incident(gus))
    assert Draft.objects.count() == 0


def test_a_requester_is_asked_for_less(gus: Person, nobody: Person, sign_in: SignIn) -> None:
    client = sign_in(gus)
    assert list(client.get("/incidents/new/").context["form"].fields) == [
        "title",
        "description",
        "service",
        "category",
    ]
    client.post("/incidents/new/", {"title": "My mail", "impact": "high", "requester": nobody.reference})
    made = Incident.objects.get()
    assert (made.requester, made.impact) == (gus, "medium")
    assert client.get("/services/new/").status_code == 404


def test_a_custom_field_is_made_from_lists_and_lines(root: Person, sign_in: SignIn) -> None:
    client = sign_in(root)
    given = {"title": "Building", "target": "incident", "name": "building", "type": "choice"}
    client.post("/custom-fields/new/", {**given, "choices": "Main hall\r\n\r\n Annex \r\n"})
    made = CustomField.objects.get()
    assert (made.target, made.choices) == ("incident", ["Main hall", "Annex"])
    edit = client.get(f"/records/{made.reference}/edit/").content.decode()
    assert '<option value="incident" selected>Incident</option>' in edit
    assert "\nMain hall\nAnnex</textarea>" in edit
    client.post(f"/records/{made.reference}/edit/", {**given, "choices": "Annex", "version": made.version})
    made.refresh_from_db()
    assert (made.choices, made.version) == (["Annex"], 2)


def test_custom_fields_are_on_the_forms_and_the_page(
    root: Person, incident: Incident, sign_in: SignIn
) -> None:
    for name, kind in (("room", "text"), ("floors", "number"), ("urgent", "yes_no"), ("since", "date")):
        create(
            CustomField, {"title": name.title(), "target": "incident", "name": name, "type": kind}, by=SYSTEM
        )
    client, url = sign_in(root), f"/records/{incident.reference}/fields/custom."
    assert client.post(f"{url}room/", {"custom.room": "B 12"}).status_code == 302
    assert client.post(f"{url}floors/", {"custom.floors": "many"}).status_code == 422
    assert client.post(f"{url}urgent/", {"custom.urgent": "no"}).status_code == 302
    assert client.post(f"{url}since/", {"custom.since": "2026-03-01"}).status_code == 302
    assert now(incident).custom == {"room": "B 12", "urgent": False, "since": "2026-03-01"}
    html = client.get(f"/records/{incident.reference}/").content.decode()
    assert "B 12" in html
    assert "1 Mar 2026" in html


# -- steps ----------------------------------------------------------------------------------------------


def test_a_step_that_asks_opens_a_form_and_then_goes_on(
    incident: Incident, maria: Person, sign_in: SignIn
) -> None:
    client, url = sign_in(maria), f"/records/{incident.reference}/steps/resolve/"
    assert "<!doctype" not in client.get(url, headers=HTMX).content.decode()
    assert "<!doctype" in client.get(url).content.decode()
    half = client.post(url, {"resolution_code": "solved", "version": incident.version})
    assert half.status_code == 422
    assert now(incident).status == "new"
    given = {"resolution_code": "solved", "resolution": "Restarted", "version": incident.version}
    assert client.post(url, given).status_code == 302
    assert now(incident).status == "resolved"


def test_a_step_can_be_taken_back_from_its_message(
    incident: Incident, maria: Person, sign_in: SignIn
) -> None:
    client = sign_in(maria)
    page = client.post(f"/records/{incident.reference}/steps/cancel/", follow=True).content.decode()
    assert now(incident).status == "cancelled"
    undo = re.search(r'action="([^"]*/entries/\d+/undo/)"', page)
    assert undo is not None
    assert client.post(undo[1]).status_code == 302
    assert now(incident).status == "new"
    assert client.post(undo[1]).status_code == 422
    assert client.post(f"/records/{incident.reference}/entries/99/undo/").status_code == 404


def test_a_step_that_is_not_possible_or_not_allowed(
    incident: Incident, maria: Person, gus: Person, sign_in: SignIn
) -> None:
    refused = sign_in(maria).post(f"/records/{incident.reference}/steps/resume/")
    assert refused.status_code == 422
    assert "isn't possible while" in unescape(refused.content.decode())
    assert sign_in(gus).post(f"/records/{incident.reference}/steps/begin/").status_code == 403
    assert sign_in(maria).post(f"/records/{incident.reference}/steps/fly/").status_code == 404
    assert now(incident).status == "new"


def test_a_stale_step_shows_what_happened_meanwhile(
    incident: Incident, maria: Person, agent: Person, sign_in: SignIn
) -> None:
    seen = incident.version
    change(incident, {"impact": "high"}, by=agent)
    response = sign_in(maria).post(f"/records/{incident.reference}/steps/begin/", {"version": seen})
    assert response.status_code == 409
    assert ComparedLine("Impact", "Medium", "High") in response.context["conflict"]
    assert now(incident).status == "new"


# -- beside ---------------------------------------------------------------------------------------------


def test_links_are_set_read_from_both_ends_removed_and_brought_back(
    incident: Incident, maria: Person, sign_in: SignIn
) -> None:
    other = create(
        Incident, {"title": "Twin", "party": maria.party, "requester": incident.requester}, by=SYSTEM
    )
    client = sign_in(maria)
    given = {"relation": "duplicate:inverse", "target": other.reference}
    assert client.post(f"/records/{incident.reference}/links/", given).status_code == 302
    made = Link.objects.get()
    assert (made.source_id, made.target_id) == (other.pk, incident.pk)
    assert "Is duplicated by" in client.get(f"/records/{incident.reference}/").content.decode()
    assert "Duplicates" in client.get(f"/records/{other.reference}/").content.decode()
    page = client.post(f"/records/{incident.reference}/links/{made.pk}/remove/", follow=True).content.decode()
    assert Link.objects.count() == 0
    undo = re.search(r'action="([^"]*links/again/[^"]*)"', page)
    assert undo is not None
    client.post(undo[1].replace("&amp;", "&"))
    assert Link.objects.get().source_id == other.pk


@pytest.mark.parametrize("target", ["INC-999999", "", "x" * 300, "' OR 1=1 --"])
def test_links_to_nothing_are_refused(
    incident: Incident, maria: Person, sign_in: SignIn, target: str
) -> None:
    url = f"/records/{incident.reference}/links/"
    assert sign_in(maria).post(url, {"relation": "related", "target": target}).status_code == 422
    assert sign_in(maria).post(url, {"relation": "married", "target": incident.reference}).status_code == 422
    assert sign_in(maria).post(url, {"relation": "related", "target": incident.reference}).status_code == 422
    assert Link.objects.count() == 0


def test_suggestions_are_of_visible_records_only(
    incident: Incident, maria: Person, nobody: Person, sign_in: SignIn
) -> None:
    assert incident.reference in sign_in(maria).get("/lookup/?q=mail").content.decode()
    assert incident.reference not in sign_in(nobody).get("/lookup/?q=mail").content.decode()


def test_watching_oneself_and_adding_a_colleague(
    incident: Incident, maria: Person, agent: Person, nobody: Person, sign_in: SignIn
) -> None:
    client = sign_in(maria)
    client.post(f"/records/{incident.reference}/watch/")
    client.post(f"/records/{incident.reference}/watchers/", {"person": agent.reference})
    assert set(Watcher.objects.values_list("person__title", flat=True)) == {"Maria Keller", "Arno Agent"}
    client.post(f"/records/{incident.reference}/watch/")
    assert Watcher.objects.get().person == agent
    refused = client.post(f"/records/{incident.reference}/watchers/", {"person": nobody.reference})
    assert refused.status_code == 422
    assert Watcher.objects.count() == 1


def test_sharing_and_taking_it_back(
    incident: Incident, root: Person, other_centre: Party, sign_in: SignIn
) -> None:
    client, url = sign_in(root), f"/records/{incident.reference}/shares/"
    assert client.post(url, {"party": other_centre.reference, "capacity": "supplier"}).status_code == 302
    made = Share.objects.get(party=other_centre)
    assert "Centre South" in client.get(f"/records/{incident.reference}/").content.decode()
    page = client.post(f"{url}{made.pk}/remove/", follow=True).content.decode()
    assert not Share.objects.filter(party=other_centre).exists()
    undo = re.search(r'action="([^"]*shares/again/[^"]*)"', page)
    assert undo is not None
    client.post(undo[1].replace("&amp;", "&"))
    assert Share.objects.get(party=other_centre).capacity == "supplier"
    for wrong in (
        {"capacity": "supplier"},
        {"party": "PTY-999999", "capacity": "member"},
        {"capacity": "king"},
    ):
        assert client.post(url, wrong).status_code == 422
    assert client.post(f"{url}again/?with=99999999999999999999&capacity=member").status_code == 422


def test_gus_changes_nothing_beside(incident: Incident, gus: Person, globex: Party, sign_in: SignIn) -> None:
    client, version = sign_in(gus), incident.version
    share_pk = share(incident, globex, "customer", by=SYSTEM).pk
    for path in ("links/", "watchers/", "shares/", f"shares/{share_pk}/remove/", "edit/", "links/again/"):
        assert client.post(f"/records/{incident.reference}/{path}", {}).status_code == 403
    assert Share.objects.filter(party=globex).exists()
    assert Record.objects.get(pk=incident.pk).version <= version + 1


# -- files ----------------------------------------------------------------------------------------------


def test_a_file_is_handed_out_to_be_saved_and_never_run(
    incident: Incident, maria: Person, gus: Person, nobody: Person, sign_in: SignIn
) -> None:
    client, url = sign_in(maria), f"/records/{incident.reference}/files/"
    client.post(url, {"files": SimpleUploadedFile("Größe <b>.html", b"<script>alert(1)</script>")})
    file = Attachment.objects.get()
    response = client.get(f"{url}{file.pk}/")
    assert b"".join(response.streaming_content) == b"<script>alert(1)</script>"
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"] == "attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe%20b.html"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cache-Control"] == "private, no-cache"
    assert client.get(f"{url}{file.pk}/", headers={"If-None-Match": response["ETag"]}).status_code == 304
    assert sign_in(gus).get(f"{url}{file.pk}/").status_code == 200
    assert sign_in(nobody).get(f"{url}{file.pk}/").status_code == 404


def test_internal_files_and_those_of_other_records_are_not_there(
    incident: Incident, maria: Person, gus: Person, sign_in: SignIn
) -> None:
    internal = attach(incident, SimpleUploadedFile("a", b"a"), "a.txt", by=maria, internal=True)
    other = create(Incident, {"title": "Other", "party": maria.party, "requester": gus}, by=SYSTEM)
    assert sign_in(gus).get(f"/records/{incident.reference}/files/{internal.pk}/").status_code == 404
    assert sign_in(maria).get(f"/records/{other.reference}/files/{internal.pk}/").status_code == 404


def test_a_file_that_is_gone_from_the_store_is_said_to_be(
    incident: Incident, maria: Person, sign_in: SignIn
) -> None:
    file = attach(incident, SimpleUploadedFile("a", b"gone"), "a.txt", by=maria)
    file.blob.file.storage.delete(str(file.blob.file.name))
    assert sign_in(maria).get(f"/records/{incident.reference}/files/{file.pk}/").status_code == 404


@pytest.mark.parametrize("name", ["n" * 10_000 + ".png", "مرحبا.txt", "a\u202egpj.exe", "con\nfig"])
def test_names_of_any_kind_can_be_uploaded(
    incident: Incident, maria: Person, sign_in: SignIn, name: str
) -> None:
    client = sign_in(maria)
    upload = SimpleUploadedFile("x", b"content")
    upload.name = name  # past Django's own cleaning, as a foreign client might
    assert client.post(f"/records/{incident.reference}/files/", {"files": upload}).status_code in (302, 422)
    for file in Attachment.objects.all():
        assert client.get(f"/records/{incident.reference}/files/{file.pk}/").status_code == 200


# -- hostile texts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_becomes_markup(
    root: Person, gus: Person, centre: Party, sign_in: SignIn, payload: str
) -> None:
    person = create(Person, {"title": payload, "username": "hostile", "party": centre}, by=SYSTEM)
    grant(person, Role.AGENT, centre)
    given = {"title": payload, "description": payload, "requester": person, "party": centre}
    ticket = create(Incident, given, by=SYSTEM)
    comment(ticket, f"{payload} @hostile", by=root)
    attach(ticket, SimpleUploadedFile("a", b"a"), payload, by=root)
    ticket = change(
        ticket, {"assigned_to": person, "external_reference": payload[:60]}, by=root, reason=payload
    )
    other = create(Incident, {**given, "requester": gus}, by=SYSTEM)
    client = sign_in(root)
    client.post(f"/records/{other.reference}/links/", {"relation": "related", "target": ticket.reference})
    client.post(f"/draft/reply:{ticket.reference}/", {"body": payload})
    for url in (
        f"/records/{ticket.reference}/",
        f"/records/{ticket.reference}/edit/",
        f"/records/{ticket.reference}/history/",
        f"/records/{ticket.reference}/fields/title/",
        f"/records/{ticket.reference}/steps/resolve/",
        f"/records/{other.reference}/",
        "/notifications/?show=all",
        f"/incidents/new/?title={payload}",
    ):
        html = client.get(url).content.decode()
        assert "alert(1)>" not in html
        assert "<script>alert" not in html
        assert "<svg/onload" not in html
        assert 'href="javascript:' not in html
        assert "{{ 7*7 }}" in html or "7*7" not in payload or url.startswith("/notifications")


# -- the bell -------------------------------------------------------------------------------------------


def test_notifications_are_listed_opened_and_read(
    incident: Incident, maria: Person, agent: Person, sign_in: SignIn, django_assert_num_queries: Any
) -> None:
    change(incident, {"assigned_to": agent}, by=maria)
    for number in range(10):
        comment(incident, f"Word {number}", by=maria)
    client = sign_in(agent)
    client.get("/notifications/")
    with django_assert_num_queries(7):
        page = client.get("/notifications/").content.decode()
    assert page.count("Maria Keller replied") == 10
    assert "Maria Keller entered you as assigned to" in page
    assert "<!doctype" not in client.get("/notifications/", headers=HTMX).content.decode()
    address = re.search(r'href="(/notifications/\d+/)"', page)
    assert address is not None
    opened = client.get(address[1])
    assert opened["Location"].startswith(f"/records/{incident.reference}/#entry-")
    client.post("/notifications/read/")
    assert "Maria Keller replied" not in client.get("/notifications/").content.decode()
    assert sign_in(maria).get(address[1]).status_code == 404
