"""Fields that an installation adds: whoever keeps their definitions says here how they are found."""

from collections.abc import Callable, Mapping

from stellwerk.kernel.fields.field import Field

Source = Callable[[str], Mapping[str, Field]]

_sources: list[Source] = []


def added_fields(source: Source) -> Source:
    """Have the fields of a type, by its key, the retired ones too, found by this function as well (decorator)."""
    _sources.append(source)
    return source


def added_to(key: str) -> dict[str, Field]:
    """Return the fields added to a type that are in use, by their names."""
    return {name: field for name, field in _all(key).items() if not field.retired}


def formerly_added_to(key: str) -> dict[str, Field]:
    """Return the fields added to a type that are no longer used: records may still hold their values."""
    return {name: field for name, field in _all(key).items() if field.retired}


def _all(key: str) -> dict[str, Field]:
    found: dict[str, Field] = {}
    for source in _sources:
        found |= source(key)
    return found
