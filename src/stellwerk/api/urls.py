"""Addresses of the API: one per path of the table of operations, whatever the number of record types."""

from django.urls import URLPattern, path, re_path

from stellwerk.api import general, pages, records, related
from stellwerk.api.endpoint import Endpoint
from stellwerk.api.operation import OPERATIONS, Operation
from stellwerk.kernel.model import converters

ROOT = "api/v1/"
# Importing these modules fills the table and makes the converter known.
_FILLED_BY = (records, related, general, converters)
_PLACES = {
    "{type}": "<type:record_type>",
    "{reference}": "<str:reference>",
    "{step}": "<str:step>",
    "{id}": "<int:id>",
    "{person}": "<str:person>",
}


def _route(template: str) -> str:
    for place, converter in _PLACES.items():
        template = template.replace(place, converter)
    return ROOT + template


def _by_path() -> dict[str, list[Operation]]:
    found: dict[str, list[Operation]] = {}
    # Fixed words before placeholders: "bulk" is no reference.
    for operation in sorted(OPERATIONS, key=lambda each: (each.of_a_type, "{reference}" in each.path)):
        found.setdefault(operation.path, []).append(operation)
    return found


urlpatterns: list[URLPattern] = [
    *(path(_route(template), Endpoint(operations)) for template, operations in _by_path().items()),
    path(f"{ROOT}docs", pages.reference, name="api_docs"),
    # Anything else is told in the API's own words, and never redirected.
    re_path(rf"^{ROOT}", Endpoint(), name="api-root"),
]
