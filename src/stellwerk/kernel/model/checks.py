"""Start-up checks over the declarations: a wrong name fails before the first request, with class and fault."""

from collections.abc import Iterator

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import FieldDoesNotExist

from stellwerk.kernel.fields.build import kind_of
from stellwerk.kernel.model import registry
from stellwerk.kernel.model.declaration import RecordType
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.model.workflow import TONES

_LISTS = (
    "columns",
    "filters",
    "search",
    "shown_to_requesters",
    "workers",
    "in_charge",
)
_ASKED_FOR = ("asked_of_requesters", "participants", "open_implies")


@register("stellwerk")
def check_declarations(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """Check every registered record type."""
    return [fault for record_type in registry.all_types() for fault in faults_of(record_type)]


def faults_of(record_type: RecordType) -> Iterator[CheckMessage]:
    """Yield what is wrong with one declaration."""
    unknown = list(_kinds(record_type))
    if unknown:
        yield from unknown  # without a kind nothing else can be asked of a field
        return
    yield from _names(record_type)
    yield from _fields(record_type)
    yield from _prefix(record_type)
    yield from _workflow(record_type)
    yield from _participants(record_type)


def _names(record_type: RecordType) -> Iterator[CheckMessage]:
    named = [(attribute, name) for attribute in _LISTS for name in getattr(record_type, attribute)]
    named += [("sections", name) for section in record_type.sections for name in section.fields]
    named += [("labels", name) for name in record_type.labels]
    asked = requestable(record_type)
    named += [(attribute, name) for attribute in _ASKED_FOR for name in getattr(asked, attribute)]
    named += [("assignee", asked.assignee)] if asked.assignee else []
    named.append(("ordering", record_type.ordering.lstrip("-")))
    if record_type.scope not in ("pk", ""):
        named.append(("scope", record_type.scope))
    for attribute, name in named:
        if not _has_field(record_type, name):
            yield _error(
                "E001",
                record_type,
                f"{attribute} names “{name}”, but {record_type.model.__name__} has no such field.",
            )


def _kinds(record_type: RecordType) -> Iterator[CheckMessage]:
    for column in record_type.journaled:
        try:
            kind_of(column)
        except TypeError as error:
            yield _error("E009", record_type, f"“{column.name}” cannot be carried: {error}")


def _fields(record_type: RecordType) -> Iterator[CheckMessage]:
    """Yield the places at which a field stands whose kind of value does not fit there."""
    fields = record_type.own_fields
    ordering = record_type.ordering.lstrip("-")
    unfit = [("ordering", ordering)] if ordering in fields and fields[ordering].many else []
    for attribute in ("columns", "filters"):
        names = [name for name in getattr(record_type, attribute) if name in fields]
        unfit += [(attribute, name) for name in names if not fields[name].listed]
    for attribute, name in unfit:
        yield _error(
            "E010", record_type, f"{attribute} names “{name}”, but {fields[name].kind} does not fit there."
        )
    if record_type.workflow:
        states = set(record_type.workflow.statuses.values)
        for status, tone in record_type.workflow.tones.items():
            if str(status) not in states or tone not in TONES:
                yield _error(
                    "E011", record_type, f"the state “{status}” has the tone “{tone}”: there is no such one."
                )


def _prefix(record_type: RecordType) -> Iterator[CheckMessage]:
    prefix = record_type.prefix
    if not (2 <= len(prefix) <= 4 and prefix.isascii() and prefix.isalpha() and prefix.isupper()):
        yield _error("E002", record_type, f"prefix is {prefix!r}: give two to four capital letters.")


def _workflow(record_type: RecordType) -> Iterator[CheckMessage]:
    workflow = record_type.workflow
    if workflow is None:
        return
    known = set(workflow.statuses.values)
    for step in workflow.transitions:
        for status in sorted({*map(str, step.source), str(step.target)} - known):
            yield _error(
                "E003",
                record_type,
                f"transition “{step.name}” names the state “{status}”, which does not exist.",
            )
        for name in step.fields:
            if not _has_field(record_type, name):
                yield _error(
                    "E004", record_type, f"transition “{step.name}” asks for “{name}”, which is no field."
                )
    if len(workflow.by_name) < len(workflow.transitions):
        yield _error("E005", record_type, "two transitions have the same name.")
    for status in sorted(known - {str(status) for status in workflow.reachable()}):
        yield _error(
            "E006", record_type, f"the state “{status}” cannot be reached from “{workflow.initial}”."
        )


def _participants(record_type: RecordType) -> Iterator[CheckMessage]:
    asked = requestable(record_type)
    for name in asked.participants:
        if name in record_type.references and record_type.references[name].__name__ not in (
            "Person",
            "Party",
        ):
            yield _error(
                "E007", record_type, f"participants names “{name}”, which points to no person or party."
            )
    if asked.asked_of_requesters and not asked.participants:
        yield _error(
            "E008", record_type, "asked_of_requesters needs participants: who would the requester be?"
        )


def _has_field(record_type: RecordType, name: str) -> bool:
    try:
        record_type.field(name)
    except FieldDoesNotExist:
        return False
    return True


def _error(number: str, record_type: RecordType, message: str) -> Error:
    return Error(f"{type(record_type).__name__}: {message}", obj=type(record_type), id=f"stellwerk.{number}")
