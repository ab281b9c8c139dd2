import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.models import Comment
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.history import History
from stellwerk.kernel.activity.links.services import link
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.testing.samples import sample
from stellwerk.kernel.write.services import change, create, transition
from stellwerk.processes.incidents.incident import Incident
from stellwerk.web.record.tests.conftest import SignIn

QUERIES = 15
"""Session, person, mark of what is remembered; record, its shares, unread; entries, comments, their files, links, names; draft,
reply templates, files, watchers; the bell."""


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def stream_of(response: Any) -> str:
    html = response.content.decode()
    return html[html.index('id="stream"') : html.index("</ol>", html.index('id="stream"'))]


def test_maria_sees_title_status_next_step_and_description(
    incident: Incident, maria: Person, sign_in: SignIn
) -> None:
    html = sign_in(maria).get(f"/records/{incident.reference}/").content.decode()
    assert '<h1 class="record-title">Mail is down' in html
    assert '<span class="status status-new is-pill"><i></i>New</span>' in html
    assert "<p>Since <strong>this</strong> morning.</p>" in html
    primary = re.findall(r'<button class="btn btn-primary">.*?</svg>\s*([^<]+)</button>', html, re.S)
    assert primary == ["Start work"]


def test_foreign_and_non_existent_records_answer_alike(
    incident: Incident, nobody: Person, sign_in: SignIn
) -> None:
    client = sign_in(nobody)
    foreign = client.get(f"/records/{incident.reference}/")
    missing = client.get("/records/INC-999999/")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert client.get("/records/ZZZ-1/").status_code == 404
    strip = re.compile(r'csrf[^>]*>|X-CSRFToken[^>]*|nonce="[^"]*"|INC-\d+')
    assert strip.sub("", foreign.content.decode()) == strip.sub("", missing.content.decode())


def test_who_is_not_signed_in_is_sent_to_the_sign_in(incident: Incident, client: Client) -> None:
    response = client.get(f"/records/{incident.reference}/")
    assert response.status_code == 302
    assert response["Location"].startswith("/account/login/")


def test_the_stream_interleaves_what_was_said_done_and_attached(
    incident: Incident, maria: Person, agent: Person, sign_in: SignIn
) -> None:
    comment(incident, "First word", by=maria)
    transition(incident, "begin", by=agent)
    attach(incident, ContentFile(b"log"), "server.log", by=maria)
    comment(incident, "Second word", by=maria, internal=True)
    client = sign_in(maria)
    stream = text_of(stream_of(client.get(f"/records/{incident.reference}/")))
    order = [
        stream.index(word)
        for word in ("Second word", "server.log", "started work", "First word", "opened this")
    ]
    assert order == sorted(order)
    client.post(f"/records/{incident.reference}/order/", {"order": "oldest"})
    stream = text_of(stream_of(client.get(f"/records/{incident.reference}/")))
    order = [
        stream.index(word)
        for word in ("opened this", "First word", "started work", "server.log", "Second word")
    ]
    assert order == sorted(order)


def test_the_filters_part_conversation_and_history(
    incident: Incident, maria: Person, sign_in: SignIn
) -> None:
    comment(incident, "A word", by=maria)
    change(incident, {"impact": "high"}, by=maria)
    client = sign_in(maria)
    said = stream_of(client.get(f"/records/{incident.reference}/?show=conversation"))
    done = stream_of(client.get(f"/records/{incident.reference}/?show=history"))
    assert ("A word" in said, "Impact" in said) == (True, False)
    assert ("A word" in done, "Impact" in done) == (False, True)


def test_changes_read_as_sentences_with_labels_and_names(
    incident: Incident, maria: Person, agent: Person, sign_in: SignIn
) -> None:
    change(incident, {"impact": "high", "urgency": "high", "assigned_to": agent}, by=maria)
    stream = text_of(stream_of(sign_in(maria).get(f"/records/{incident.reference}/")))
    assert "Priority: Moderate → became Critical" in stream
    assert "Assigned to: AA Arno Agent" in stream


