"""Odd texts, huge bodies, clocks that step back: kept whole or refused with a sentence, never half-written."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from stellwerk.api.tests.conftest import Program
from stellwerk.kernel.activity.attachments.models import Attachment
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.audit.verifier import verify
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.journal.replay import replay
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.values import machine_values
from stellwerk.kernel.testing.fixtures import make_person
from stellwerk.kernel.write.services import change, create
from stellwerk.processes.incidents.incident import Incident

pytestmark = pytest.mark.django_db

NAMES = [
    "مريم العربي",
    "עדי \u202eהפוך\u202c",
    "\u202egnp.exe",
    "Zoë Ångström e\u0301\u0323",
    "𝕌𝕟𝕚 🧑🏽‍🚒🏳️‍🌈",
    "Z̸̢͎̀a̵̛͕l̶̰̇g̴̱͐o̷͔̒",
    "李\u3000小龍",
    "O'Brien; DROP TABLE--",
    '"><script>alert(1)</script>',
    "{{ 7*7 }} {% now %} ${7*7} %s %(x)s",
    "\ufeffBOM\u200b\u2060 zero\u00adwidth",
    "İıŞß ﬁ ǅ",
    "=cmd|' /C calc'!A0",
    "\ufffe\uffff nonsense",
    "\U000e0001\U000e007f tags",
    "a" * 250,
]


@pytest.fixture
def signed_in(client: Client, gus: Person) -> Client:
    client.force_login(gus)
    return client


def is_sound(record: Record) -> bool:
    """Whether the record equals its replay and its journal verifies."""
    stored = record.record_type.model._default_manager.get(pk=record.pk)
    entries = list(record.entries.order_by("id"))
    faults = list(verify(Record.objects.get(pk=record.pk), entries))
    return faults == [] and replay(stored) == machine_values(stored)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name_is_kept_shown_found_and_exported(
    name: str, maria: Person, centre: Party, client: Client
) -> None:
    person = make_person("Somebody", centre)
    change(person, {"title": name}, by=SYSTEM)
    ticket = create(
        Incident, {"title": name, "description": name, "requester": person, "party": centre}, by=SYSTEM
    )
    comment(ticket, name, by=SYSTEM)
    assert Person.objects.get(pk=person.pk).title == name
    assert is_sound(ticket)
    client.force_login(maria)
    for path in (
        f"/records/{ticket.reference}/",
        f"/records/{ticket.reference}/history/",
        "/incidents/",
        "/incidents/export/?format=csv",
        "/incidents/export/?format=xlsx",
    ):
        assert client.get(path).status_code == 200, path
    for path in ("/search/", "/palette/", "/options/people/", "/incidents/", "/portal/services/"):
        assert client.get(path, {"q": name}).status_code == 200, path
    told = client.get(f"/api/v1/incidents/{ticket.reference}").json()
    assert (told["title"], told["requester"]["title"]) == (name, name)


UNSTORABLE = ["half \ud800 a character", "null \x00 character"]


@pytest.mark.parametrize("text", UNSTORABLE, ids=ascii)
@pytest.mark.parametrize("field", ["title", "description"])
def test_what_no_database_stores_is_refused_by_the_api(
    text: str, field: str, gus: Person, client: Client
) -> None:
    program = Program(gus)
    body = json.dumps({"title": "x", field: text})
    answer = program.post("incidents", body)
    assert answer.status_code in (400, 422)
    assert Incident.objects.count() == 0
    assert program.get(f"search?q={'%00' if 'null' in text else '%ED%A0%80'}").status_code in (200, 400, 422)


@pytest.mark.parametrize("raw", [b"%00", b"%ED%A0%80", b"%FF%FE", b"%C0%AF"])
def test_bytes_that_are_no_text_are_kept_out_or_mended(raw: bytes, signed_in: Client, maria: Person) -> None:
    for path in ("/portal/new/incident/", "/account/preferences/"):
        body = b"once=o&title=a" + raw + b"b&theme=" + raw
        answer = signed_in.generic("POST", path, body, "application/x-www-form-urlencoded")
        assert answer.status_code in (204, 302, 400, 422)
    for made in Incident.objects.all():
        assert "\x00" not in made.title
        assert is_sound(made)
    signed_in.force_login(maria)  # lists are for those who work here
    for path in (
        "/search/?q=",
        "/palette/?q=",
        "/incidents/?q=",
        "/incidents/?status=",
        "/lookup/?q=",
        "/portal/new/incident/?service=",
    ):
        assert signed_in.get(path + raw.decode()).status_code in (200, 400, 422), path
    for place in ("records/", "records/INC-", "portal/tickets/", "portal/services/", "", "api/v1/incidents/"):
        path = f"/{place}{raw.decode()}" + ("" if "api" in place else "/")
        assert signed_in.get(path).status_code in (404, 422), path


def test_a_megabyte_is_kept_whole_by_page_and_api(signed_in: Client, gus: Person) -> None:
    text = ("Zeile für Zeile äöü 漢字 🙂\n" * 40_000)[:1_000_000].strip()
    answer = signed_in.post("/portal/new/incident/", {"title": "Long", "description": text, "once": "o"})
    assert answer.status_code == 302
    said = signed_in.post(f"{answer['Location']}reply/", {"body": text})
    assert said.status_code == 302
    made = Incident.objects.get()
    assert made.description.replace("\r\n", "\n") == text
    assert made.comments.get().body.replace("\r\n", "\n") == text
    assert signed_in.get(answer["Location"]).status_code == 200
    told = Program(gus).post("incidents", {"title": "Long", "description": text})
    assert told.status_code == 201
    assert told.json()["description"] == text
    assert all(is_sound(ticket) for ticket in Incident.objects.all())


@pytest.mark.parametrize(
    ("path", "field", "size"),
    [("/portal/new/incident/", "title", 10_000), ("/portal/new/incident/", "description", 2_000_001)],
)
def test_what_is_too_long_is_refused_with_a_sentence(
    path: str, field: str, size: int, signed_in: Client
) -> None:
    answer = signed_in.post(path, {"title": "x", "once": "o", field: "x" * size})
    assert answer.status_code == 422
    assert len(answer.context["form"].errors[field]) == 1
    assert Incident.objects.count() == 0


FILE_NAMES = [
    "x" * 10_000 + ".txt",
    "../../../etc/passwd",
    "..\\..\\boot.ini",
    "/etc/shadow",
    "\u202etxt.exe",
    "🙂 e\u0301.txt",
    "con.txt",
    'a"; filename="b.html',
    "a\r\nX-Injected: 1.txt",
    ".htaccess",
    "nul\x00.txt",
    "   ",
    "%2e%2e%2fx",
]


@pytest.mark.parametrize("name", FILE_NAMES, ids=lambda name: ascii(name[:20]))
def test_any_file_name_is_made_harmless(name: str, gus: Person, client: Client) -> None:
    ticket = create(Incident, {"title": "x", "requester": gus}, by=SYSTEM)
    client.force_login(gus)
    file = SimpleUploadedFile("x.txt", b"content")
    file._name = name  # type: ignore[attr-defined]  # what a program may send, whatever browsers do
    answer = client.post(f"/portal/tickets/{ticket.reference}/reply/", {"files": file})
    assert answer.status_code in (302, 400, 422)
    for kept in Attachment.objects.all():
        assert 0 < len(kept.name) <= 200
        assert not set(kept.name) & set('/\\\r\n\x00"\u202e')
        assert kept.blob.file.name.startswith("blobs/")
        sent = client.get(f"/records/{ticket.reference}/files/{kept.pk}/")
        assert sent["Content-Disposition"].startswith("attachment")
        assert "X-Injected" not in sent.headers
        assert b"".join(sent.streaming_content) == b"content"
    assert is_sound(ticket)


def test_a_clock_that_steps_back_leaves_entries_in_order(
    gus: Person, agent: Person, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    party = agent.role_assignments.get().party
    ticket = create(Incident, {"title": "x", "requester": gus, "party": party}, by=SYSTEM)
    now = timezone.now()
    for hours in (0, -2, 3, -5, 1):
        monkeypatch.setattr(timezone, "now", lambda moment=now + timedelta(hours=hours): moment)
        comment(ticket, f"at {hours}", by=agent)
        change(ticket, {"title": f"at {hours}"}, by=agent)
    moments = list(ticket.entries.order_by("number").values_list("at", flat=True))
    assert moments == sorted(moments)
    assert len(moments) == 11
    assert is_sound(ticket)
    monkeypatch.undo()
    client.force_login(agent)
    assert client.get(f"/records/{ticket.reference}/").status_code == 200


NONSENSE: list[Any] = [
    None,
    True,
    -1,
    0,
    1.5,
    10**30,
    [],
    {},
    "",
    "x",
    [None],
    {"id": 1},
    "9" * 5000,
    "1e400",
]


@pytest.mark.parametrize("name", ["title", "impact", "requester", "priority_override", "custom", "version"])
def test_values_of_any_shape_are_refused_or_kept_whole(name: str, maria: Person, gus: Person) -> None:
    program = Program(maria)
    party = maria.role_assignments.get().party
    ticket = create(Incident, {"title": "x", "requester": gus, "party": party}, by=SYSTEM)
    for value in NONSENSE:
        version = Incident.objects.get().version
        answer = program.patch(f"incidents/{ticket.reference}", {"version": version, name: value})
        assert answer.status_code in (200, 400, 409, 422, 428), (name, value, answer.content)
        if answer.status_code != 200:
            assert Incident.objects.get().version == version
    assert is_sound(ticket)
