"""The live page of all components, /design-system/: what docs/design-system.md describes, drawn by the same templates."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import format_html

from stellwerk.web import components
from stellwerk.web.components import Column, Row

SURFACES = [
    "canvas",
    "surface",
    "surface-sunken",
    "line",
    "line-control",
    "ink",
    "ink-2",
    "ink-3",
    "panel",
    "lamp",
    "lamp-glow",
]
STATUSES = [
    ("new", "New", "new", "nobody has begun"),
    ("in_progress", "In progress", "active", "somebody works on it"),
    ("waiting", "Waiting", "waiting", "the next move is not ours"),
    ("resolved", "Resolved", "done", "done, to be confirmed"),
    ("closed", "Closed", "closed", "done for good"),
    ("cancelled", "Cancelled", "cancelled", "not done"),
]
TONES = {code: tone for code, _label, tone, _meaning in STATUSES}
PRIORITIES = [(1, "Critical"), (2, "High"), (3, "Medium"), (4, "Low"), (5, "Planning")]
TYPE = ["2xl", "xl", "lg", "md", "base", "sm", "xs"]
SPACES = range(1, 9)


class SampleForm(forms.Form):
    """One field of every kind."""

    title = forms.CharField(
        label="Title", help_text="One sentence that a colleague understands without opening it."
    )
    description = forms.CharField(
        label="Description", widget=forms.Textarea(attrs={"rows": 3}), required=False
    )
    service = forms.ChoiceField(
        label="Affected service", choices=[("", "Choose one"), ("mail", "Mail and calendar")]
    )
    urgency = forms.ChoiceField(
        label="Urgency",
        choices=[("high", "Cannot work"), ("medium", "Work is hindered"), ("low", "Can wait")],
        widget=forms.RadioSelect,
        initial="medium",
    )
    noticed = forms.DateField(
        label="Noticed on", widget=forms.DateInput(attrs={"type": "date"}), required=False
    )
    pictures = forms.FileField(label="Pictures", required=False)
    tell = forms.BooleanField(label="Tell the requester at once", required=False)


@login_required
def design_system(request: HttpRequest) -> HttpResponse:
    """Show every component with sample content."""
    return render(request, "stellwerk/design_system.html", samples(timezone.now()))


def samples(now: datetime) -> dict[str, Any]:
    """Collect what the page shows."""
    return {
        "surfaces": SURFACES,
        "statuses": STATUSES,
        "priorities": PRIORITIES,
        "type_sizes": TYPE,
        "spaces": SPACES,
        "late": now - timedelta(minutes=20),
        "soon": now + timedelta(hours=1),
        "later": now + timedelta(days=2),
        "tabs": [
            {"title": "Open", "url": "#lists", "count": 48, "active": True},
            {"title": "Unassigned", "url": "#lists", "count": 9},
            {"title": "All", "url": "#lists", "count": 2481},
        ],
        "filters": [{"label": "Status", "value": "open", "remove_url": "#lists"}],
        "choices": [
            {"label": "Status", "options": [{"label": "New", "url": "#lists", "count": 9, "active": True}]}
        ],
        "columns": _columns(),
        "rows": _rows(now),
        "page": {"total": 2481, "first": 1, "last": 50, "next_url": "#lists", "previous_url": ""},
        "form": SampleForm(),
        "bad_form": SampleForm({"bad-service": "mail", "bad-urgency": "high"}, prefix="bad"),
        "figures": [
            {"label": "need you", "value": 7, "url": "#figures", "lit": True},
            {"label": "assigned to you", "value": 12, "url": "#figures"},
            {"label": "late", "value": 2, "url": "#figures", "late": True},
        ],
        "charts": _charts(),
        "section": _section(),
        "stream": _stream(now),
        "composer": _composer(),
        "steps": _steps(),
        "menu": [{"title": "Merge into …", "url": "#record", "icon": "merge"}],
    }


def _columns() -> list[Column]:
    return [
        Column("reference", "Reference", "reference", sort_url="#lists"),
        Column("title", "Title", "title", sort_url="#lists"),
        Column("status", "Status", sort_url="#lists"),
        Column("priority", "Priority", sort="ascending", sort_url="#lists"),
        Column("assigned", "Assigned"),
        Column("updated", "Updated", "number"),
    ]


def _rows(now: datetime) -> list[Row]:
    lines = [
        (
            "INC-000481",
            "Jobs on partition long stay pending",
            "in_progress",
            "In progress",
            2,
            "High",
            "Aiko Tanaka",
            12,
        ),
        ("INC-000480", "Cannot reach home directory from login node 3", "new", "New", 1, "Critical", "", 26),
        (
            "REQ-000207",
            "Quota increase for project atlas-ml to 40 TB",
            "waiting",
            "Waiting",
            4,
            "Low",
            "Jonas Brandt",
            125,
        ),
    ]
    return [
        Row(
            pk=reference,
            url="#lists",
            label=reference,
            unread=code == "new",
            cells=[
                components.reference(reference),
                components.title(title, "#lists"),
                components.status(code, status, TONES[code]),
                components.rank(number, priority),
                components.person(name),
                components.moment(now - timedelta(minutes=age), now),
            ],
        )
        for reference, title, code, status, number, priority, name, age in lines
    ]


def _charts() -> list[dict[str, Any]]:
    teams, values = ["Service desk", "Compute operations", "Storage", "Network"], [44, 38, 29, 12]
    days, reported, resolved = ["Mon", "Tue", "Wed", "Thu", "Fri"], [14, 18, 12, 16, 9], [11, 17, 15, 18, 12]
    return [
        {
            "id": "in-and-out",
            "title": "In and out per day",
            "note": "4 fewer open than on Monday",
            "data": {
                "kind": "lines",
                "labels": days,
                "series": [
                    {"name": "Reported", "values": reported, "hue": "1"},
                    {"name": "Resolved", "values": resolved, "hue": "3"},
                ],
            },
            "head": ["Day", "Reported", "Resolved"],
            "rows": [list(line) for line in zip(days, reported, resolved, strict=True)],
        },
        {
            "id": "by-team",
            "title": "Open by team",
            "data": {
                "kind": "bars",
                "labels": teams,
                "series": [{"name": "Open", "values": values, "urls": ["#charts"] * 4}],
            },
            "head": ["Team", "Open"],
            "rows": [list(line) for line in zip(teams, values, strict=True)],
        },
    ]


def _section() -> dict[str, Any]:
    return {
        "title": "Assignment",
        "items": [
            {
                "name": "team",
                "label": "Team",
                "value": components.person("Compute operations", team=True),
                "edit_url": "#record",
            },
            {"name": "assigned", "label": "Assigned", "value": "", "edit_url": "#record"},
            {"name": "channel", "label": "Channel", "value": "Portal"},
        ],
    }


def _stream(now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "kind": "note",
            "who": "Aiko Tanaka",
            "at": now - timedelta(minutes=12),
            "body": format_html(
                "<p>{}</p>", "The reservation was never removed. I have asked the people in Karlsruhe."
            ),
        },
        {
            "kind": "change",
            "who": "Aiko Tanaka",
            "at": now - timedelta(minutes=31),
            "changes": [{"label": "Status", "before": "New", "after": "In progress"}],
        },
        {
            "kind": "reply",
            "who": "Gus Lindqvist",
            "what": "replied",
            "via": "by mail",
            "at": now - timedelta(hours=1),
            "body": format_html("<p>Short jobs start at once, only <code>{}</code> hangs.</p>", "long"),
            "files": [{"name": "squeue.txt", "url": "#record", "size": 4312}],
        },
    ]


def _composer() -> dict[str, Any]:
    return {
        "url": "#record",
        "kinds": [
            {"value": "reply", "label": "Reply", "hint": "Reply to Gus Lindqvist …"},
            {"value": "note", "label": "Internal note", "hint": "Only the desk sees this …"},
        ],
        "kind": "reply",
        "templates": [{"title": "Ask for details", "body": "Could you tell us since when?"}],
    }


def _steps() -> list[dict[str, Any]]:
    return [
        {"label": "Resolve", "icon": "circle-check", "natural": True, "url": "#record", "asks": True},
        {"label": "Wait", "icon": "pause", "url": "#record", "asks": True},
    ]
