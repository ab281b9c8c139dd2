"""Every page in both themes: axe finds nothing, all controls are named, texts stand out, nothing leaves the screen."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from playwright.sync_api import Page, expect

import stellwerk
from stellwerk.exchange.models import ImportDraft
from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.links.services import link
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.roles import Capacity
from stellwerk.kernel.testing.families import for_crawls
from stellwerk.kernel.write.services import create, share, transition
from stellwerk.processes.incidents.incident import Incident
from tests.end_to_end.conftest import OpenAs

AXE = Path(stellwerk.__file__).parent / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
"""Comes with the front end's development packages; `make test` installs them."""

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CONTROLS = {
    "button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "listbox", "slider", "spinbutton",
    "menuitem", "option", "tab", "dialog", "image", "img",
}  # fmt: skip
FAINT_TEXTS = """
() => {
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const read = (colour) => {
    if (!known.has(colour)) {
      pixel.clearRect(0, 0, 1, 1);
      pixel.fillStyle = colour;
      pixel.fillRect(0, 0, 1, 1);
      known.set(colour, [...pixel.getImageData(0, 0, 1, 1).data]);
    }
    return known.get(colour);
  };
  const over = ([r, g, b, a], [x, y, z]) => [r, g, b].map((v, i) => (v * a + [x, y, z][i] * (255 - a)) / 255);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== "none") return null;
      const colour = read(style.backgroundColor);
      if (colour[3]) layers.push(colour);
      if (colour[3] === 255) break;
    }
    const page = matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
    return layers.reverse().reduce((below, layer) => over(layer, below), page);
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    const text = walker.currentNode.textContent.trim();
    const shown = element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    if (!text || !shown || box.width < 2 || box.height < 2 || element.closest(":disabled")) continue;
    const below = ground(element);
    if (!below) continue;
    const [a, b] = [light(over(read(style.color), below)), light(below)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 2.99 : 4.49)) faint.push(`${text.slice(0, 30)} (${element.className}): ${ratio.toFixed(2)}`);
  }
  return faint;
}
"""
DOUBLE_IDS = """
() => [...document.querySelectorAll("[id]")].map((e) => e.id).filter((id, at, all) => all.indexOf(id) !== at)
"""


def faults_of(page: Page) -> list[str]:
    """List what keeps somebody from using the page."""
    faults = [f"faint: {text}" for text in page.evaluate(FAINT_TEXTS)]
    faults += [f"twice: #{name}" for name in page.evaluate(DOUBLE_IDS)]
    if page.locator("h1:visible").count() != 1:
        faults.append("not one main heading")
    if page.locator("main").count() != 1 or not page.locator("html").get_attribute("lang"):
        faults.append("no main part, or no language")
    if page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") > 0:
        faults.append("wider than the screen")
    tree: Any = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
    for node in tree["nodes"]:
        if not node["ignored"] and node["role"]["value"] in CONTROLS and not node["name"]["value"].strip():
            faults.append(f"without a name: {node['role']['value']} {node.get('backendDOMNodeId')}")
    return faults + violations(page)


