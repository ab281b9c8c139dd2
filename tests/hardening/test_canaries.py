"""Nothing of another party's records reaches anybody, by whatever page, part, export, search or number."""

from collections.abc import Iterable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import models
from django.utils import timezone

from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.links.services import link
from stellwerk.kernel.activity.notifications.models import Notification
from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.identity.tokens import issue_token
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.families import for_crawls
from stellwerk.kernel.testing.fixtures import grant, make_person
from stellwerk.kernel.testing.samples import sample
from stellwerk.kernel.write.services import change, create, transition
from stellwerk.processes.incidents.incident import Incident
from stellwerk.processes.services.service import Service
from stellwerk.web.models import SavedView
from tests.hardening.crawling import crawl

CANARY = "qx7w2canary"
WORD = "Kanarienvogel"
"""What is searched for: it stands beside the canary, which is thereby never merely echoed."""
TEXT = f"{WORD} {CANARY}"

pytestmark = pytest.mark.django_db


def hide(party: Party, suffix: str = "") -> list[Record]:
    """Give another party records of every type with the canary in all their texts, and all that stands beside them."""
    text = f"{TEXT}{suffix}"
    hidden: list[Record] = []
    for record_type in for_crawls():
        for_everybody = record_type.has_open_records and record_type.model is not Service
        # Custom fields are part of the schema, for everybody too; what has no scope is for the staff of every party.
        if for_everybody or record_type.model is CustomField or not record_type.scope:
            continue
        own = {"party": party} if "party" in record_type.editable_fields else {}
        hidden.append(sample(record_type, text=text, **own))
    staff = make_person(f"{CANARY}{suffix}", party)
    grant(staff, Role.MANAGER, party)
    tickets = [record for record in hidden if isinstance(record, Incident)]
    for ticket in tickets:
        comment(ticket, text, by=staff)
        comment(ticket, text, by=staff, internal=True)
        attach(ticket, ContentFile(text.encode()), f"{CANARY}{suffix}.txt", by=staff)
        link(ticket, "related", hidden[0], by=SYSTEM)
        change(ticket, {"assigned_to": staff}, by=SYSTEM)
    SavedView.objects.create(kind="incident", name=text, owner=staff)
    issue_token(staff, text)
    return hidden


def addresses(records: Iterable[Record], files: Iterable[Any] = ()) -> list[str]:
    """List every address about each of the records."""
    found = []
    for record in records:
        page, slug = f"/records/{record.reference}/", record.record_type.slug
        found += [
            page + part for part in ("", "referring/", "history/", "edit/", "links/", "watchers/", "shares/")
        ]
        found += [f"{page}fields/{name}/value/" for name in record.record_type.editable_fields[:2]]
        found += [f"/palette/?record={record.reference}", f"/search/?q={record.reference}"]
        api = f"/api/v1/{slug}/{record.reference}"
        beside = ("", "/comments", "/attachments", "/links", "/journal", "/transitions", "/watchers")
        found += [api + part for part in beside]
        if isinstance(record, Incident):
            found.append(f"/portal/tickets/{record.reference}/")
    return found + [f"/records/{file.record.reference}/files/{file.pk}/" for file in files]


@pytest.fixture
def ticket(maria: Person, gus: Person, agent: Person, desk: Team) -> Incident:
    """Gus's ticket at Maria's centre, with a life of its own."""
    made = create(Incident, {"title": "No mail", "requester": gus, "party": maria.party}, by=SYSTEM)
    comment(made, "We are on it", by=agent)
    return made


@pytest.fixture
def people(
    maria: Person, gus: Person, agent: Person, nobody: Person, centre: Party, ticket: Incident
) -> dict[str, Person]:
    change(maria, {"party": centre}, by=SYSTEM)
    Notification.objects.update(
        read_at=timezone.now()
    )  # reading marks as read, and so changes the next answer
    viewer = make_person("Vera", centre)
    grant(viewer, Role.VIEWER, centre)
    return {
        "nobody": nobody,
        "gus": gus,
        "agent": agent,
        "viewer": viewer,
        "maria": Person.objects.get(pk=maria.pk),
    }


