"""Fill a database with tickets: `python bench/fill.py 100000`, with the database in STELLWERK_DATABASE_URL.

The organisation and the first tickets are made by the verbs; the others are rows like theirs, with journals that
verify, written in bulk. Prints what the driver needs to know, as JSON.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stellwerk.site.settings")

import django

django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.management.color import no_style  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.models import Max, Model  # noqa: E402

from bench import words  # noqa: E402
from stellwerk.foundation.category import Category  # noqa: E402
from stellwerk.foundation.prioritisation import DEFAULT_MATRIX  # noqa: E402
from stellwerk.kernel.activity.comments.models import Comment  # noqa: E402
from stellwerk.kernel.activity.history import History  # noqa: E402
from stellwerk.kernel.identity.party import Party  # noqa: E402
from stellwerk.kernel.identity.person import Person  # noqa: E402
from stellwerk.kernel.identity.role_assignment import RoleAssignment  # noqa: E402
from stellwerk.kernel.identity.team import Team, TeamMembership  # noqa: E402
from stellwerk.kernel.identity.tokens import issue_token  # noqa: E402
from stellwerk.kernel.journal import journal  # noqa: E402
from stellwerk.kernel.journal.entry import FORMAT, Entry  # noqa: E402
from stellwerk.kernel.model import numbering  # noqa: E402
from stellwerk.kernel.model.actor import SYSTEM  # noqa: E402
from stellwerk.kernel.model.record import Record  # noqa: E402
from stellwerk.kernel.model.roles import Role  # noqa: E402
from stellwerk.kernel.permissions.share import Share  # noqa: E402
from stellwerk.kernel.search import postgresql, sqlite  # noqa: E402
from stellwerk.kernel.search.row import SearchRow  # noqa: E402
from stellwerk.kernel.write.services import create, transition  # noqa: E402
from stellwerk.processes.incidents.incident import Incident  # noqa: E402
from stellwerk.processes.services.service import Service  # noqa: E402

BEGAN = datetime(2025, 11, 1, 8, tzinfo=UTC)
SPAN = timedelta(days=364)
LEVELS = ("low", "medium", "medium", "high")
TICKETS_AT_ONCE = 5_000
ON_POSTGRESQL = connection.vendor == "postgresql"


class Organisation:
    """Two centres, three customers with their people, services, categories, and the desk."""

    def __init__(self) -> None:
        north, south = (self._party(name, "member") for name in ("Centre North", "Centre South"))
        self.centre = north
        self.customers = [self._party(name, "customer") for name in ("Globex", "Initech", "Umbra")]
        self.callers = [
            create(Person, {"title": f"Caller {n}", "party": self.customers[n % 3]}, by=SYSTEM)
            for n in range(60)
        ]
        desk = create(Team, {"title": "Service desk", "party": north}, by=SYSTEM)
        self.agents = [self._agent(f"agent{n}", north, desk) for n in range(8)]
        self.services = [self._service(n, [north, north, north, south][n % 4], desk) for n in range(12)]
        self.categories = [
            create(Category, {"title": f"Category {n}", "team": desk}, by=SYSTEM) for n in range(10)
        ]
        self.program = create(
            Person,
            {"title": "Monitoring", "username": "monitoring", "is_service": True, "party": north},
            by=SYSTEM,
        )
        self._grant(self.program, Role.MANAGER, north)
        for customer in self.customers:
            self._grant(self.program, Role.VIEWER, customer)

    def _party(self, title: str, kind: str) -> Party:
        return create(Party, {"title": title, "party_kind": kind}, by=SYSTEM)

    def _agent(self, username: str, party: Party, desk: Team) -> Person:
        agent = create(
            Person, {"title": username.capitalize(), "username": username, "party": party}, by=SYSTEM
        )
        create(TeamMembership, {"team": desk, "person": agent, "valid_from": date(2020, 1, 1)}, by=SYSTEM)
        self._grant(agent, Role.AGENT, party)
        return agent

    def _grant(self, person: Person, role: Role, party: Party) -> None:
        given = {"person": person, "role": role, "party": party, "valid_from": date(2020, 1, 1)}
        create(RoleAssignment, given, by=SYSTEM)

    def _service(self, number: int, party: Party, desk: Team) -> Service:
        given = {"title": f"Service {number}", "party": party, "team": desk, "owner": self.agents[0]}
        service = create(Service, given, by=SYSTEM)
        for step in ("prepare", "go_live"):
            service = transition(service, step, by=SYSTEM)
        return service


class Rows:
    """Rows of one table that differ from a pattern in few columns."""

    def __init__(self, pattern: Model) -> None:
        self.table = pattern._meta.db_table
        self._fields = pattern._meta.local_concrete_fields
        self.columns = [field.column for field in self._fields]
        self._places = {field.attname: place for place, field in enumerate(self._fields)}
        self._pattern = [
            field.get_db_prep_save(getattr(pattern, field.attname), connection) for field in self._fields
        ]
        self.rows: list[list[Any]] = []

    def add(self, **changed: Any) -> None:
        row = self._pattern.copy()
        for name, value in changed.items():
            row[self._places[name]] = stored(value)
        self.rows.append(row)

    def write(self) -> None:
        write(self.table, self.columns, self.rows)
        self.rows.clear()


def stored(value: Any) -> Any:
    """Turn a value into what the database takes; Django's own way asks every field anew and takes ten times as long."""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, datetime) and not ON_POSTGRESQL:
        return connection.ops.adapt_datetimefield_value(value)
    return value


