"""What is wrong with a declaration fails at start-up, with the class and the fault."""

from typing import Any

import pytest
from django.db import models

from stellwerk.exchange import checks as of_files
from stellwerk.exchange.readers import READERS
from stellwerk.kernel.declare import View
from stellwerk.kernel.model import checks, registry
from stellwerk.processes.incidents.incident import IncidentType
from stellwerk.web import checks as of_pages
from stellwerk.web.fields import RENDERERS
from stellwerk.web.shell import Group, Page


def wrong(**attributes: Any) -> Any:
    """Return the declaration of incidents with something changed, known to nobody."""
    return type("WrongType", (IncidentType,), attributes)()


@pytest.mark.parametrize(
    ("attributes", "fault"),
    [
        ({"icon": "sirene"}, "there is no icon “sirene”."),
        ({"views": [View("x", "X", "colour=red")]}, "views: “x” does not parse"),
        ({"views": [View("x", "X", "status=gone")]}, "views: “x” does not parse"),
        ({"work": [View("x", "X", "ordering=colour")]}, "work: “x” does not parse"),
    ],
)
def test_what_pages_cannot_draw_is_named(attributes: dict[str, Any], fault: str) -> None:
    (found,) = of_pages.faults_of(wrong(**attributes))
    assert found.msg.startswith(f"WrongType: {fault}")


@pytest.mark.parametrize(
    ("attributes", "fault"),
    [
        (
            {"columns": ["reference", "description"]},
            "columns names “description”, but long_text does not fit there.",
        ),
        ({"filters": ["description"]}, "filters names “description”, but long_text does not fit there."),
    ],
)
def test_a_kind_that_does_not_fit_its_place_is_named(attributes: dict[str, Any], fault: str) -> None:
    assert [each.msg for each in checks.faults_of(wrong(**attributes))] == [f"WrongType: {fault}"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"participants": ["colour"]},
        {"asked_of_requesters": ["colour"]},
        {"open_implies": {"colour": None}},
        {"assignee": "colour"},
    ],
)
def test_a_name_in_what_people_ask_for_that_is_no_field_is_named(attributes: dict[str, Any]) -> None:
    (attribute,) = attributes
    assert [each.msg for each in checks.faults_of(wrong(**attributes))] == [
        f"WrongType: {attribute} names “colour”, but Incident has no such field."
    ]


def test_a_column_without_a_kind_is_named() -> None:
    declared = wrong()
    column = models.BinaryField()
    column.name = "seal"
    declared.__dict__["journaled"] = (*declared.journaled, column)
    assert [each.msg for each in checks.faults_of(declared)] == [
        "WrongType: “seal” cannot be carried: There is no kind for BinaryField."
    ]


def test_a_kind_without_a_renderer_or_a_reader_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    incidents = registry.get("incident")
    monkeypatch.delitem(RENDERERS, "rank")
    monkeypatch.delitem(READERS, "rank")
    assert [each.msg for each in of_pages.faults_of(incidents)] == [
        "IncidentType: “priority” holds rank, which no renderer draws."
    ]
    assert [each.msg for each in of_files.faults_of(incidents)] == [
        "IncidentType: “priority” holds rank, which no file can hold."
    ]


def test_a_tone_that_does_not_exist_is_named() -> None:
    workflow = registry.get("category").workflow
    assert workflow is not None
    declared = type("WrongType", (type(registry.get("category")),), {})()
    declared.workflow = type(workflow)(
        workflow.statuses, workflow.initial, workflow.transitions, workflow.ended, {"active": "pink"}
    )
    assert [each.msg for each in checks.faults_of(declared)] == [
        "WrongType: the state “active” has the tone “pink”: there is no such one."
    ]


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("incidents", "there is no record type “incidents”."),
        (Page("home", "Home", "hause"), "“home”: there is no icon “hause”."),
        (Page("hime", "Home", "house"), "there is no page “hime”."),
        (Page("home", "Home", "house", needs="tickets"), "“home” needs “tickets”, which is no record type."),
    ],
)
def test_an_entry_of_the_navigation_that_leads_nowhere_is_named(entry: Any, fault: str) -> None:
    assert [each.msg for each in of_pages.faults_of_navigation([Group("", [entry])])] == [
        f"Navigation: {fault}"
    ]


def test_what_is_declared_is_sound() -> None:
    assert of_pages.check_pages(None) == of_files.check_files(None) == checks.check_declarations(None) == []
