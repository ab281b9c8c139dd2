"""Start-up checks of what pages need: a wrong icon, key or query would else answer every page with an error."""

from collections.abc import Collection, Iterator

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ValidationError
from django.db import models
from django.http import QueryDict
from django.urls import NoReverseMatch, reverse
from lucide import IconDoesNotExist

from stellwerk.kernel.model import registry
from stellwerk.kernel.model.actor import SYSTEM
from stellwerk.kernel.model.declaration import RecordType, View
from stellwerk.kernel.model.requestable import requestable
from stellwerk.kernel.query.selection import Selection
from stellwerk.web import components, shell
from stellwerk.web.fields import RENDERERS
from stellwerk.web.lists.listing import OWN


@register("stellwerk")
def check_pages(app_configs: object, **kwargs: object) -> list[CheckMessage]:
    """Check what every record type and the navigation hand to pages."""
    of_types = [fault for record_type in registry.all_types() for fault in faults_of(record_type)]
    return [*of_types, *faults_of_navigation([*shell.groups(), shell.Group("", shell.portal_pages())])]


def faults_of(record_type: RecordType) -> Iterator[CheckMessage]:
    """Yield what pages could not draw of one declaration."""
    steps = record_type.workflow.transitions if record_type.workflow else ()
    for name in [record_type.icon, *(step.icon for step in steps)]:
        if not _is_icon(name):
            yield _error("E020", record_type, f"there is no icon “{name}”.")
    for attribute, views in (("views", record_type.views), ("work", requestable(record_type).work)):
        for view in views:
            if why := _unreadable(record_type, view):
                yield _error("E021", record_type, f"{attribute}: “{view.name}” does not parse: {why}")
    for field in record_type.own_fields.values():
        if field.kind not in RENDERERS:
            yield _error("E022", record_type, f"“{field.name}” holds {field.kind}, which no renderer draws.")


def faults_of_navigation(groups: Collection[shell.Group]) -> Iterator[CheckMessage]:
    """Yield the entries of the navigation that lead nowhere or have no icon."""
    keys = {record_type.key for record_type in registry.all_types()}
    for entry in (entry for group in groups for entry in group.entries):
        if isinstance(entry, str):
            if entry not in keys:
                yield _of_navigation("E023", f"there is no record type “{entry}”.")
            continue
        if entry.needs and entry.needs not in keys:
            yield _of_navigation(
                "E023", f"“{entry.url_name}” needs “{entry.needs}”, which is no record type."
            )
        if not _is_icon(entry.icon):
            yield _of_navigation("E020", f"“{entry.url_name}”: there is no icon “{entry.icon}”.")
        try:
            reverse(entry.url_name)
        except NoReverseMatch:
            yield _of_navigation("E024", f"there is no page “{entry.url_name}”.")


class _Unasked(Selection):
    """Reads a query without asking the database, which may not be there yet."""

    def visible_ids(self, model: type[models.Model], references: Collection[str]) -> set[int]:
        return set()


def _unreadable(record_type: RecordType, view: View) -> str:
    """Say why a view's query cannot be read; "" when it can."""
    try:
        _Unasked.parse(record_type, QueryDict(view.query), SYSTEM, ignoring=OWN)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def _is_icon(name: str) -> bool:
    try:
        return bool(components.icon(name))
    except IconDoesNotExist:
        return False


def _error(number: str, record_type: RecordType, message: str) -> Error:
    return Error(f"{type(record_type).__name__}: {message}", obj=type(record_type), id=f"stellwerk.{number}")


def _of_navigation(number: str, message: str) -> Error:
    return Error(f"Navigation: {message}", id=f"stellwerk.{number}")