def where_seen(told: dict[str, str]) -> list[str]:
    return [path for path, text in told.items() if CANARY in text.casefold()]


def test_the_canary_is_seen_where_it_may_be(root: Person, ticket: Incident, other_centre: Party) -> None:
    hidden = hide(other_centre)
    seen = where_seen(crawl(root, addresses(hidden), search=WORD))
    incident = next(record for record in hidden if isinstance(record, Incident))
    api = f"/api/v1/incidents/{incident.reference}"
    for path in (
        f"/records/{incident.reference}/",
        "/incidents/",
        f"/search/?q={WORD}",
        f"/palette/?q={WORD}",
        api,
        f"{api}/comments",
        f"/api/v1/search?q={WORD}",
        f"/options/services/?q={WORD}",
    ):
        assert path in seen
    assert [path for path in seen if "export" in path] != []


@pytest.mark.slow
def test_nobody_of_another_party_sees_a_canary_or_a_number_change(
    people: dict[str, Person], ticket: Incident, other_centre: Party
) -> None:
    hidden = hide(other_centre)
    link(ticket, "related", next(record for record in hidden if isinstance(record, Incident)), by=SYSTEM)
    asked = addresses([ticket, *hidden])
    before = {name: crawl(person, asked, search=WORD) for name, person in people.items()}
    assert {name: where_seen(told) for name, told in before.items()} == {name: [] for name in people}
    hide(other_centre, "two")
    for name in ("gus", "maria"):
        after = crawl(Person.objects.get(pk=people[name].pk), asked, search=WORD)
        assert sorted(after) == sorted(before[name])
        assert [path for path in after if after[path] != before[name][path]] == [], name


def test_gus_sees_nothing_of_his_ticket_that_is_for_its_staff(
    gus: Person, maria: Person, centre: Party, ticket: Incident
) -> None:
    secretive = make_person(f"Sam {CANARY}", centre)
    grant(secretive, Role.AGENT, centre)
    field = {"title": "Inside", "target": "incident", "name": "inside", "type": "text"}
    create(CustomField, field, by=SYSTEM)
    shown = ticket.record_type.shown_to_requesters
    for name in ticket.record_type.editable_fields:
        texts = isinstance(ticket.record_type.field(name), models.CharField | models.TextField)
        if texts and name not in shown and not ticket.record_type.field(name).choices:
            change(ticket, {name: f"{TEXT} {name}"[:50]}, by=SYSTEM)
    change(ticket, {"custom.inside": TEXT, "assigned_to": secretive}, by=SYSTEM, reason=TEXT)
    change(ticket, {"team": create(Team, {"title": TEXT, "party": centre}, by=SYSTEM)}, by=SYSTEM)
    comment(ticket, f"@gus {TEXT}", by=maria, internal=True)
    attach(ticket, ContentFile(TEXT.encode()), f"{CANARY}.txt", by=maria, internal=True)
    inside = create(Incident, {"title": TEXT, "requester": maria, "party": centre}, by=SYSTEM)
    link(ticket, "duplicate", inside, by=maria)
    transition(ticket, "wait", {"waiting_for": "user"}, by=maria)
    told = crawl(
        gus,
        [*addresses([ticket]), f"/incidents/?q={WORD}", f"/incidents/?q={CANARY[:5]}"],
        search=WORD,
        per_shape=3,
    )
    assert where_seen(told) == []
    assert len([path for path, text in told.items() if ticket.reference in text]) > 5


def test_what_a_public_service_keeps_to_itself_is_not_shown(
    gus: Person, maria: Person, centre: Party
) -> None:
    given = {"title": "Mail", "dependencies": TEXT, "party": centre, "owner": maria, "in_catalogue": True}
    service = create(Service, given, by=SYSTEM)
    service = transition(transition(service, "prepare", by=SYSTEM), "go_live", by=SYSTEM)
    told = crawl(gus, addresses([service]), search=WORD, per_shape=0)
    assert where_seen(told) == []
    assert "Mail" in told[f"/records/{service.reference}/"]