def test_long_streams_come_in_pages_at_the_same_price(
    long_stream: Incident, maria: Person, sign_in: SignIn, django_assert_num_queries: Any
) -> None:
    client, url = sign_in(maria), f"/records/{long_stream.reference}/"
    client.get(url)
    with django_assert_num_queries(QUERIES):
        first = client.get(url)
    assert len(re.findall('<li class="entry', stream_of(first))) == 20
    assert len(first.content) < 60_000
    earlier = re.search(r'href="([^"]*before=(\d+))"', stream_of(first))
    assert earlier is not None
    with django_assert_num_queries(QUERIES):
        second = client.get(earlier[1])
    assert "Word 39" in stream_of(second)
    assert "Word 40" not in stream_of(second)


def test_the_price_does_not_depend_on_the_length(
    incident: Incident, maria: Person, agent: Person, sign_in: SignIn, django_assert_num_queries: Any
) -> None:
    comment(incident, "One", by=maria)
    client, url = sign_in(maria), f"/records/{incident.reference}/"
    client.get(url)
    with django_assert_num_queries(QUERIES):
        client.get(url)
    other = create(
        Incident, {"title": "Other", "party": maria.party, "requester": incident.requester}, by=SYSTEM
    )
    for number in range(8):
        comment(incident, f"@arno {number}", by=agent)
        attach(incident, ContentFile(b"x"), f"{number}.txt", by=maria)
    change(incident, {"assigned_to": agent}, by=maria)
    link(incident, "related", other, by=maria)
    with django_assert_num_queries(QUERIES + 2):  # everybody mentioned, and the ticket that is linked
        client.get(url)


def test_gus_sees_only_what_is_public(
    incident: Incident, maria: Person, agent: Person, gus: Person, sign_in: SignIn, generic_page: None
) -> None:
    comment(incident, "Public word", by=maria)
    comment(incident, "Secret word", by=maria, internal=True)
    attach(incident, ContentFile(b"a"), "secret.txt", by=maria, internal=True)
    change(incident, {"external_reference": "SECRET-7", "assigned_to": agent}, by=maria)
    client = sign_in(gus)
    html = client.get(f"/records/{incident.reference}/").content.decode()
    assert "Public word" in html
    for secret in ("Secret word", "secret.txt", "SECRET-7", "Arno", "Internal note", "Full history"):
        assert secret not in html
    for path in ("history/", "edit/", "links/", "shares/", "fields/impact/", "fields/impact/value/"):
        assert client.get(f"/records/{incident.reference}/{path}").status_code in (403, 404)


def test_brought_history_is_marked_once_for_staff(
    root: Person, gus: Person, maria: Person, centre: Any, sign_in: SignIn
) -> None:
    start = timezone.now() - timedelta(days=30)
    with History("old log", by=root) as history:
        old = history.create(Incident, {"title": "Old", "requester": gus, "party": centre}, by=gus, at=start)
        history.comment(old, "Done", by=maria, at=start)
        history.comment(old, "Done", by=maria, at=start)
    stream = stream_of(sign_in(maria).get(f"/records/{old.reference}/"))
    assert stream.count('title="imported from old log">imported<') == 1
    assert stream.count("<p>Done</p>") == 2
    assert "imported" not in sign_in(gus).get(f"/portal/tickets/{old.reference}/").content.decode()


def test_a_text_that_was_altered_behind_the_journal_is_not_shown(
    incident: Incident, maria: Person, sign_in: SignIn
) -> None:
    comment(incident, "Pay 10 euros", by=maria)
    Comment.objects.update(body="Pay 1000 euros")
    stream = stream_of(sign_in(maria).get(f"/records/{incident.reference}/"))
    assert "1000 euros" not in stream
    assert "This text was changed after it was written" in stream


def test_a_megabyte_is_shown_in_part_and_kept_in_full(
    incident: Incident, maria: Person, sign_in: SignIn
) -> None:
    said = comment(incident, "word " * 200_000, by=maria)
    client = sign_in(maria)
    response = client.get(f"/records/{incident.reference}/")
    assert len(response.content) < 60_000
    whole = client.get(f"/records/{incident.reference}/comments/{said.pk}/")
    assert whole.content.count(b"word ") >= 199_999


def test_many_long_texts_share_the_room_of_a_page(incident: Incident, maria: Person, sign_in: SignIn) -> None:
    for _number in range(25):
        comment(incident, "a long word " * 400, by=maria)
    response = sign_in(maria).get(f"/records/{incident.reference}/")
    assert len(response.content) < 70_000
    assert stream_of(response).count("Show all of it") == 20


