"""Every answer of the access policy, held against a plain account of docs/access.md: who is what to which record."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from stellwerk.foundation.prioritisation import PriorityScheme
from stellwerk.kernel.custom_fields.models import CustomField
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.identity.team import Team
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Access
from stellwerk.kernel.permissions.policy import AccessPolicy, policy_of
from stellwerk.kernel.testing.fixtures import grant, make_person
from stellwerk.kernel.write.services import create, share, transition
from stellwerk.processes.incidents.incident import Incident
from stellwerk.processes.incidents.service_request import ServiceRequest
from stellwerk.processes.services.service import Service

pytestmark = pytest.mark.django_db

INSIDE = ("provider", "member")
LEVELS = {"full": 4, "edit": 3, "contribute": 2, "view": 1}
READ = {"incidents": {"party", "person", "team", "service", "category"}, "people": {"party"}}
"""What the records of a process refer to, and so what who works in it reads."""


@dataclass
class Scene:
    """A federation with two centres, a customer, people of every role, and a record of every kind."""

    parties: dict[str, Party] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    held: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    """Roles by name of the person: role, party ("" for all), process ("" for all)."""
    records: dict[str, Any] = field(default_factory=dict)
    shares: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """With whom a record is shared, by name of the record: name and capacity."""


HELD = {
    "root": [("administrator", "", "")],
    "ina": [("administrator", "", "incidents")],
    "lars": [("administrator", "centre", "")],
    "maria": [("manager", "centre", "")],
    "arno": [("agent", "centre", "")],
    "pia": [("agent", "centre", "people"), ("agent", "other", "incidents")],
    "vera": [("viewer", "centre", "")],
    "walter": [("viewer", "", "")],
    "ada": [("agent", "", "incidents"), ("viewer", "globex", "incidents")],
    "carla": [("manager", "globex", "")],
    "quinn": [("requester", "centre", "")],
    "gus": [],
    "left": [("manager", "centre", "")],
}
BELOW = {"centre": {"centre", "unit"}, "other": {"other"}, "globex": {"globex"}}


@pytest.fixture
def scene(db: None) -> Scene:
    scene = Scene(held=HELD)
    for name, above in (("centre", None), ("unit", "centre"), ("other", None), ("globex", None)):
        scene.parties[name] = create(
            Party, {"title": name, "parent": scene.parties.get(above or "")}, by=SYSTEM
        )
    for name, roles in HELD.items():
        home = "globex" if name in ("gus", "carla") else "centre"
        person = scene.people[name] = make_person(name.title(), scene.parties[home])
        for role, party, process in roles:
            grant(person, role, scene.parties.get(party), process)  # type: ignore[arg-type]
    scene.people["left"] = transition(scene.people["left"], "leave", by=SYSTEM)
    _add_records(scene)
    for name, record in scene.records.items():
        scene.records[name] = type(record)._default_manager.get(pk=record.pk)
    for name, person in scene.people.items():
        scene.people[name] = Person.objects.get(pk=person.pk)
    return scene


def _add_records(scene: Scene) -> None:
    def ticket(name: str, party: str, *shares: tuple[str, str], model: Any = Incident) -> None:
        values = {"title": name, "requester": scene.people["root"], "party": scene.parties[party]}
        made = scene.records[name] = create(model, values, by=SYSTEM)
        scene.shares[name] = [("root", "requester")]
        for whom, capacity in shares:
            share(made, scene.parties.get(whom) or scene.people[whom], capacity, by=SYSTEM)
            scene.shares[name].append((whom, capacity))

    ticket("own", "centre")
    ticket("request in the unit", "unit", ("gus", "supplier"), model=ServiceRequest)
    ticket("elsewhere", "globex", ("centre", "provider"))
    ticket("worked on elsewhere", "other", ("globex", "member"), ("centre", "supplier"))
    ticket("for the unit", "other", ("unit", "provider"), ("centre", "customer"))
    plain: list[tuple[str, Any, dict[str, Any]]] = [
        ("team", Team, {"title": "South desk", "party": scene.parties["other"]}),
        ("team of nobody", Team, {"title": "Lost"}),
        ("stranger", Person, {"title": "Stranger", "party": scene.parties["other"]}),
        (
            "open",
            Service,
            {
                "title": "Mail",
                "party": scene.parties["other"],
                "owner": scene.people["root"],
                "in_catalogue": True,
            },
        ),
        ("closed", Service, {"title": "Backup", "party": scene.parties["other"]}),
        ("field", CustomField, {"title": "Room", "target": "incident", "name": "room", "type": "text"}),
    ]
    for name, model, values in plain:
        scene.records[name] = create(model, values, by=SYSTEM)
    transition(transition(scene.records["open"], "prepare", by=SYSTEM), "go_live", by=SYSTEM)
    scene.records |= {"centre": scene.parties["centre"], "other": scene.parties["other"]}
    scene.records |= {"globex": scene.parties["globex"], "gus": scene.people["gus"]}
    scene.records["role"] = RoleAssignment.objects.filter(person=scene.people["lars"]).get()
    scene.records["scheme"] = PriorityScheme(kind="priority_scheme", status="draft", title="Scheme")
    del scene.records["scheme"]
    share(scene.parties["globex"], scene.parties["centre"], "provider", by=SYSTEM)
    share(scene.records["team"], scene.parties["centre"], "member", by=SYSTEM)
    share(scene.records["closed"], scene.people["gus"], "customer", by=SYSTEM)
    scene.shares |= {"globex": [("centre", "provider")], "team": [("centre", "member")]}
    scene.shares["closed"] = [("gus", "customer")]


# -- the plain account -------------------------------------------------------------------------------------


def level(kind: str, role: str) -> int:
    record_type = registry.get(kind)
    return 4 if role == "administrator" else int(record_type.access.get(role, 0))  # type: ignore[call-overload]


def expected_roles(scene: Scene, who: str, what: str) -> set[str]:
    """Say who a person is to a record, from what they hold and with whom it is shared."""
    record = scene.records[what]
    kind, names = record.kind, {party.pk: name for name, party in scene.parties.items()}
    owner = names.get(record.pk if kind == "party" else record.party_id)
    shares = scene.shares.get(what, [])
    inside = {name for name, capacity in shares if capacity in INSIDE}
    roles: set[str] = set()
    represented: set[str] = set()
    for role, party, process in scene.held[who] if who != "left" else []:
        if party and role in ("administrator", "manager", "viewer"):
            represented |= BELOW[party]
        if process and process != registry.get(kind).process:
            if role == "requester" or kind not in READ[process]:
                continue
            role = "viewer"
        if role == "requester":
            continue
        covered = BELOW.get(party, set())
        if kind == "custom_field":  # in the records of every party, and so read by the staff of each
            roles |= {"viewer"} if level(kind, role) else set()
        if kind == "person" and owner in covered:
            roles.add("viewer")
        if not party or owner in covered:
            roles.add(role)
        elif covered & inside:
            roles.add(role if kind in ("incident", "service_request") else "viewer")
        elif kind == "person" and owner == "globex" and "centre" in covered:
            roles.add("viewer")
    outside = {name for name, capacity in shares if capacity not in INSIDE}
    return roles | ({"requester"} if outside & (represented | {who}) else set())


def expected_level(scene: Scene, who: str, what: str) -> int:
    record = scene.records[what]
    found = max((level(record.kind, role) for role in expected_roles(scene, who, what)), default=0)
    return max(found, 1) if record.open_to_all else found


def expected_answers(scene: Scene, who: str, what: str) -> dict[str, Any]:
    roles, reached = expected_roles(scene, who, what), expected_level(scene, who, what)
    record = scene.records[what]
    workflow = record.record_type.workflow
    steps = set()
    for step in workflow.transitions if workflow else ():
        allowed = bool(roles & set(step.by)) if step.by else reached >= LEVELS["edit"]
        if not step.automatic and (allowed or "administrator" in roles):
            steps.add(step.name)
    staff = {role for role in roles if role != "requester" and level(record.kind, role)}
    return {
        "roles": roles,
        "level": reached,
        "internal": bool(staff),
        "edit": reached >= LEVELS["edit"],
        "comment": reached >= LEVELS["contribute"],
        "steps": steps,
        "seen": reached >= 1 and (who != "left"),
        "seen among all": reached >= 1 and (who != "left"),
        "as staff": bool(staff),
    }


def answers(policy: AccessPolicy, record: Record) -> dict[str, Any]:
    workflow = record.record_type.workflow
    model, one = type(record), {"pk": record.pk}
    return {
        "roles": {str(role) for role in policy.roles_on(record)},
        "level": int(policy.access_to(record)),
        "internal": policy.sees_internal(record),
        "edit": policy.may_edit(record),
        "comment": policy.may_comment(record),
        "steps": {
            step.name for step in (workflow.transitions if workflow else ()) if policy.may_take(step, record)
        },
        "seen": model._default_manager.filter(policy.visible(model, few=True), **one).exists(),
        "seen among all": Record.objects.filter(policy.visible(Record), **one).exists(),
        "as staff": model._default_manager.filter(policy.as_staff(model), **one).exists(),
    }


def test_everybody_is_to_every_record_what_they_hold_and_are_shown(scene: Scene) -> None:
    wrong = []
    for who, person in scene.people.items():
        policy = policy_of(person)
        for what, record in scene.records.items():
            found, wanted = answers(policy, record), expected_answers(scene, who, what)
            wrong += [
                (who, what, name, found[name], wanted[name]) for name in wanted if found[name] != wanted[name]
            ]
            plainly = policy.plainly_sees(record.record_type, record.pk, record.party_id, record.open_to_all)
            if plainly and not wanted["seen"]:
                wrong.append((who, what, "plainly", True, False))
    assert wrong == []
    assert policy_of(scene.people["root"]) is policy_of(scene.people["root"])


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("root", "own, elsewhere, stranger, open, closed, field, other"),
        ("walter", "own, elsewhere, stranger, open, closed, field, other"),
        ("maria", "own, open, field, centre"),
        ("pia", "open, closed, stranger, centre, other"),
        ("gus", "open"),
        ("left", ""),
    ],
)
def test_what_a_role_or_openness_shows_needs_no_look_at_shares(scene: Scene, who: str, seen: str) -> None:
    policy = policy_of(scene.people[who])
    names = ["own", "elsewhere", "stranger", "open", "closed", "field", "centre", "other"]
    found = {
        name
        for name in names
        if policy.plainly_sees(
            (record := scene.records[name]).record_type, record.pk, record.party_id, record.open_to_all
        )
    }
    wanted = set(filter(None, seen.split(", ")))
    if who in ("root", "walter"):
        wanted.add("centre")
    assert found == wanted


CREATE = {
    # who: as staff anywhere, in the centre, in the other centre; as a requester
    ("root", "incident"): (True, True, True, True),
    ("ina", "incident"): (True, True, True, True),
    ("lars", "incident"): (True, True, False, True),
    ("maria", "incident"): (True, True, False, True),
    ("arno", "incident"): (True, True, False, True),
    ("pia", "incident"): (True, False, True, True),
    ("ada", "incident"): (True, True, True, True),
    ("vera", "incident"): (False, False, False, True),
    ("walter", "incident"): (False, False, False, True),
    ("quinn", "incident"): (False, False, False, True),
    ("gus", "incident"): (False, False, False, True),
    ("left", "incident"): (False, False, False, False),
    ("root", "team"): (True, True, True, False),
    ("ina", "team"): (False, False, False, False),
    ("maria", "team"): (True, True, False, False),
    ("arno", "team"): (False, False, False, False),
    ("gus", "service"): (False, False, False, False),
    ("carla", "service"): (True, False, False, False),
    ("lars", "custom_field"): (False, False, False, False),
    ("root", "custom_field"): (True, True, True, False),
    ("maria", "role_assignment"): (False, False, False, False),
    ("lars", "role_assignment"): (True, True, False, False),
}


def test_who_creates_what_and_where(scene: Scene) -> None:
    centre, other = scene.parties["centre"].pk, scene.parties["other"].pk
    for (who, kind), (anywhere, here, there, asks) in CREATE.items():
        policy, record_type = policy_of(scene.people[who]), registry.get(kind)
        as_staff = tuple(policy.may_create_as_staff(record_type, party) for party in (None, centre, other))
        assert as_staff == (anywhere, here, there), (who, kind)
        assert tuple(policy.may_place(record_type, party) for party in (centre, other)) == (here, there)
        assert policy.may_place(record_type, None) == (here and there), (who, kind)
        assert policy.may_request(record_type) == asks, (who, kind)
        created = tuple(policy.may_create(record_type, party) for party in (None, centre, other))
        assert created == tuple(one or asks for one in as_staff), (who, kind)


def test_asking_takes_a_type_that_is_asked_for_and_a_requester_who_may_answer(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident: Any = registry.get("incident")
    policy = policy_of(scene.people["gus"])
    for allowed, asks in (
        (Access.NONE, False),
        (Access.VIEW, False),
        (Access.CONTRIBUTE, True),
        (Access.EDIT, True),
    ):
        monkeypatch.setitem(incident.access, "requester", allowed)
        assert policy.may_request(incident) == asks
    monkeypatch.setattr(type(incident), "asked_of_requesters", [])
    assert not policy.may_request(incident)
    assert not AccessPolicy(SYSTEM).may_request(registry.get("incident"))


def test_stellwerk_itself_may_everything_and_takes_what_is_automatic(scene: Scene) -> None:
    policy = AccessPolicy(SYSTEM)
    assert policy.is_administrator
    assert policy.assignments == []
    assert {str(role) for role in policy.roles_on(scene.records["own"])} == {"administrator"}
    assert policy.may_place(registry.get("team"), None)
    (step,) = [step for step in registry.get("priority_scheme").workflow.transitions if step.automatic]
    scheme = PriorityScheme(kind="priority_scheme", status="in_force")
    assert policy.may_take(step, scheme)
    assert not policy_of(scene.people["root"]).may_take(step, scheme)
    assert Incident.objects.filter(policy.visible(Incident)).count() == 4