def write(table: str, columns: list[str], rows: Iterable[Any]) -> None:
    names = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        if not ON_POSTGRESQL:
            places = ", ".join(["%s"] * len(columns))
            cursor.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({places})', rows)
            return
        with cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)


class Filling:
    """Tickets after the pattern of one that the verbs made, with its journal, shares, comment and search entry."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        ticket, said = self._pattern_ticket()
        entry = Entry.objects.filter(record_id=ticket.pk).earliest("number")
        self.created: dict[str, list[Any]] = entry.changes
        self.record = Rows(Record.objects.get(pk=ticket.pk))
        self.incident = Rows(ticket)
        self.entry = Rows(entry)
        self.comment = Rows(said)
        self.share = Rows(Share.objects.filter(record_id=ticket.pk, person__isnull=False).get())
        self.search: list[SearchRow] = []
        self.next_id = {
            model: 1 + (model.objects.aggregate(last=Max("pk"))["last"] or 0) for model in _MODELS
        }

    def _pattern_ticket(self) -> tuple[Incident, Comment]:
        house = self.organisation
        title, body = words.text(0)
        values = {
            "title": title,
            "description": body,
            "requester": house.callers[0],
            "service": house.services[0],
            "category": house.categories[0],
        }
        root = create(Person, {"title": "Filler", "username": "filler"}, by=SYSTEM)
        given = {"person": root, "role": Role.ADMINISTRATOR, "valid_from": date(2020, 1, 1)}
        create(RoleAssignment, given, by=SYSTEM)
        with History("benchmark", by=root) as history:
            ticket = history.create(Incident, values, by=house.callers[0], at=BEGAN)
            said = history.comment(ticket, "First look.", by=house.agents[0], at=BEGAN + timedelta(hours=1))
        return Incident.objects.get(pk=ticket.pk), said

    def run(self, count: int, first_number: int) -> None:
        for begin in range(0, count, TICKETS_AT_ONCE):
            with transaction.atomic():
                for index in range(begin, min(begin + TICKETS_AT_ONCE, count)):
                    self._add(index + 1, first_number + index, BEGAN + SPAN * (index / count))
                self._write()
            print(f"  {min(begin + TICKETS_AT_ONCE, count):,} tickets", file=sys.stderr, flush=True)

    def _write(self) -> None:
        for rows in (self.record, self.incident, self.entry, self.comment, self.share):
            rows.write()
        if ON_POSTGRESQL:
            found = (
                (r.record_id, postgresql.vector(r), r.shown_public, r.shown_internal) for r in self.search
            )
            write("kernel_search", ["rowid", "kernel_search", "public", "internal"], found)
        else:
            sqlite.write(connection, self.search)
        self.search.clear()

    def _id(self, model: type[Model]) -> int:
        self.next_id[model] += 1
        return self.next_id[model] - 1

    def _add(self, index: int, number: int, at: datetime) -> None:
        house = self.organisation
        ticket = Ticket(index, numbering.reference("INC", number), self._id(Record), at, house)
        entries = [self._entry(ticket, None, "create", at, ticket.caller.pk, ticket.creation(self.created))]
        if index % 5 == 0 or ticket.is_open:
            entries.append(self._say(ticket, entries[-1]))
        if not ticket.is_open:
            entries.append(
                self._entry(
                    ticket, entries[-1], "transition", ticket.closed_at, ticket.agent.pk, ticket.closure
                )
            )
        last = entries[-1]
        self.record.add(
            id=ticket.pk,
            reference=ticket.reference,
            title=ticket.title,
            status=ticket.status,
            party_id=ticket.service.party_id,
            is_open=ticket.is_open,
            version=len(entries),
            created_at=at,
            updated_at=last.at,
            journal_count=len(entries),
            journal_head=last.digest,
            journal_seal=journal.seal(ticket.reference, len(entries), last.digest),
        )
        self.incident.add(record_ptr_id=ticket.pk, **ticket.own)
        self.share.add(id=self._id(Share), record_id=ticket.pk, person_id=ticket.caller.pk)
        self.share.add(
            id=self._id(Share),
            record_id=ticket.pk,
            person_id=None,
            party_id=ticket.caller.party_id,
            capacity="customer",
        )
        self.search.append(
            SearchRow(ticket.pk, "incident", ticket.reference, ticket.title, f"{ticket.body}\n{ticket.said}")
        )

    def _say(self, ticket: "Ticket", before: Entry) -> Entry:
        ticket.said, at = ticket.body[:200], ticket.at + timedelta(minutes=40)
        digest = {"sha256": hashlib.sha256(ticket.said.encode()).hexdigest(), "length": len(ticket.said)}
        self.comment.add(
            id=self._id(Comment), record_id=ticket.pk, author_id=ticket.agent.pk, body=ticket.said, at=at
        )
        return self._entry(ticket, before, "comment", at, ticket.agent.pk, {"@comment": [None, digest]})

    def _entry(
        self,
        ticket: "Ticket",
        before: Entry | None,
        verb: str,
        at: datetime,
        actor: int,
        changes: dict[str, Any],
    ) -> Entry:
        entry = Entry(
            number=before.number + 1 if before else 1,
            at=at,
            recorded_at=at,
            actor_id=actor,
            verb=verb,
            changes=changes,
            brought_from="benchmark",
            previous=before.digest if before else journal.START,
            format=FORMAT,
        )
        entry.digest = journal.digest(ticket.reference, entry)
        self.entry.add(
            id=self._id(Entry),
            record_id=ticket.pk,
            number=entry.number,
            at=at,
            recorded_at=at,
            actor_id=actor,
            verb=verb,
            changes=changes,
            previous=entry.previous,
            digest=entry.digest,
        )
        return entry


class Ticket:
    """What is particular about one ticket; nine of ten are closed."""

    def __init__(self, index: int, reference: str, pk: int, at: datetime, house: Organisation) -> None:
        self.pk, self.reference, self.at = pk, reference, at
        self.title, self.body = words.text(index)
        self.said = ""
        self.is_open = index % 10 == 0
        self.status = "new" if self.is_open else "closed"
        self.closed_at = at + timedelta(hours=1 + index % 90)
        self.caller = house.callers[index % len(house.callers)]
        self.agent = house.agents[index % len(house.agents)]
        self.service = house.services[index % len(house.services)]
        self.category = house.categories[index % len(house.categories)]
        self.impact, self.urgency = LEVELS[index % 4], LEVELS[index // 4 % 4]
        self.priority = DEFAULT_MATRIX[self.impact][self.urgency]

    @property
    def own(self) -> dict[str, Any]:
        values = {
            "description": self.body,
            "requester_id": self.caller.pk,
            "customer_id": self.caller.party_id,
            "service_id": self.service.pk,
            "category_id": self.category.pk,
            "impact": self.impact,
            "urgency": self.urgency,
            "priority": self.priority,
        }
        if not self.is_open:
            values |= {
                "resolution": "Restarted.",
                "resolution_code": "solved",
                "assigned_to_id": self.agent.pk,
            }
            values |= {"resolved_at": self.closed_at, "closed_at": self.closed_at}
        return values

    def creation(self, pattern: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Return the changes of the first entry: those of the pattern with this ticket's values."""
        given = {
            "title": self.title,
            "description": self.body,
            "party": self.service.party_id,
            "requester": self.caller.pk,
            "customer": self.caller.party_id,
            "service": self.service.pk,
            "category": self.category.pk,
            "impact": self.impact,
            "urgency": self.urgency,
            "priority": self.priority,
            "@shares": [
                {"with": self.caller.pk, "capacity": "requester"},
                {"with": self.caller.party_id, "capacity": "customer"},
            ],
        }
        return {name: [None, given.get(name, both[1])] for name, both in pattern.items()}

    @property
    def closure(self) -> dict[str, list[Any]]:
        moment = self.closed_at.isoformat()
        return {
            "status": ["new", "closed"],
            "resolution": [None, "Restarted."],
            "resolution_code": [None, "solved"],
            "assigned_to": [None, self.agent.pk],
            "resolved_at": [None, moment],
            "closed_at": [None, moment],
        }


