"""What a record type is, as text: for the terminal (`describe INC`) and, the same, for its page in docs/types."""

import re
from collections.abc import Iterator, Sequence

from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.translation import override

from stellwerk.kernel.fields.field import Field
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.model.roles import Access, Role
from stellwerk.kernel.model.workflow import Transition, Workflow
from stellwerk.vocabulary import Text

TYPE_IN_ROUTE = "<type:record_type>"
RECORD_ROUTE = "/records/<str:reference>/"


def describe(record_type: RecordType) -> str:
    """Return the type's fields, access, workflow and routes as Markdown that also reads well in a terminal."""
    with override(None):
        parts = [_head(record_type), _fields(record_type), _access(record_type)]
        if record_type.workflow:
            parts.append(_workflow(record_type.workflow))
        parts.append(_routes(record_type))
    return "\n\n".join(parts) + "\n"


def _head(record_type: RecordType) -> str:
    doc = (record_type.model.__doc__ or "").strip().splitlines()
    facts = [f"prefix `{record_type.prefix}`", f"key `{record_type.key}`"]
    if record_type.process:
        facts.append(f"process `{record_type.process}`")
    return f"# {_capitalised(record_type.label)}\n\n{doc[0] if doc else ''}\n\n{', '.join(facts)}".replace(
        "\n\n\n\n", "\n\n"
    )


def _fields(record_type: RecordType) -> str:
    names = record_type.editable_fields
    others = [field.name for field in record_type.journaled if field.name not in names]
    rows = [_field_row(record_type, record_type.own_fields[name]) for name in [*names, *others]]
    head = ["field", "what it is", "kind", "requesters", "in the list"]
    return "## Fields\n\n" + _table(head, rows)


def _field_row(record_type: RecordType, field: Field) -> list[str]:
    kind = field.description()
    if field.name in record_type.editable_fields and field.required:
        kind += ", required"
    elif field.name not in record_type.editable_fields:
        kind += ", set by the system"
    asked = field.name in requestable(record_type).asked_of_requesters
    shown = field.name in record_type.shown_to_requesters
    listed = [word for word, names in _LISTED if field.name in getattr(record_type, names)]
    requesters = " and ".join(word for word, holds in (("read", shown), ("fill", asked)) if holds)
    return [
        f"`{field.name}`",
        field.title,
        kind,
        requesters,
        ", ".join(listed),
    ]


_LISTED = [("column", "columns"), ("filter", "filters"), ("search", "search")]


def _access(record_type: RecordType) -> str:
    levels = {role: record_type.access.get(role, Access.NONE) for role in Role}
    levels[Role.ADMINISTRATOR] = Access.FULL
    rows = [[_capitalised(role.label), level.name.lower()] for role, level in levels.items()]
    return "## Access\n\n" + _table(["role", "goes as far as"], rows)


def _workflow(workflow: Workflow) -> str:
    states = [
        [f"`{status}`", str(workflow.statuses(status).label), _state_note(workflow, status)]
        for status in workflow.statuses.values
    ]
    steps = [_step_row(step) for step in workflow.transitions]
    head = ["step", "what it does", "from", "to", "by", "asks for"]
    return f"## Workflow\n\n{_table(['state', 'name', ''], states)}\n\n{_table(head, steps)}"


def _state_note(workflow: Workflow, status: str) -> str:
    if status == workflow.initial:
        return "first"
    return "no work left" if status in workflow.ended else ""


def _step_row(step: Transition) -> list[str]:
    who = [_capitalised(Role(role).label) for role in step.by] or ["whoever may edit"]
    asked = [f"`{name}`" for name in step.asks] + [f"`{name}` (if wanted)" for name in step.offers]
    return [
        f"`{step.name}`",
        str(step.label),
        ", ".join(f"`{status}`" for status in step.source),
        f"`{step.target}`",
        "the system" if step.automatic else ", ".join(who),
        ", ".join(asked),
    ]


def _routes(record_type: RecordType) -> str:
    rows = [
        f"- `{_of_type(route, record_type)}`" for route in _routes_below(get_resolver().url_patterns, "/")
    ]
    return "## Routes\n\n" + "\n".join(dict.fromkeys(rows))


def _routes_below(patterns: Sequence[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    """Yield the routes that every type has: those of its lists, its API and its records."""
    for pattern in patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from _routes_below(pattern.url_patterns, route)
        elif TYPE_IN_ROUTE in route or route.startswith(RECORD_ROUTE):
            yield route


def _of_type(route: str, record_type: RecordType) -> str:
    route = route.replace(TYPE_IN_ROUTE, record_type.slug).replace(
        "<str:reference>", f"{record_type.prefix}-..."
    )
    return re.sub(r"<\w+:(\w+)>", r"{\1}", route)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns line up."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    padded = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([padded[0], rule, *padded[1:]])


def _capitalised(text: Text) -> str:
    return str(text)[:1].upper() + str(text)[1:]
