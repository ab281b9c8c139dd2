"""What a page tells its template: dataclasses, so that a misspelt name is found before anybody asks for the page."""

from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def context_of(*parts: "DataclassInstance") -> dict[str, object]:
    """Return the fields of dataclasses by name, those of later ones first; what they hold stays as it is."""
    return {field.name: getattr(part, field.name) for part in parts for field in fields(part)}