_MODELS = (Record, Entry, Comment, Share)


def without_search_index() -> None:
    """A GIN index is made in a minute at the end, but kept up row by row in many."""
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX kernel_search_words")


def finish() -> None:
    """Bring counters, indexes and statistics up to what was written."""
    with connection.cursor() as cursor:
        if ON_POSTGRESQL:
            for statement in postgresql.CREATE:
                cursor.execute(statement)
            for statement in connection.ops.sequence_reset_sql(no_style(), _MODELS):
                cursor.execute(statement)
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("ANALYZE")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def session_of(person: Person) -> str:
    """Open a session as signing in would, and return its key."""
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = "stellwerk.accounts.backend.SignInBackend"
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def references(count: int, party: Party) -> list[str]:
    """Pick references of a party's tickets all over the table."""
    last = Incident.objects.aggregate(last=Max("reference"))["last"].partition("-")[2]
    step = max(1, 2 * int(last) // count)
    wanted = [numbering.reference("INC", number) for number in range(2, int(last) + 1, step)]
    found = Incident.objects.filter(reference__in=wanted, party=party)
    return list(found.order_by("pk").values_list("reference", flat=True))


def main() -> None:
    count = int(sys.argv[1])
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    organisation = Organisation()
    filling = Filling(organisation)
    first_number = numbering.take("INC", count)[0]
    if ON_POSTGRESQL:
        without_search_index()
    filling.run(count, first_number)
    finish()
    known = {
        "token": issue_token(organisation.program, "benchmark", ["read", "write"])[1],
        "session": session_of(organisation.agents[0]),
        "agent": organisation.agents[0].username,
        "callers": [person.pk for person in organisation.callers],
        "services": [service.pk for service in organisation.services],
        "categories": [category.pk for category in organisation.categories],
        "references": references(500, organisation.centre),
    }
    print(json.dumps(known))


if __name__ == "__main__":
    main()