def test_opening_a_record_marks_its_notifications_as_read(
    incident: Incident, maria: Person, agent: Person, sign_in: SignIn
) -> None:
    change(incident, {"assigned_to": agent}, by=maria)
    assert Notification.objects.filter(person=agent, read_at=None).count() == 1
    sign_in(agent).get(f"/records/{incident.reference}/")
    assert Notification.objects.filter(person=agent, read_at=None).count() == 0


def test_links_whose_other_end_is_hidden_are_not_shown(
    incident: Incident, maria: Person, root: Person, other_centre: Any, gus: Person, sign_in: SignIn
) -> None:
    hidden = create(Incident, {"title": "Hidden one", "requester": gus, "party": other_centre}, by=SYSTEM)
    link(incident, "duplicate", hidden, by=root)
    html = sign_in(maria).get(f"/records/{incident.reference}/").content.decode()
    assert "Hidden one" not in html
    assert hidden.reference not in html
    assert "a record that you cannot see" in html
    assert "Duplicates" in sign_in(root).get(f"/records/{incident.reference}/").content.decode()


@pytest.mark.parametrize("record_type", registry.all_types(), ids=lambda t: t.key)
def test_every_type_has_its_pages(record_type: Any, root: Person, sign_in: SignIn) -> None:
    record = sample(record_type)
    client = sign_in(root)
    for path in ("", "edit/", "history/?verify=1", "links/", "watchers/", "shares/"):
        assert client.get(f"/records/{record.reference}/{path}").status_code == 200
    page = client.get(f"/{record_type.slug}/new/")
    assert (page.status_code, "-----" in page.content.decode()) == (200, False)
    for name in record_type.editable_fields:
        assert client.get(f"/records/{record.reference}/fields/{name}/").status_code == 200
        assert client.get(f"/records/{record.reference}/fields/{name}/value/").status_code == 200


def test_an_empty_choice_has_words(incident: Incident, agent: Person, sign_in: SignIn) -> None:
    client = sign_in(agent)
    form = client.get(f"/records/{incident.reference}/edit/").content.decode()
    assert '<option value="" selected>Nothing chosen</option>' in form
    step = client.get(f"/records/{incident.reference}/steps/resolve/").content.decode()
    assert '<option value="" selected>Choose one</option>' in step
    given = {"selected": incident.pk, "action": "field.priority_override"}
    bulk = client.post("/incidents/bulk/", given).content.decode()
    assert '<option value="" selected>Nothing chosen</option>' in bulk


def test_the_history_shows_everything_verifies_and_looks_back(
    incident: Incident, maria: Person, sign_in: SignIn, django_assert_num_queries: Any
) -> None:
    then = timezone.localtime(timezone.now())
    change(incident, {"title": "Mail is slow", "impact": "low"}, by=maria, reason="Gus called")
    client, url = sign_in(maria), f"/records/{incident.reference}/history/"
    page = text_of(client.get(url).content.decode())
    assert "Title: Mail is down → Mail is slow" in page
    assert "Gus called" in page
    assert "The seals of all 2 entries are intact" in text_of(client.get(f"{url}?verify=1").content.decode())
    past = text_of(client.get(url, {"at": then.isoformat()}).content.decode())
    assert "after entry 1" in past
    assert "Mail is down different today" in past
    for nonsense in ("yesterday", "0001-01-01", "1999-01-01"):
        assert client.get(url, {"at": nonsense}).status_code == 422
    Entry.objects.filter(record=incident.pk, number=1).update(reason="forged")
    forged = text_of(client.get(f"{url}?verify=1").content.decode())
    assert f"{incident.reference}, entry 1: its content was changed after it was written." in forged


def test_a_record_that_nobody_asked_for_is_commented_on_and_not_answered(
    maria: Person, agent: Person, sign_in: SignIn
) -> None:
    page = sign_in(maria).get(f"/records/{agent.reference}/").text
    assert "Everyone who sees this record can read it." in page
    assert "Write a reply." not in page


def test_an_address_can_be_written_to(maria: Person, sign_in: SignIn) -> None:
    page = sign_in(maria).get(f"/records/{maria.reference}/").text
    assert '<a class="link" href="mailto:maria@centre.example">maria<wbr>@centre.example</a>' in page
