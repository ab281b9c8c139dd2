"""Read the demo's parties, people, teams, roles, services and categories, and date them back from a day."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from stellwerk.demo.organisation import (
    Appointment,
    Category,
    Membership,
    Party,
    Person,
    ReplyTemplate,
    Service,
    Team,
)


@dataclass(frozen=True, slots=True)
class Federation:
    """Everything that exists before the first ticket."""

    name: str
    zone: str
    parties: tuple[Party, ...]
    people: tuple[Person, ...]
    teams: tuple[Team, ...]
    appointments: tuple[Appointment, ...]
    services: tuple[Service, ...]
    categories: tuple[Category, ...]
    templates: tuple[ReplyTemplate, ...]


@cache
def read(name: str) -> dict[str, Any]:
    """Parse one of the data files next to this module."""
    text = files("stellwerk.demo").joinpath("data", *name.split("/")).read_text(encoding="utf-8")
    return tomllib.loads(text)


def federation(today: date) -> Federation:
    """Return the federation as it stands on a day."""
    data = read("federation.toml")
    teams = tuple(_team(row, today) for row in data["team"])
    return Federation(
        name=data["federation"]["name"],
        zone=data["federation"]["zone"],
        parties=tuple(Party(**row) for row in data["party"]),
        people=tuple(_people(data)),
        teams=teams,
        appointments=tuple(_appointment(row, today) for row in data["appointments"]["rows"]),
        services=tuple(_service(row, teams, today) for row in read("services.toml")["service"]),
        categories=tuple(_categories(data["categories"])),
        templates=tuple(ReplyTemplate(**row) for row in read("phrases.toml")["template"]),
    )


def _people(data: dict[str, Any]) -> Iterator[Person]:
    domains = {party["key"]: party["email"].split("@")[1] for party in data["party"]}
    for kind, rows in data["people"].items():
        for key, first, last, party, title, language in rows:
            yield Person(
                key=key,
                first=first,
                last=last,
                email=f"{key}@{domains[party]}",
                party=party,
                title=title,
                language=language,
                kind=kind,
                active=kind != "former",
                sign_in=data["sign_ins"].get(key, ""),
            )


def _team(row: dict[str, Any], today: date) -> Team:
    members = tuple(
        Membership(person, _ago(today, since), _ended(today, until))
        for person, since, until in row["members"]
    )
    return Team(**{**row, "members": members})


def _appointment(row: list[Any], today: date) -> Appointment:
    role, holder, party, process, since, until, by = row
    team = holder.removeprefix("team:") if holder.startswith("team:") else ""
    person = "" if team else holder
    return Appointment(role, person, team, party, process, _ago(today, since), _ended(today, until), by)


def _service(row: dict[str, Any], teams: tuple[Team, ...], today: date) -> Service:
    contact = next(team.email for team in teams if team.key == row["team"])
    dated = {
        "since": _ago(today, row["since"]),
        "dependencies": tuple(row["dependencies"]),
        "contact": contact,
    }
    return Service(**{**row, **dated})


def _categories(tree: dict[str, list[str]]) -> Iterator[Category]:
    for parent, children in tree.items():
        yield Category(parent, parent, "")
        for child in children:
            yield Category(f"{parent} / {child}", child, parent)


def _ago(today: date, days: int) -> date:
    return today - timedelta(days=days)


def _ended(today: date, days: int) -> date | None:
    return None if days < 0 else _ago(today, days)
