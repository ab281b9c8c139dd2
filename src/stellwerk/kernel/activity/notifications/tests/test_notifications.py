from datetime import date
from typing import Any

import pytest
from django.core import mail
from django.core.files.base import ContentFile
from django.test import override_settings
from django_tasks_db.models import DBTaskResult

from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.notifications.mail import send_notification
from stellwerk.kernel.activity.notifications.messages import describe
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.activity.notifications.services import mark_read, notifications_of, still_visible
from stellwerk.kernel.activity.watching.services import watch
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.fixtures import grant
from stellwerk.kernel.write.services import change, create, transition
from stellwerk.processes.incidents.incident import Incident

LOCMEM = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def incident(root: Person, maria: Person, gus: Person, centre: Party) -> Incident:
    incident = create(Incident, {"title": "Mail is down", "requester": gus, "party": centre}, by=root)
    Notification.objects.all().delete()
    DBTaskResult.objects.all().delete()
    return incident


def who_heard() -> dict[str, str]:
    notes = Notification.objects.select_related("person").order_by("id")
    return {note.person.title: note.why for note in notes}


def test_the_requester_is_told_that_somebody_opened_a_ticket_for_them(
    root: Person, gus: Person, centre: Party
) -> None:
    create(Incident, {"title": "Mail is down", "requester": gus, "party": centre}, by=root)
    assert who_heard() == {"Gus Gordon": "named"}
    assert describe(Notification.objects.get()) == "Root entered you as requester"


def test_a_public_reply_is_told_to_requester_assignee_and_watchers(
    incident: Incident, maria: Person, agent: Person, root: Person
) -> None:
    incident = change(incident, {"assigned_to": agent}, by=maria)
    watch(incident, root, by=root)
    Notification.objects.all().delete()
    comment(incident, "We are on it.", by=maria)
    assert who_heard() == {"Gus Gordon": "requester", "Arno Agent": "involved", "Root": "watching"}


def test_an_internal_note_is_told_to_staff_only(
    incident: Incident, maria: Person, agent: Person, gus: Person
) -> None:
    incident = change(incident, {"assigned_to": agent}, by=maria)
    watch(incident, gus, by=gus)
    Notification.objects.all().delete()
    comment(incident, "It is the cable, @gus did it", by=maria, internal=True)
    attach(incident, ContentFile(b"a"), "a.txt", by=maria, internal=True)
    assert who_heard() == {"Arno Agent": "involved"}


def test_who_acts_is_not_told(incident: Incident, gus: Person) -> None:
    comment(incident, "It still fails, says @gus", by=gus)
    assert who_heard() == {}


def test_a_new_assignee_is_told_and_so_is_who_is_mentioned(
    incident: Incident, maria: Person, agent: Person
) -> None:
    change(incident, {"assigned_to": agent}, by=maria)
    assert who_heard() == {"Arno Agent": "named"}
    assert describe(Notification.objects.get()) == "Maria Keller entered you as assigned to"
    Notification.objects.all().delete()
    comment(incident, "@arno can you look?", by=maria, internal=True)
    assert who_heard() == {"Arno Agent": "mentioned"}
    assert describe(Notification.objects.get()) == "Maria Keller mentioned you"


def test_the_requester_is_told_of_a_step_but_not_of_a_change(
    incident: Incident, maria: Person, gus: Person
) -> None:
    incident = change(incident, {"impact": "high"}, by=maria)
    assert who_heard() == {}
    transition(incident, "begin", by=maria)
    assert who_heard() == {"Gus Gordon": "requester"}
    assert describe(Notification.objects.get()) == "Maria Keller started work"


def test_who_may_not_see_the_record_is_not_told(incident: Incident, maria: Person, nobody: Person) -> None:
    comment(incident, "@nobody look at this", by=maria)
    assert "Nobody" not in who_heard()


def test_what_may_no_longer_be_seen_is_no_longer_listed(
    incident: Incident, maria: Person, agent: Person
) -> None:
    change(incident, {"assigned_to": agent}, by=maria)
    comment(incident, "secret", by=maria, internal=True)
    assert len(still_visible(agent, notifications_of(agent))) == 2
    RoleAssignment.objects.filter(person=agent).update(valid_until=date(2021, 1, 1))
    later = Person.objects.get(pk=agent.pk)
    assert still_visible(later, notifications_of(later)) == []


def test_read_is_read(incident: Incident, maria: Person, gus: Person) -> None:
    comment(incident, "One", by=maria)
    comment(incident, "Two", by=maria)
    assert mark_read(gus, incident) == 2
    assert mark_read(gus) == 0
    assert Notification.objects.filter(person=gus, read_at=None).count() == 0


def test_without_mail_nothing_is_enqueued(incident: Incident, maria: Person) -> None:
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend"):
        comment(incident, "Hello", by=maria)
    assert DBTaskResult.objects.count() == 0


@override_settings(EMAIL_BACKEND=LOCMEM)
def test_a_mail_quotes_the_reply_and_leads_to_the_record(incident: Incident, maria: Person) -> None:
    comment(incident, "Please restart it.", by=maria)
    assert DBTaskResult.objects.count() == 1
    note = Notification.objects.get()
    assert send_notification.call(note.pk) == "sent"
    [message] = mail.outbox
    assert message.to == ["gus@globex.example"]
    assert message.subject == f"[{incident.reference}] Mail is down"
    assert message.body == (
        "Maria Keller replied.\n\nPlease restart it.\n\n"
        f"http://testserver/records/{incident.reference}/\n\nYou can read everything there and reply.\n"
    )
    assert message.extra_headers["Message-ID"] == f"<notification-{note.pk}@testserver>"


@override_settings(EMAIL_BACKEND=LOCMEM)
def test_no_mail_is_sent_for_what_was_read_or_may_no_longer_be_seen(
    incident: Incident, maria: Person, gus: Person, agent: Person
) -> None:
    change(agent, {"email": "arno@centre.example"}, by=SYSTEM)
    comment(incident, "@arno", by=maria)
    read, gone = Notification.objects.order_by("person__title").reverse()
    mark_read(gus)
    RoleAssignment.objects.filter(person=agent).update(valid_until=date(2021, 1, 1))
    assert send_notification.call(read.pk) == "nothing to send"
    assert send_notification.call(gone.pk) == "no longer visible"
    assert mail.outbox == []


@override_settings(EMAIL_BACKEND=LOCMEM)
@pytest.mark.parametrize("title", ["a\r\nBcc: all@e.example", "x\x0by", "Grüße \u202e", "t" * 250])
def test_no_title_breaks_a_header(root: Person, gus: Person, centre: Party, title: str) -> None:
    create(Incident, {"title": title, "requester": gus, "party": centre}, by=root)
    send_notification.call(Notification.objects.get().pk)
    raw: Any = mail.outbox[0].message()
    assert [name for name in raw if name == "Bcc"] == []
    assert "\n" not in mail.outbox[0].subject


def test_a_person_with_a_role_at_another_party_is_not_told(
    incident: Incident, maria: Person, nobody: Person, other_centre: Party
) -> None:
    grant(nobody, Role.AGENT, other_centre)
    comment(incident, "@nobody look", by=maria)
    assert "Nobody" not in who_heard()
