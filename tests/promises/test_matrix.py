"""Every route of records, every method, one type of each family, eight roles, requests that fit: against matrix.py."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client

from stellwerk.exchange.models import ImportDraft
from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.links.services import link
from stellwerk.kernel.activity.watching.services import watch
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import registry, shared_cache
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Capacity, Role
from stellwerk.kernel.permissions.policy import policy_of
from stellwerk.kernel.permissions.share import Share
from stellwerk.kernel.testing.families import family
from stellwerk.kernel.testing.fixtures import grant, make_person
from stellwerk.kernel.testing.samples import a_change, sample, sample_values
from stellwerk.kernel.write.services import change, share
from tests.promises.matrix import MATRIX, REPRESENTED_BY, Try
from tests.promises.routes import ROLES

pytestmark = pytest.mark.django_db

ASKED = ("title", "description")
"""What requesters are asked of a ticket; the rest is not theirs to fill in."""


@dataclass
class World:
    """A record of a type at Maria's centre with everything that can stand beside it, and a client for each role."""

    record: Any
    places: dict[str, Any]
    bodies: dict[str, dict[str, Any]]
    clients: dict[str, Client] = field(default_factory=dict)

    def send(self, role: str, tried: Try) -> Any:
        """Send what a row describes, as the role; what it writes stays until the caller rolls back."""
        path = "/" + tried.route.format(**self.places)
        body = self.bodies.get(tried.body) if isinstance(tried.body, str) else tried.body
        filled = {name: self._filled(value) for name, value in (body or {}).items()}
        client = self.clients[role]
        if tried.method in ("GET", "HEAD", "OPTIONS", "DELETE"):
            return client.generic(tried.method, path)
        if path.startswith("/api/") and "file" not in filled:
            return client.generic(tried.method, path, json.dumps(filled), "application/json")
        files = {
            name: SimpleUploadedFile(*value) for name, value in filled.items() if isinstance(value, tuple)
        }
        return client.post(path, {**filled, **files})

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return value.format(**self.places) if "{" in value else value
        if isinstance(value, list):
            return [self._filled(each) for each in value]
        return {k: self._filled(v) for k, v in value.items()} if isinstance(value, dict) else value


def world_of(record_type: RecordType, people: dict[str, Person], centre: Party) -> World:
    own: dict[str, Any] = {"party": centre} if "party" in record_type.editable_fields else {}
    own |= {"parent": centre} if "parent" in record_type.editable_fields and record_type.scope == "pk" else {}
    own |= {"requester": people["gus"]} if "requester" in record_type.editable_fields else {}
    record, other = sample(record_type, **own), sample(record_type, **own)
    colleague = {"requester": people["shared"]} if "requester" in own else {}
    new = {**sample_values(record_type), **own, **colleague}
    for value in new.values():  # nobody is refused for a name that only Root may see
        if isinstance(value, Record) and value != centre and "party" in value.record_type.editable_fields:
            change(value, {"party": centre}, by=SYSTEM)
    agent = people["agent"]
    author = agent if policy_of(agent).may_comment(record) else SYSTEM
    said, file = (
        comment(record, "Words", by=author),
        attach(record, ContentFile(b"x", "a.txt"), "a.txt", by=author),
    )
    tied = link(record, "related", other, by=SYSTEM)
    share(record, people["shared"], Capacity.SUPPLIER, by=SYSTEM)
    watcher = agent if Record.objects.visible_to(agent).filter(pk=record.pk).exists() else people["root"]
    watch(record, watcher, by=SYSTEM)
    draft = ImportDraft.objects.create(
        person=people["root"], record_type=record_type.key, name="a.csv", key="reference", content=b"title\n"
    )
    workflow = record_type.workflow
    steps = [each for each in workflow.steps_from(record.status) if not each.asks] if workflow else []
    record = change(record_type.model.objects.get(pk=record.pk), a_change(record), by=SYSTEM)
    (changed, value), *_ = a_change(record).items()
    changes = {changed: text(value), "version": record.version}
    places = {
        "type": record_type.slug,
        "reference": record.reference,
        "other": other.reference,
        "third": sample(record_type, **own).reference,
        "pk": record.pk,
        "version": record.version,
        "field": changed,
        "step": steps[0].name if steps else "none",
        "link": tied.pk,
        "comment": said.pk,
        "file": file.pk,
        "share": Share.objects.get(record_id=record.pk, person=people["shared"]).pk,
        "shared": people["shared"].pk,
        "watcher": watcher.reference,
        "number": record.journal_count,
        "draft": draft.pk,
        "party": centre.reference,
    }
    world = World(record, places, {})
    for role in ROLES:
        world.clients[role] = Client(raise_request_exception=False)
        if role in people:
            world.clients[role].force_login(people[role])
    created = {name: text(value) for name, value in new.items()}
    world.bodies = {
        "new": created,
        "asked": {name: value for name, value in created.items() if name in ASKED},
        "new in bulk": {"items": [created]},
        "change": changes,
        "change in bulk": {"items": [{"reference": record.reference, **changes}]},
        "step": {"version": record.version},
        "form": form_of(world, f"/records/{record.reference}/edit/") | changes,
        "new form": form_of(world, f"/{record_type.slug}/new/") | created,
        "file": {"file": ("a.txt", b"words")},
        "files": {"files": ("a.txt", b"words")},
        "import": {"key": "reference", "file": ("a.csv", f"reference,{changed}\n".encode())},
        "several": {"action": "step.{step}", "selected": record.pk, "apply": "1"},
    }
    return world


def text(value: Any) -> Any:
    """Write a value as programs and forms do."""
    if isinstance(value, Record):
        return value.reference
    return value.isoformat() if isinstance(value, date) else value


def form_of(world: World, page: str) -> dict[str, Any]:
    """Return what Root's form of a page holds."""
    form = world.clients["root"].get(page).context["form"]
    given = {name: form[name].value() for name in form.fields}
    return {name: text(value) for name, value in given.items() if value is not None}


@pytest.fixture
def people(
    maria: Person,
    agent: Person,
    gus: Person,
    nobody: Person,
    root: Person,
    centre: Party,
    other_centre: Party,
) -> dict[str, Person]:
    viewer, outsider = make_person("Vera", centre), make_person("Otto", other_centre)
    grant(viewer, Role.VIEWER, centre)
    grant(outsider, Role.MANAGER, other_centre)
    people = {"nobody": nobody, "outsider": outsider, "gus": gus, "viewer": viewer, "agent": agent}
    return people | {"maria": maria, "root": root, "shared": make_person("Sam", centre)}


def answers(world: World, tried: Try) -> Iterator[int]:
    for role in ROLES:
        mark = transaction.savepoint()
        cache.clear()
        shared_cache.SHARED.clear()
        yield world.send(role, tried).status_code
        transaction.savepoint_rollback(mark)


@pytest.mark.parametrize("key", REPRESENTED_BY)
def test_everyone_gets_what_the_matrix_says(key: str, people: dict[str, Person], centre: Party) -> None:
    world = world_of(registry.get(key), people, centre)
    got = {str(tried): " ".join(map(str, answers(world, tried))) for tried in MATRIX}
    assert got == {str(tried): tried.wanted(key) for tried in MATRIX}


def test_every_family_of_types_is_represented() -> None:
    assert sorted(map(str, {family(each) for each in registry.all_types()})) == sorted(
        str(family(registry.get(key))) for key in REPRESENTED_BY
    )
