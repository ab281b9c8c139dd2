"""Rows altered by SQL, in a database of either kind: each way to do it is found, every time that it is tried.

Only a whole state put back, database and roster together, is not: that needs checkpoints outside the installation.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone

from stellwerk.kernel.activity.attachments.removal import detach
from stellwerk.kernel.activity.attachments.services import attach
from stellwerk.kernel.activity.comments.services import comment
from stellwerk.kernel.activity.links.services import link
from stellwerk.kernel.activity.watching.services import watch
from stellwerk.kernel.audit.housekeeping import extend_roster
from stellwerk.kernel.audit.roster import Roster
from stellwerk.kernel.audit.verification import Verification
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.model import shared_cache
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.record import Record
from stellwerk.kernel.model.roles import Role
from stellwerk.kernel.testing.fixtures import grant, make_person
from stellwerk.kernel.write.services import change, create, share, transition, unshare
from stellwerk.processes.incidents.incident import Incident

TIMES = 23
"""How often each kind is tried, each time elsewhere."""
ABSENT = 2_000_000
INCIDENT = "incidents_incident"
TABLES = {
    "kernel_record": "id",
    INCIDENT: "record_ptr_id",
    "kernel_entry": "record_id",
    "kernel_comment": "record_id",
    "kernel_attachment": "record_id",
    "kernel_share": "record_id",
    "kernel_watcher": "record_id",
}
Row = dict[str, Any]


@dataclass
class Scene:
    """An installation with a ticket on which much was done, its neighbours, and its older states."""

    ticket: Incident
    other: Incident
    people: list[Person]
    parties: list[Party]
    older: list[dict[str, list[Row]]] = field(default_factory=list)
    detached: Row = field(default_factory=dict)

    def rows(self, table: str, where: str = "") -> list[Row]:
        """Return the rows that a table has of the ticket, or those of the condition."""
        return select(table, where or f"{TABLES[table]} = {self.ticket.pk}")


def select(table: str, where: str) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} WHERE {where} ORDER BY 1")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def update(table: str, row: Row, **values: Any) -> None:
    key = "record_ptr_id" if table == INCIDENT else "id"
    told = ", ".join(f"{name} = %s" for name in values)
    sql(f"UPDATE {table} SET {told} WHERE {key} = %s", *values.values(), row[key])


def insert(table: str, row: Row) -> None:
    values = [json.dumps(each) if isinstance(each, dict | list) else each for each in row.values()]
    sql(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})", *values)


def delete(table: str, row: Row) -> None:
    sql(f"DELETE FROM {table} WHERE id = %s", row["id"])


pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def scene(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("roster")
    roster = override_settings(STELLWERK_ROSTER=folder / "journal-roster.sqlite3")
    with roster, django_db_blocker.unblock(), transaction.atomic():
        yield _built()
        transaction.set_rollback(True)


def _built() -> Scene:
    shared_cache.SHARED.clear()
    centre = create(Party, {"title": "Centre North", "party_kind": "member"}, by=SYSTEM)
    globex = create(Party, {"title": "Globex", "party_kind": "customer"}, by=SYSTEM)
    south = create(Party, {"title": "Centre South", "party_kind": "member"}, by=SYSTEM)
    maria, nobody = make_person("Maria", centre), make_person("Nobody", south)
    gus = make_person("Gus", globex)
    grant(maria, Role.MANAGER, centre)
    made = [
        create(Incident, {"title": f"Mail is down {number}", "requester": gus, "party": centre}, by=SYSTEM)
        for number in range(3)
    ]
    ticket, other = made[:2]
    scene = Scene(ticket, other, [maria, gus, nobody], [centre, globex, south])

    def keep() -> None:
        scene.older.append({table: scene.rows(table) for table in TABLES})

    keep()
    ticket = transition(ticket, "begin", by=maria)
    keep()
    ticket = change(ticket, {"impact": "high", "title": "Mail is slow"}, by=maria, reason="It is not down.")
    said = comment(ticket, "We are on it.", by=maria)
    comment(ticket, "It is the disk again.", by=maria, internal=True)
    keep()
    attach(ticket, ContentFile(b"log of the server"), "server.txt", by=maria, internal=True)
    gone = attach(ticket, ContentFile(b"%PDF-1.7 a report"), "report.pdf", by=maria)
    attach(ticket, ContentFile(b"\x89PNG\r\n\x1a\n a picture"), "picture.png", by=maria, comment=said)
    scene.detached = select("kernel_attachment", f"id = {gone.pk}")[0]
    detach(gone, by=maria)
    keep()
    share(ticket, south, "supplier", by=maria)
    share(ticket, nobody, "customer", by=maria)
    unshare(ticket, nobody, by=maria)
    link(ticket, "related", other, by=maria)
    link(ticket, "parent", made[2], by=maria)
    watch(ticket, maria, by=maria)
    watch(ticket, gus, by=maria)
    keep()
    scene.ticket = change(ticket, {"description": "Since Monday"}, by=maria)
    extend_roster(timezone.now())
    return scene


def faults() -> list[str]:
    shared_cache.SHARED.clear()
    return [str(fault) for fault in Verification(Record.objects.all(), Roster.current(), whole=True).faults()]


# -- the kinds ---------------------------------------------------------------------------------------------

Dice = random.Random
Kind = Callable[[Scene, Dice], None]
KINDS: dict[str, Kind] = {}


def kind(what: str) -> Callable[[Kind], Kind]:
    def keep(function: Kind) -> Kind:
        assert what not in KINDS
        KINDS[what] = function
        return function

    return keep


def record_of(scene: Scene) -> Row:
    return scene.rows("kernel_record")[0]


def an_entry(scene: Scene, dice: Dice) -> Row:
    return dice.choice(scene.rows("kernel_entry"))


def near(moment: Any, dice: Dice) -> Any:
    """Return an instant beside one as the database has it."""
    if isinstance(moment, str):
        return f"{moment[:-6]}{(int(moment[-6:]) + dice.randrange(1, 900_000)) % 10**6:06d}"
    return moment + timedelta(microseconds=dice.randrange(1, 10**9))


def flipped(text: str, dice: Dice) -> str:
    place = dice.randrange(len(text))
    return f"{text[:place]}{'x' if text[place] != 'x' else 'y'}{text[place + 1 :]}"


@kind("a value of the record")
def _value(scene: Scene, dice: Dice) -> None:
    table, column, values = dice.choice(
        [
            ("kernel_record", "title", ("Mail is up", "", "Mail is slow ")),
            ("kernel_record", "party_id", (scene.parties[2].pk, None)),
            (INCIDENT, "impact", ("low", "medium")),
            (INCIDENT, "urgency", ("high", "low")),
            (INCIDENT, "description", ("", "Since Monday.")),
            (INCIDENT, "requester_id", (scene.people[0].pk, None)),
            (INCIDENT, "priority", (5,)),
            (INCIDENT, "channel", ("mail", "phone")),
        ]
    )
    update(table, scene.rows(table)[0], **{column: dice.choice(values)})


@kind("a status, known or not")
def _status(scene: Scene, dice: Dice) -> None:
    update("kernel_record", record_of(scene), status=dice.choice(("resolved", "closed", "new", "lost", "")))


@kind("a custom field")
def _custom(scene: Scene, dice: Dice) -> None:
    custom = dice.choice(({"size": dice.randrange(1, 99)}, [], "x", 5, {"a": {"b": []}}))
    update("kernel_record", record_of(scene), custom=json.dumps(custom))


@kind("the type of the record")
def _kind(scene: Scene, dice: Dice) -> None:
    update(
        "kernel_record", record_of(scene), kind=dice.choice(("service_request", "team", "problem", "", "?"))
    )


@kind("the reference")
def _reference(scene: Scene, dice: Dice) -> None:
    update("kernel_record", record_of(scene), reference=f"INC-{dice.randrange(100_000, 999_999)}")


@kind("the version")
def _version(scene: Scene, dice: Dice) -> None:
    row = record_of(scene)
    update("kernel_record", row, version=max(0, row["version"] + dice.choice((-3, -1, 1, 100))))


@kind("when it was created")
def _created(scene: Scene, dice: Dice) -> None:
    row = record_of(scene)
    update("kernel_record", row, created_at=near(row["created_at"], dice))


@kind("when it was updated")
def _updated(scene: Scene, dice: Dice) -> None:
    row = record_of(scene)
    update("kernel_record", row, updated_at=near(row["updated_at"], dice))


@kind("how many entries it has")
def _count(scene: Scene, dice: Dice) -> None:
    row = record_of(scene)
    update("kernel_record", row, journal_count=row["journal_count"] + dice.choice((-5, -1, 1, 1000)))


@kind("the last digest or the seal")
def _sealed(scene: Scene, dice: Dice) -> None:
    row, column = record_of(scene), dice.choice(("journal_head", "journal_seal"))
    update("kernel_record", row, **{column: dice.choice((flipped(row[column], dice), "", "0" * 64))})


@kind("what is open, and who sees it")
def _open(scene: Scene, dice: Dice) -> None:
    row, column = record_of(scene), dice.choice(("is_open", "open_to_all"))
    update("kernel_record", row, **{column: not row[column]})


@kind("what an entry says")
def _entry(scene: Scene, dice: Dice) -> None:
    row = an_entry(scene, dice)
    values: dict[str, Any] = {
        "verb": "comment" if row["verb"] != "comment" else "change",
        "name": f"{row['name']}x",
        "reason": f"{row['reason']} ",
        "internal": not row["internal"],
        "brought_from": "elsewhere",
        "actor_id": next(each.pk for each in scene.people if each.pk != row["actor_id"]),
        "number": row["number"] + 100,
    }
    column = dice.choice(sorted(values))
    update("kernel_entry", row, **{column: values[column]})


@kind("when an entry was written")
def _entry_at(scene: Scene, dice: Dice) -> None:
    row, column = an_entry(scene, dice), dice.choice(("at", "recorded_at"))
    update("kernel_entry", row, **{column: near(row[column], dice)})


@kind("the digests of an entry")
def _digest(scene: Scene, dice: Dice) -> None:
    row, column = an_entry(scene, dice), dice.choice(("digest", "previous"))
    update("kernel_entry", row, **{column: flipped(row[column], dice)})


@kind("the format of an entry")
def _format(scene: Scene, dice: Dice) -> None:
    update("kernel_entry", an_entry(scene, dice), format=dice.choice((None, 1, 3, 0, -1)))


@kind("the changes of an entry")
def _changes(scene: Scene, dice: Dice) -> None:
    row = dice.choice([row for row in scene.rows("kernel_entry") if json.loads(row["changes"])])
    changes = json.loads(row["changes"])
    name = dice.choice(sorted(changes))
    changes[name] = dice.choice((["x", "y"], [None, {"with": 1}], [changes[name][1], changes[name][0], 1]))
    if dice.random() < 0.2:
        del changes[name]
    update("kernel_entry", row, changes=json.dumps(changes))


@kind("changes that are no object, or no pairs")
def _shape(scene: Scene, dice: Dice) -> None:
    shapes: tuple[Any, ...] = (
        [],
        None,
        "x",
        1,
        True,
        [[]],
        {"title": 1},
        {"title": []},
        {"title": [1, 2, 3]},
    )
    shapes += (
        {"@comment": [1]},
        {"@file": [None, "x"]},
        {"@share": ["a", 2]},
        {"@shares": [1, 2]},
        {"": None},
    )
    update("kernel_entry", an_entry(scene, dice), changes=json.dumps(dice.choice(shapes)))


@kind("JSON that cannot be read")
def _unreadable(scene: Scene, dice: Dice) -> None:
    deep = "[" * 5_000 + "]" * 5_000
    number = f"[{'9' * 5_000}]"
    texts = (
        (deep, number) if connection.vendor == "postgresql" else (deep, number, "{", "", "{'a': 1}", "nul")
    )
    if dice.random() < 0.3 and connection.vendor == "sqlite":
        sql("PRAGMA ignore_check_constraints = ON")  # the database itself looks whether JSON is valid
        update("kernel_record", record_of(scene), custom=dice.choice(texts))
    else:
        sql("SELECT 1") if connection.vendor == "postgresql" else sql("PRAGMA ignore_check_constraints = ON")
        update("kernel_entry", an_entry(scene, dice), changes=dice.choice(texts))


@kind("a date that there is not")
def _no_date(scene: Scene, dice: Dice) -> None:
    places = [
        ("kernel_entry", "at"),
        ("kernel_entry", "recorded_at"),
        ("kernel_record", "created_at"),
        ("kernel_record", "updated_at"),
        ("kernel_comment", "at"),
        ("kernel_attachment", "at"),
        (INCIDENT, "due_at"),
    ]
    table, column = dice.choice([place for place in places if place[1] in scene.rows(place[0])[0]])
    dates = {"postgresql": ("infinity", "-infinity", "4713-01-01 BC", "20000-01-01")}
    impossible = dates.get(
        connection.vendor, ("yesterday", "2026-13-45 99:00:00", "0000-00-00", 5, "", b"\xff")
    )
    update(table, dice.choice(scene.rows(table)), **{column: dice.choice(impossible)})


@kind("a value of another type")
def _other_type(scene: Scene, dice: Dice) -> None:
    places = [("kernel_record", "version"), ("kernel_record", "journal_count"), ("kernel_entry", "number")]
    places += [("kernel_entry", "actor_id"), (INCIDENT, "priority"), ("kernel_comment", "author_id")]
    table, column = dice.choice(places)
    values = (2**31 - 1,) if connection.vendor == "postgresql" else ("many", "", 1.5, b"\xff\xfe", -7, 2**62)
    if column == "priority" and connection.vendor == "postgresql":
        values = (9_999,)
    if connection.vendor == "sqlite":
        sql("PRAGMA ignore_check_constraints = ON")
    update(table, dice.choice(scene.rows(table)), **{column: dice.choice(values)})


@kind("text that is none")
def _no_text(scene: Scene, dice: Dice) -> None:
    places = [("kernel_record", "title"), ("kernel_entry", "reason"), ("kernel_comment", "body")]
    places += [("kernel_record", "reference"), ("kernel_attachment", "name"), (INCIDENT, "description")]
    table, column = dice.choice(places)
    row = dice.choice(scene.rows(table))
    if connection.vendor == "postgresql":
        return update(table, row, **{column: "\ufffe\u200b"})
    key = "record_ptr_id" if table == INCIDENT else "id"
    return sql(f"UPDATE {table} SET {column} = CAST(x'ff41fe' AS TEXT) WHERE {key} = %s", row[key])


@kind("nothing where there is always something")
def _null(scene: Scene, dice: Dice) -> None:
    places = [
        ("kernel_record", ("title", "status", "kind", "reference", "version", "created_at", "updated_at")),
        ("kernel_record", ("journal_count", "journal_head", "journal_seal", "custom", "is_open")),
        (
            "kernel_entry",
            ("number", "at", "recorded_at", "verb", "changes", "previous", "digest", "internal"),
        ),
        ("kernel_comment", ("body", "at", "internal", "record_id")),
        ("kernel_attachment", ("name", "at", "internal", "blob_id")),
        ("kernel_share", ("capacity", "record_id")),
        ("kernel_watcher", ("person_id", "record_id")),
        (INCIDENT, ("impact", "description", "priority")),
    ]
    table, columns = dice.choice(places)
    column = dice.choice(columns)
    row = dice.choice(scene.rows(table))
    sql("SET CONSTRAINTS ALL IMMEDIATE") if connection.vendor == "postgresql" else None
    without_not_null(table, column)
    update(table, row, **{column: None})


def without_not_null(table: str, column: str) -> None:
    if connection.vendor == "postgresql":
        return sql(f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL")
    sql(f"CREATE TABLE of_its_rows AS SELECT * FROM {table}")
    sql(f"DROP TABLE {table}")
    return sql(f"ALTER TABLE of_its_rows RENAME TO {table}")


@kind("an entry removed")
def _entry_removed(scene: Scene, dice: Dice) -> None:
    row = an_entry(scene, dice)
    sql("DELETE FROM kernel_notification WHERE entry_id = %s", row["id"])
    delete("kernel_entry", row)


@kind("the end of the journal removed, the record put back to it")
def _cut(scene: Scene, dice: Dice) -> None:
    rows = scene.rows("kernel_entry")
    last = dice.choice(rows[:-1])
    for row in rows[last["number"] :]:
        sql("DELETE FROM kernel_notification WHERE entry_id = %s", row["id"])
        delete("kernel_entry", row)
    head = {"journal_count": last["number"], "journal_head": last["digest"], "version": last["number"]}
    update("kernel_record", record_of(scene), **head)


@kind("entries that change places")
def _swapped(scene: Scene, dice: Dice) -> None:
    first, second = dice.sample(scene.rows("kernel_entry"), 2)
    update("kernel_entry", first, number=9_999)
    update("kernel_entry", second, number=first["number"])
    update("kernel_entry", first, number=second["number"])


@kind("an entry made up")
def _made_up(scene: Scene, dice: Dice) -> None:
    rows = scene.rows("kernel_entry")
    forged = {**dice.choice(rows), "id": ABSENT, "number": len(rows) + 1, "previous": rows[-1]["digest"]}
    forged["digest"] = flipped(forged["digest"], dice)
    insert("kernel_entry", forged)
    if dice.random() < 0.5:
        head = {"journal_count": len(rows) + 1, "journal_head": forged["digest"]}
        update("kernel_record", record_of(scene), **head)


@kind("an entry, comment or file moved to another record")
def _moved(scene: Scene, dice: Dice) -> None:
    table = dice.choice(("kernel_entry", "kernel_comment", "kernel_attachment"))
    moved = {"number": 500} if table == "kernel_entry" else {}
    update(table, dice.choice(scene.rows(table)), record_id=scene.other.pk, **moved)


@kind("a share removed")
def _unshared(scene: Scene, dice: Dice) -> None:
    delete("kernel_share", dice.choice(scene.rows("kernel_share")))


@kind("a share made up")
def _shared(scene: Scene, dice: Dice) -> None:
    row = {**scene.rows("kernel_share")[0], "id": ABSENT, "party_id": None, "person_id": None}
    row["capacity"] = dice.choice(("requester", "provider", "member", "supplier"))
    if dice.random() < 0.5:
        row["person_id"] = scene.people[dice.choice((0, 2))].pk
    else:
        row["party_id"] = scene.parties[0].pk
    insert("kernel_share", row)


@kind("a share altered")
def _share_altered(scene: Scene, dice: Dice) -> None:
    row = dice.choice(scene.rows("kernel_share"))
    whom: list[dict[str, Any]] = [
        {"capacity": "member"},
        {"capacity": ""},
        {"person_id": scene.people[2].pk, "party_id": None},
        {"person_id": None, "party_id": row["person_id"] or scene.parties[0].pk},
        {"record_id": scene.other.pk, "person_id": scene.people[0].pk, "party_id": None},
    ]
    update("kernel_share", row, **dice.choice(whom))


def a_link(scene: Scene, dice: Dice) -> Row:
    return dice.choice(select("kernel_link", f"source_id = {scene.ticket.pk}"))


@kind("a link removed")
def _unlinked(scene: Scene, dice: Dice) -> None:
    delete("kernel_link", a_link(scene, dice))


@kind("a link made up")
def _linked(scene: Scene, dice: Dice) -> None:
    ends = dice.choice(((scene.ticket.pk, scene.people[0].pk), (scene.people[1].pk, scene.ticket.pk)))
    made = {"source_id": ends[0], "target_id": ends[1], "type": dice.choice(("duplicate", "related", "x"))}
    insert("kernel_link", {**a_link(scene, dice), "id": ABSENT, **made})


@kind("a link altered")
def _link_altered(scene: Scene, dice: Dice) -> None:
    row = a_link(scene, dice)
    altered: list[dict[str, Any]] = [
        {"type": "duplicate"},
        {"origin": dice.choice(("computed", "ruled_out", ""))},
        {"source_id": row["target_id"], "target_id": row["source_id"]},
        {"target_id": scene.people[0].pk},
        {"source_id": scene.people[0].pk},
    ]
    update("kernel_link", row, **dice.choice(altered))


@kind("a watcher removed, made up or altered")
def _watcher(scene: Scene, dice: Dice) -> None:
    row, way = dice.choice(scene.rows("kernel_watcher")), dice.randrange(3)
    if way == 0:
        delete("kernel_watcher", row)
    elif way == 1:
        insert("kernel_watcher", {**row, "id": ABSENT, "person_id": scene.people[2].pk})
    else:
        altered = dice.choice(({"person_id": scene.people[2].pk}, {"record_id": scene.other.pk}))
        update("kernel_watcher", row, **altered)


@kind("a comment removed, made up or altered")
def _comment(scene: Scene, dice: Dice) -> None:
    row, way = dice.choice(scene.rows("kernel_comment")), dice.randrange(6)
    altered: list[dict[str, Any]] = [
        {"body": f"{row['body']} "},
        {"at": near(row["at"], dice)},
        {"author_id": scene.people[1].pk},
        {"internal": not row["internal"]},
    ]
    if way < len(altered):
        update("kernel_comment", row, **altered[way])
    elif way == len(altered):
        sql("UPDATE kernel_attachment SET comment_id = NULL WHERE comment_id = %s", row["id"])
        delete("kernel_comment", row)
    else:
        insert("kernel_comment", {**row, "id": ABSENT, "body": "Give them the password."})


@kind("a file removed, made up or altered")
def _file(scene: Scene, dice: Dice) -> None:
    row, way = dice.choice(scene.rows("kernel_attachment")), dice.randrange(6)
    altered: list[dict[str, Any]] = [
        {"name": f"{row['name']}.html"},
        {"at": near(row["at"], dice)},
        {"author_id": scene.people[1].pk},
        {"internal": not row["internal"]},
    ]
    if way < len(altered):
        update("kernel_attachment", row, **altered[way])
    elif way == len(altered):
        delete("kernel_attachment", row)
    else:
        insert("kernel_attachment", {**row, "id": ABSENT, "name": "other.txt"})


@kind("a file moved to another comment, to one or to none")
def _moved_file(scene: Scene, dice: Dice) -> None:
    row = dice.choice(scene.rows("kernel_attachment"))
    elsewhere = {None, *(said["id"] for said in scene.rows("kernel_comment"))} - {row["comment_id"]}
    update("kernel_attachment", row, comment_id=dice.choice(sorted(elsewhere, key=str)))


@kind("a removed file brought back")
def _brought_back(scene: Scene, dice: Dice) -> None:
    insert("kernel_attachment", scene.detached)


@kind("the size, type or hash of a file's content")
def _blob(scene: Scene, dice: Dice) -> None:
    used = ", ".join(str(row["blob_id"]) for row in scene.rows("kernel_attachment"))
    row = dice.choice(select("kernel_blob", f"id IN ({used})"))
    altered: list[dict[str, Any]] = [
        {"size": row["size"] + 1},
        {"content_type": "text/html"},
        {"content_type": "application/octet-stream"},
        {"sha256": flipped(row["sha256"], dice)},
        {"file": "blobs/00/none"},
    ]
    update("kernel_blob", row, **dice.choice(altered))


@kind("an id that leads nowhere")
def _dangling(scene: Scene, dice: Dice) -> None:
    places = [("kernel_entry", "actor_id"), ("kernel_entry", "record_id"), ("kernel_comment", "record_id")]
    places += [("kernel_comment", "author_id"), ("kernel_attachment", "blob_id")]
    places += [
        ("kernel_attachment", "record_id"),
        ("kernel_share", "record_id"),
        ("kernel_watcher", "record_id"),
    ]
    places += [("kernel_watcher", "person_id"), ("kernel_record", "party_id"), (INCIDENT, "requester_id")]
    places += [(INCIDENT, "service_id"), (INCIDENT, "team_id")]
    table, column = dice.choice(places)
    update(table, dice.choice(scene.rows(table)), **{column: ABSENT + dice.randrange(9)})


@kind("the row of the record's type removed")
def _untyped(scene: Scene, dice: Dice) -> None:
    sql(f"DELETE FROM {INCIDENT} WHERE record_ptr_id = %s", scene.ticket.pk)


@kind("the record removed, what belongs to it left")
def _orphans(scene: Scene, dice: Dice) -> None:
    sql("DELETE FROM kernel_record WHERE id = %s", scene.ticket.pk)
    if dice.random() < 0.5:
        sql(f"DELETE FROM {INCIDENT} WHERE record_ptr_id = %s", scene.ticket.pk)


@kind("a record removed with all that belongs to it")
def _removed(scene: Scene, dice: Dice) -> None:
    remove_all(dice.choice((scene.ticket, scene.people[2], scene.parties[2], scene.people[1])).pk)


def remove_all(pk: int) -> None:
    sql(
        "DELETE FROM kernel_notification WHERE entry_id IN (SELECT id FROM kernel_entry WHERE record_id = %s)",
        pk,
    )
    sql("DELETE FROM kernel_link WHERE source_id = %s OR target_id = %s", pk, pk)
    for table, column in (
        *TABLES.items(),
        ("kernel_person", "record_ptr_id"),
        ("kernel_party", "record_ptr_id"),
    ):
        sql(f"DELETE FROM {table} WHERE {column} = %s", pk)


@kind("a record put back to an older state, with all that belongs to it")
def _put_back(scene: Scene, dice: Dice) -> None:
    put_back(scene, dice)


def put_back(scene: Scene, dice: Dice) -> None:
    sql("DELETE FROM kernel_notification")
    for table, column in reversed(TABLES.items()):
        sql(f"DELETE FROM {table} WHERE {column} = %s", scene.ticket.pk)
    for table, rows in dice.choice(scene.older).items():
        for row in rows:
            insert(table, row)


@kind("a record put back to an older state, and worked on since")
def _put_back_and_worked_on(scene: Scene, dice: Dice) -> None:
    put_back(scene, dice)
    sql("DELETE FROM kernel_link")
    for number in range(dice.choice((1, 30))):
        change(Incident.objects.get(pk=scene.ticket.pk), {"description": f"Nothing {number}"}, by=SYSTEM)
    extend_roster(timezone.now())


# -- the table ---------------------------------------------------------------------------------------------


def test_the_untouched_installation_has_no_fault(scene: Scene, db: None) -> None:
    assert faults() == []


def test_the_table_has_a_thousand_alterations_of_at_least_25_kinds() -> None:
    assert len(KINDS) >= 25
    assert len(KINDS) * TIMES >= 1_000


@pytest.mark.parametrize("what", KINDS)
def test_every_alteration_is_found(what: str, scene: Scene, db: None) -> None:
    missed = []
    for seed in range(TIMES):
        point = transaction.savepoint()
        KINDS[what](scene, random.Random(f"{what} {seed}"))
        if not faults():
            missed.append(seed)
        transaction.savepoint_rollback(point)
    assert missed == []


def test_json_that_names_a_key_twice_is_found_where_the_database_keeps_it(scene: Scene, db: None) -> None:
    """PostgreSQL keeps the last of the two, which is what everybody reads there; SQLite keeps both."""
    entry = next(row for row in scene.rows("kernel_entry") if json.loads(row["changes"]))
    changes = json.loads(entry["changes"])
    name = next(iter(changes))
    doubled = f'{{{json.dumps(name)}: ["a", "b"], {json.dumps(changes)[1:]}'
    for table, row, column, text in (
        ("kernel_entry", entry, "changes", doubled),
        ("kernel_record", record_of(scene), "custom", '{"size": 5, "size": null}'),
    ):
        point = transaction.savepoint()
        update(table, row, **{column: text})
        found, stored = faults(), select(table, f"id = {row['id']}")[0][column]
        assert bool(found) == (connection.vendor == "sqlite")
        assert (text == stored) == (connection.vendor == "sqlite")
        transaction.savepoint_rollback(point)