def violations(page: Page) -> list[str]:
    """List what axe objects to, with the element."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"runOnly": RULES, "resultTypes": ["violations"]}
    answer = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"axe: {rule['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for rule in answer["violations"]
        for node in rule["nodes"]
    ]


@pytest.fixture
def busy_ticket(ticket: Incident, maria: Person, agent: Person, gus: Person) -> Incident:
    """A ticket with everything that can stand on its page."""
    assert gus.party is not None
    assert maria.party is not None
    share(gus.party, maria.party, Capacity.PROVIDER, by=SYSTEM)  # so that the page has what else is from Gus
    other = create(Incident, {"title": "No calendar", "requester": gus, "service": ticket.service}, by=SYSTEM)
    comment(
        ticket,
        "Is it `plugged` in? See [the page](https://example.org).\n\n> He says so\n\n- a\n- b",
        by=agent,
    )
    comment(ticket, "@maria look at this", by=agent, internal=True)
    attach(ticket, ContentFile(b"550 denied"), "denied.txt", by=gus)
    link(ticket, "related", other, by=agent)
    transition(other, "resolve", {"resolution_code": "solved", "resolution": "Restarted"}, by=agent)
    transition(ticket, "wait", {"waiting_for": "user"}, by=agent)
    return ticket


OPENINGS = [
    ("/records/{}/", "#steps a:text('Resolve')", "#dialog form"),
    ("/records/{}/", "[data-palette-open]", "#palette [role=option]"),
    ("/records/{}/", "summary:has-text('Account')", "[data-preferences]"),
    ("/search/", ".topbar summary:has-text('New')", ".topbar .menu-panel a"),
    ("/incidents/", "summary:has-text('Filter')", ".filter-form"),
    ("/incidents/", "summary:has-text('Columns')", "input[name=columns]"),
    ("/incidents/", "input[name=selected]", "[data-bulk-bar]"),
]
"""Page, what to press there, what appears."""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_what_opens_over_a_page(
    theme: Any, busy_ticket: Incident, maria: Person, open_as: OpenAs
) -> None:
    page = open_as(maria, color_scheme=theme)
    found = {}
    for path, pressed, appears in OPENINGS:
        page.goto(path.format(busy_ticket.reference))
        page.locator(pressed).first.click()
        expect(page.locator(appears).first).to_be_visible()
        if faults := violations(page):
            found[pressed] = faults
    assert found == {}


def imports_of(person: Person) -> list[ImportDraft]:
    """Imports that wait, are looked at, are written, were done and were refused."""
    made = {"person": person, "record_type": "incident", "key": "reference", "content": b"", "rows": 5998}
    line = {"number": 2, "action": "create", "title": "No mail", "changes": {"title": ["", "No mail"]}}
    fault = {"number": 3, "action": "error", "errors": ["title: This field cannot be blank."]}
    found = {"counts": {"create": 1}, "lines": [line]}
    refused = {"counts": {"create": 1, "error": 1}, "lines": [line], "faults": [fault]}
    create = ImportDraft.objects.create
    return [
        create(**made | {"rows": 0}, name="waiting.csv", state="checking"),
        create(**made, name="begun.csv", state="checking", looked_at=4120),
        create(**made, name="running.csv", state="running"),
        create(**made, name="checked.csv", state="checked", outcome=found),
        create(**made, name="done.csv", state="done", outcome=found),
        create(**made, name="refused.csv", state="refused", outcome=refused),
        create(**made, name="ended.csv", state="refused", refusal="Your role has ended."),
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_every_page(
    theme: Any, busy_ticket: Incident, maria: Person, gus: Person, root: Person, open_as: OpenAs
) -> None:
    reference, service = busy_ticket.reference, busy_ticket.service
    assert service is not None
    record = f"/records/{reference}/"
    entrance = ["/account/login/", "/account/password/reset/", "/account/inactive/"]
    account = [
        f"/account/{part}" for part in ("", "2fa/", "sessions/", "tokens/", "password/set/", "logout/")
    ]
    desk = ["/", "/desk/", "/notifications/", "/design-system/", "/api/v1/docs", *account]
    desk += ["/search/?q=mail", "/search/?q=zzz", "/incidents/", "/incidents/?status=closed", "/nowhere/"]
    desk += [
        record,
        *(record + part for part in ("history/", "edit/", "links/", "shares/", "steps/resolve/")),
    ]
    for about in (service, gus):
        desk += [f"/records/{about.reference}/", f"/records/{about.reference}/referring/"]
    desk += [f"/tickets/{reference}/merge/", "/incidents/import/"]
    desk += [draft.get_absolute_url() for draft in imports_of(maria)]
    desk += ["/incidents/new/", "/incidents/filters/", "/incidents/views/"]
    desk += [f"/{record_type.slug}/" for record_type in for_crawls()]
    administration = ["/access/", f"/access/?person={gus.reference}&record={reference}"]
    administration += [f"/{record_type.slug}/new/" for record_type in for_crawls()]
    portal = ["/portal/", "/portal/services/", f"/portal/services/{service.reference}/"]
    portal += [
        "/portal/tickets/",
        f"/portal/tickets/{reference}/",
        "/portal/new/incident/",
        "/portal/nowhere/",
        "/account/",
    ]
    found = {}
    visits = ((None, entrance), (maria, desk), (root, administration), (gus, portal))
    for person, paths in visits:
        page = open_as(person, paths[0], color_scheme=theme)
        for path in paths:
            page.goto(path, wait_until="load")
            if faults := faults_of(page):
                found[path] = faults
    assert found == {}
