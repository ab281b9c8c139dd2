"""The live page of all components, /design-system/: what docs/design-system.md describes, drawn by the same templates."""

from datetime import datetime, timedelta

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import format_html

from stellwerk.kernel.model.requestable import ReplyTemplate
from stellwerk.web import components
from stellwerk.web.components import Column, Row
from stellwerk.web.parts import Chart, Figure, Pager, Series, Tab
from stellwerk.web.record.context import Composer, MenuItem, OfferedStep, Property, PropertySection, WordKind
from stellwerk.web.record.stream import Change, FileLink, StreamEntry

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


def samples(now: datetime) -> dict[str, object]:
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
            Tab("Open", "#lists", True, "48"),
            Tab("Unassigned", "#lists", False, "9"),
            Tab("All", "#lists", False, "2481"),
        ],
        "filters": [{"label": "Status", "value": "open", "remove_url": "#lists"}],
        "choices": [
            {"label": "Status", "options": [{"label": "New", "url": "#lists", "count": 9, "active": True}]}
        ],
        "columns": _columns(),
        "rows": _rows(now),
        "page": Pager(2481, True, 1, 50, previous_url="", next_url="#lists"),
        "form": SampleForm(),
        "bad_form": SampleForm({"bad-service": "mail", "bad-urgency": "high"}, prefix="bad"),
        "figures": [
            Figure("need you", 7, "#figures", lit=True),
            Figure("assigned to you", 12, "#figures"),
            Figure("late", 2, "#figures", late=True),
        ],
        "charts": _charts(),
        "section": _section(),
        "stream": _stream(now),
        "composer": _composer(),
        "steps": _steps(),
        "menu": [MenuItem("Merge into …", "#record", "merge", dialog=False)],
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


def _charts() -> list[Chart]:
    teams, values = ["Service desk", "Compute operations", "Storage", "Network"], [44, 38, 29, 12]
    days, reported, resolved = ["Mon", "Tue", "Wed", "Thu", "Fri"], [14, 18, 12, 16, 9], [11, 17, 15, 18, 12]
    lines = [Series("Reported", reported, hue="1"), Series("Resolved", resolved, hue="3")]
    bars = Series("Open", values, ["#charts"] * 4)
    return [
        Chart(
            id="in-and-out",
            title="In and out per day",
            note="4 fewer open than on Monday",
            data={"kind": "lines", "labels": [*days], "series": [one.as_json() for one in lines]},
            head=["Day", "Reported", "Resolved"],
            rows=list(zip(days, reported, resolved, strict=True)),
        ),
        Chart(
            id="by-team",
            title="Open by team",
            note="",
            data={"kind": "bars", "labels": [*teams], "series": [bars.as_json()]},
            head=["Team", "Open"],
            rows=list(zip(teams, values, strict=True)),
        ),
    ]


def _section() -> PropertySection:
    team = components.person("Compute operations", team=True)
    return PropertySection(
        "Assignment",
        [
            Property("team", "Team", team, "#record"),
            Property("assigned", "Assigned", "", "#record"),
            Property("channel", "Channel", "Portal"),
        ],
    )


def _stream(now: datetime) -> list[StreamEntry]:
    note = "The reservation was never removed. I have asked the people in Karlsruhe."
    answer = "<p>Short jobs start at once, only <code>{}</code> hangs.</p>"
    return [
        StreamEntry("note", "Aiko Tanaka", now - timedelta(minutes=12), body=format_html("<p>{}</p>", note)),
        StreamEntry(
            "change",
            "Aiko Tanaka",
            now - timedelta(minutes=31),
            changes=[Change("Status", "New", "In progress")],
        ),
        StreamEntry(
            "reply",
            "Gus Lindqvist",
            now - timedelta(hours=1),
            what="replied",
            via="by mail",
            body=format_html(answer, "long"),
            files=[FileLink("squeue.txt", "#record", 4312)],
        ),
    ]


def _composer() -> Composer:
    return Composer(
        url="#record",
        kinds=[
            WordKind("reply", "Reply", "Reply to Gus Lindqvist …"),
            WordKind("note", "Internal note", "Only the desk sees this …"),
        ],
        kind="reply",
        templates=[ReplyTemplate("Ask for details", "Could you tell us since when?")],
    )


def _steps() -> list[OfferedStep]:
    return [
        OfferedStep("Resolve", "circle-check", "#record", asks=True, natural=True),
        OfferedStep("Wait", "pause", "#record", asks=True),
    ]
