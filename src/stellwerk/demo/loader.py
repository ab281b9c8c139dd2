"""Write a demo organisation through the kernel's verbs, with its past as history brought from elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.utils import timezone

from stellwerk.demo import beside, password_of
from stellwerk.demo.build import SEED, build
from stellwerk.demo.organisation import Appointment, Event, Organisation, Ticket
from stellwerk.demo.organisation import Party as MadeUpParty
from stellwerk.demo.organisation import Team as MadeUpTeam
from stellwerk.demo.telling import Cast, Teller
from stellwerk.foundation.category import Category
from stellwerk.foundation.prioritisation import PriorityScheme
from stellwerk.foundation.reply_template import ReplyTemplate
from stellwerk.kernel.activity.history import History
from stellwerk.kernel.identity.party import Party
from stellwerk.kernel.identity.person import Person
from stellwerk.kernel.identity.role_assignment import RoleAssignment
from stellwerk.kernel.identity.team import Team, TeamMembership
from stellwerk.kernel.journal.entry import Entry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.days import today
from stellwerk.kernel.model.shared_cache import remembering
from stellwerk.processes.incidents.closure import ClosureScheme
from stellwerk.processes.services.service import Service

BROUGHT_FROM = "demo"
FIRST_LINE = "desk"
FOUNDED = timedelta(days=2600)
PREPARED, WENT_LIVE, BEGAN_TO_RETIRE, RETIRED = (timedelta(days=days) for days in (20, 90, 1900, 2200))

Say = Callable[[str], None]


def load(
    now: datetime | None = None, *, seed: int = SEED, passwords: bool = False, say: Say = print
) -> Organisation:
    """Make up the organisation as of `now` and write it, all or nothing; with `passwords`, people can sign in."""
    now = now or timezone.now()
    organisation = build(today(now), seed, now)
    with transaction.atomic(), remembering():
        Loader(organisation, say).run()
        if passwords:
            open_the_doors(organisation)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # both databases plan badly right after a large load
    return organisation


def open_the_doors(organisation: Organisation) -> None:
    """Give those who sign in the passwords that the demo prints."""
    for person in organisation.people:
        if person.sign_in:
            secret = make_password(password_of(person.key))
            Person.objects.filter(username=person.key).update(password=secret)


class Loader:
    """Writes an organisation in the order in which things refer to each other."""

    def __init__(self, organisation: Organisation, say: Say) -> None:
        self.made, self.say = organisation, say
        self.cast = Cast()
        self.history = History(BROUGHT_FROM, by=SYSTEM)
        self.founded = organisation.now - FOUNDED

    def run(self) -> None:
        """Write everything, saying what is done."""
        steps = (
            self._parties,
            self._people,
            self._contacts,
            self._schemes,
            self._teams,
            self._roles,
            self._services,
        )
        for step in steps:
            step()
            self.history.flush()
        self._texts()
        self.history.flush()
        self.say(
            f"{len(self.cast.parties)} parties, {len(self.cast.people)} people, {len(self.cast.services)} services"
        )
        self._tickets()

    # -- who and what there is -----------------------------------------------------------------------------

    def _parties(self) -> None:
        """Create those above before their parts, and store each storey before the next refers to it."""
        waiting = list(self.made.parties)
        while waiting:
            ready = [one for one in waiting if not one.parent or one.parent in self.cast.parties]
            for made in ready:
                waiting.remove(made)
                self._party(made)
            self.history.flush()

    def _party(self, made: MadeUpParty) -> None:
        values = {
            "title": made.name,
            "party_kind": made.kind,
            "parent": self.cast.parties.get(made.parent),
            "description": made.description,
            "website": f"https://{made.email.split('@')[1]}/",
        }
        self.cast.parties[made.key] = self.history.create(Party, values, by=SYSTEM, at=self.founded)

    def _people(self) -> None:
        for made in self.made.people:
            values = {
                "title": made.name,
                "username": made.key,
                "email": made.email,
                "position": made.title,
                "party": self.cast.parties[made.party],
                "language": made.language,
                "time_zone": self.made.zone,
                "is_service": made.kind == "robots",
            }
            person = self.history.create(Person, values, by=SYSTEM, at=self.founded + timedelta(hours=1))
            self.cast.people[made.key] = person
            if not made.active:
                self.history.transition(person, "leave", by=SYSTEM, at=self.made.now - timedelta(days=230))

    def _contacts(self) -> None:
        for made in self.made.parties:
            contact = {"contact": self.cast.people[made.contact]}
            at = self.founded + timedelta(hours=2)
            self.history.change(self.cast.parties[made.key], contact, by=self.cast.people["admin"], at=at)

    def _schemes(self) -> None:
        """Put the schemes into force as of the founding, in place of the one that an installation begins with today."""
        Entry.objects.filter(record__kind="priority_scheme").delete()
        PriorityScheme.objects.all().delete()
        maria, at = self.cast.people["maria"], self.founded + timedelta(hours=3)
        for model, title in (
            (PriorityScheme, "Priority by impact and urgency"),
            (ClosureScheme, "A week to confirm, two to reopen"),
        ):
            scheme = self.history.create(model, {"title": title}, by=maria, at=at)
            self.history.transition(scheme, "enact", by=maria, at=at)

    def _teams(self) -> None:
        for made in self.made.teams:
            values = {
                "title": made.name,
                "party": self.cast.parties[made.party],
                "lead": self.cast.people[made.lead],
                "email": made.email,
                "first_line": made.first_line,
                "description": made.description,
            }
            self.cast.teams[made.key] = self.history.create(Team, values, by=SYSTEM, at=self.founded)
        self.history.flush()
        for made in self.made.teams:
            self._members(made)

    def _members(self, made: MadeUpTeam) -> None:
        by = self.cast.people[made.lead]
        for member in made.members:
            values = {
                "team": self.cast.teams[made.key],
                "person": self.cast.people[member.person],
                "valid_from": member.since,
            }
            joined = self.history.create(TeamMembership, values, by=by, at=_morning(member.since))
            if member.until:
                last = member.until - timedelta(days=1)
                self.history.change(joined, {"valid_until": last}, by=by, at=_morning(member.until))

    def _roles(self) -> None:
        for made in self.made.appointments:
            self._role(made)

    def _role(self, made: Appointment) -> None:
        by = self.cast.people[made.by]
        values = {
            "role": made.role,
            "person": self.cast.people.get(made.person),
            "team": self.cast.teams.get(made.team),
            "party": self.cast.parties.get(made.party),
            "process": made.process,
            "valid_from": made.since,
            "appointed_by": by,
        }
        role = self.history.create(RoleAssignment, values, by=by, at=_morning(made.since))
        if made.until:
            last = made.until - timedelta(days=1)
            self.history.change(role, {"valid_until": last}, by=by, at=_morning(made.until))

    def _services(self) -> None:
        names = {made.key: made.name for made in self.made.services}
        for made in self.made.services:
            values = {
                "title": made.name,
                "summary": made.tagline,
                "description": made.description,
                "value": made.value,
                "user_group": made.customers,
                "features": _bullets(made.features),
                "options": _bullets(made.options),
                "dependencies": _bullets("; ".join(names[key] for key in made.dependencies)),
                "support_hours": made.hours,
                "contact": made.contact,
                "owner": self.cast.people[made.owner],
                "team": self.cast.teams[made.team],
                "party": self.cast.parties[made.party],
                "in_catalogue": made.visible,
            }
            begun = _morning(made.since)
            service = self.history.create(Service, values, by=self.cast.people[made.owner], at=begun)
            self.cast.services[made.key] = service
            for step, after in _way_to(made.phase):
                self.history.transition(service, step, by=self.cast.people["astrid"], at=begun + after)

    def _texts(self) -> None:
        maria = self.cast.people["maria"]
        at = self.founded + timedelta(hours=3)
        teams = self._teams_by_category()
        for above in (True, False):
            for made in self.made.categories:
                if above == (not made.parent):
                    values = {
                        "title": made.name,
                        "parent": self.cast.categories.get(made.parent),
                        "team": self.cast.teams[teams.get(made.key, FIRST_LINE)],
                    }
                    self.cast.categories[made.key] = self.history.create(Category, values, by=maria, at=at)
            self.history.flush()
        for template in self.made.templates:
            values = {"title": template.name, "body": template.text}
            self.history.create(ReplyTemplate, values, by=maria, at=at)

    def _teams_by_category(self) -> dict[str, str]:
        """Give each category the team whose service most of its tickets are about."""
        team_of = {service.key: service.team for service in self.made.services}
        seen: dict[str, Counter[str]] = {}
        for ticket in self.made.tickets:
            for event in ticket.events:
                if event.category:
                    seen.setdefault(event.category, Counter())[team_of[ticket.service]] += 1
        return {category: teams.most_common(1)[0][0] for category, teams in seen.items()}

    # -- what happened ---------------------------------------------------------------------------------------

    def _tickets(self) -> None:
        """Write the tickets that stand alone one by one; those that are linked together, in the order of time."""
        teller = Teller(self.history, self.cast)
        tied = {number for link in self.made.links for number in (link.source, link.target)}
        for ticket in self.made.tickets:
            teller.open(ticket)
            if ticket.number not in tied:
                for event in ticket.events[1:]:
                    teller.go_on(ticket.number, event)
            if ticket.number % 500 == 0:
                self.say(f"{ticket.number} of {len(self.made.tickets)} tickets")
        self.history.flush()
        self._interwoven(teller, [ticket for ticket in self.made.tickets if ticket.number in tied])
        self.history.flush()
        beside.write(self.made, self.cast, teller)

    def _interwoven(self, teller: Teller, tickets: list[Ticket]) -> None:
        """Continue the lives of linked tickets: a link needs both records, and each journal goes forward."""
        moments: list[tuple[datetime, int, Callable[[], None]]] = []
        for ticket in tickets:
            for event in ticket.events[1:]:
                moments.append((event.at, len(moments), _telling(teller, ticket.number, event)))
        for link in self.made.links:
            moments.append((link.at, len(moments), lambda link=link: teller.tie(link)))  # type: ignore[misc]
        for _at, _order, tell in sorted(moments, key=lambda moment: moment[:2]):
            tell()


def _telling(teller: Teller, number: int, event: Event) -> Callable[[], None]:
    return lambda: teller.go_on(number, event)


def _way_to(phase: str) -> list[tuple[str, timedelta]]:
    """List the steps that lead to a phase, with the time from the first idea to each."""
    way = {
        "prepare": PREPARED,
        "go_live": WENT_LIVE,
        "begin_retirement": BEGAN_TO_RETIRE,
        "retire": RETIRED,
    }
    reached = ("idea", "preparation", "live", "retiring", "retired").index(phase)
    return list(way.items())[:reached]


def _bullets(text: str) -> str:
    return "\n".join(f"- {part}" for part in text.split("; ")) if text else ""


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(9), tzinfo=UTC)
